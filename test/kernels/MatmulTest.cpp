// The matrix product against its definition, at sizes that do not fit its tiles
// and the groups of tiles that share what is cached.

#include "test/kernels/KernelCase.h"

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
