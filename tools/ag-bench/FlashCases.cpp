// Forward attention: 8 heads, as many keys as queries. Work is counted as
// 4 D operations per pair of query and key that the mask allows.

#include "attn_grid/attn_grid.hpp"
#include "tools/ag-bench/Cases.h"
#include "tools/ag-bench/Composed.h"
#include <cmath>
#include <fmt/format.h>

namespace attn_grid::bench {

static constexpr int heads = 8;

namespace {
/// What one case computes.
struct Shape {
  DType dtype;
  int width, rows;
  bool causal;
};

/// The tensors of one case. All functions of the case share it.
struct Problem {
  explicit Problem(const Shape &shape)
      : shape(shape), q(deviates(1)), k(deviates(2)), v(deviates(3)),
        o(Tensor::empty(sizes(), shape.dtype)) {}

  Dims sizes() const { return {1, heads, shape.rows, shape.width}; }
  Tensor deviates(uint64_t seed) const {
    return Tensor::randn(sizes(), shape.dtype, Device(), seed);
  }

  Shape shape;
  Tensor q, k, v, o;
};
} // namespace

/// One row of the answer, in f64.
static std::vector<double> referenceRow(const Problem &p, int head, int row) {
  int width = p.shape.width;
  int keys = p.shape.causal ? row + 1 : p.shape.rows;
  std::vector<double> query =
      p.q.select(0, 0).select(0, head).select(0, row).to_vector();
  std::vector<double> k = p.k.select(0, 0).select(0, head).to_vector();
  std::vector<double> v = p.v.select(0, 0).select(0, head).to_vector();
  std::vector<double> scores(keys), result(width);
  double top = -INFINITY, sum = 0;
  for (int key = 0; key < keys; ++key) {
    for (int i = 0; i < width; ++i)
      scores[key] += query[i] * k[size_t(key) * width + i];
    scores[key] /= std::sqrt(double(width));
    top = std::max(top, scores[key]);
  }
  for (int key = 0; key < keys; ++key) {
    double p = std::exp(scores[key] - top);
    sum += p;
    for (int i = 0; i < width; ++i)
      result[i] += p * v[size_t(key) * width + i];
  }
  for (double &x : result)
    x /= sum;
  return result;
}

/// The largest difference in a few rows of each of three heads; NaN counts as
/// infinite.
static double largestError(const Problem &p, const Tensor &o) {
  double worst = 0;
  for (int head : {0, 3, heads - 1})
    for (int row : {0, 1, 63, p.shape.rows / 2 + 5, p.shape.rows - 1}) {
      std::vector<double> wanted = referenceRow(p, head, row);
      std::vector<double> got =
          o.select(0, 0).select(0, head).select(0, row).to_vector();
      for (size_t i = 0; i < wanted.size(); ++i) {
        double difference = std::fabs(got[i] - wanted[i]);
        worst = difference <= worst      ? worst
                : std::isnan(difference) ? INFINITY
                                         : difference;
      }
    }
  return worst;
}

/// Results are of order 1, probabilities are rounded to the type before they
/// meet v: a few units in the last place of 4.
static double toleranceOf(DType dtype) {
  switch (dtype) {
  case DType::f64:
    return 1e-12;
  case DType::f32:
    return 2e-5;
  case DType::f16:
    return 4e-3;
  default:
    return 3e-2;
  }
}

static Unit unitOf(DType dtype) {
  if (dtype == f64)
    return Unit::f64;
  return dtype == bf16 ? fastestBf16() : Unit::f32;
}

/// Throws `BackendError` if what the kernel is compared with is wrong.
static void checkOther(const Problem &p, const char *what,
                       const std::function<void()> &run, const Tensor &o) {
  run();
  if (double error = largestError(p, o); !(error <= toleranceOf(f32)))
    throw BackendError(
        fmt::format("the {} implementation is wrong by {:.1e}", what, error));
}

/// The composed implementation on copies in the type that it computes in.
template <typename T>
static std::function<void()> composed(const Problem &p, int threads,
                                      const Tensor &o) {
  auto widen = [&](const Tensor &x) {
    return x.dtype() == o.dtype() ? x : x.convert(o.dtype());
  };
  Tensor q = widen(p.q), k = widen(p.k), v = widen(p.v);
  Shape shape = p.shape;
  return [=] {
    composedAttention(Attention<T>{q.data_as<T>(), k.data_as<T>(),
                                   v.data_as<T>(), o.data_as<T>(), heads,
                                   shape.rows, shape.width, shape.causal},
                      threads);
  };
}

static Case makeCase(const Setup &setup, const std::string &file,
                     const std::string &name, const Shape &shape, int threads) {
  auto problem = std::make_shared<Problem>(shape);
  Module module = Module::from_file(setup.kernels + "/" + file,
                                    {setup.kernels + "/prelude"});
  Kernel kernel = module.kernel(name, {{"causal", shape.causal}});
  set_num_threads(threads);
  Launch launch =
      kernel.prepare(problem->q, problem->k, problem->v, out(problem->o));

  Case result;
  result.kernel = [=] { launch(); };
  result.error = [=] {
    launch();
    return largestError(*problem, problem->o);
  };
  result.tolerance = toleranceOf(shape.dtype);

  DType computed = shape.dtype == f64 ? f64 : f32;
  Tensor other = Tensor::zeros(problem->sizes(), computed);
  result.composed = computed == f64 ? composed<double>(*problem, threads, other)
                                    : composed<float>(*problem, threads, other);
  checkOther(*problem, "composed", result.composed, other);
  if (setup.ceiling && shape.dtype == f32) {
    result.ceiling = [=, ceiling = *setup.ceiling] {
      ceiling.run(problem->q.data_as<float>(), problem->k.data_as<float>(),
                  problem->v.data_as<float>(), other.data_as<float>(),
                  shape.rows, shape.width, shape.causal, threads);
    };
    other.fill(0);
    checkOther(*problem, "ceiling", result.ceiling, other);
  }
  double rows = shape.rows;
  double pairs = shape.causal ? rows * (rows + 1) / 2 : rows * rows;
  result.work = 4.0 * heads * pairs * shape.width;
  result.unit = unitOf(shape.dtype);
  result.threads = threads;
  return result;
}

std::vector<NamedCase> flashCases(const Setup &setup) {
  std::vector<NamedCase> cases;
  auto add = [&](const char *file, const char *kernel, const Shape &shape) {
    for (int threads : setup.threads)
      cases.push_back(
          {fmt::format("{}/{}/D{}/N{}/{}/t{}", kernel, name_of(shape.dtype),
                       shape.width, shape.rows,
                       shape.causal ? "causal" : "full", threads),
           [=] { return makeCase(setup, file, kernel, shape, threads); }});
  };
  for (DType dtype : {f32, bf16, f16, f64})
    for (int width : {64, 128})
      for (int rows : {512, 1024, 2048, 4096})
        for (bool causal : {false, true})
          add("flash/flash_fwd.ag", "flash_fwd", {dtype, width, rows, causal});
  for (bool causal : {false, true})
    add("tutorial/05-flash.ag", "flash", {f32, 64, 2048, causal});
  return cases;
}

} // namespace attn_grid::bench
