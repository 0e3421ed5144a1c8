#ifndef AG_TEST_SUPPORT_TOLERANCE_HPP
#define AG_TEST_SUPPORT_TOLERANCE_HPP
/// How far a result may be from the f64 evaluation of its definition on the
/// same, already rounded, inputs: |x - ref| <= atol + rtol * |ref|. The bounds
/// hold for N(0, 1) data, widths up to 256 and lengths up to 8192.

#include "attn_grid/dtype.hpp"

namespace attn_grid::test {

struct Tolerance {
  double atol, rtol;
};

/// Of what a forward kernel computes in `dtype`.
constexpr Tolerance forward_tolerance(DType dtype) {
  switch (dtype) {
  case f64:
    return {1e-12, 1e-10};
  case f32:
    return {2e-5, 1e-4};
  case f16:
    return {2e-3, 2e-3};
  default: // bf16
    return {1.6e-2, 1.6e-2};
  }
}

/// Of a log-sum-exp, whose inputs have `dtype`. The absolute bound is the
/// specification's, for N(0, 1) data. The relative one, 8 ulp of the type that
/// keeps it, matters only where tests draw far larger scores.
constexpr Tolerance lse_tolerance(DType dtype) {
  switch (dtype) {
  case f64:
    return {1e-12, 1e-15};
  case f32:
    return {1e-5, 1e-6};
  case f16:
    return {1e-3, 1e-6};
  default: // bf16
    return {5e-3, 1e-6};
  }
}

} // namespace attn_grid::test

#endif
