// The kernels of the tutorial against their definitions, at sizes that fill
// tiles, leave them part empty, or are 0.

#include "test/kernels/KernelCase.h"
#include "test/support/Compare.hpp"
#include "test/support/DeviceKernel.h"
#include "test/support/Reference.hpp"

#include <gtest/gtest.h>
#include <map>

namespace attn_grid::test {
namespace {

/// A lesson's kernel; variants are shared by all tests of the process.
DeviceKernel lesson(const std::string &file, const std::string &kernel,
                    const Bindings &bindings = {}) {
  static std::map<std::string, Module> modules;
  auto it = modules.find(file);
  if (it == modules.end())
    it = modules
             .emplace(file, Module::from_file(
                                AG_SOURCE_DIR "/kernels_dsl/tutorial/" + file))
             .first;
  return it->second.kernel(kernel, bindings);
}

class Tutorial : public testing::TestWithParam<DType> {
protected:
  Tensor draw(const Dims &sizes, uint64_t seed) const {
    return Tensor::randn(sizes, GetParam(), {}, seed);
  }
  /// Compares with the tolerance of the parameter's type.
  static testing::AssertionResult close(const Tensor &found,
                                        const std::vector<double> &wanted) {
    return near(found.to_vector(), wanted, forward_tolerance(GetParam()));
  }
};
INSTANTIATE_TEST_SUITE_P(Types, Tutorial, testing::Values(f32, f16, bf16, f64),
                         [](const auto &info) {
                           return std::string(name_of(info.param));
                         });

TEST_P(Tutorial, VectorAdd) {
  DeviceKernel kernel = lesson("01-vector-add.ag", "vector_add");
  for (int64_t length : {0, 1, 15, 1000, 1024, 1025, 100003}) {
    Tensor x = draw({length}, 1), y = draw({length}, 2);
    Array xs = read(x), ys = read(y);
    for (size_t i = 0; i < xs.data.size(); ++i)
      xs.data[i] += ys.data[i];
    EXPECT_TRUE(close(kernel(x, y)["z"], xs.data)) << length;
  }
  // Every second element, and one element repeated.
  Tensor x = draw({2000}, 1).slice(0, 0, 2000, 2);
  Tensor y = draw({1}, 2).expand({1000});
  std::vector<double> want = x.to_vector();
  for (double &value : want)
    value += y.at({0});
  EXPECT_TRUE(close(kernel(x, y)["z"], want));
}

TEST_P(Tutorial, RowSoftmax) {
  DeviceKernel kernel = lesson("02-row-softmax.ag", "row_softmax");
  constexpr std::pair<int64_t, int64_t> sizes[] = {
      {1, 1}, {3, 2}, {8, 64}, {9, 300}, {17, 1000}, {0, 64}, {1000, 33}};
  for (auto [rows, cols] : sizes) {
    Tensor x = draw({rows, cols}, 1);
    EXPECT_TRUE(close(kernel(x)["y"], softmax(read(x))))
        << rows << " x " << cols;
  }
  // Columns first in memory.
  Tensor x = draw({50, 20}, 1).transpose();
  EXPECT_TRUE(close(kernel(x)["y"], softmax(read(x))));
}

// Without the largest score taken off, these would overflow.
TEST_P(Tutorial, RowSoftmaxOfLargeScores) {
  Tensor x = Tensor::from_values(
      {2, 3}, std::vector<double>{1000, 999, -1000, -5000, -5000, -5001},
      GetParam());
  EXPECT_TRUE(close(lesson("02-row-softmax.ag", "row_softmax")(x)["y"],
                    softmax(read(x))));
}

TEST_P(Tutorial, MatrixProduct) {
  DeviceKernel kernel = lesson("03-matrix-product.ag", "matrix_product");
  constexpr std::array<int64_t, 3> sizes[] = {
      {1, 1, 1}, {64, 64, 32}, {65, 63, 33},  {200, 130, 100}, {0, 5, 5},
      {5, 0, 5}, {5, 5, 0},    {1, 300, 257}, {300, 1, 257}};
  for (auto [rows, cols, inner] : sizes) {
    Tensor a = draw({rows, inner}, 1), b = draw({inner, cols}, 2);
    EXPECT_TRUE(close(kernel(a, b)["c"], matmul(read(a), read(b))))
        << rows << " x " << inner << " x " << cols;
  }
  Tensor a = draw({40, 70}, 1).transpose(), b = draw({50, 40}, 2).transpose();
  EXPECT_TRUE(close(kernel(a, b)["c"], matmul(read(a), read(b))));
}

TEST_P(Tutorial, MatrixProductInOtherBlocks) {
  Tensor a = draw({100, 90}, 1), b = draw({90, 110}, 2);
  std::vector<double> want = matmul(read(a), read(b));
  for (int64_t rows : {16, 128})
    for (int64_t cols : {32, 128}) {
      DeviceKernel kernel =
          lesson("03-matrix-product.ag", "matrix_product",
                 {{"BM", rows}, {"BN", cols}, {"BK", int64_t(16)}});
      EXPECT_TRUE(close(kernel(a, b)["c"], want)) << rows << " x " << cols;
    }
}

TEST_P(Tutorial, LayerNorm) {
  DeviceKernel kernel = lesson("04-layer-norm.ag", "layer_norm");
  constexpr std::pair<int64_t, int64_t> sizes[] = {
      {1, 1}, {9, 64}, {20, 100}, {3, 768}, {0, 64}};
  for (auto [rows, cols] : sizes) {
    Tensor x = draw({rows, cols}, 1);
    Tensor weight = draw({cols}, 2), bias = draw({cols}, 3);
    Array ones{{cols}, std::vector<double>(cols, 1)};
    Array zeros{{cols}, std::vector<double>(cols, 0)};
    EXPECT_TRUE(close(kernel(x, weight, bias)["y"],
                      layer_norm(read(x), read(weight), read(bias), 1e-5)))
        << rows << " x " << cols;
    EXPECT_TRUE(close(kernel(x)["y"], layer_norm(read(x), ones, zeros, 1e-5)));
    EXPECT_TRUE(close(kernel(x, arg("bias", bias), arg("eps", 0.5))["y"],
                      layer_norm(read(x), ones, read(bias), 0.5)));
  }
}

TEST_P(Tutorial, LayerNormKeepsTheMean) {
  Tensor x = draw({19, 100}, 1);
  Tensor mean = Tensor::zeros({19}, acc_of(GetParam()));
  lesson("04-layer-norm.ag", "layer_norm")(x, out("mean", mean));
  std::vector<double> want(19);
  Array xs = read(x);
  for (size_t i = 0; i < xs.data.size(); ++i)
    want[i / 100] += xs.data[i] / 100;
  EXPECT_TRUE(near(mean.to_vector(), want, forward_tolerance(GetParam())));
}

TEST_P(Tutorial, Flash) {
  for (bool causal : {false, true}) {
    DeviceKernel kernel = lesson("05-flash.ag", "flash", {{"causal", causal}});
    constexpr std::array<int64_t, 3> sizes[] = {
        {70, 100, 64}, {100, 70, 40}, {1, 257, 64}, {129, 129, 16}};
    for (auto [rows, keys, width] : sizes) {
      Tensor q = draw({2, 2, rows, width}, 1);
      Tensor k = draw({2, 2, keys, width}, 2);
      Tensor v = draw({2, 2, keys, width}, 3);
      double scale = 1 / std::sqrt(static_cast<double>(width));
      EXPECT_TRUE(close(kernel(q, k, v)["o"],
                        attention(read(q), read(k), read(v), scale, causal).o))
          << rows << " x " << keys << " x " << width;
    }
  }
}

TEST_P(Tutorial, Variant) {
  constexpr int64_t rows = 90, keys = 130, width = 24;
  Tensor q = draw({1, 2, rows, width}, 1), k = draw({1, 2, keys, width}, 2);
  Tensor v = draw({1, 2, keys, width}, 3);
  Tensor time = Tensor::uniform({keys}, f32, {}, 4);
  auto check = [&](const Tensor &found, auto score) {
    EXPECT_TRUE(close(found, attention_by(read(q), read(k), read(v), score).o));
  };
  double scale = 1 / std::sqrt(static_cast<double>(width));
  check(lesson("06-variant.ag", "flash")(q, k, v)["o"],
        [&](Pair, double product) { return product * scale; });
  check(lesson("06-variant.ag", "flash", {variant("recent")})(
            q, k, v, arg("width", 30), arg("decay", 0.25))["o"],
        [&](Pair p, double product) {
          int64_t back = p.row + keys - rows - p.key;
          return back >= 0 && back < 30
                     ? product * scale - 0.25 * static_cast<double>(back)
                     : -infinity;
        });
  check(lesson("06-variant.ag", "flash",
               {variant("timed")})(q, k, v, arg("time", time))["o"],
        [&](Pair p, double product) {
          return time.at({p.key}) <= time.at({p.row + keys - rows})
                     ? product * scale
                     : -infinity;
        });
}

} // namespace
} // namespace attn_grid::test
