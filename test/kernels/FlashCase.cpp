#include "test/kernels/FlashCase.h"

#include "test/support/Compare.hpp"

#include <fmt/core.h>

namespace attn_grid::test {

std::string FlashCase::name() const {
  std::string text = fmt::format("{}{}_B{}_H{}_G{}_M{}_N{}_D{}_DV{}",
                                 name_of(dtype), causal ? "_causal" : "", batch,
                                 heads, groups, rows, keys, width, value_width);
  if (row_block != 64 || key_block != 64)
    text += fmt::format("_BM{}_BN{}", row_block, key_block);
  return text;
}

DeviceKernel flash_kernel(bool causal, int64_t row_block, int64_t key_block) {
  static const Module module =
      Module::from_file(AG_SOURCE_DIR "/kernels_dsl/flash/flash_fwd.ag");
  return module.kernel(
      "flash_fwd", {{"causal", causal}, {"BM", row_block}, {"BN", key_block}});
}

double default_scale(const TensorView &q) {
  return 1 / std::sqrt(static_cast<double>(q.size(-1)));
}

/// An empty pair of outputs. Filled with NaN, so that an element that no
/// program writes is seen.
static FlashResult make_outputs(const TensorView &q, const TensorView &v) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  Dims sizes{q.size(0), q.size(1), q.size(2), v.size(3)};
  Dims row_sizes{q.size(0), q.size(1), q.size(2)};
  return {Tensor::full(sizes, nan, q.dtype()),
          Tensor::full(row_sizes, nan, acc_of(q.dtype()))};
}

static FlashResult run(const DeviceKernel &kernel, const TensorView &q,
                       const TensorView &k, const TensorView &v) {
  FlashResult result = make_outputs(q, v);
  kernel(q, k, v, out(result.o), out(result.lse));
  return result;
}

FlashResult run_flash(const TensorView &q, const TensorView &k,
                      const TensorView &v, bool causal) {
  return run(flash_kernel(causal), q, k, v);
}

testing::AssertionResult matches(const FlashResult &result, const TensorView &q,
                                 const TensorView &k, const TensorView &v,
                                 double scale, bool causal) {
  Array qs = read(q), ks = read(k), vs = read(v);
  Attention want = attention(qs, ks, vs, scale, causal);
  std::vector<double> o = result.o.to_vector();
  if (auto same = near(o, want.o, forward_tolerance(q.dtype())); !same)
    return same << " in o";
  if (auto same =
          near(result.lse.to_vector(), want.lse, lse_tolerance(q.dtype()));
      !same)
    return same << " in lse";
  if (q.dtype() == f64)
    return testing::AssertionSuccess();
  Attention naive = attention(qs, ks, vs, scale, causal, q.dtype());
  double bound = 2 * max_error(naive.o, want.o) + 1e-5;
  if (double error = max_error(o, want.o); error > bound)
    return testing::AssertionFailure()
           << "the largest error of o, " << error
           << ", is above twice that of a naive evaluation, " << bound;
  return testing::AssertionSuccess();
}

void check_flash(const FlashCase &test) {
  Tensor q = Tensor::randn({test.batch, test.heads, test.rows, test.width},
                           test.dtype, {}, 1);
  Tensor k = Tensor::randn({test.batch, test.groups, test.keys, test.width},
                           test.dtype, {}, 2);
  Tensor v =
      Tensor::randn({test.batch, test.groups, test.keys, test.value_width},
                    test.dtype, {}, 3);
  FlashResult result =
      run(flash_kernel(test.causal, test.row_block, test.key_block), q, k, v);
  EXPECT_TRUE(matches(result, q, k, v, default_scale(q), test.causal));
}

} // namespace attn_grid::test
