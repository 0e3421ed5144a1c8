// Compiles an attention kernel written in `.ag`, runs it on the CPU, and
// compares the result with the same computation as a plain loop.
//
//   flash_attention [KERNEL.ag]

#include <attn_grid/attn_grid.hpp> // namespace attn_grid, short: ag

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

/// softmax(scale * q k^T) v by its definition, with the causal mask: query i
/// sees key j if j <= i + (N - M). A query without a key gives 0.
static ag::Tensor plain_attention(const ag::Tensor &q, const ag::Tensor &k,
                                  const ag::Tensor &v, double scale) {
  const int64_t B = q.size(0), H = q.size(1), M = q.size(2), D = q.size(3);
  const int64_t N = k.size(2), DV = v.size(3), heads_per_key = H / k.size(1);
  ag::Tensor o = ag::Tensor::zeros({B, H, M, DV}, ag::f64);
  for (int64_t b = 0; b < B; ++b)
    for (int64_t h = 0; h < H; ++h)
      for (int64_t i = 0; i < M; ++i) {
        int64_t g = h / heads_per_key, keys = std::min(N, i + N - M + 1);
        double sum = 0;
        for (int64_t j = 0; j < keys; ++j) {
          double score = 0;
          for (int64_t d = 0; d < D; ++d)
            score += q.at({b, h, i, d}) * k.at({b, g, j, d});
          double p = std::exp(scale * score);
          sum += p;
          for (int64_t d = 0; d < DV; ++d)
            o.set({b, h, i, d}, o.at({b, h, i, d}) + p * v.at({b, g, j, d}));
        }
        for (int64_t d = 0; d < DV && sum > 0; ++d)
          o.set({b, h, i, d}, o.at({b, h, i, d}) / sum);
      }
  return o;
}

static double largest_difference(const ag::Tensor &a, const ag::Tensor &b) {
  std::vector<double> x = a.to_vector(), y = b.to_vector();
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i)
    largest = std::max(largest, std::fabs(x[i] - y[i]));
  return largest;
}

int main(int argc, char **argv) try {
  std::string file = argc > 1 ? argv[1] : KERNELS_DIR "/flash/flash_fwd.ag";

  // A module is a source file; a kernel is one of its kernels, with consts
  // bound by name. Nothing is compiled to machine code before the first launch,
  // which knows the dtypes.
  ag::Module module = ag::Module::from_file(file);
  ag::Kernel kernel = module.kernel("flash_fwd", {{"causal", true}});

  // Two batches of 4 heads, which share 2 heads of keys and values.
  ag::Tensor q = ag::Tensor::randn({2, 4, 100, 64}, ag::f32, {}, /*seed=*/1);
  ag::Tensor k = ag::Tensor::randn({2, 2, 120, 64}, ag::f32, {}, /*seed=*/2);
  ag::Tensor v = ag::Tensor::randn({2, 2, 120, 32}, ag::f32, {}, /*seed=*/3);

  // By position. What the kernel writes is marked with ag::out.
  ag::Tensor o = ag::Tensor::empty({2, 4, 100, 32});
  ag::Tensor lse = ag::Tensor::empty({2, 4, 100});
  kernel(q, k, v, ag::out(o), ag::out(lse), 0.125f);

  // By name; what is left away has a default, is optional, or is made.
  ag::Results made = kernel(q, k, ag::arg("v", v), ag::arg("scale", 0.125f));
  ag::Tensor same = made["o"];

  std::printf("o[0, 0, 0, :4]   = %9.6f %9.6f %9.6f %9.6f\n",
              o.at({0, 0, 0, 0}), o.at({0, 0, 0, 1}), o.at({0, 0, 0, 2}),
              o.at({0, 0, 0, 3}));
  std::printf("lse[0, 0, :4]    = %9.6f %9.6f %9.6f %9.6f\n", lse.at({0, 0, 0}),
              lse.at({0, 0, 1}), lse.at({0, 0, 2}), lse.at({0, 0, 3}));

  double error = largest_difference(o, plain_attention(q, k, v, 0.125));
  double apart = largest_difference(o, same);
  std::printf("by position and by name differ by %g\n", apart);
  std::printf("kernel and plain loop differ by   %.1e\n", error);

  // Every mistake is an exception, thrown before anything is written.
  try {
    kernel(q, k, v.slice(2, 0, 99), ag::out(o));
  } catch (const ag::InvalidArgument &mistake) {
    std::printf("a wrong launch says: %s\n", mistake.what());
  }
  return error < 2e-5 && apart == 0 ? 0 : 1;
} catch (const ag::Error &error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
