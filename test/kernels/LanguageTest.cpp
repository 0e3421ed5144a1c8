// The language's rules for numbers, memory and jumps, run: each against its
// definition in plain C++.

#include "attn_grid/attn_grid.hpp"
#include "test/support/DeviceKernel.h"

#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

namespace attn_grid::test {
namespace {

DeviceKernel compiled(const std::string &source) {
  Module module = Module::from_source(source, "test.ag");
  return module.kernel("k");
}

constexpr int64_t least = std::numeric_limits<int32_t>::min();
constexpr int64_t most = std::numeric_limits<int32_t>::max();

/// Where the rules differ from C: zeros, -1, shifts beyond the width.
const std::vector<double> lefts = {least, most, least, 7,  -7, 7,    -7,
                                   0,     -1,   1,     -9, 9,  1000, 12345};
const std::vector<double> rights = {-1, -1, 0,  2,  2, -2, -2,
                                    0,  40, 31, -3, 0, 33, 4};

/// 32-bit arithmetic wraps.
double wrap(int64_t value) {
  return static_cast<int32_t>(static_cast<uint32_t>(value));
}

/// Runs `expression` of i32 tiles a and b; compares with `rule`.
void checkInts(const std::string &expression,
               int64_t (*rule)(int64_t, int64_t)) {
  DeviceKernel kernel =
      compiled("kernel k(x: tensor<i32>[N], y: tensor<i32>[N], "
               "out z: tensor<i32>[N]) grid (1) {\n"
               "  let a = x[0 +: 16];\n  let b = y[0 +: 16];\n"
               "  z[0 +: 16] = " +
               expression + ";\n}\n");
  auto length = static_cast<int64_t>(lefts.size());
  std::vector<double> found =
      kernel(Tensor::from_values({length}, lefts, i32),
             Tensor::from_values({length}, rights, i32))["z"]
          .to_vector();
  for (size_t i = 0; i < lefts.size(); ++i)
    EXPECT_EQ(found[i], wrap(rule(static_cast<int64_t>(lefts[i]),
                                  static_cast<int64_t>(rights[i]))))
        << expression << " of " << lefts[i] << " and " << rights[i];
}

int64_t floorQuotient(int64_t a, int64_t b) {
  int64_t quotient = a / b;
  return quotient - (a % b != 0 && (a < 0) != (b < 0));
}

TEST(Numbers, DivisionByZeroGivesZeroOrTheDividend) {
  checkInts("a / b", [](int64_t a, int64_t b) { return b ? a / b : 0; });
  checkInts("a % b", [](int64_t a, int64_t b) { return b ? a % b : a; });
}

TEST(Numbers, NamedDivisionsRoundAsNamed) {
  checkInts("floordiv(a, b)",
            [](int64_t a, int64_t b) { return b ? floorQuotient(a, b) : 0; });
  checkInts("floormod(a, b)", [](int64_t a, int64_t b) {
    return b ? a - floorQuotient(a, b) * b : a;
  });
  checkInts("ceildiv(a, b)",
            [](int64_t a, int64_t b) { return b ? -floorQuotient(-a, b) : 0; });
}

TEST(Numbers, ShiftsByTheWidthGiveZeroOrMinusOne) {
  checkInts("a << b", [](int64_t a, int64_t b) {
    return b >= 0 && b < 32 ? static_cast<int64_t>(uint64_t(a) << b) : 0;
  });
  checkInts("a >> b", [](int64_t a, int64_t b) {
    return b >= 0 && b < 32 ? a >> b : int64_t(a < 0 ? -1 : 0);
  });
}

TEST(Numbers, UnsignedOperandsHaveNoSign) {
  checkInts("cast<i32>(cast<u32>(a) / cast<u32>(b))",
            [](int64_t a, int64_t b) -> int64_t {
              return b ? uint32_t(a) / uint32_t(b) : 0;
            });
  checkInts("cast<i32>(cast<u32>(a) > cast<u32>(b))",
            [](int64_t a, int64_t b) -> int64_t {
              return uint32_t(a) > uint32_t(b);
            });
  checkInts("cast<i32>(cast<u8>(a)) - cast<i32>(cast<i8>(a))",
            [](int64_t a, int64_t) -> int64_t {
              return static_cast<uint8_t>(a) - static_cast<int8_t>(a);
            });
}

TEST(Numbers, IntegersWrap) {
  checkInts("a ** 3 + abs(a) * -b", [](int64_t a, int64_t b) {
    uint64_t x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
    return static_cast<int64_t>(x * x * x - (a < 0 ? 0 - x : x) * y);
  });
}

TEST(Numbers, CastsToIntegersSaturate) {
  double inf = std::numeric_limits<double>::infinity();
  std::vector<double> values = {0,     1.5,    -1.5,        127.9,        128,
                                -129,  255.5,  -0.5,        3e9,          -3e9,
                                1e20,  -1e20,  inf,         -inf,         NAN,
                                256,   -128.5, 2147483520,  2147483648.0, 1e-8,
                                65504, 70000,  4294967040., 4294967296.0};
  auto length = static_cast<int64_t>(values.size());
  for (auto [type, low, high] : {std::tuple(i8, -128.0, 127.0),
                                 {u8, 0.0, 255.0},
                                 {i16, -32768.0, 32767.0},
                                 {i32, double(least), double(most)},
                                 {u32, 0.0, 4294967295.0}}) {
    std::string name(name_of(type));
    DeviceKernel kernel =
        compiled("kernel k(x: tensor<f32>[N], out z: tensor<" + name +
                 ">[N]) grid (ceildiv(N, 16)) {\n"
                 "  let n = program_id() * 16;\n"
                 "  z[n +: 16] = cast<" +
                 name + ">(x[n +: 16]);\n}\n");
    std::vector<double> found =
        kernel(Tensor::from_values({length}, values, f32))["z"].to_vector();
    for (size_t i = 0; i < values.size(); ++i) {
      double value = static_cast<float>(values[i]);
      double want = std::isnan(value)
                        ? 0.0
                        : std::trunc(std::min(std::max(value, low), high));
      EXPECT_EQ(found[i], want) << name << " of " << values[i];
    }
  }
}

// Three programs of a loop: what a `continue` leaves away, and a step that
// makes no progress.
TEST(Jumps, ContinueLeavesTheRestAway) {
  DeviceKernel kernel =
      compiled("kernel k(x: tensor<f32>[M, 3], out y: tensor<f32>[2], s: int)\n"
               "  grid (1)\n"
               "{\n"
               "  var total = 0.0;\n"
               "  for r in 0 .. M {\n"
               "    if x[r, 0] > 0 { continue; }\n"
               "    if x[r, 1] > 0 {\n"
               "      total += 1;\n"
               "      if x[r, 2] > 0 { continue; }\n"
               "      total += 10;\n"
               "    }\n"
               "    total += 100;\n"
               "  }\n"
               "  y[0] = total;\n"
               "  total = 0.0;\n"
               "  for r in 0 .. M step s { total += 1; }\n"
               "  y[1] = total;\n"
               "}\n");
  std::vector<double> rows = {1, 1, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0};
  Tensor x = Tensor::from_values({4, 3}, rows, f32);
  for (int step : {3, 0, -1}) {
    std::vector<double> found = kernel(x, arg("s", step))["y"].to_vector();
    EXPECT_EQ(found[0], 100 + 1 + 111);
    EXPECT_EQ(found[1], step == 3 ? 2 : 0) << step;
  }
}

TEST(Jumps, TheFirstReturnCounts) {
  DeviceKernel kernel = compiled(
      "fn grade(x: f32) -> (f32, int) {\n"
      "  if x > 2 { return (x, 2); }\n"
      "  if x > 1 { if x > 1.5 { return (0, 15); } } else { return (x, 0); }\n"
      "  return (-x, 1);\n"
      "}\n"
      "kernel k(x: tensor<f32>[N], out y: tensor<f32>[N]) grid (N) {\n"
      "  let n = program_id();\n"
      "  let (value, class) = grade(x[n]);\n"
      "  y[n] = value + 100 * cast<f32>(class);\n"
      "}\n");
  Tensor x =
      Tensor::from_values({4}, std::vector<double>{3, 1.75, 1.25, 0.5}, f32);
  EXPECT_EQ(kernel(x)["y"].to_vector(),
            (std::vector<double>{203, 1500, 98.75, 0.5}));
}

// Rows first .. last of a matrix of 5 x 4, every `step`-th; the sum of column 1
// and how many rows the view has.
TEST(Views, AreCutToTheExtent) {
  DeviceKernel kernel = compiled(
      "fn count(t: tensor<f32>[R, C], out y: tensor<f32>[K]) {\n"
      "  y[0] = cast<f32>(R);\n"
      "  y[1] = sum(t[0 +: 8, 1]);\n"
      "  y[2] = t[-1, 1] + t[R, 1] + t[0, C];\n"
      "}\n"
      "kernel k(x: tensor<f32>[M, N], out y: tensor<f32>[3], first: int,\n"
      "         last: int, s: int = 1) grid (1) {\n"
      "  count(view(x[first .. last step s, :]), view(y[:]));\n"
      "}\n");
  Tensor x = Tensor::iota({5, 4});
  std::vector<double> values = x.to_vector();
  for (int first : {-1, 0, 2, 4, 5, 9})
    for (int last : {-3, 0, 3, 5, 100, int(least)})
      for (int step : {1, 2, 0, -1}) {
        double rows = 0, sum = 0;
        for (int r = first; step > 0 && first >= 0 && r < std::min(last, 5);
             r += step) {
          rows += 1;
          sum += values[r * 4 + 1];
        }
        std::vector<double> found =
            kernel(x, arg("first", first), arg("last", last),
                   arg("s", step))["y"]
                .to_vector();
        EXPECT_EQ(found, (std::vector<double>{rows, sum, 0}))
            << first << " .. " << last << " step " << step;
      }
}

// An index outside of what is dropped makes the view empty, even where all
// extents that stay are const.
TEST(Views, OutsideAreEmpty) {
  DeviceKernel kernel =
      compiled("kernel k(x: tensor<f32>[M, 4], out y: tensor<f32>[1], inout z: "
               "tensor<f32>[M, 4], row: int) grid (1) {\n"
               "  let part = view(x[row, :]);\n"
               "  y[0] = sum(part[0 +: 4]);\n"
               "  let target = view(z[row, :]);\n"
               "  target[0 +: 4] = 1.0;\n"
               "}\n");
  Tensor x = Tensor::ones({3, 4});
  for (int row : {-1, 0, 2, 3, int(most)}) {
    Tensor z = Tensor::zeros({3, 4});
    bool inside = row >= 0 && row < 3;
    Tensor y = kernel(x, out("z", z), arg("row", row))["y"];
    EXPECT_EQ(y.at({0}), inside ? 4 : 0) << row;
    double written = 0;
    for (double value : z.to_vector())
      written += value;
    EXPECT_EQ(written, inside ? 4 : 0) << row;
  }
}

// Tiles that begin anywhere, near the limits of 32 bits too: what is outside of
// the tensor reads as zero and is not written. Starts that cannot be negative
// have addresses and bounds of their own on a GPU; the stride of a single row
// may be anything.
TEST(Accesses, MayBeginAnywhere) {
  DeviceKernel kernels[] = {
      compiled("kernel k(x: tensor<f32>[M, N], out y: tensor<f32>[16, 32], "
               "inout z: tensor<f32>[M, N], row: int, column: int) grid (1) {\n"
               "  y[0 +: 16, 0 +: 32] = x[row +: 16, column +: 32];\n"
               "  z[row +: 16, column +: 32] = 1.0;\n}\n"),
      compiled("kernel k(x: tensor<f32>[M, N], out y: tensor<f32>[16, 32], "
               "inout z: tensor<f32>[M, N], row: int, column: int) grid (1) {\n"
               "  let i = max(row, 0);\n  let j = max(column, 0);\n"
               "  y[0 +: 16, 0 +: 32] = x[i +: 16, j +: 32];\n"
               "  z[i +: 16, j +: 32] = 1.0;\n}\n")};
  for (auto [rows, stride] : {std::pair<int64_t, int64_t>{5, 40},
                              {21, 40},
                              {2, 4000},
                              {1, int64_t(1) << 28},
                              {1, int64_t(1) << 40}}) {
    Tensor memory = Tensor::randn({(rows - 1) * stride + 40});
    TensorView x(memory.data(), f32, {rows, 40}, {stride, 1});
    for (int64_t row : {least, int64_t(-15), int64_t(-1), int64_t(0),
                        int64_t(1), rows - 1, most - 20, most})
      for (int64_t column : {least, int64_t(-31), int64_t(0), int64_t(3),
                             int64_t(39), most - 10, most})
        for (int cut : {0, 1}) {
          int64_t i = cut ? std::max<int64_t>(row, 0) : row,
                  j = cut ? std::max<int64_t>(column, 0) : column;
          Tensor z = Tensor::zeros({rows, 40});
          Tensor y = kernels[cut](x, out("z", z), arg("row", row),
                                  arg("column", column))["y"];
          auto isInside = [&](int64_t r, int64_t c) {
            return r >= 0 && r < rows && c >= 0 && c < 40;
          };
          int wrong = 0;
          for (int64_t r = 0; r < 16; ++r)
            for (int64_t c = 0; c < 32; ++c)
              wrong += y.at({r, c}) !=
                       (isInside(i + r, j + c) ? x.at({i + r, j + c}) : 0);
          for (int64_t r = 0; r < rows; ++r)
            for (int64_t c = 0; c < 40; ++c)
              wrong += z.at({r, c}) !=
                       (r >= i && r < i + 16 && c >= j && c < j + 32);
          EXPECT_EQ(wrong, 0) << rows << " rows, " << stride << " apart, from "
                              << i << ", " << j;
        }
  }
}

} // namespace
} // namespace attn_grid::test
