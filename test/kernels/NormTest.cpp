// Layer and RMS normalisation against their definitions, for rows that fill
// blocks, leave them part empty, or are longer than one.

#include "test/kernels/KernelCase.h"
#include "test/support/DeviceKernel.h"

namespace attn_grid::test {
namespace {

class Norm : public KernelTest {};
AG_FLOAT_TYPES(Norm);

constexpr std::pair<int64_t, int64_t> sizes[] = {
    {1, 1}, {9, 64}, {20, 100}, {3, 768}, {8, 256}, {5, 1025}, {0, 64}, {4, 0}};

Array filled(int64_t count, double value) {
  return {{count}, std::vector<double>(count, value)};
}

std::vector<double> rms_norm(const Array &x, const Array &weight, double eps,
                             double least) {
  int64_t width = x.size(1);
  std::vector<double> y(x.data.size());
  for (size_t begin = 0; begin < y.size(); begin += width) {
    double squares = 0;
    for (int64_t c = 0; c < width; ++c)
      squares += x.data[begin + c] * x.data[begin + c];
    double rms =
        std::max(std::sqrt(squares / static_cast<double>(width) + eps), least);
    for (int64_t c = 0; c < width; ++c)
      y[begin + c] = x.data[begin + c] / rms * weight.data[c];
  }
  return y;
}

TEST_P(Norm, Layer) {
  DeviceKernel norm = kernel("norm/layer_norm.ag");
  for (auto [rows, cols] : sizes) {
    SCOPED_TRACE(fmt::format("{} x {}", rows, cols));
    Tensor x = draw({rows, cols}), weight = draw({cols}), bias = draw({cols});
    Tensor y = fresh({rows, cols});
    norm(x, weight, bias, out(y));
    EXPECT_TRUE(close(y, layer_norm(read(x), read(weight), read(bias), 1e-5)));
    EXPECT_TRUE(close(norm(x)["y"], layer_norm(read(x), filled(cols, 1),
                                               filled(cols, 0), 1e-5)));
    EXPECT_TRUE(close(norm(x, arg("bias", bias), arg("eps", 0.5))["y"],
                      layer_norm(read(x), filled(cols, 1), read(bias), 0.5)));
  }
}

// (1, 2, 3, 4) has mean 2.5 and variance 1.25.
TEST_P(Norm, LayerByHand) {
  Tensor x = values({1, 4}, {1, 2, 3, 4});
  Tensor y = fresh({1, 4}), mean = fresh_acc({1}), rstd = fresh_acc({1});
  kernel("norm/layer_norm.ag")(x, out("y", y), out("mean", mean),
                               out("rstd", rstd));
  double inverse = 1 / std::sqrt(1.25 + 1e-5);
  EXPECT_TRUE(
      close(y, {-1.5 * inverse, -0.5 * inverse, 0.5 * inverse, 1.5 * inverse}));
  EXPECT_TRUE(close(mean, {2.5}));
  EXPECT_TRUE(close(rstd, {inverse}));
}

// E[x^2] - mean^2 would have no digit left in f32.
TEST_P(Norm, LayerOfALargeMean) {
  std::vector<double> row(300);
  for (size_t c = 0; c < row.size(); ++c)
    row[c] = 10000 + 64.0 * static_cast<double>(c % 2);
  Tensor x = values({1, 300}, row);
  EXPECT_TRUE(close(kernel("norm/layer_norm.ag")(x)["y"],
                    layer_norm(read(x), filled(300, 1), filled(300, 0), 1e-5)));
}

TEST_P(Norm, LayerWithWeightsOfAnotherType) {
  Tensor x = draw({7, 300});
  Tensor weight = Tensor::randn({300}, f32, {}, 8);
  Tensor bias = Tensor::randn({300}, f32, {}, 9);
  EXPECT_TRUE(close(kernel("norm/layer_norm.ag")(x, weight, bias)["y"],
                    layer_norm(read(x), read(weight), read(bias), 1e-5)));
}

TEST_P(Norm, LayerOfStridedRows) {
  Tensor x = draw({90, 40}).transpose();
  EXPECT_TRUE(close(kernel("norm/layer_norm.ag")(x)["y"],
                    layer_norm(read(x), filled(90, 1), filled(90, 0), 1e-5)));
}

TEST_P(Norm, LayerKeepsNanInItsRow) {
  Tensor x = draw({9, 300});
  x.set({4, 7}, notANumber);
  Tensor y = kernel("norm/layer_norm.ag")(x)["y"];
  for (int64_t row = 0; row < 9; ++row)
    EXPECT_EQ(std::isnan(y.at({row, 299})), row == 4) << row;
}

TEST_P(Norm, Rms) {
  DeviceKernel norm = kernel("norm/rms_norm.ag");
  for (auto [rows, cols] : sizes) {
    SCOPED_TRACE(fmt::format("{} x {}", rows, cols));
    Tensor x = draw({rows, cols}), weight = draw({cols});
    Tensor y = fresh({rows, cols});
    norm(x, weight, out(y));
    EXPECT_TRUE(close(y, rms_norm(read(x), read(weight), 0, 1e-8)));
    EXPECT_TRUE(close(norm(x, arg("eps", 0.25))["y"],
                      rms_norm(read(x), filled(cols, 1), 0.25, 1e-8)));
    EXPECT_TRUE(close(norm(x, arg("least", 3.0))["y"],
                      rms_norm(read(x), filled(cols, 1), 0, 3)));
  }
}

// The mean square of (1, 2, 3, 4) is 7.5.
TEST_P(Norm, RmsByHand) {
  Tensor x = values({1, 4}, {1, 2, 3, 4});
  Tensor rstd = fresh_acc({1});
  Results results = kernel("norm/rms_norm.ag")(x, out("rstd", rstd));
  EXPECT_TRUE(close(results["y"], {0.3651483716701107, 0.7302967433402214,
                                   1.0954451150103321, 1.4605934866804429}));
  EXPECT_TRUE(close(rstd, {1 / std::sqrt(7.5)}));
}

// A row of zeros is divided by the bound, not by zero.
TEST_P(Norm, RmsOfZeros) {
  Tensor y =
      kernel("norm/rms_norm.ag")(Tensor::zeros({3, 70}, GetParam()))["y"];
  for (double value : y.to_vector())
    ASSERT_EQ(value, 0);
}

// One number repeated is the scalar gain of ScaleNorm.
TEST_P(Norm, RmsWithOneWeight) {
  Tensor x = draw({3, 70});
  Tensor weight = values({1}, {2}).expand({70});
  EXPECT_TRUE(close(kernel("norm/rms_norm.ag")(x, weight)["y"],
                    rms_norm(read(x), filled(70, 2), 0, 1e-8)));
}

} // namespace
} // namespace attn_grid::test
