// 16- and 8-bit floats in kernels: every value read, and roundings of many f32,
// against the conversions of tensors, which are written independently.

#include "attn_grid/attn_grid.hpp"
#include "test/support/DeviceKernel.h"

#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace {
using namespace attn_grid;

constexpr const char *source = R"(
kernel widen<T: float>(x: tensor<T>[N], out y: tensor<f32>[N]) grid (ceildiv(N, 64)) {
  let n = program_id() * 64;
  y[n +: 64] = cast<f32>(x[n +: 64]);
}
kernel narrow<T: float>(x: tensor<f32>[N], out y: tensor<T>[N]) grid (ceildiv(N, 64)) {
  let n = program_id() * 64;
  y[n +: 64] = cast<T>(x[n +: 64]);
}
/// A product rounded to T before it is widened.
kernel square<T: float>(x: tensor<T>[N], out y: tensor<f32>[N]) grid (ceildiv(N, 64)) {
  let n = program_id() * 64;
  let a = cast<f32>(x[n +: 64]);
  y[n +: 64] = cast<f32>(cast<T>(a * a));
}
/// What an 8-bit float may do: be loaded, chosen, moved, multiplied, stored.
kernel product<T: float>(a: tensor<T>[M, K], b: tensor<T>[N, K],
                         out c: tensor<f32>[M, N], out d: tensor<T>[K, N])
  grid (1)
{
  var sum = zeros<f32>[32, 32];
  for k in 0 .. K step 32 {
    let turned = b[0 +: 32, k +: 32].T;
    sum = dot(a[0 +: 32, k +: 32], turned, acc = sum);
    d[k +: 32, 0 +: 32] = turned;
  }
  c[0 +: 32, 0 +: 32] = sum;
}
)";

class SmallFloat : public testing::TestWithParam<DType> {
protected:
  static attn_grid::test::DeviceKernel kernel(const char *name) {
    static Module module = Module::from_source(source, "small_float.ag");
    return module.kernel(name, {{"T", GetParam()}});
  }
  /// Every bit pattern of the type.
  static Tensor every() {
    int64_t count = int64_t(1) << (8 * size_of(GetParam()));
    Tensor all = Tensor::empty({count}, GetParam());
    for (int64_t i = 0; i < count; ++i)
      if (size_of(GetParam()) == 1)
        static_cast<uint8_t *>(all.data())[i] = static_cast<uint8_t>(i);
      else
        static_cast<uint16_t *>(all.data())[i] = static_cast<uint16_t>(i);
    return all;
  }
  static void expect_same(const std::vector<double> &got,
                          const std::vector<double> &want) {
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < got.size(); ++i) {
      ASSERT_EQ(std::isnan(got[i]), std::isnan(want[i])) << i;
      if (!std::isnan(want[i])) {
        ASSERT_EQ(got[i], want[i]) << i;
        ASSERT_EQ(std::signbit(got[i]), std::signbit(want[i])) << i;
      }
    }
  }
};

TEST_P(SmallFloat, EveryValueIsRead) {
  Tensor all = every();
  Tensor y = Tensor::empty({all.size(0)}, f32);
  kernel("widen")(all, out(y));
  expect_same(y.to_vector(), all.convert(f32).to_vector());
}

TEST_P(SmallFloat, RoundsToNearestEven) {
  std::vector<float> values;
  std::mt19937 random(1);
  for (int i = 0; i < 40000; ++i) // all exponents, ends included
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(random())));
  // Every value, the ties between neighbours, and both sides of each tie.
  std::vector<double> all = every().convert(f32).to_vector();
  std::sort(all.begin(), all.end(), [](double a, double b) {
    return std::isnan(b) ? !std::isnan(a) : a < b;
  });
  for (size_t i = 0; i + 1 < all.size() && !std::isnan(all[i + 1]); ++i) {
    if (std::isinf(all[i]) || std::isinf(all[i + 1]))
      continue;
    float tie = static_cast<float>((all[i] + all[i + 1]) / 2);
    values.insert(values.end(), {static_cast<float>(all[i]), tie,
                                 std::nextafter(tie, INFINITY),
                                 std::nextafter(tie, -INFINITY)});
  }
  int64_t count = static_cast<int64_t>(values.size());
  Tensor x = Tensor::empty({count}, f32);
  std::copy(values.begin(), values.end(), static_cast<float *>(x.data()));
  Tensor y = Tensor::empty({count}, GetParam());
  kernel("narrow")(x, out(y));
  expect_same(y.convert(f32).to_vector(),
              x.convert(GetParam()).convert(f32).to_vector());
}

TEST_P(SmallFloat, RoundsInRegisters) {
  Tensor all = every();
  Tensor y = Tensor::empty({all.size(0)}, f32);
  kernel("square")(all, out(y));
  Tensor wide = all.convert(f32);
  float *x = static_cast<float *>(wide.data());
  for (int64_t i = 0; i < all.size(0); ++i)
    x[i] *= x[i];
  expect_same(y.to_vector(), wide.convert(GetParam()).convert(f32).to_vector());
}

TEST_P(SmallFloat, Products) {
  constexpr int64_t m = 29, n = 17, k = 70;
  // Sums of these are exact in any order.
  Tensor a = Tensor::uniform({m, k}, i32, {}, 1, -3, 4).convert(GetParam());
  Tensor b = Tensor::uniform({n, k}, i32, {}, 2, -3, 4).convert(GetParam());
  Tensor c = Tensor::empty({m, n}, f32), d = Tensor::empty({k, n}, GetParam());
  kernel("product")(a, b, out(c), out(d));
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (int64_t l = 0; l < k; ++l)
        sum += a.at({i, l}) * b.at({j, l});
      ASSERT_EQ(c.at({i, j}), sum) << i << ", " << j;
    }
  EXPECT_EQ(d.convert(f32).to_vector(),
            b.convert(f32).transpose().contiguous().to_vector());
}

INSTANTIATE_TEST_SUITE_P(Types, SmallFloat,
                         testing::Values(f16, bf16, f8e4m3, f8e5m2),
                         [](const auto &info) {
                           return std::string(name_of(info.param));
                         });

} // namespace
