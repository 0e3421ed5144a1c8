#ifndef AG_TEST_SUPPORT_REFERENCE_HPP
#define AG_TEST_SUPPORT_REFERENCE_HPP
/// What kernels must compute, written from the definitions in f64, and the
/// naive evaluation in the inputs' own type that says how much of an error the
/// type itself causes.
///
///     Attention want = attention(read(q), read(k), read(v), scale, causal);
///
/// Nothing here shares code with a kernel or with the compiler.

#include "attn_grid/tensor.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace attn_grid::test {

/// The elements of a tensor in row-major order, as doubles.
struct Array {
  Dims sizes;
  std::vector<double> data;

  int64_t size(int dim) const { return sizes[dim]; }
};

inline Array read(const TensorView &tensor) {
  return {tensor.sizes(), tensor.to_vector()};
}

/// What attention gives.
struct Attention {
  std::vector<double> o;   ///< [B, H, M, DV]
  std::vector<double> lse; ///< [B, H, M]
};

namespace detail {
/// Rounds to a 16-bit float by way of the runtime's conversion, which has tests
/// of its own.
inline void round_to(DType dtype, std::vector<double> &values) {
  if (dtype == f64)
    return;
  Dims sizes{static_cast<int64_t>(values.size())};
  values = Tensor::from_values(sizes, values, dtype).to_vector();
}
} // namespace detail

/// o_i = sum_j p_ij v_j with p = softmax of the allowed scores scale * q_i.k_j;
/// j is allowed if not `causal` or j <= i + N - M. A row without an allowed key
/// gives o = 0 and lse = -inf. Query head h reads head h / (H / G) of k and v.
/// With `naive`, scores, probabilities and results are rounded to that type:
/// what a program of one tensor operation after the other gives.
inline Attention attention(const Array &q, const Array &k, const Array &v,
                           double scale, bool causal, DType naive = f64) {
  int64_t batch = q.size(0), heads = q.size(1), rows = q.size(2);
  int64_t groups = k.size(1), keys = k.size(2), width = q.size(3);
  int64_t value_width = v.size(3);
  constexpr double inf = std::numeric_limits<double>::infinity();
  Attention result;
  result.o.assign(batch * heads * rows * value_width, 0);
  result.lse.assign(batch * heads * rows, -inf);
  std::vector<double> transposed(width * keys), p(keys);
  for (int64_t head = 0; head < batch * heads; ++head) {
    int64_t group =
        head / heads * groups + (heads ? head % heads / (heads / groups) : 0);
    const double *k_head = k.data.data() + group * keys * width;
    const double *v_head = v.data.data() + group * keys * value_width;
    for (int64_t key = 0; key < keys; ++key)
      for (int64_t d = 0; d < width; ++d)
        transposed[d * keys + key] = k_head[key * width + d];
    for (int64_t row = 0; row < rows; ++row) {
      int64_t count =
          causal ? std::clamp<int64_t>(row + keys - rows + 1, 0, keys) : keys;
      if (count == 0)
        continue;
      const double *query = q.data.data() + (head * rows + row) * width;
      std::fill(p.begin(), p.end(), 0);
      for (int64_t d = 0; d < width; ++d)
        for (int64_t key = 0; key < count; ++key)
          p[key] += query[d] * transposed[d * keys + key];
      p.resize(count);
      if (naive != f64)
        detail::round_to(naive, p);
      double top = -inf;
      for (double &score : p) {
        score *= scale;
        top = std::isnan(score) ? score : std::max(top, score);
      }
      double base = top == -inf ? 0 : top, sum = 0;
      for (double &score : p)
        sum += score = std::exp(score - base);
      for (double &score : p)
        score /= sum;
      if (naive != f64)
        detail::round_to(naive, p);
      double *out = result.o.data() + (head * rows + row) * value_width;
      for (int64_t key = 0; key < count; ++key)
        for (int64_t c = 0; c < value_width; ++c)
          out[c] += p[key] * v_head[key * value_width + c];
      result.lse[head * rows + row] = base + std::log(sum);
      p.resize(keys);
    }
  }
  if (naive != f64)
    detail::round_to(naive, result.o);
  return result;
}

/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias, row by row.
inline std::vector<double> layer_norm(const Array &x, const Array &weight,
                                      const Array &bias, double epsilon) {
  int64_t width = x.sizes[x.sizes.rank() - 1];
  std::vector<double> y(x.data.size());
  for (size_t begin = 0; begin < y.size(); begin += width) {
    double mean = 0, variance = 0;
    for (int64_t c = 0; c < width; ++c)
      mean += x.data[begin + c];
    mean /= static_cast<double>(width);
    for (int64_t c = 0; c < width; ++c)
      variance += std::pow(x.data[begin + c] - mean, 2);
    variance /= static_cast<double>(width);
    for (int64_t c = 0; c < width; ++c)
      y[begin + c] = (x.data[begin + c] - mean) /
                         std::sqrt(variance + epsilon) * weight.data[c] +
                     bias.data[c];
  }
  return y;
}

/// exp(x) / sum of exp(x), row by row.
inline std::vector<double> softmax(const Array &x) {
  int64_t width = x.sizes[x.sizes.rank() - 1];
  std::vector<double> y(x.data.size());
  for (size_t begin = 0; begin < y.size(); begin += width) {
    const double *row = x.data.data() + begin;
    double top = *std::max_element(row, row + width), sum = 0;
    for (int64_t c = 0; c < width; ++c)
      sum += y[begin + c] = std::exp(row[c] - top);
    for (int64_t c = 0; c < width; ++c)
      y[begin + c] /= sum;
  }
  return y;
}

/// a b, of [M, K] and [K, N].
inline std::vector<double> matmul(const Array &a, const Array &b) {
  int64_t rows = a.size(0), inner = a.size(1), cols = b.size(1);
  std::vector<double> c(rows * cols);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t i = 0; i < inner; ++i)
      for (int64_t col = 0; col < cols; ++col)
        c[row * cols + col] += a.data[row * inner + i] * b.data[i * cols + col];
  return c;
}

} // namespace attn_grid::test

#endif
