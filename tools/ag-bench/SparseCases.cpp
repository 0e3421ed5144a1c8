// What skipping tiles gains: sparse kernels, and causal attention whose loop is
// split by hand, beside flash_fwd, causal, of the same lengths. 8 heads, f32.

#include "attn_grid/attn_grid.hpp"
#include "tools/ag-bench/Cases.h"
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace attn_grid::bench {

static constexpr int heads = 8, width = 64;

/// Causal attention as one writes it by hand where the compiler does not trim
/// loops: the tiles below the diagonal first, without a mask, then the others.
static constexpr const char *splitSource = R"(import "softmax.ag";
kernel split_fwd<T: float, const D: int, const BM: int = 64, const BN: int = 64>(
    q: tensor<T>[B, H, N, D], k: tensor<T>[B, H, N, D], v: tensor<T>[B, H, N, D],
    out o: tensor<T>[B, H, N, D])
  where N % BM == 0 and BM % BN == 0
  grid (N / BM, H, B)
{
  let (block, h, b) = program_id();
  let m = block * BM;
  let rows = m + iota(BM);
  let query = q[b, h, m +: BM, :];
  var state = softmax_init<T, BM, D>();
  for n in 0 .. m step BN {
    let s = dot(query, k[b, h, n +: BN, :].T) * (LOG2E / sqrt(D));
    state = softmax_update(state, s, v[b, h, n +: BN, :], full<bool>[BM, BN](true));
  }
  for n in m .. m + BM step BN {
    let cols = n + iota(BN);
    let s = dot(query, k[b, h, n +: BN, :].T) * (LOG2E / sqrt(D));
    state = softmax_update(state, s, v[b, h, n +: BN, :], cols[None, :] <= rows[:, None]);
  }
  o[b, h, m +: BM, :] = cast<T>(softmax_result(state));
}
)";

namespace {
/// Tensors of one case, and the pairs that it allows.
struct Problem {
  int queries, keys, sequence; ///< the sequence is what `dense` works on
  Tensor q, k, v, o;
  /// Whether query i sees key j.
  std::function<bool(int i, int j)> allowed;

  Problem(int rows, int sequence)
      : queries(rows), keys(rows), sequence(sequence), q(deviates(rows, 1)),
        k(deviates(rows, 2)), v(deviates(rows, 3)),
        o(Tensor::zeros({1, heads, rows, width})) {}

  static Tensor deviates(int rows, uint64_t seed) {
    return Tensor::randn({1, heads, rows, width}, f32, Device(), seed);
  }
  std::vector<Tensor> others; ///< what else the kernel reads

  /// 4 D operations for each pair.
  double work() const {
    double pairs = 0;
    for (int i = 0; i < queries; ++i)
      for (int j = 0; j < keys; ++j)
        pairs += allowed(i, j);
    return 4.0 * heads * pairs * width;
  }
};
} // namespace

/// The largest difference in some rows of two heads; NaN counts as infinite.
static double largestError(const Problem &p) {
  double worst = 0;
  for (int head : {0, heads - 1})
    for (int row : {0, 1, 36, p.queries / 2 + 5, p.queries - 1}) {
      auto rowsOf = [&](const Tensor &x) {
        return x.select(0, 0).select(0, head).to_vector();
      };
      std::vector<double> q = rowsOf(p.q), k = rowsOf(p.k), v = rowsOf(p.v);
      std::vector<double> o = rowsOf(p.o), wanted(width);
      std::vector<std::pair<int, double>> scores;
      double top = -INFINITY, sum = 0;
      for (int key = 0; key < p.keys; ++key) {
        if (!p.allowed(row, key))
          continue;
        double score = 0;
        for (int i = 0; i < width; ++i)
          score += q[size_t(row) * width + i] * k[size_t(key) * width + i];
        scores.push_back({key, score / std::sqrt(double(width))});
        top = std::max(top, scores.back().second);
      }
      for (auto [key, score] : scores) {
        sum += std::exp(score - top);
        for (int i = 0; i < width; ++i)
          wanted[i] += std::exp(score - top) * v[size_t(key) * width + i];
      }
      for (int i = 0; i < width; ++i) {
        double difference = std::fabs(o[size_t(row) * width + i] -
                                      (sum > 0 ? wanted[i] / sum : 0));
        worst = difference <= worst      ? worst
                : std::isnan(difference) ? INFINITY
                                         : difference;
      }
    }
  return worst;
}

static Module fromFile(const Setup &setup, const char *file) {
  return Module::from_file(setup.kernels + "/" + file,
                           {setup.kernels + "/prelude"});
}

/// flash_fwd, causal, over the whole sequence.
static std::function<void()> dense(const Setup &setup, int sequence) {
  Tensor q = Problem::deviates(sequence, 1), k = Problem::deviates(sequence, 2);
  Tensor v = Problem::deviates(sequence, 3);
  Tensor o = Tensor::zeros({1, heads, sequence, width});
  Launch launch = fromFile(setup, "flash/flash_fwd.ag")
                      .kernel("flash_fwd", {{"causal", true}})
                      .prepare(q, k, v, out(o));
  // A launch does not own its tensors.
  return [launch, q, k, v, o] { launch(); };
}

static Case finish(const Setup &setup, const Problem &problem,
                   const Launch &launch, int threads) {
  Case result;
  result.kernel = [launch, problem] { launch(); };
  result.error = [launch, problem] {
    launch();
    return largestError(problem);
  };
  result.tolerance = 2e-5;
  result.dense = dense(setup, problem.sequence);
  result.work = problem.work();
  result.unit = Unit::f32;
  result.threads = threads;
  return result;
}

static Case splitByHand(const Setup &setup, int rows, int threads) {
  set_num_threads(threads);
  Problem p(rows, rows);
  p.allowed = [](int i, int j) { return j <= i; };
  Launch launch = Module::from_source(splitSource, "split_fwd.ag",
                                      {setup.kernels + "/prelude"})
                      .kernel("split_fwd")
                      .prepare(p.q, p.k, p.v, out(p.o));
  return finish(setup, p, launch, threads);
}

/// A tensor [1, heads, rows] of i32 that holds `value(row)` in every head.
static Tensor perRow(int rows, const std::function<int(int)> &value) {
  Tensor result = Tensor::zeros({1, heads, rows}, i32);
  int32_t *data = result.data_as<int32_t>();
  for (int i = 0; i < heads * rows; ++i)
    data[i] = value(i % rows);
  return result;
}

/// 16 buckets of the same size, whose tokens are spread over the sequence.
static Case hashed(const Setup &setup, int rows, int threads) {
  set_num_threads(threads);
  Problem p(rows, rows);
  int size = rows / 16;
  p.allowed = [=](int i, int j) { return i / size == j / size && j <= i; };
  Tensor places = perRow(rows, [=](int i) { return i % size * 16 + i / size; });
  Tensor buckets = perRow(rows, [=](int i) { return i / size; });
  p.others = {places, buckets};
  Launch launch = fromFile(setup, "dynamic_sparse/hash_sparse_fwd.ag")
                      .kernel("hash_sparse_fwd")
                      .prepare(p.q, p.k, p.v, places, places, buckets, buckets,
                               out(p.o), none);
  return finish(setup, p, launch, threads);
}

/// Every second query and key is dropped.
static Case halfKept(const Setup &setup, int rows, int threads) {
  set_num_threads(threads);
  Problem p(rows / 2, rows);
  p.allowed = [](int i, int j) { return j <= i; };
  Tensor places = perRow(rows / 2, [](int i) { return 2 * i; });
  p.others = {places};
  Launch launch = fromFile(setup, "dynamic_sparse/qk_sparse_fwd.ag")
                      .kernel("qk_sparse_fwd")
                      .prepare(p.q, p.k, p.v, places, places, out(p.o), none);
  return finish(setup, p, launch, threads);
}

/// A landmark at the end of every 64 keys. Every pair up to the query counts.
static Case landmarks(const Setup &setup, int rows, int threads) {
  set_num_threads(threads);
  Problem p(rows, rows);
  p.allowed = [](int i, int j) { return j <= i; };
  Launch launch = fromFile(setup, "landmark/landmark_fwd.ag")
                      .kernel("landmark_fwd")
                      .prepare(p.q, p.k, p.v, out(p.o), none);
  Case result = finish(setup, p, launch, threads);
  // Its definition is not attention's (test/kernels/landmark compares it); in
  // the first section without the landmark both are the same.
  result.error = [launch, p, rows] {
    launch();
    Problem first(63, rows);
    for (Tensor Problem::*t :
         {&Problem::q, &Problem::k, &Problem::v, &Problem::o})
      (first.*t).copy_from((p.*t).slice(2, 0, 63));
    first.allowed = p.allowed;
    return largestError(first);
  };
  return result;
}

std::vector<NamedCase> sparseCases(const Setup &setup) {
  struct Row {
    const char *name;
    Case (*make)(const Setup &, int rows, int threads);
  };
  std::vector<NamedCase> cases;
  for (Row row :
       {Row{"causal_by_hand", splitByHand},
        Row{"hash_sparse/16_buckets", hashed}, Row{"qk_sparse/half", halfKept},
        Row{"landmark/64", landmarks}})
    for (int rows : {1024, 4096})
      for (int threads : setup.threads)
        cases.push_back({fmt::format("{}/f32/N{}/t{}", row.name, rows, threads),
                         [=] { return row.make(setup, rows, threads); }});
  return cases;
}

} // namespace attn_grid::bench
