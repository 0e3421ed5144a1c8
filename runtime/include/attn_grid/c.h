#ifndef ATTN_GRID_C_H
#define ATTN_GRID_C_H
/* The interface for C, and for languages that call C.
 *
 *   ag_module *module;
 *   ag_kernel *kernel;
 *   ag_results *made;
 *   ag_arg causal = ag_named("causal", ag_bool(1));
 *   if (ag_module_from_file("flash_fwd.ag", NULL, 0, &module) ||
 *       ag_module_kernel(module, "flash_fwd", &causal, 1, &kernel))
 *     return fprintf(stderr, "%s\n", ag_last_error());
 *   ag_arg args[] = {ag_in(q), ag_in(k), ag_in(v), ag_out(o), ag_out(lse),
 *                    ag_named("scale", ag_float(0.125))};
 *   if (ag_kernel_launch(kernel, args, 6, &made)) ...
 *
 * **Errors.** A function that can fail returns `ag_status`: `AG_OK`, which is
 * 0, or what went wrong. `ag_last_error()` is then the message, per thread.
 * Nothing was written then, neither tensors nor results (`*made` is NULL, or
 * 0 in a struct). No C++ exception leaves this interface.
 *
 * **Handles** (`ag_tensor *` and so on) are the caller's: each that a function
 * hands over goes back through the `free` of its kind, which takes NULL. They
 * may be freed in any order, for each shares what it needs. NULL, a handle of
 * another kind, and one that was freed are `AG_INVALID_ARGUMENT`; one whose
 * place a new handle has taken cannot be told from that.
 *
 * **Threads.** Everything may be called from any thread. One handle is not to
 * be freed while another thread uses it, a launch is run by one thread at a
 * time, and reads and writes of elements are ordered by the caller.
 *
 * **Texts** are UTF-8, and end in a zero byte. Those handed over live as long
 * as the handle they were asked of, unless another time is stated. */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AG_C_API __attribute__((visibility("default")))
#ifdef __cplusplus
#define AG_C_ENUM : unsigned /* what C takes for an enum without negatives */
#else
#define AG_C_ENUM
#endif

/* ---- errors ---- */

/** What went wrong, and so who has to act. */
typedef enum ag_status AG_C_ENUM {
  AG_OK = 0,
  /** Shapes, ranges, options or handles conflict: change the call. */
  AG_INVALID_ARGUMENT = 1,
  /** A kernel's source, or what it is bound to, is wrong: the message holds the
   * diagnostics, each with its place. */
  AG_COMPILE_ERROR = 2,
  /** An element type other than the one wanted. */
  AG_DTYPE_ERROR = 3,
  /** An unknown name: a kernel, a parameter, a const, a device. */
  AG_KEY_ERROR = 4,
  /** An index or position beyond what it indexes. */
  AG_OUT_OF_RANGE = 5,
  /** Legal, but this version or device cannot do it. */
  AG_UNSUPPORTED = 6,
  /** The device, the operating system or a file failed. */
  AG_BACKEND_ERROR = 7,
  /** There is not enough memory. */
  AG_OUT_OF_MEMORY = 8,
  /** A mistake of this library: please report it with the message. */
  AG_INTERNAL_ERROR = 9
} ag_status;

/** The message of the last call of this thread that failed, "" before that.
 * Valid until this thread's next call that fails. */
AG_C_API const char *ag_last_error(void);
/** "invalid argument", "compile error", ... */
AG_C_API const char *ag_status_name(ag_status status);
/** "0.1.0". */
AG_C_API const char *ag_version(void);

/* ---- values ---- */

/** The most dimensions that a tensor has. */
#define AG_MAX_RANK 8

/** Element types. A `AG_BOOL` takes one byte in memory. */
typedef enum ag_dtype AG_C_ENUM {
  AG_BOOL,
  AG_I8,
  AG_I16,
  AG_I32,
  AG_I64,
  AG_U8,
  AG_U16,
  AG_U32,
  AG_F16,
  AG_BF16,
  AG_F32,
  AG_F64,
  AG_F8E4M3,
  AG_F8E5M2
} ag_dtype;

/** The name in `.ag` source: "bool", "i8", ..., "bf16"; "?" for no dtype. */
AG_C_API const char *ag_dtype_name(ag_dtype dtype);
/** The dtype of that name. Fails with `AG_KEY_ERROR`. */
AG_C_API ag_status ag_dtype_named(const char *name, ag_dtype *dtype);
/** Bytes of one element; 0 for no dtype. */
AG_C_API size_t ag_dtype_size(ag_dtype dtype);

typedef struct ag_tensor ag_tensor;
typedef struct ag_module ag_module;
typedef struct ag_kernel ag_kernel;
typedef struct ag_launch ag_launch;
typedef struct ag_results ag_results;

/** What an `ag_value` holds. */
typedef enum ag_kind AG_C_ENUM {
  AG_KIND_NONE,       /**< an optional tensor that is not there */
  AG_KIND_INT,        /**< `as.integer` */
  AG_KIND_FLOAT,      /**< `as.number` */
  AG_KIND_BOOL,       /**< `as.integer`, 0 or not */
  AG_KIND_DTYPE,      /**< `as.dtype` */
  AG_KIND_TENSOR,     /**< `as.tensor`, which the kernel reads */
  AG_KIND_OUT_TENSOR, /**< `as.tensor`, which the kernel may write */
} ag_kind;

/** A number, a dtype or a tensor. Make it with the functions below. */
typedef struct ag_value {
  ag_kind kind;
  union {
    int64_t integer;
    double number;
    ag_dtype dtype;
    const ag_tensor *tensor;
  } as;
} ag_value;

/** An argument of a launch (by position if `name` is NULL), or a const, dtype
 * or extent that a lookup binds by name. */
typedef struct ag_arg {
  const char *name;
  ag_value value;
} ag_arg;

static inline ag_arg ag_none(void) {
  ag_arg arg = {NULL, {AG_KIND_NONE, {0}}};
  return arg;
}
static inline ag_arg ag_int(int64_t value) {
  ag_arg arg = {NULL, {AG_KIND_INT, {0}}};
  arg.value.as.integer = value;
  return arg;
}
static inline ag_arg ag_float(double value) {
  ag_arg arg = {NULL, {AG_KIND_FLOAT, {0}}};
  arg.value.as.number = value;
  return arg;
}
static inline ag_arg ag_bool(int value) {
  ag_arg arg = {NULL, {AG_KIND_BOOL, {0}}};
  arg.value.as.integer = value != 0;
  return arg;
}
static inline ag_arg ag_type(ag_dtype value) {
  ag_arg arg = {NULL, {AG_KIND_DTYPE, {0}}};
  arg.value.as.dtype = value;
  return arg;
}
/** A tensor that the kernel reads. */
static inline ag_arg ag_in(const ag_tensor *tensor) {
  ag_arg arg = {NULL, {AG_KIND_TENSOR, {0}}};
  arg.value.as.tensor = tensor;
  return arg;
}
/** A tensor that the kernel may write: for `out` and `inout` parameters. */
static inline ag_arg ag_out(const ag_tensor *tensor) {
  ag_arg arg = {NULL, {AG_KIND_OUT_TENSOR, {0}}};
  arg.value.as.tensor = tensor;
  return arg;
}
/** The same argument by name. The characters outlive the call it is given to.
 */
static inline ag_arg ag_named(const char *name, ag_arg arg) {
  arg.name = name;
  return arg;
}

/* ---- device ---- */

/** Devices, as `ag_tensor_info` states them. */
typedef enum ag_device_kind {
  AG_DEVICE_CPU,
  AG_DEVICE_CUDA, /**< an NVIDIA GPU */
  AG_DEVICE_SIM   /**< a GPU in software */
} ag_device_kind;

/** A device is spelled by name: "cpu", "cuda:0", "sim"; NULL is "cpu". This
 * finds what the name would give: `AG_UNSUPPORTED` if the device is not there,
 * with the reason, `AG_KEY_ERROR` if the name means nothing. */
AG_C_API ag_status ag_device_check(const char *device);
/** Waits until all launches on it have run; `AG_BACKEND_ERROR` for what went
 * wrong in them. */
AG_C_API ag_status ag_device_synchronize(const char *device);
/** How many threads a launch on "cpu" uses. */
AG_C_API int ag_num_threads(void);
/** Sets that for the launches that begin later; 0 is the default. */
AG_C_API ag_status ag_set_num_threads(int threads);
/** Sends the `print` of kernels to `sink`, one piece of `bytes` bytes per call,
 * one call at a time; NULL is standard output. `context` is passed through. */
AG_C_API ag_status ag_set_print_sink(void (*sink)(const char *text,
                                                  size_t bytes, void *context),
                                     void *context);

/* ---- streams ---- */

/** An order of launches on a device, and a place in it: see `stream.hpp`. What
 * a queued launch reads and writes stays alive until it has run; what is queued
 * runs also if the stream is freed, which on "cpu" waits for it. */
typedef struct ag_stream ag_stream;
typedef struct ag_event ag_event;

/** A stream of its own. */
AG_C_API ag_status ag_stream_create(const char *device, ag_stream **made);
/** The device's default stream; that of "cpu" runs a launch within its call. */
AG_C_API ag_status ag_stream_default(const char *device, ag_stream **made);
/** A `CUstream` or `cudaStream_t` that someone else made, and destroys later.
 */
AG_C_API ag_status ag_stream_wrap(const char *device, void *handle,
                                  ag_stream **made);
AG_C_API void ag_stream_free(ag_stream *stream);
/** Makes it the calling thread's current stream of its device, until the
 * `ag_stream_leave` that belongs to this call. */
AG_C_API ag_status ag_stream_enter(const ag_stream *stream);
AG_C_API ag_status ag_stream_leave(void);
/** Has all that was queued run? */
AG_C_API ag_status ag_stream_done(const ag_stream *stream, int *done);
/** Waits until it has; the error of the first launch that failed since the last
 * call. */
AG_C_API ag_status ag_stream_synchronize(const ag_stream *stream);
/** The place behind all that is queued now. */
AG_C_API ag_status ag_stream_record(const ag_stream *stream, ag_event **made);
/** What is queued from now on runs after that event, of any device. */
AG_C_API ag_status ag_stream_wait(const ag_stream *stream,
                                  const ag_event *event);

AG_C_API void ag_event_free(ag_event *event);
AG_C_API ag_status ag_event_done(const ag_event *event, int *done);
AG_C_API ag_status ag_event_synchronize(const ag_event *event);
/** The time between two events of one device; waits for both. */
AG_C_API ag_status ag_event_milliseconds(const ag_event *begin,
                                         const ag_event *end,
                                         double *milliseconds);

/* ---- compiles that launches do not wait for ---- */

/** Nonzero: later launches whose variant is neither in memory nor on disk run
 * one that assumes nothing of the tensors' strides while their own compiles. */
AG_C_API ag_status ag_compile_in_background(int on);
/** Waits until what launches have asked for so far is compiled. */
AG_C_API ag_status ag_wait_for_compiles(void);

/* ---- tensors ---- */

/** What a tensor is. Strides are in elements. */
typedef struct ag_tensor_info {
  void *data;
  ag_dtype dtype;
  int32_t rank;
  int64_t sizes[AG_MAX_RANK];
  int64_t strides[AG_MAX_RANK];
  int64_t elements;      /**< the product of the sizes */
  int32_t is_contiguous; /**< row-major order without gaps? */
  ag_device_kind device;
  int32_t device_index; /**< of devices of its kind, from 0 */
} ag_tensor_info;

AG_C_API ag_status ag_tensor_get_info(const ag_tensor *tensor,
                                      ag_tensor_info *info);
AG_C_API void ag_tensor_free(ag_tensor *tensor);

/* All that make a tensor set `*made` to a new handle, or to NULL. */

/** New memory, aligned to 64 bytes, with unspecified elements. */
AG_C_API ag_status ag_tensor_empty(ag_dtype dtype, int rank,
                                   const int64_t *sizes, const char *device,
                                   ag_tensor **made);
/** New memory, every element set to `value`, a number. */
AG_C_API ag_status ag_tensor_full(ag_dtype dtype, int rank,
                                  const int64_t *sizes, ag_value value,
                                  const char *device, ag_tensor **made);
/** Normal deviates: element i in row-major order depends on `seed` and i. */
AG_C_API ag_status ag_tensor_randn(ag_dtype dtype, int rank,
                                   const int64_t *sizes, uint64_t seed,
                                   const char *device, ag_tensor **made);
/** Uniform deviates of [low, high); integers with both ends; bools. */
AG_C_API ag_status ag_tensor_uniform(ag_dtype dtype, int rank,
                                     const int64_t *sizes, uint64_t seed,
                                     double low, double high,
                                     const char *device, ag_tensor **made);
/** 0, 1, 2, ... in row-major order. */
AG_C_API ag_status ag_tensor_iota(ag_dtype dtype, int rank,
                                  const int64_t *sizes, const char *device,
                                  ag_tensor **made);
/** Row-major elements from `count` numbers, as many as the sizes say. */
AG_C_API ag_status ag_tensor_from_values(ag_dtype dtype, int rank,
                                         const int64_t *sizes,
                                         const double *values, size_t count,
                                         const char *device, ag_tensor **made);
/** A view of memory that someone else owns, in row-major order if `strides` is
 * NULL. `release(context)` is called once, when the last view of it goes, and
 * not if this function fails; NULL leaves it to the caller to keep the memory
 * until then. */
AG_C_API ag_status ag_tensor_from_memory(void *data, ag_dtype dtype, int rank,
                                         const int64_t *sizes,
                                         const int64_t *strides,
                                         void (*release)(void *context),
                                         void *context, const char *device,
                                         ag_tensor **made);
/** Reads a `.npy` file. */
AG_C_API ag_status ag_tensor_from_npy(const char *path, const char *device,
                                      ag_tensor **made);
/** Writes a `.npy` file; bf16 and 8-bit floats as f32. */
AG_C_API ag_status ag_tensor_to_npy(const ag_tensor *tensor, const char *path);

struct DLManagedTensor;
/** Shares another library's tensor, and calls its deleter when the last view
 * goes; where this fails, the caller keeps `managed`. */
AG_C_API ag_status ag_tensor_from_dlpack(struct DLManagedTensor *managed,
                                         ag_tensor **made);
/** Shares a tensor with another library, which calls the deleter once. */
AG_C_API ag_status ag_tensor_to_dlpack(const ag_tensor *tensor,
                                       struct DLManagedTensor **managed);

/** One element, as an integer, float or bool; `rank` indices. */
AG_C_API ag_status ag_tensor_get(const ag_tensor *tensor, int rank,
                                 const int64_t *index, ag_value *value);
/** Writes one element, converted. */
AG_C_API ag_status ag_tensor_set(const ag_tensor *tensor, int rank,
                                 const int64_t *index, ag_value value);
/** Sets every element. */
AG_C_API ag_status ag_tensor_fill(const ag_tensor *tensor, ag_value value);
/** Copies the elements of `source`, converted; the sizes are the same. */
AG_C_API ag_status ag_tensor_copy_from(const ag_tensor *tensor,
                                       const ag_tensor *source);

/* Views: new handles that share the elements and keep the memory. */

/** The same elements with other sizes, of which one may be -1. */
AG_C_API ag_status ag_tensor_view(const ag_tensor *tensor, int rank,
                                  const int64_t *sizes, ag_tensor **made);
/** Swaps two dimensions; negative ones count from the end. */
AG_C_API ag_status ag_tensor_transpose(const ag_tensor *tensor, int a, int b,
                                       ag_tensor **made);
/** Dimension i of the result is dimension `order[i]`. */
AG_C_API ag_status ag_tensor_permute(const ag_tensor *tensor, int rank,
                                     const int64_t *order, ag_tensor **made);
/** `begin`, `begin + step`, ... below `end` of one dimension. */
AG_C_API ag_status ag_tensor_slice(const ag_tensor *tensor, int dim,
                                   int64_t begin, int64_t end, int64_t step,
                                   ag_tensor **made);
/** One index of a dimension, which is dropped. */
AG_C_API ag_status ag_tensor_select(const ag_tensor *tensor, int dim,
                                    int64_t index, ag_tensor **made);
/** A new dimension of size 1 in front of `dim`. */
AG_C_API ag_status ag_tensor_unsqueeze(const ag_tensor *tensor, int dim,
                                       ag_tensor **made);
/** Repeats dimensions of size 1 with stride 0; -1 keeps a size. */
AG_C_API ag_status ag_tensor_expand(const ag_tensor *tensor, int rank,
                                    const int64_t *sizes, ag_tensor **made);

/** Shares if it is in row-major order, else copies. */
AG_C_API ag_status ag_tensor_contiguous(const ag_tensor *tensor,
                                        ag_tensor **made);
/** A copy in row-major order. */
AG_C_API ag_status ag_tensor_clone(const ag_tensor *tensor, ag_tensor **made);
/** A copy of another dtype. */
AG_C_API ag_status ag_tensor_convert(const ag_tensor *tensor, ag_dtype dtype,
                                     ag_tensor **made);
/** The same elements on another device; shares if it is there already. */
AG_C_API ag_status ag_tensor_to(const ag_tensor *tensor, const char *device,
                                ag_tensor **made);

/* ---- modules and kernels ---- */

/** Reads, parses and checks a file. `import` searches its folder, then the
 * `num_dirs` folders of `include_dirs`. */
AG_C_API ag_status ag_module_from_file(const char *path,
                                       const char *const *include_dirs,
                                       size_t num_dirs, ag_module **made);
/** The same for text, which messages call `name` (NULL: "source.ag"). */
AG_C_API ag_status ag_module_from_source(const char *source, const char *name,
                                         const char *const *include_dirs,
                                         size_t num_dirs, ag_module **made);
AG_C_API void ag_module_free(ag_module *module);
/** How many kernels it has. */
AG_C_API ag_status ag_module_size(const ag_module *module, size_t *kernels);
/** The name of one, in the order of the source. */
AG_C_API ag_status ag_module_kernel_name(const ag_module *module,
                                         size_t position, const char **name);
/** A kernel with consts, dtypes and extents bound by name. */
AG_C_API ag_status ag_module_kernel(const ag_module *module, const char *name,
                                    const ag_arg *bindings, size_t num_bindings,
                                    ag_kernel **made);

typedef enum ag_mode AG_C_ENUM {
  AG_MODE_IN,
  AG_MODE_OUT,
  AG_MODE_INOUT
} ag_mode;

/** One parameter of a kernel. */
typedef struct ag_param {
  const char *name;
  int32_t is_tensor; /**< else a scalar */
  int32_t rank;      /**< of a tensor */
  ag_mode mode;
  int32_t may_be_left_away; /**< optional, with a default, or a pure output */
} ag_param;

AG_C_API void ag_kernel_free(ag_kernel *kernel);
AG_C_API ag_status ag_kernel_name(const ag_kernel *kernel, const char **name);
/** The `///` comment above it. */
AG_C_API ag_status ag_kernel_doc(const ag_kernel *kernel, const char **doc);
/** How many parameters it has. */
AG_C_API ag_status ag_kernel_size(const ag_kernel *kernel, size_t *params);
AG_C_API ag_status ag_kernel_param(const ag_kernel *kernel, size_t position,
                                   ag_param *param);

/** What a parameter must look like beside other arguments. */
typedef struct ag_expected {
  int32_t known; /**< are dtype, rank and sizes meaningful? */
  ag_dtype dtype;
  int32_t rank;
  int64_t sizes[AG_MAX_RANK];
  /** What nothing binds yet, "N, T"; "" if known. It lives until this thread's
   * next `ag_kernel_expect`. */
  const char *missing;
} ag_expected;

/** The same for each parameter, given the arguments known so far. `expected`
 * has room for `capacity` of them, at least as many as there are parameters. */
AG_C_API ag_status ag_kernel_expect(const ag_kernel *kernel, const ag_arg *args,
                                    size_t num_args, ag_expected *expected,
                                    size_t capacity);

/** Checks the arguments, compiles if these types and consts are new, and runs.
 * `*made` gets the tensors made for outputs left away; NULL drops them. */
AG_C_API ag_status ag_kernel_launch(const ag_kernel *kernel, const ag_arg *args,
                                    size_t num_args, ag_results **made);
/** Checks, compiles and binds, and runs nothing. Unlike a C++ launch it keeps
 * the memory of its tensors, unless that is the caller's own. */
AG_C_API ag_status ag_kernel_prepare(const ag_kernel *kernel,
                                     const ag_arg *args, size_t num_args,
                                     ag_launch **made);

/* ---- prepared launches and results ---- */

/** Which compiled variant a launch runs. */
typedef struct ag_variant {
  const char *key;   /**< kernel and bindings, as text */
  double compile_ms; /**< what making it took, perhaps long ago */
  int32_t cached;    /**< was it there already? */
  int32_t from_disk; /**< did this process find it on disk? */
} ag_variant;

AG_C_API void ag_launch_free(ag_launch *launch);
/** Fills outputs that have a fill, and runs. */
AG_C_API ag_status ag_launch_run(const ag_launch *launch);
/** The tensors made for outputs left away. */
AG_C_API ag_status ag_launch_results(const ag_launch *launch,
                                     ag_results **made);
AG_C_API ag_status ag_launch_variant(const ag_launch *launch,
                                     ag_variant *variant);
/** How many programs one run has. */
AG_C_API ag_status ag_launch_programs(const ag_launch *launch,
                                      int64_t *programs);

AG_C_API void ag_results_free(ag_results *results);
AG_C_API ag_status ag_results_size(const ag_results *results, size_t *size);
/** The parameter's name, in the signature's order. */
AG_C_API ag_status ag_results_name(const ag_results *results, size_t position,
                                   const char **name);
/** One tensor, as a new handle. */
AG_C_API ag_status ag_results_tensor(const ag_results *results, size_t position,
                                     ag_tensor **made);
/** The same by the parameter's name. */
AG_C_API ag_status ag_results_named(const ag_results *results, const char *name,
                                    ag_tensor **made);

#ifdef __cplusplus
}
#endif

#endif
