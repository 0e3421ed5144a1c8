#ifndef ATTN_GRID_AHEAD_H
#define ATTN_GRID_AHEAD_H
/* What a header that `agc build` wrote stands on. Programs call the functions
   of that header; this is what those functions do. */

#include "attn_grid/c.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A strided array that the caller owns. `sizes` has `rank` numbers, and so has
   `strides`, in elements; null strides mean elements in row-major order.
   `device` says where `data` is; what is left 0 is the CPU. */
typedef struct ag_array {
  void *data;
  ag_dtype dtype;
  int32_t rank; /* 0 to AG_MAX_RANK */
  const int64_t *sizes;
  const int64_t *strides;
  ag_device_kind device;
  int32_t device_index; /* of GPUs, from 0 */
} ag_array;

/* The format of what follows. An object of another version is AG_UNSUPPORTED:
   build it again. */
#define AG_AHEAD_VERSION 3

/* The kernels of one object, as the object holds them. */
typedef struct ag_ahead_library {
  uint64_t version;
  const void *records; /* what the kernels expect, and which variants exist */
  uint64_t records_bytes;
  const void *const *code; /* of each variant for each target: a function, or
                              PTX text */
  uint64_t code_count;
  void *loaded; /* the runtime's; null before the first call */
} ag_ahead_library;

/* Checks the arguments, picks the variant and the instruction set, runs the
   kernel on the threads of this process, and returns when it is done; or, for
   arrays of a GPU, launches it on the calling thread's stream of that. `values`
   has one per parameter of function number `function`: a pointer, an int64_t,
   a double, or a bool as 0 or 1. Thread-safe. */
AG_C_API ag_status ag_ahead_call(ag_ahead_library *library, uint32_t function,
                                 const uint64_t *values);

#ifdef __cplusplus
}
#endif

#endif
