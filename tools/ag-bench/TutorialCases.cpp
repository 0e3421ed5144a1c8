// The tutorial's first four lessons. All but the matrix product are bound by
// memory: their work is the bytes that must move, and copying is their peak.

#include "attn_grid/attn_grid.hpp"
#include "tools/ag-bench/Cases.h"
#include "tools/ag-bench/Composed.h"
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace attn_grid::bench {

/// Checks some elements of `got`, at `index` in row-major order, against
/// `wanted(index)`.
static double sampledError(const Tensor &got,
                           const std::function<double(int64_t)> &wanted) {
  const float *data = got.data_as<float>();
  double worst = 0;
  for (int64_t i = 0, n = got.elements(); i < n; i += 1 + n / 61) {
    double difference = std::fabs(data[i] - wanted(i));
    if (!(difference <= worst))
      worst = std::isnan(difference) ? INFINITY : difference;
  }
  return worst;
}

static Kernel load(const Setup &setup, const char *file, const char *name,
                   int threads) {
  set_num_threads(threads);
  return Module::from_file(setup.kernels + "/tutorial/" + file,
                           {setup.kernels + "/prelude"})
      .kernel(name);
}

static Case vectorAdd(const Setup &setup, int threads) {
  int64_t n = int64_t(1) << 25;
  Tensor x = Tensor::uniform({n}), y = Tensor::uniform({n}, f32, {}, 1);
  Tensor z = Tensor::zeros({n});
  Launch launch = load(setup, "01-vector-add.ag", "vector_add", threads)
                      .prepare(x, y, out(z));
  Case result;
  result.kernel = [=] { launch(); };
  result.error = [=] {
    launch();
    return sampledError(z, [&](int64_t i) { return x.at({i}) + y.at({i}); });
  };
  result.tolerance = 1e-6;
  result.work = 3.0 * 4 * static_cast<double>(n);
  result.unit = Unit::copy;
  result.threads = threads;
  return result;
}

static Case rowSoftmax(const Setup &setup, int threads) {
  int64_t rows = 32768, columns = 1024;
  Tensor x = Tensor::randn({rows, columns});
  Tensor y = Tensor::zeros({rows, columns});
  Launch launch = load(setup, "02-row-softmax.ag", "row_softmax", threads)
                      .prepare(x, out(y));
  Case result;
  result.kernel = [=] { launch(); };
  result.error = [=] {
    launch();
    return sampledError(y, [&](int64_t i) {
      std::vector<double> row = x.select(0, i / columns).to_vector();
      double sum = 0;
      for (double score : row)
        sum += std::exp(score);
      return std::exp(row[i % columns]) / sum;
    });
  };
  result.tolerance = 1e-6;
  result.work = 2.0 * 4 * static_cast<double>(rows * columns);
  result.unit = Unit::copy;
  result.threads = threads;
  return result;
}

static Case layerNorm(const Setup &setup, int threads) {
  int64_t rows = 32768, columns = 1024;
  Tensor x = Tensor::randn({rows, columns});
  Tensor y = Tensor::zeros({rows, columns});
  Launch launch = load(setup, "04-layer-norm.ag", "layer_norm", threads)
                      .prepare(x, none, none, out(y));
  Case result;
  result.kernel = [=] { launch(); };
  result.error = [=] {
    launch();
    return sampledError(y, [&](int64_t i) {
      std::vector<double> row = x.select(0, i / columns).to_vector();
      double mean = 0, variance = 0;
      for (double value : row)
        mean += value / static_cast<double>(columns);
      for (double value : row)
        variance +=
            (value - mean) * (value - mean) / static_cast<double>(columns);
      return (row[i % columns] - mean) / std::sqrt(variance + 1e-5);
    });
  };
  result.tolerance = 1e-5;
  result.work = 2.0 * 4 * static_cast<double>(rows * columns);
  result.unit = Unit::copy;
  result.threads = threads;
  return result;
}

static Case matrixProduct(const Setup &setup, int threads) {
  int size = 1024;
  Tensor a = Tensor::randn({size, size});
  Tensor b = Tensor::randn({size, size}, f32, {}, 1);
  Tensor c = Tensor::zeros({size, size}), other = Tensor::zeros({size, size});
  Launch launch = load(setup, "03-matrix-product.ag", "matrix_product", threads)
                      .prepare(a, b, out(c));
  Case result;
  result.kernel = [=] { launch(); };
  result.composed = [=] {
    composedProduct(a.data_as<float>(), b.data_as<float>(),
                    other.data_as<float>(), size, threads);
  };
  result.error = [=] {
    launch();
    return sampledError(c, [&](int64_t i) {
      double sum = 0;
      for (int64_t k = 0; k < size; ++k)
        sum += a.at({i / size, k}) * b.at({k, i % size});
      return sum;
    });
  };
  result.tolerance = 1e-3;
  result.work = 2.0 * size * size * size;
  result.unit = Unit::f32;
  result.threads = threads;
  return result;
}

std::vector<NamedCase> tutorialCases(const Setup &setup) {
  struct Lesson {
    const char *name;
    Case (*make)(const Setup &, int);
  };
  std::vector<NamedCase> cases;
  for (Lesson lesson : {Lesson{"vector_add/f32/N33554432", vectorAdd},
                        Lesson{"row_softmax/f32/32768x1024", rowSoftmax},
                        Lesson{"matrix_product/f32/1024", matrixProduct},
                        Lesson{"layer_norm/f32/32768x1024", layerNorm}})
    for (int threads : setup.threads)
      cases.push_back({fmt::format("{}/t{}", lesson.name, threads),
                       [=] { return lesson.make(setup, threads); }});
  return cases;
}

} // namespace attn_grid::bench
