#ifndef AG_TEST_AHEAD_CALLS_H
#define AG_TEST_AHEAD_CALLS_H
/* What the C part of the test offers to the C++ part. */

#include "attn_grid/c.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* y[i] = x[i] * factor, twice that if `twice`, by `ahead_scale`. */
ag_status scale_in_c(const float *x, float *y, int64_t count, double factor,
                     bool twice);

#ifdef __cplusplus
}
#endif

#endif
