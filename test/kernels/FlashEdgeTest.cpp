// flash_fwd where a definition has edges: hand-computed values, empty rows,
// scales, infinities and NaN, and the promise of equal bits.

#include "test/kernels/FlashCase.h"
#include "test/support/Compare.hpp"

#include <cstring>
#include <gtest/gtest.h>

namespace attn_grid::test {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

Tensor tensor(const Dims &sizes, std::vector<double> values,
              DType dtype = f64) {
  return Tensor::from_values(sizes, values, dtype);
}

bool same_bits(const Tensor &a, const Tensor &b) {
  return a.to_npy_bytes() == b.to_npy_bytes();
}

// p = (1/4, 3/4), so o = 3 and lse = ln 4.
TEST(FlashEdge, TwoKeysByHand) {
  Tensor q = tensor({1, 1, 1, 1}, {1});
  Tensor k = tensor({1, 1, 2, 1}, {0, std::log(3.0)});
  Tensor v = tensor({1, 1, 2, 1}, {0, 4});
  Tensor o = Tensor::zeros({1, 1, 1, 1}, f64);
  Tensor lse = Tensor::zeros({1, 1, 1}, f64);
  flash_kernel(false)(q, k, v, out(o), out(lse), 1.0);
  EXPECT_NEAR(o.item(), 3, 1e-12);
  EXPECT_NEAR(lse.item(), std::log(4.0), 1e-12);
}

// Equal scores average what a row may see: two keys for the first of two rows,
// three for the second, aligned at the last key.
TEST(FlashEdge, UniformCausalByHand) {
  Tensor q = Tensor::zeros({1, 1, 2, 1}, f64);
  Tensor k = Tensor::zeros({1, 1, 3, 1}, f64);
  Tensor v = tensor({1, 1, 3, 1}, {1, 2, 6});
  FlashResult result = run_flash(q, k, v, true);
  EXPECT_TRUE(near(result.o.to_vector(), {1.5, 3}, {1e-12, 0}));
  EXPECT_TRUE(
      near(result.lse.to_vector(), {std::log(2.0), std::log(3.0)}, {1e-12, 0}));
}

// More queries than keys: the first rows see nothing.
TEST(FlashEdge, EmptyRowsByHand) {
  Tensor q = Tensor::zeros({1, 1, 5, 1}, f64);
  Tensor k = Tensor::zeros({1, 1, 2, 1}, f64);
  Tensor v = tensor({1, 1, 2, 1}, {1, 2});
  FlashResult result = run_flash(q, k, v, true);
  std::vector<double> o = result.o.to_vector();
  for (int row : {0, 1, 2})
    EXPECT_EQ(o[row], 0) << "row " << row;
  EXPECT_TRUE(near(o, {0, 0, 0, 1, 1.5}, {1e-12, 0}));
  EXPECT_TRUE(near(result.lse.to_vector(), {-inf, -inf, -inf, 0, std::log(2.0)},
                   {1e-12, 0}));
}

class FlashEdgeTyped : public testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(Types, FlashEdgeTyped,
                         testing::Values(f32, f16, bf16, f64),
                         [](const auto &info) {
                           return std::string(name_of(info.param));
                         });

TEST_P(FlashEdgeTyped, NoKeysGiveZeroAndMinusInfinity) {
  Tensor q = Tensor::randn({1, 2, 70, 64}, GetParam());
  Tensor k = Tensor::zeros({1, 1, 0, 64}, GetParam());
  for (bool causal : {false, true}) {
    FlashResult result = run_flash(q, k, k, causal);
    for (double x : result.o.to_vector())
      ASSERT_EQ(x, 0);
    for (double x : result.lse.to_vector())
      ASSERT_EQ(x, -inf);
  }
}

TEST_P(FlashEdgeTyped, OneKeyGivesItsValueExactly) {
  Tensor q = Tensor::randn({1, 2, 70, 64}, GetParam(), {}, 1);
  Tensor k = Tensor::randn({1, 1, 1, 64}, GetParam(), {}, 2);
  Tensor v = Tensor::randn({1, 1, 1, 64}, GetParam(), {}, 3);
  FlashResult result = run_flash(q, k, v, false);
  Tensor want = v.expand({1, 2, 70, 64}).contiguous();
  EXPECT_EQ(result.o.to_vector(), want.to_vector());
}

// What is masked is removed: a NaN there reaches nothing. Its own row, which
// attends to it, is NaN.
TEST_P(FlashEdgeTyped, MaskedNanDoesNotLeak) {
  constexpr int64_t length = 150;
  Tensor q = Tensor::randn({1, 2, length, 64}, GetParam(), {}, 1);
  Tensor k = Tensor::randn({1, 1, length, 64}, GetParam(), {}, 2);
  Tensor v = Tensor::randn({1, 1, length, 64}, GetParam(), {}, 3);
  FlashResult clean = run_flash(q, k, v, true);
  for (double poison : {nan, inf}) {
    Tensor bad_k = k.clone(), bad_v = v.clone();
    bad_k.slice(2, length - 1, length).fill(poison);
    bad_v.slice(2, length - 1, length).fill(poison);
    FlashResult result = run_flash(q, bad_k, bad_v, true);
    auto seen = [&](const Tensor &tensor) {
      return tensor.slice(2, 0, length - 1).to_vector();
    };
    EXPECT_TRUE(
        near(seen(result.o), seen(clean.o), forward_tolerance(GetParam())));
    EXPECT_TRUE(
        near(seen(result.lse), seen(clean.lse), lse_tolerance(GetParam())));
    EXPECT_TRUE(std::isnan(result.o.at({0, 0, length - 1, 0})));
  }
}

// A value of NaN in a block that some rows see in part.
TEST_P(FlashEdgeTyped, NanInsideTheBorderBlock) {
  Tensor q = Tensor::randn({1, 1, 64, 64}, GetParam(), {}, 1);
  Tensor k = Tensor::randn({1, 1, 64, 64}, GetParam(), {}, 2);
  Tensor v = Tensor::randn({1, 1, 64, 64}, GetParam(), {}, 3);
  FlashResult clean = run_flash(q, k, v, true);
  Tensor bad = v.clone();
  bad.set({0, 0, 20, 5}, nan);
  FlashResult result = run_flash(q, k, bad, true);
  Tolerance tolerance = forward_tolerance(GetParam());
  for (int64_t row = 0; row < 64; ++row)
    for (int64_t c = 0; c < 64; ++c) {
      double found = result.o.at({0, 0, row, c});
      double want = clean.o.at({0, 0, row, c});
      if (row >= 20 && c == 5)
        ASSERT_TRUE(std::isnan(found)) << row;
      else
        ASSERT_NEAR(found, want, tolerance.atol + tolerance.rtol * 4)
            << row << ", " << c;
    }
}

TEST_P(FlashEdgeTyped, NanQuerySpoilsItsRowOnly) {
  Tensor q = Tensor::randn({1, 1, 70, 64}, GetParam(), {}, 1);
  Tensor k = Tensor::randn({1, 1, 100, 64}, GetParam(), {}, 2);
  FlashResult clean = run_flash(q, k, k, false);
  Tensor bad = q.clone();
  bad.set({0, 0, 33, 7}, nan);
  FlashResult result = run_flash(bad, k, k, false);
  for (int64_t row = 0; row < 70; ++row) {
    double found = result.o.at({0, 0, row, 3});
    if (row == 33)
      EXPECT_TRUE(std::isnan(found));
    else
      EXPECT_EQ(found, clean.o.at({0, 0, row, 3})) << row;
  }
}

// Scores of 64 * 200 * 200 are beyond f16, but live in f32: equal as they are,
// they average the values.
TEST(FlashEdge, LargeScoresDoNotOverflow) {
  Tensor q = Tensor::full({1, 1, 3, 64}, 200, f16);
  Tensor k = Tensor::full({1, 1, 70, 64}, 200, f16);
  Tensor v = Tensor::randn({1, 1, 70, 64}, f16);
  FlashResult result = run_flash(q, k, v, false);
  Attention want =
      attention(read(q), read(k), read(v), default_scale(q), false);
  EXPECT_TRUE(near(result.o.to_vector(), want.o, forward_tolerance(f16)));
  EXPECT_TRUE(near(result.lse.to_vector(), want.lse, lse_tolerance(f16)));
}

TEST_P(FlashEdgeTyped, AnyScaleIsLegal) {
  DType type = GetParam();
  Tensor q = Tensor::randn({1, 1, 40, 64}, type, {}, 1);
  Tensor k = Tensor::randn({1, 1, 90, 64}, type, {}, 2);
  Tensor v = Tensor::randn({1, 1, 90, 64}, type, {}, 3);
  for (double scale : {0.0, -0.25, 1.0}) {
    Tensor o = Tensor::empty({1, 1, 40, 64}, type);
    Tensor lse = Tensor::empty({1, 1, 40}, type == f64 ? f64 : f32);
    flash_kernel(true)(q, k, v, out(o), out(lse), scale);
    EXPECT_TRUE(matches({o, lse}, q, k, v, scale, true)) << scale;
  }
  Tensor o = Tensor::zeros({1, 1, 40, 64}, type);
  flash_kernel(false)(q, k, v, out(o), arg("scale", nan));
  for (double x : o.to_vector())
    ASSERT_TRUE(std::isnan(x));
  // Even then, rows without a key are 0.
  flash_kernel(true)(q, k.slice(2, 0, 30), v.slice(2, 0, 30), out(o),
                     arg("scale", nan));
  EXPECT_EQ(o.at({0, 0, 5, 0}), 0);
  EXPECT_TRUE(std::isnan(o.at({0, 0, 15, 0})));
}

// The output does not depend on whether lse is asked for.
TEST(FlashEdge, LseMayBeLeftAway) {
  Tensor q = Tensor::randn({2, 2, 70, 64}, f32, {}, 1);
  Tensor k = Tensor::randn({2, 2, 90, 64}, f32, {}, 2);
  FlashResult with = run_flash(q, k, k, true);
  Results without = flash_kernel(true)(q, k, k);
  EXPECT_FALSE(without.contains("lse"));
  EXPECT_TRUE(same_bits(with.o, without["o"]));
}

// The same bits in every run, whatever the number of threads.
TEST(FlashEdge, RunsAreBitwiseEqual) {
  Tensor q = Tensor::randn({2, 4, 300, 64}, f32, {}, 1);
  Tensor k = Tensor::randn({2, 2, 300, 64}, f32, {}, 2);
  Tensor v = Tensor::randn({2, 2, 300, 64}, f32, {}, 3);
  FlashResult first = run_flash(q, k, v, true);
  for (int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    FlashResult again = run_flash(q, k, v, true);
    EXPECT_TRUE(same_bits(first.o, again.o)) << threads;
    EXPECT_TRUE(same_bits(first.lse, again.lse)) << threads;
  }
  set_num_threads(0);
}

} // namespace
} // namespace attn_grid::test
