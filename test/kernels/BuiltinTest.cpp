// Builtins that work along an axis, point by point, together with other
// programs, or speak to the host: each against its definition in plain C++.

#include "attn_grid/attn_grid.hpp"
#include "runtime/Philox.h"
#include "test/support/Compare.hpp"
#include "test/support/DeviceKernel.h"
#include "test/support/Reference.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>

namespace attn_grid::test {
namespace {

using Values = std::vector<double>;

DeviceKernel compiled(const std::string &source) {
  return Module::from_source(source, "test.ag").kernel("k");
}

/// Runs `z[0 +: 16] = expression` of the tiles a and b, 16 elements of type T.
Values of(const std::string &expression, DType type, const Values &a,
          const Values &b, const std::string &functions = "",
          DType result = f32) {
  std::string t(name_of(type)), r(name_of(result));
  DeviceKernel kernel = compiled(
      functions + "kernel k(x: tensor<" + t + ">[N], y: tensor<" + t +
      ">[N], out z: tensor<" + r +
      ">[N]) grid (1) {\n  let a = x[0 +: 16];\n  let b = y[0 +: 16];\n" +
      "  z[0 +: 16] = " + expression + ";\n}\n");
  auto n = static_cast<int64_t>(a.size());
  return kernel(Tensor::from_values({n}, a, type),
                Tensor::from_values({n}, b, type))["z"]
      .to_vector();
}

const Values small = {3, -1, 4, 1, -5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};
const Values other = {2, 7, 1, 8, 2, 8, 1, 8, 2, 8, 4, 5, 9, 0, 4, 5};

// A precision allows a target to lose digits; it may not lose more: TF32 has 11
// bits, and f32's sums 24.
TEST(Dot, PrecisionsAllowNoMoreThanTheySay) {
  int64_t inner = 0;
  for (auto [m, n, k, text] :
       {std::tuple(64, 64, 64, "b[0 +: 64, 0 +: 64]"),
        std::tuple(16, 8, 8, "b[0 +: 8, 0 +: 8]"),
        std::tuple(32, 128, 16, "b[0 +: 16, 0 +: 128]"),
        std::tuple(128, 16, 32, "t[0 +: 16, 0 +: 32].T")})
    for (auto [precision, error] :
         {std::pair("tf32", 0x1p-10), std::pair("tf32x3", 0x1p-19)}) {
      Tensor a = Tensor::randn({m, k}, f32, {}, ++inner);
      Tensor b = Tensor::randn({k, n}, f32, {}, ++inner);
      Tensor t = b.transpose().contiguous();
      Tensor c = Tensor::empty({m, n}, f32);
      compiled(fmt::format(
          "kernel k(a: tensor<f32>[M, K], b: tensor<f32>[K, N], "
          "t: tensor<f32>[N, K], out c: tensor<f32>[M, N]) grid (1) {{\n"
          "  let c0 = full<f32>[{0}, {1}](3.0);\n"
          "  c[0 +: {0}, 0 +: {1}] = dot(a[0 +: {0}, 0 +: {2}], {3}, "
          "acc = c0, precision = {4});\n}}\n",
          m, n, k, text, precision))(a, b, t, out(c));
      for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < n; ++j) {
          double sum = 3, size = 3;
          for (int64_t l = 0; l < k; ++l) {
            sum += a.at({i, l}) * b.at({l, j});
            size += std::fabs(a.at({i, l}) * b.at({l, j}));
          }
          ASSERT_NEAR(c.at({i, j}), sum, error * size) << precision << " " << i;
        }
    }
}

// In a loop, from factors that are loaded ahead; infinities stay what they are.
TEST(Dot, PrecisionsInALoop) {
  for (const char *precision : {"tf32", "tf32x3"}) {
    Tensor a = Tensor::randn({64, 100}, f32, {}, 1);
    Tensor b = Tensor::randn({100, 64}, f32, {}, 2);
    a.set({5, 7}, INFINITY);
    Tensor c = Tensor::empty({64, 64}, f32);
    compiled(fmt::format(
        "kernel k(a: tensor<f32>[M, K], b: tensor<f32>[K, N], "
        "out c: tensor<f32>[M, N]) grid (1) {{\n"
        "  var sum = zeros<f32>[64, 64];\n  for n in 0 .. K step 32 {{\n"
        "    sum = dot(a[0 +: 64, n +: 32], b[n +: 32, 0 +: 64], acc = sum, "
        "precision = {});\n  }}\n  c[0 +: 64, 0 +: 64] = sum;\n}}\n",
        precision))(a, b, out(c));
    for (int64_t i = 0; i < 64; ++i)
      for (int64_t j = 0; j < 64; ++j) {
        double sum = 0;
        for (int64_t l = 0; l < 100; ++l)
          sum += a.at({i, l}) * b.at({l, j});
        if (i == 5)
          ASSERT_EQ(c.at({i, j}), sum) << precision;
        else
          ASSERT_NEAR(c.at({i, j}), sum, 0.1) << precision;
      }
  }
}

TEST(Scans, CumsumIsInTheAccumulatorsType) {
  Values want(16);
  std::partial_sum(small.begin(), small.end(), want.begin());
  EXPECT_EQ(of("cumsum(a, axis = 0)", f16, small, other), want);
  EXPECT_EQ(of("cumsum(a)", i8, small, other, "", i32), want);
  // 255 + 255 does not fit in a u8, but in acc<u8>.
  Values full(16, 255), sums(16);
  std::partial_sum(full.begin(), full.end(), sums.begin());
  EXPECT_EQ(of("cumsum(a, axis = 0)", u8, full, other, "", i32), sums);
}

TEST(Scans, CumprodAndScansByAFunction) {
  Values ones = {1, 2, 1, 3, 1, 1, 2, 1, 1, 1, 1, 2, 1, 1, 1, 5}, want(16);
  std::partial_sum(ones.begin(), ones.end(), want.begin(),
                   std::multiplies<double>());
  EXPECT_EQ(of("cumprod(a, axis = 0)", f32, ones, other), want);
  std::partial_sum(small.begin(), small.end(), want.begin(),
                   [](double x, double y) { return std::max(x, y); });
  EXPECT_EQ(of("scan(a, axis = 0, top)", f32, small, other,
               "fn top(x: f32, y: f32) -> f32 { return max(x, y); }\n"),
            want);
}

TEST(Scans, GoAlongTheAxisTheyName) {
  DeviceKernel kernel = compiled(
      "kernel k(x: tensor<f32>[M, N], out y: tensor<f32>[M, N], out z: "
      "tensor<f32>[M, N]) grid (1) {\n  let t = x[0 +: 4, 0 +: 8];\n"
      "  y[0 +: 4, 0 +: 8] = cumsum(t, axis = 0);\n"
      "  z[0 +: 4, 0 +: 8] = cumsum(t, axis = -1);\n}\n");
  Tensor x = Tensor::randn({4, 8}, f32, Device::cpu(), 1);
  Results results = kernel(x);
  Values v = x.to_vector(), down = results["y"].to_vector(),
         right = results["z"].to_vector();
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 8; ++j) {
      double below = 0, before = 0;
      for (int k = 0; k <= i; ++k)
        below += v[k * 8 + j];
      for (int k = 0; k <= j; ++k)
        before += v[i * 8 + k];
      EXPECT_NEAR(down[i * 8 + j], below, 1e-5);
      EXPECT_NEAR(right[i * 8 + j], before, 1e-5);
    }
}

TEST(Reductions, ByAFunctionCombineInOrder) {
  // Keeps the left: associative, but not commutative.
  EXPECT_EQ(of("reduce(a, axis = 0, left) + 0 * a", i32, small, other,
               "fn left(x: i32, y: i32) -> i32 { return x; }\n", i32),
            Values(16, 3));
  double gcd = 0;
  for (double x : other)
    gcd = std::max(gcd, x);
  EXPECT_EQ(of("reduce(b, most) + 0 * a", i32, small, other,
               "fn most(x: i32, y: i32) -> i32 { return where(x > y, x, y); "
               "}\n",
               i32),
            Values(16, gcd));
}

TEST(Sort, AscendsIsStableAndPutsNaNLast) {
  double nan = std::numeric_limits<double>::quiet_NaN();
  Values keys = small;
  keys[2] = nan;
  DeviceKernel kernel =
      compiled("kernel k(x: tensor<f32>[N], out y: tensor<f32>[N], out i: "
               "tensor<i32>[N]) grid (1) {\n"
               "  let (s, n) = sort(x[0 +: 16], axis = 0, iota(16));\n"
               "  y[0 +: 16] = s;\n  i[0 +: 16] = n;\n}\n");
  Results results = kernel(Tensor::from_values({16}, keys, f32));
  std::vector<int> order(16);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    double x = std::isnan(keys[a]) ? 1e9 : keys[a];
    double y = std::isnan(keys[b]) ? 1e9 : keys[b];
    return std::pair(x, a) < std::pair(y, b);
  });
  Values sorted = results["y"].to_vector(), from = results["i"].to_vector();
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(from[i], order[i]);
    if (i < 15)
      EXPECT_EQ(sorted[i], keys[order[i]]);
  }
  EXPECT_TRUE(std::isnan(sorted[15]));
}

TEST(Sort, ComparesUnsignedKeysAsSuch) {
  Values keys = {255, 1, 128, 127, 0, 200, 3, 250, 2, 5, 6, 7, 8, 9, 10, 11};
  Values want = keys;
  std::sort(want.begin(), want.end());
  EXPECT_EQ(of("cast<i32>(sort(a))", u8, keys, other, "", i32), want);
}

TEST(Pointwise, GatherReadsEachElementAtItsPlace) {
  DeviceKernel kernel = compiled(
      "kernel k(t: tensor<f32>[M, N], i: tensor<i32>[K], j: tensor<i32>[K], "
      "out y: tensor<f32>[K], out z: tensor<f32>[K]) grid (1) {\n"
      "  let (a, b) = pair(i[0 +: 16], j[0 +: 16]);\n"
      "  y[0 +: 16] = gather(t, a, b);\n"
      "  z[0 +: 16] = gather(t, a, 2, other = 7.0, keep = b > 2);\n}\n"
      "fn pair(a: tile<i32>[16], b: tile<i32>[16]) -> (tile<i32>[16], "
      "tile<i32>[16]) { return (a, b); }\n");
  Tensor t = Tensor::randn({5, 9}, f32, Device::cpu(), 2);
  Values v = t.to_vector();
  // Outside elements read as zero, -1 is nowhere.
  Values i = {0, 1, 2, 3, 4, 5, -1, 2, 0, 1, 2, 3, 4, 4, 4, -7};
  Values j = {0, 8, 9, -1, 4, 0, 0, 2, 1, 3, 5, 7, 8, 0, 1, 2};
  Results results = kernel(t, Tensor::from_values({16}, i, i32),
                           Tensor::from_values({16}, j, i32));
  Values y = results["y"].to_vector(), z = results["z"].to_vector();
  auto at = [&](double m, double n) {
    return m < 0 || m >= 5 || n < 0 || n >= 9 ? 0 : v[m * 9 + n];
  };
  for (int k = 0; k < 16; ++k) {
    EXPECT_EQ(y[k], at(i[k], j[k])) << k;
    bool inside = i[k] >= 0 && i[k] < 5;
    EXPECT_EQ(z[k], j[k] > 2 && inside ? at(i[k], 2) : 7) << k;
  }
}

TEST(Pointwise, ScatterWritesEachElementAtItsPlace) {
  DeviceKernel kernel =
      compiled("kernel k(i: tensor<i32>[K], x: tensor<f32>[K], out t: "
               "tensor<f32>[M, N] = -1.0) grid (1) {\n"
               "  let n = i[0 +: 8];\n"
               "  scatter(t, n, 7 - iota(8), x[0 +: 8], keep = n != 3);\n}\n");
  Values i = {0, 3, 2, 9, -1, 1, 0, 2}, x = {1, 2, 3, 4, 5, 6, 7, 8};
  Tensor t = Tensor::empty({4, 8}, f32);
  kernel(Tensor::from_values({8}, i, i32), Tensor::from_values({8}, x, f32),
         out(t));
  Values want(32, -1);
  for (int k = 0; k < 8; ++k)
    if (i[k] >= 0 && i[k] < 4 && i[k] != 3)
      want[i[k] * 8 + 7 - k] = x[k];
  EXPECT_EQ(t.to_vector(), want);
}

TEST(Pointwise, FunctionsOfScalarsAppliedToTilesGather) {
  DeviceKernel kernel = compiled(
      "fn bias(t: tensor<f32>[R, C], i: i32, j: i32) -> f32 { return t[i, j] "
      "* 2.0; }\n"
      "kernel k(t: tensor<f32>[M, N], out z: tensor<f32>[M, N]) grid (1) {\n"
      "  z[0 +: 4, 0 +: 8] = bias(t, iota(4)[:, None], iota(8)[None, :]);\n"
      "}\n");
  Tensor t = Tensor::randn({4, 8}, f32, Device::cpu(), 3);
  Values v = t.to_vector(), z = kernel(t)["z"].to_vector();
  for (int k = 0; k < 32; ++k)
    EXPECT_EQ(z[k], 2 * v[k]);
}

TEST(Atomics, ProgramsUpdateTogether) {
  DeviceKernel kernel = compiled(
      "kernel k(x: tensor<i32>[N], out sums: tensor<i32>[B] = 0, out most: "
      "tensor<i32>[B] = -100, out least: tensor<u32>[B] = 100) grid (N) {\n"
      "  let n = program_id();\n  let b = x[n] % 4;\n"
      "  let old = atomic_add(sums[b], x[n]);\n"
      "  atomic_max(most[b], x[n]);\n"
      "  atomic_min(least[b], cast<u32>(x[n]), keep = x[n] != 2);\n"
      "  assert(old >= 0);\n}\n");
  std::vector<int> x(500);
  for (int i = 0; i < 500; ++i)
    x[i] = (i * 37) % 61;
  Tensor sums = Tensor::empty({4}, i32), most = Tensor::empty({4}, i32),
         least = Tensor::empty({4}, u32);
  kernel(Tensor::from_values({500}, Values(x.begin(), x.end()), i32), out(sums),
         out(most), out(least));
  Values s(4), m(4, -100), l(4, 100);
  for (int v : x) {
    s[v % 4] += v;
    m[v % 4] = std::max<double>(m[v % 4], v);
    if (v != 2)
      l[v % 4] = std::min<double>(l[v % 4], v);
  }
  EXPECT_EQ(sums.to_vector(), s);
  EXPECT_EQ(most.to_vector(), m);
  EXPECT_EQ(least.to_vector(), l);
}

TEST(Philox, GivesTheWordsOfTheCounter) {
  DeviceKernel kernel = compiled(
      "kernel k(seed: i64, offset: i64, out z: tensor<u32>[N]) grid (1) {\n"
      "  let n = iota(16);\n"
      "  z[0 +: 16] = philox(seed, offset, 5, n / 8, 4294967295 , n % 4);\n"
      "}\n");
  int64_t seed = 0x123456789abcdef, offset = (int64_t(3) << 32) + 17;
  Tensor z = Tensor::empty({16}, u32);
  kernel(seed, offset, out(z));
  Values found = z.to_vector();
  // spec/flash.md 5: key (seed low, seed high ^ offset high), counter (c0, c1,
  // c2, offset low).
  for (uint32_t n = 0; n < 16; ++n)
    EXPECT_EQ(found[n],
              attn_grid::detail::philox(uint64_t(seed) ^ (uint64_t(3) << 32),
                                        {4294967295u, n / 8, 5, 17})[n % 4])
        << n;
}

TEST(Effects, PrintShowsTextAndValues) {
  std::string text;
  set_print_sink([&](std::string_view piece) { text += piece; });
  compiled("kernel k(x: tensor<u32>[N]) grid (1) { print(\"x is\", x[0], x[0 "
           "+: 2] > 1); }\n")(
      Tensor::from_values({2}, Values{4294967295.0, 1}, u32));
  set_print_sink({});
  EXPECT_NE(text.find("x is"), std::string::npos) << text;
  EXPECT_NE(text.find("4294967295"), std::string::npos) << text;
}

TEST(Effects, AFailedAssertFailsTheLaunch) {
  DeviceKernel kernel =
      compiled("kernel k(x: tensor<i32>[N]) grid (1) {\n"
               "  assert(all(x[0 +: 4] >= 0), \"negative\");\n}\n");
  kernel(Tensor::from_values({4}, Values{0, 1, 2, 3}, i32));
  try {
    kernel(Tensor::from_values({4}, Values{0, 1, -2, 3}, i32));
    FAIL() << "expected BackendError";
  } catch (const BackendError &error) {
    EXPECT_NE(std::string(error.what()).find("negative"), std::string::npos);
  }
}

} // namespace
} // namespace attn_grid::test
