// flash_fwd on strided, packed, transposed and repeated inputs: no copy is
// made, and the bits are those of a launch on contiguous copies.

#include "test/kernels/FlashCase.h"

#include <gtest/gtest.h>

namespace attn_grid::test {
namespace {

class FlashView : public testing::TestWithParam<std::tuple<DType, bool>> {
protected:
  DType dtype() const { return std::get<0>(GetParam()); }
  bool causal() const { return std::get<1>(GetParam()); }
  Tensor draw(const Dims &sizes, uint64_t seed) const {
    return Tensor::randn(sizes, dtype(), {}, seed);
  }
  void check(const Tensor &q, const Tensor &k, const Tensor &v) const {
    FlashResult result = run_flash(q, k, v, causal());
    EXPECT_TRUE(matches(result, q, k, v, default_scale(q), causal()));
  }
};
INSTANTIATE_TEST_SUITE_P(Types, FlashView,
                         testing::Combine(testing::Values(f32, f16, bf16, f64),
                                          testing::Bool()),
                         [](const auto &info) {
                           return std::string(
                                      name_of(std::get<0>(info.param))) +
                                  (std::get<1>(info.param) ? "_causal" : "");
                         });

// Sequence before heads, as the modules of flash attention have it.
TEST_P(FlashView, SequenceBeforeHeads) {
  Tensor q = draw({2, 70, 4, 40}, 1).transpose(1, 2);
  Tensor k = draw({2, 100, 2, 40}, 2).transpose(1, 2);
  Tensor v = draw({2, 100, 2, 40}, 3).transpose(1, 2);
  check(q, k, v);
}

// q, k and v are parts of one tensor [B, S, 3, H, D].
TEST_P(FlashView, PackedQkv) {
  Tensor qkv = draw({2, 90, 3, 2, 64}, 1);
  auto part = [&](int64_t i) { return qkv.select(2, i).transpose(1, 2); };
  check(part(0), part(1), part(2));
}

// The last axis is not the dense one.
TEST_P(FlashView, WidthIsStrided) {
  Tensor q = draw({1, 2, 64, 70}, 1).transpose();
  Tensor k = draw({1, 2, 64, 100}, 2).transpose();
  Tensor v = draw({1, 2, 40, 100}, 3).transpose();
  check(q, k, v);
}

// Every third element.
TEST_P(FlashView, WidthHasGaps) {
  Tensor q = draw({1, 2, 70, 120}, 1).slice(3, 0, 120, 3);
  Tensor k = draw({1, 2, 100, 120}, 2).slice(3, 1, 120, 3);
  Tensor v = draw({1, 2, 100, 40}, 3);
  check(q, k, v);
}

// Stride 0: one batch of keys for all, one row for all, one number for all.
TEST_P(FlashView, RepeatedBatch) {
  Tensor q = draw({3, 2, 70, 64}, 1);
  Tensor k = draw({1, 2, 100, 64}, 2).expand({3, 2, 100, 64});
  Tensor v = draw({1, 1, 100, 64}, 3).expand({3, 2, 100, 64});
  check(q, k, v);
}
TEST_P(FlashView, RepeatedRows) {
  Tensor q = draw({1, 2, 1, 64}, 1).expand({1, 2, 70, 64});
  Tensor k = draw({1, 2, 1, 64}, 2).expand({1, 2, 100, 64});
  Tensor v = draw({1, 2, 100, 64}, 3);
  check(q, k, v);
}
// Equal products do not cancel: small numbers keep the scores as N(0, 1) data
// would have them.
TEST_P(FlashView, RepeatedWidth) {
  auto repeated = [&](const Dims &sizes, uint64_t seed) {
    Tensor one = Tensor::uniform(sizes, dtype(), {}, seed, -0.5, 0.5);
    Dims wide = sizes;
    wide[3] = 64;
    return one.expand(wide);
  };
  check(repeated({1, 2, 70, 1}, 1), repeated({1, 2, 100, 1}, 2),
        repeated({1, 2, 100, 1}, 3));
}

// A view that begins off the usual alignment.
TEST_P(FlashView, UnalignedStart) {
  Tensor q = draw({1, 2, 71, 64}, 1).slice(2, 1, 71).slice(3, 3, 60);
  Tensor k = draw({1, 2, 101, 64}, 2).slice(2, 1, 101).slice(3, 5, 62);
  Tensor v = draw({1, 2, 100, 64}, 3).slice(3, 7, 64);
  check(q, k, v);
}

// Outputs are strided too; what lies between their elements stays.
TEST_P(FlashView, StridedOutputs) {
  Tensor q = draw({2, 2, 70, 40}, 1), k = draw({2, 2, 100, 40}, 2),
         v = draw({2, 2, 100, 40}, 3);
  FlashResult want = run_flash(q, k, v, causal());
  Tensor o_memory = Tensor::full({2, 70, 2, 41}, 7, dtype());
  Tensor lse_memory = Tensor::full({2, 2, 70, 2}, 7, acc_of(dtype()));
  Tensor o = o_memory.slice(3, 0, 40).transpose(1, 2);
  Tensor lse = lse_memory.select(3, 0);
  flash_kernel(causal())(q, k, v, out(o), out(lse));
  EXPECT_EQ(o.to_vector(), want.o.to_vector());
  EXPECT_EQ(lse.to_vector(), want.lse.to_vector());
  for (double x : o_memory.slice(3, 40, 41).contiguous().to_vector())
    ASSERT_EQ(x, 7);
  for (double x : lse_memory.select(3, 1).contiguous().to_vector())
    ASSERT_EQ(x, 7);
}

} // namespace
} // namespace attn_grid::test
