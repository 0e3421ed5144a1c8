// Rotary embeddings against their definition: both pairings, part of the
// components, positions by table, and the way back.

#include "test/kernels/KernelCase.h"
#include "test/support/DeviceKernel.h"

namespace attn_grid::test {
namespace {

/// The table of `rotary_table.ag` by its definition.
std::vector<double> table_of(int64_t positions, int64_t width, double base) {
  std::vector<double> table(positions * width);
  for (int64_t p = 0; p < positions; ++p)
    for (int64_t u = 0; u < width / 2; ++u) {
      double angle = static_cast<double>(p) *
                     std::pow(base, -2.0 * static_cast<double>(u) /
                                        static_cast<double>(width));
      table[p * width + u] = std::sin(angle);
      table[p * width + width / 2 + u] = std::cos(angle);
    }
  return table;
}

/// Rotates the first `width` components of every row of x [B, H, M, D] by the
/// angles in `table`; `at(b, i)` is the position of row i.
template <class At>
std::vector<double> rotated(const Array &x, const Array &table,
                            bool interleaved, bool inverse, At at) {
  int64_t rows = x.size(2), depth = x.size(3), width = table.size(1);
  std::vector<double> y = x.data;
  for (int64_t row = 0; row < x.size(0) * x.size(1) * rows; ++row)
    for (int64_t u = 0; u < width / 2; ++u) {
      const double *angles =
          table.data.data() + at(row / rows / x.size(1), row % rows) * width;
      double s = inverse ? -angles[u] : angles[u], c = angles[width / 2 + u];
      int64_t first = row * depth + (interleaved ? 2 * u : u);
      int64_t second = first + (interleaved ? 1 : width / 2);
      y[first] = x.data[first] * c - x.data[second] * s;
      y[second] = x.data[second] * c + x.data[first] * s;
    }
  return y;
}

// One rounding to f32, also where the angle is large.
TEST(RotaryTable, SinesAndCosines) {
  for (int64_t width : {2, 6, 64, 128})
    for (int64_t positions : {0, 1, 100, 5000}) {
      DeviceKernel make = kernel("rotary/rotary_table.ag",
                                 {{"T", f32}, {"R", width}, {"P", positions}});
      EXPECT_TRUE(near(make()["table"].to_vector(),
                       table_of(positions, width, 10000), {1e-7, 0}))
          << positions << " x " << width;
    }
  DeviceKernel make =
      kernel("rotary/rotary_table.ag",
             {{"T", f64}, {"R", int64_t(10)}, {"P", int64_t(70)}});
  EXPECT_TRUE(near(make(arg("base", 500.0))["table"].to_vector(),
                   table_of(70, 10, 500), {1e-13, 0}));
}

class Rotary : public KernelTest {};
AG_FLOAT_TYPES(Rotary);

TEST_P(Rotary, BothPairings) {
  constexpr std::array<int64_t, 3> sizes[] = {
      {70, 64, 64}, {33, 64, 32}, {1, 128, 128}, {20, 40, 40},
      {5, 80, 20},  {9, 6, 2},    {0, 64, 64}};
  for (auto [rows, depth, width] : sizes)
    for (bool interleaved : {false, true})
      for (bool inverse : {false, true}) {
        Tensor x = draw({2, 3, rows, depth});
        Array angles{{80, width}, table_of(80, width, 10000)};
        Tensor table = Tensor::from_values({80, width}, angles.data, f32);
        Tensor y = fresh({2, 3, rows, depth});
        kernel("rotary/rotary.ag",
               {{"interleaved", interleaved}, {"inverse", inverse}})(
            x, table, arg("y", out(y)));
        EXPECT_TRUE(close(y, rotated(read(x), read(table), interleaved, inverse,
                                     [](int64_t, int64_t i) { return i; })))
            << rows << " x " << depth << ", " << width << " rotated"
            << (interleaved ? ", interleaved" : "")
            << (inverse ? ", back" : "");
      }
}

// Row (1, 2, 3, 4) at position 1.
TEST_P(Rotary, ByHand) {
  Tensor x = values({1, 1, 1, 4}, {1, 2, 3, 4});
  Tensor table =
      Tensor::from_values({2, 4}, table_of(2, 4, 10000), acc_of(GetParam()));
  EXPECT_TRUE(close(kernel("rotary/rotary.ag")(x, table, arg("start", 1))["y"],
                    {-1.9841106485555495, 1.959900667496664, 2.4623779024123156,
                     4.019799668334994}));
  EXPECT_TRUE(close(kernel("rotary/rotary.ag", {{"interleaved", true}})(
                        x, table, arg("start", 1))["y"],
                    {-1.1426396637476532, 1.922075596544176, 2.9598506679133294,
                     4.029799501669161}));
}

TEST_P(Rotary, PositionsOfEveryRow) {
  Tensor x = draw({2, 2, 50, 32});
  Tensor table = Tensor::from_values({300, 32}, table_of(300, 32, 10000), f32);
  std::vector<int64_t> at(100);
  for (size_t i = 0; i < at.size(); ++i)
    at[i] = static_cast<int64_t>(i * 97 % 300);
  Tensor y = kernel("rotary/rotary.ag")(
      x, table, arg("positions", integers({2, 50}, at)))["y"];
  EXPECT_TRUE(
      close(y, rotated(read(x), read(table), false, false,
                       [&](int64_t b, int64_t i) { return at[b * 50 + i]; })));
}

// A tensor whose heads come after the sequence, by its strides.
TEST_P(Rotary, HeadsBehindTheSequence) {
  Tensor x = draw({2, 40, 3, 16}).transpose(1, 2);
  Tensor table = Tensor::from_values({40, 16}, table_of(40, 16, 10000), f32);
  EXPECT_TRUE(close(kernel("rotary/rotary.ag")(x, table)["y"],
                    rotated(read(x), read(table), false, false,
                            [](int64_t, int64_t i) { return i; })));
}

} // namespace
} // namespace attn_grid::test
