#ifndef AG_TOOLS_AG_BENCH_COMPOSED_H
#define AG_TOOLS_AG_BENCH_COMPOSED_H
/// What one writes without a fused kernel: softmax(q k^T) v as two matrix
/// products of OpenBLAS with the whole score matrix between them. Heads go to
/// the threads, each with single-threaded products, which is the faster way to
/// use them. A causal mask is applied to the finished scores.

namespace attn_grid::bench {

/// Contiguous [heads, rows, width] arrays; the keys' lengths are the queries'.
template <typename T> struct Attention {
  const T *q, *k, *v;
  T *o;
  int heads, rows, width;
  bool causal;
};

void composedAttention(const Attention<float> &problem, int threads);
void composedAttention(const Attention<double> &problem, int threads);

/// c = a b for row-major square matrices.
void composedProduct(const float *a, const float *b, float *c, int size,
                     int threads);

} // namespace attn_grid::bench

#endif
