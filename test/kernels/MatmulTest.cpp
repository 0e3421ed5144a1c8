// The matrix product against its definition, at sizes that do not fit its tiles
// and the groups of tiles that share what is cached.

#include "test/kernels/KernelCase.h"
#include "test/support/DeviceKernel.h"
#include "test/support/TileEmulator.h"

#include <cstdlib>

namespace attn_grid::test {
namespace {

class Matmul : public KernelTest {};
AG_FLOAT_TYPES(Matmul);

TEST_P(Matmul, Products) {
  constexpr std::array<int64_t, 3> sizes[] = {
      {1, 1, 1},     {64, 64, 64},  {65, 63, 33}, {200, 130, 300},
      {0, 5, 5},     {5, 0, 5},     {5, 5, 0},    {1, 300, 257},
      {300, 1, 257}, {700, 40, 20}, {40, 700, 20}};
  for (auto [rows, cols, inner] : sizes) {
    Tensor a = draw({rows, inner}), b = draw({inner, cols});
    Tensor c = fresh({rows, cols});
    kernel("matmul/matmul.ag")(a, b, out(c));
    EXPECT_TRUE(close(c, matmul(read(a), read(b))))
        << rows << " x " << inner << " x " << cols;
  }
}

// That AG_TEST_DEVICE=tiles tests what it says.
TEST_P(Matmul, TilesAreUsed) {
  const char *device = std::getenv("AG_TEST_DEVICE");
  if (!device || std::string_view(device) != "tiles" || GetParam() != bf16 ||
      machine_runs("x86-64-v4-amx"))
    GTEST_SKIP() << "of bf16 with AG_TEST_DEVICE=tiles, and emulated";
  long before = TileEmulator::products();
  kernel("matmul/matmul.ag")(draw({64, 64}), draw({64, 64}));
  EXPECT_GT(TileEmulator::products(), before);
}

// Rows of b that lie far apart, as in a slice of a wide matrix, or are
// repeated; tiles that are whole, and tiles that are not.
TEST_P(Matmul, FarAndRepeatedRows) {
  for (int64_t rows : {256, 200})
    for (int64_t cols : {128, 100}) {
      Tensor a = draw({rows, 192});
      Tensor wide = draw({192, 2000}).slice(1, 700, 700 + cols);
      EXPECT_TRUE(close(kernel("matmul/matmul.ag")(a, wide)["c"],
                        matmul(read(a), read(wide))));
      Tensor repeated = draw({1, cols}).expand({192, cols});
      EXPECT_TRUE(close(kernel("matmul/matmul.ag")(a, repeated)["c"],
                        matmul(read(a), read(repeated))));
    }
}

TEST_P(Matmul, Blocks) {
  Tensor a = draw({300, 150}), b = draw({150, 170});
  std::vector<double> want = matmul(read(a), read(b));
  for (int64_t rows : {16, 256})
    for (int64_t group : {1, 4}) {
      DeviceKernel product =
          kernel("matmul/matmul.ag", {{"BM", rows}, {"GROUP", group}});
      EXPECT_TRUE(close(product(a, b)["c"], want)) << rows << ", " << group;
    }
}

TEST_P(Matmul, TransposedOperands) {
  Tensor a = draw({40, 70}).transpose(), b = draw({50, 40}).transpose();
  EXPECT_TRUE(
      close(kernel("matmul/matmul.ag")(a, b)["c"], matmul(read(a), read(b))));
}

TEST_P(Matmul, NanStaysInItsRowAndColumn) {
  Tensor a = draw({70, 40}), b = draw({40, 90});
  a.set({3, 5}, notANumber);
  b.set({7, 80}, notANumber);
  Tensor c = kernel("matmul/matmul.ag")(a, b)["c"];
  for (int64_t row = 0; row < 70; ++row)
    for (int64_t col = 0; col < 90; ++col)
      ASSERT_EQ(std::isnan(c.at({row, col})), row == 3 || col == 80)
          << row << ", " << col;
}

} // namespace
} // namespace attn_grid::test
