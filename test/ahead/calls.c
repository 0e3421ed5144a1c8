/* Calls as a C program makes them. */

#include "test/ahead/calls.h"

#include "AgAheadKernels.h"

ag_status scale_in_c(const float *x, float *y, int64_t count, double factor,
                     bool twice) {
  int64_t sizes[1];
  ag_array in = {0}, out = {0};
  sizes[0] = count;
  in.data = (void *)x;
  in.dtype = AG_F32;
  in.rank = 1;
  in.sizes = sizes;
  out = in;
  out.data = y;
  return ahead_scale(&in, 0, &out, 0, factor, 0, &twice, 1);
}
