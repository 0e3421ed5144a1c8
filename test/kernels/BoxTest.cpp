// Kernels whose tiles the GPU copies by itself, from tensors that the host
// describes for each launch: of any sizes and strides, and none; in graphs; and
// on drivers that cannot. On the simulated sm_90a.

#include "attn_grid/artifact.hpp"
#include "attn_grid/attn_grid.hpp"

#include <cmath>
#include <cstdlib>
#include <dlfcn.h>
#include <gmock/gmock.h>

namespace attn_grid {
namespace {

const Device sim = Device::sim();

Kernel flash(int64_t dim, Bindings more = {}) {
  more.insert(more.end(), {{"D", dim}, {"DV", dim}});
  return Module::from_file(AG_SOURCE_DIR "/kernels_dsl/flash/flash_fwd.ag")
      .kernel("flash_fwd", more);
}

/// Attention of one query head to the keys of its group, in f64.
std::vector<double> attention(const Tensor &q, const Tensor &k,
                              const Tensor &v) {
  int64_t heads = q.size(1), rows = q.size(2), keys = k.size(2), d = q.size(3);
  int64_t shared = heads / k.size(1);
  std::vector<double> out;
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t i = 0; i < rows; ++i) {
      std::vector<double> weights(keys), row(d);
      double most = -INFINITY, sum = 0;
      for (int64_t j = 0; j < keys; ++j) {
        double score = 0;
        for (int64_t c = 0; c < d; ++c)
          score += q.at({0, h, i, c}) * k.at({0, h / shared, j, c});
        weights[j] = score / std::sqrt(double(d));
        most = std::max(most, weights[j]);
      }
      for (double &weight : weights)
        sum += weight = std::exp(weight - most);
      for (int64_t j = 0; j < keys; ++j)
        for (int64_t c = 0; c < d; ++c)
          row[c] += weights[j] / sum * v.at({0, h / shared, j, c});
      out.insert(out.end(), row.begin(), row.end());
    }
  return out;
}

void expectAttention(const Tensor &q, const Tensor &k, const Tensor &v,
                     const Bindings &more = {}) {
  Results results = flash(q.size(3), more)(q, k, v);
  Tensor here = results["o"].to(Device::cpu());
  auto on_host = [](const Tensor &x) { return x.to(Device::cpu()); };
  std::vector<double> want = attention(on_host(q), on_host(k), on_host(v));
  std::vector<double> found = here.to_vector();
  ASSERT_EQ(found.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i)
    ASSERT_NEAR(found[i], want[i], 2e-3) << i;
}

TEST(Boxes, AreOfAnySizesAndStrides) {
  // Rows of part of a line, one line, and several; the fourth beyond the end.
  for (int64_t dim : {64, 40, 96, 128, 192}) {
    auto random = [&](Dims sizes, uint64_t seed) {
      return Tensor::randn(sizes, f16, sim, seed);
    };
    Tensor q = random({1, 4, 70, dim}, 1);
    expectAttention(q, random({1, 2, 150, dim}, 2),
                    random({1, 2, 150, dim}, 3));
    // One head for all; heads inside of rows; every head the same memory.
    expectAttention(q, random({1, 1, 33, dim}, 2), random({1, 1, 33, dim}, 3));
    Tensor inside = random({1, 150, 4, dim}, 4).permute({0, 2, 1, 3});
    expectAttention(q, inside, inside);
    Tensor repeated = random({1, 1, 90, dim}, 5).expand({1, 4, 90, dim});
    expectAttention(q, repeated, repeated);
    // A window of a longer sequence, whose neighbours must not be seen.
    Tensor window = random({1, 4, 300, dim}, 6).slice(2, 100, 170);
    expectAttention(q, window, window);
  }
}

// One to four warpgroups, rings of one to four stages; warps fewer than a
// group.
TEST(Boxes, OfAnyWarpsAndStages) {
  std::pair<int64_t, int64_t> hints[] = {{2, 2}, {4, 1}, {4, 3}, {8, 1},
                                         {8, 2}, {8, 4}, {16, 3}};
  for (int64_t dim : {64, 128})
    for (auto [warps, stages] : hints) {
      SCOPED_TRACE(testing::Message() << dim << ' ' << warps << ' ' << stages);
      Tensor q = Tensor::randn({1, 1, 150, dim}, f16, sim, 1);
      Tensor k = Tensor::randn({1, 1, 300, dim}, f16, sim, 2);
      Tensor v = Tensor::randn({1, 1, 300, dim}, f16, sim, 3);
      expectAttention(q, k, v,
                      {{"BM", 128}, {"warps", warps}, {"stages", stages}});
    }
}

// A loop whose tiles take turns in one buffer each, again and again.
TEST(Boxes, TakeTurnsInAnInnerLoop) {
  Kernel sums = Module::from_source(R"(
    kernel sums<T: float>(a: tensor<T>[B, M, K], b: tensor<T>[B, K, N],
                          out c: tensor<f32>[M, N])
      grid (ceildiv(M, 64), ceildiv(N, 64)) tune (stages in [1, 2])
    {
      let (i, j) = program_id();
      var sum = zeros<f32>[64, 64];
      for n in 0 .. B step 1 {
        for k in 0 .. K step 64 {
          sum += dot(a[n, i * 64 +: 64, k +: 64], b[n, k +: 64, j * 64 +: 64]);
        }
      }
      c[i * 64 +: 64, j * 64 +: 64] = sum;
    })")
                    .kernel("sums", {{"stages", 1}});
  for (int64_t inner : {0, 24, 64, 200}) {
    Tensor a = Tensor::randn({3, 70, inner}, f16, sim, 1);
    Tensor b = Tensor::randn({3, inner, 100}, f16, sim, 2);
    Tensor c = sums(a, b)["c"].to(Device::cpu());
    Tensor left = a.to(Device::cpu()), right = b.to(Device::cpu());
    for (int64_t i = 0; i < 70; ++i)
      for (int64_t j = 0; j < 100; ++j) {
        double want = 0;
        for (int64_t n = 0; n < 3; ++n)
          for (int64_t k = 0; k < inner; ++k)
            want += left.at({n, i, k}) * right.at({n, k, j});
        ASSERT_NEAR(c.at({i, j}), want, 1e-3) << inner << ' ' << i << ' ' << j;
      }
  }
}

TEST(Boxes, OfNothingAreZero) {
  Tensor q = Tensor::randn({1, 2, 70, 64}, f16, sim);
  Tensor none = Tensor::empty({1, 2, 0, 64}, f16, sim);
  Tensor o = flash(64)(q, none, none)["o"];
  EXPECT_THAT(o.to_vector(), testing::Each(0.0));
  // A product without terms, whose factors' maps have no elements.
  Kernel matmul =
      Module::from_file(AG_SOURCE_DIR "/kernels_dsl/matmul/matmul.ag")
          .kernel("matmul");
  EXPECT_THAT(matmul(Tensor::empty({64, 0}, f16, sim),
                     Tensor::empty({0, 64}, f16, sim))["c"]
                  .to_vector(),
              testing::Each(0.0));
}

TEST(Boxes, AreKeptInGraphs) {
  void *driver = dlopen(AG_SIM_LIBRARY, RTLD_NOW);
  ASSERT_NE(driver, nullptr) << dlerror();
  auto call = [&](const char *name, auto... args) {
    auto function =
        reinterpret_cast<int (*)(decltype(args)...)>(dlsym(driver, name));
    ASSERT_NE(function, nullptr) << name;
    ASSERT_EQ(function(args...), 0) << name;
  };
  Tensor q = Tensor::ones({1, 1, 64, 64}, f16, sim);
  Tensor k = Tensor::ones({1, 1, 100, 64}, f16, sim);
  Tensor v = Tensor::ones({1, 1, 100, 64}, f16, sim);
  Launch launch = flash(64).prepare(q, k, v);
  void *stream = nullptr, *graph = nullptr, *ready = nullptr;
  call("cuStreamCreate", &stream, 0u);
  {
    StreamScope scope(Stream::wrap(sim, stream));
    call("cuStreamBeginCapture_v2", stream, 0);
    launch();
    call("cuStreamEndCapture", stream, &graph);
  }
  call("cuGraphInstantiateWithFlags", &ready, graph, 0ull);
  for (int n = 1; n < 4; ++n) {
    v.fill(n);
    call("cuGraphLaunch", ready, stream);
    EXPECT_THAT(launch.results()["o"].to_vector(), testing::Each(double(n)));
  }
  call("cuGraphExecDestroy", ready);
  call("cuGraphDestroy", graph);
}

} // namespace
} // namespace attn_grid

int main(int count, char **arguments) {
  setenv("AG_SIM_ARCH", "sm_90a", 1);
  testing::InitGoogleMock(&count, arguments);
  return RUN_ALL_TESTS();
}
