#ifndef AG_TOOLS_AG_BENCH_CEILING_H
#define AG_TOOLS_AG_BENCH_CEILING_H
/// A flash kernel written by hand, if someone has one: a shared library with
///
///   int f32_init();
///   double f32_run(float *q, float *k, float *v, float *o, int N, int D,
///                  int causal, int threads);
///
/// for 8 heads of contiguous [N, D] matrices, D 64 or 128.

#include <string>

namespace attn_grid::bench {

/// The library's kernel.
struct Ceiling {
  double (*run)(float *q, float *k, float *v, float *o, int rows, int width,
                int causal, int threads);
};

/// Loads the library and initialises it. Throws `BackendError` if it is not
/// such a library. It stays loaded.
Ceiling loadCeiling(const std::string &path);

} // namespace attn_grid::bench

#endif
