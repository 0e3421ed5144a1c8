#ifndef AG_TEST_KERNELS_FLASHCASE_H
#define AG_TEST_KERNELS_FLASHCASE_H
/// One launch of flash_fwd, and what it must give.

#include "attn_grid/attn_grid.hpp"
#include "test/support/DeviceKernel.h"
#include "test/support/Reference.hpp"

#include <gtest/gtest.h>
#include <string>

namespace attn_grid::test {

/// Sizes and options of a launch, named as in the kernel.
struct FlashCase {
  int64_t batch = 1, heads = 2, groups = 1, rows = 1, keys = 1;
  int64_t width = 64, value_width = 64;
  DType dtype = f32;
  bool causal = false;
  int64_t row_block = 64, key_block = 64;

  /// A test's name: "f32_causal_B1_H2_G1_M70_N100_D64_DV64".
  std::string name() const;
};

/// What a launch gave.
struct FlashResult {
  Tensor o, lse;
};

/// flash_fwd of the repository, its variants shared by all tests of a process.
DeviceKernel flash_kernel(bool causal, int64_t row_block = 64,
                          int64_t key_block = 64);

/// The default scale, 1 / sqrt(D).
double default_scale(const TensorView &q);

/// Launches with fresh outputs.
FlashResult run_flash(const TensorView &q, const TensorView &k,
                      const TensorView &v, bool causal);

/// Is the result that of the definition, within the tolerance of its type, and
/// within twice the error of a naive evaluation in that type? (The second is
/// not asked of f64, whose tolerance is the sharper one.)
testing::AssertionResult matches(const FlashResult &result, const TensorView &q,
                                 const TensorView &k, const TensorView &v,
                                 double scale, bool causal);

/// Draws N(0, 1) inputs, launches and compares.
void check_flash(const FlashCase &test);

} // namespace attn_grid::test

#endif
