#include "tools/ag-bench/Composed.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cblas-openblas.h>
#include <cmath>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#if defined(__x86_64__) && defined(__clang__)
#define AG_FOR_EACH_MACHINE                                                    \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define AG_FOR_EACH_MACHINE
#endif
// What the clones call must become part of them.
#define AG_INLINE [[gnu::always_inline]] static inline

namespace attn_grid::bench {

/// 1 / k! for the series of exp.
template <int count> static constexpr auto inverseFactorials() {
  std::array<double, count> table{1};
  for (int k = 1; k < count; ++k)
    table[k] = table[k - 1] / k;
  return table;
}

/// exp(x) for x <= 0, in a form that compilers vectorise: the library's would
/// be called once per element, and nobody who cares does that.
template <typename T> AG_INLINE T expOfNegative(T x) {
  constexpr bool wide = sizeof(T) == 8;
  using Bits = std::conditional_t<wide, int64_t, int32_t>;
  constexpr auto table = inverseFactorials<wide ? 14 : 8>();
  constexpr int significand = wide ? 52 : 23;
  constexpr T shifter = T(3) * (Bits(1) << (significand - 1));
  x = std::max(x, T(wide ? -700 : -87));
  T shifted = x * T(1.4426950408889634) + shifter;
  T whole = shifted - shifter;
  T rest = x - whole * T(wide ? 0.6931471803691238 : 0.693359375);
  rest -= whole * T(wide ? 1.9082149292705877e-10 : -2.12194440e-4);
  T sum = T(table.back());
  for (int k = static_cast<int>(table.size()) - 2; k >= 0; --k)
    sum = sum * rest + T(table[k]);
  Bits exponent = std::bit_cast<Bits>(shifted) << significand;
  return std::bit_cast<T>(std::bit_cast<Bits>(sum) + exponent);
}

/// Scores to probabilities, in place; columns from `kept` on count nothing.
/// 16 partial results per row: the order of a sum is not the compiler's to
/// choose.
template <typename T>
AG_INLINE void softmaxRow(T *row, int columns, int kept, T scale) {
  constexpr int lanes = 16;
  T top[lanes], sum[lanes];
  for (int lane = 0; lane < lanes; ++lane) {
    top[lane] = -std::numeric_limits<T>::infinity();
    sum[lane] = 0;
  }
  int vectors = kept / lanes * lanes;
  for (int i = 0; i < vectors; i += lanes)
    for (int lane = 0; lane < lanes; ++lane)
      top[lane] = std::max(top[lane], row[i + lane]);
  for (int i = vectors; i < kept; ++i)
    top[0] = std::max(top[0], row[i]);
  T highest = *std::max_element(top, top + lanes) * scale;
  for (int i = 0; i < vectors; i += lanes)
    for (int lane = 0; lane < lanes; ++lane) {
      T p = expOfNegative(row[i + lane] * scale - highest);
      row[i + lane] = p;
      sum[lane] += p;
    }
  for (int i = vectors; i < kept; ++i)
    sum[0] += row[i] = expOfNegative(row[i] * scale - highest);
  T total = 0;
  for (T partial : sum)
    total += partial;
  T factor = 1 / total;
  for (int i = 0; i < kept; ++i)
    row[i] *= factor;
  std::fill(row + kept, row + columns, T(0));
}

AG_FOR_EACH_MACHINE static void softmaxRows(float *scores, int rows,
                                            bool causal, float scale) {
  for (int row = 0; row < rows; ++row)
    softmaxRow(scores + size_t(row) * rows, rows, causal ? row + 1 : rows,
               scale);
}

AG_FOR_EACH_MACHINE static void softmaxRows(double *scores, int rows,
                                            bool causal, double scale) {
  for (int row = 0; row < rows; ++row)
    softmaxRow(scores + size_t(row) * rows, rows, causal ? row + 1 : rows,
               scale);
}

/// c = a b, or a b^T.
static void product(bool transposed, int m, int n, int k, const float *a,
                    const float *b, float *c) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans,
              transposed ? CblasTrans : CblasNoTrans, m, n, k, 1, a, k, b,
              transposed ? k : n, 0, c, n);
}

static void product(bool transposed, int m, int n, int k, const double *a,
                    const double *b, double *c) {
  cblas_dgemm(CblasRowMajor, CblasNoTrans,
              transposed ? CblasTrans : CblasNoTrans, m, n, k, 1, a, k, b,
              transposed ? k : n, 0, c, n);
}

template <typename T>
static void attention(const Attention<T> &problem, int threads) {
  auto [q, k, v, o, heads, rows, width, causal] = problem;
  openblas_set_num_threads(1);
  static std::vector<std::vector<T>> scores;
  scores.resize(std::max<size_t>(scores.size(), threads));
  for (std::vector<T> &one : scores)
    one.resize(std::max(one.size(), size_t(rows) * rows));
  std::atomic<int> next = 0;
  auto body = [&, q = q, k = k, v = v, o = o, heads = heads, rows = rows,
               width = width, causal = causal](int thread) {
    T *score = scores[thread].data();
    for (int head = next++; head < heads; head = next++) {
      size_t offset = size_t(head) * rows * width;
      product(true, rows, rows, width, q + offset, k + offset, score);
      softmaxRows(score, rows, causal, T(1 / std::sqrt(double(width))));
      product(false, rows, width, rows, score, v + offset, o + offset);
    }
  };
  std::vector<std::jthread> others;
  for (int thread = 1; thread < threads; ++thread)
    others.emplace_back(body, thread);
  body(0);
}

void composedAttention(const Attention<float> &problem, int threads) {
  attention(problem, threads);
}

void composedAttention(const Attention<double> &problem, int threads) {
  attention(problem, threads);
}

void composedProduct(const float *a, const float *b, float *c, int size,
                     int threads) {
  openblas_set_num_threads(threads);
  product(false, size, size, size, a, b, c);
}

} // namespace attn_grid::bench
