// PTX of other compilers: kernels of our own (the `.cu` files beside) that nvcc
// compiled, and attention, norms and matrix products that Triton 3.9 compiled.
// Their results are compared with plain loops in double.

#include "test/sim/Driver.h"

#include <cmath>
#include <cstring>
#include <random>

using namespace sim_test;
using half = _Float16;

namespace {
class Corpus : public testing::Test {
protected:
  void SetUp() override { open(); }
  void TearDown() override { EXPECT_EQ(reports(), expectedReports); }
  std::string expectedReports;

  std::string text(const std::string &name) {
    return readFile(std::string(AG_SOURCE_DIR "/test/sim/corpus/") + name);
  }
  AgSimCounters counters() {
    AgSimCounters counted{};
    agSimGetCounters(&counted);
    return counted;
  }
  std::mt19937 random{7};
  template <typename T> std::vector<T> uniform(size_t n, double most = 1) {
    std::uniform_real_distribution<double> values(-most, most);
    std::vector<T> made(n);
    for (T &value : made)
      value = static_cast<T>(values(random));
    return made;
  }
  template <typename T> std::vector<T> integers(size_t n, int least, int most) {
    std::uniform_int_distribution<int> values(least, most);
    std::vector<T> made(n);
    for (T &value : made)
      value = static_cast<T>(values(random));
    return made;
  }
};
} // namespace

// ---------------------------------------------------------------------- nvcc

TEST_F(Corpus, VectorAdd) {
  Module module(text("vector_add.ptx"));
  CUfunction add = module.function("vector_add");
  for (int n : {0, 1, 127, 1000, 2049}) {
    Array<float> a(uniform<float>(2049)), b(uniform<float>(2049));
    Array<float> c(std::vector<float>(2049, -7));
    ASSERT_EQ(Launch().add(a).add(b).add(c).add(n).run(add, {4}, {128}),
              CUDA_SUCCESS);
    c.read();
    for (int i = 0; i < 2049; ++i)
      ASSERT_EQ(c.values[i], i < n ? a.values[i] + b.values[i] : -7) << i;
  }
}

TEST_F(Corpus, BlockSum) {
  Module module(text("block_sum.ptx"));
  CUfunction sum = module.function("block_sum");
  for (int n : {0, 5, 700, 5000}) {
    unsigned blocks = 3;
    Array<float> x(integers<float>(5000, -9, 9)), out(blocks);
    ASSERT_EQ(Launch().add(x).add(out).add(n).run(sum, {blocks}, {256}),
              CUDA_SUCCESS);
    out.read();
    for (unsigned b = 0; b < blocks; ++b) {
      float expected = 0;
      for (int i = 0; i < n; ++i)
        if (static_cast<unsigned>(i / 256) % blocks == b)
          expected += x.values[i];
      EXPECT_EQ(out.values[b], expected);
    }
  }
}

TEST_F(Corpus, Transpose) {
  Module module(text("transpose.ptx"));
  for (const char *name : {"transpose_padded", "transpose_conflict"})
    for (auto [rows, columns] : {std::pair(64, 96), {33, 1}, {5, 70}}) {
      Array<float> x(uniform<float>(rows * columns)), y(rows * columns);
      agSimResetCounters();
      Shape grid{(columns + 31u) / 32, (rows + 31u) / 32};
      ASSERT_EQ(Launch().add(x).add(y).add(rows).add(columns).run(
                    module.function(name), grid, {32, 8}),
                CUDA_SUCCESS);
      y.read();
      for (int r = 0; r < rows; ++r)
        for (int c = 0; c < columns; ++c)
          ASSERT_EQ(y.values[c * rows + r], x.values[r * columns + c]);
      if (rows != 64)
        continue;
      // 6 blocks of 8 warps, each 4 loads and 4 stores of shared memory.
      AgSimCounters c = counters();
      EXPECT_EQ(c.sharedAccesses, 6u * 8 * 8);
      bool conflict = std::string(name) == "transpose_conflict";
      EXPECT_EQ(c.sharedWavefronts, 6u * 8 * 4 * (conflict ? 33 : 2));
      EXPECT_EQ(c.globalReadSectors, 64u * 96 / 8);
      EXPECT_EQ(c.globalWriteSectors, 64u * 96 / 8);
    }
}

TEST_F(Corpus, Histogram) {
  Module module(text("histogram.ptx"));
  for (int n : {0, 1, 300, 4321}) {
    Array<uint8_t> x(integers<uint8_t>(4321, 0, n == 300 ? 3 : 255));
    Array<uint32_t> bins(std::vector<uint32_t>(256, 5));
    ASSERT_EQ(Launch().add(x).add(bins).add(n).run(module.function("histogram"),
                                                   {3}, {256}),
              CUDA_SUCCESS);
    std::vector<uint32_t> expected(256, 5);
    for (int i = 0; i < n; ++i)
      ++expected[x.values[i]];
    EXPECT_EQ(bins.read(), expected);
  }
}

TEST_F(Corpus, WmmaMatmul) {
  Module module(text("wmma_matmul.ptx"));
  int m = 32, n = 80, k = 48;
  Array<half> a(integers<half>(m * k, -4, 4)), b(integers<half>(k * n, -4, 4));
  Array<float> c(m * n);
  ASSERT_EQ(Launch().add(a).add(b).add(c).add(m).add(n).add(k).run(
                module.function("wmma_matmul"), {2, 2}, {128}),
            CUDA_SUCCESS)
      << module.error;
  c.read();
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      float sum = 0;
      for (int t = 0; t < k; ++t)
        sum += float(a.values[i * k + t]) * float(b.values[t * n + j]);
      ASSERT_EQ(c.values[i * n + j], sum) << i << " " << j;
    }
}

TEST_F(Corpus, AsyncPipeline) {
  Module module(text("async_pipeline.ptx"));
  for (int rows : {0, 1, 2, 3, 10}) {
    Array<float> x(uniform<float>(10 * 256)), w(uniform<float>(10)), y(256);
    ASSERT_EQ(Launch().add(x).add(w).add(y).add(rows).run(
                  module.function("async_pipeline"), {1}, {64}),
              CUDA_SUCCESS);
    y.read();
    for (int i = 0; i < 256; ++i) {
      float sum = 0;
      for (int t = 0; t < rows; ++t)
        sum = std::fma(x.values[t * 256 + i], w.values[t], sum);
      ASSERT_EQ(y.values[i], sum);
    }
  }
  EXPECT_EQ(reports(), "");
  // It waits for one copy too few.
  Array<float> x(uniform<float>(10 * 256)), w(uniform<float>(10)), y(256);
  ASSERT_EQ(Launch().add(x).add(w).add(y).add(10).run(
                module.function("async_pipeline_bad"), {1}, {64}),
            CUDA_SUCCESS);
  EXPECT_NE(reports().find("asynchronous work in flight: read of shared memory"
                           "\n  in kernel async_pipeline_bad"),
            std::string::npos)
      << reports();
  agSimClearReports();
}

// -------------------------------------------------------------------- Triton

namespace {
/// Attention of one head in double: rows of `o`, and natural logarithms of
/// sums.
struct Attention {
  int n, d = 64;
  double scale;
  bool causal = false;
  std::vector<double> o, l;
  void run(const std::vector<half> &q, const std::vector<half> &k,
           const std::vector<half> &v, size_t from) {
    o.assign(size_t(n) * d, 0);
    l.assign(n, 0);
    for (int i = 0; i < n; ++i) {
      int keys = causal ? i + 1 : n;
      std::vector<double> s(keys);
      double most = -INFINITY, sum = 0;
      for (int j = 0; j < keys; ++j) {
        for (int e = 0; e < d; ++e)
          s[j] += double(q[from + i * d + e]) * double(k[from + j * d + e]);
        s[j] *= scale;
        most = std::max(most, s[j]);
      }
      for (double &x : s)
        sum += x = std::exp(x - most);
      for (int j = 0; j < keys; ++j)
        for (int e = 0; e < d; ++e)
          o[i * d + e] += s[j] / sum * double(v[from + j * d + e]);
      l[i] = most + std::log(sum);
    }
  }
};
} // namespace

struct ForwardCase {
  const char *file;
  unsigned rowsPerBlock, sharedBytes;
  bool causal;
};
class CorpusForward : public Corpus,
                      public testing::WithParamInterface<ForwardCase> {};

TEST_P(CorpusForward, Attention) {
  const ForwardCase &c = GetParam();
  Module module(text(c.file));
  ASSERT_EQ(module.result, CUDA_SUCCESS) << module.error;
  int n = 256, heads = 2, d = 64;
  size_t size = size_t(n) * d * heads;
  Array<half> q(uniform<half>(size, 2)), k(uniform<half>(size, 2)),
      v(uniform<half>(size)), o(size);
  Array<float> l(n * heads);
  double scale = 0.125;
  ASSERT_EQ(Launch()
                .add(q)
                .add(k)
                .add(v)
                .add(o)
                .add(l)
                .add(n * d)
                .add(n)
                .add(static_cast<float>(scale * 1.4426950408889634))
                .add(CUdeviceptr(0))
                .add(CUdeviceptr(0))
                .run(module.function("attn_fwd"),
                     {unsigned(n) / c.rowsPerBlock, unsigned(heads)}, {128},
                     c.sharedBytes),
            CUDA_SUCCESS)
      << reports();
  o.read();
  l.read();
  for (int h = 0; h < heads; ++h) {
    Attention reference{
        .n = n, .scale = scale, .causal = c.causal, .o = {}, .l = {}};
    reference.run(q.values, k.values, v.values, size_t(h) * n * d);
    for (int i = 0; i < n * d; ++i)
      ASSERT_NEAR(double(o.values[h * n * d + i]), reference.o[i], 1e-3) << i;
    for (int i = 0; i < n; ++i)
      ASSERT_NEAR(l.values[h * n + i], reference.l[i], 1e-4) << i;
  }
}
/// Those that the device's chip runs.
static std::vector<ForwardCase> forwardCases() {
  std::vector<ForwardCase> cases{
      {"attn_fwd_d64_f16_full.ptx", 128, 32768, false},
      {"attn_fwd_d64_f16_full_3stage.ptx", 128, 49152, false},
      {"attn_fwd_d64_f16_causal.ptx", 128, 32768, true}};
  const char *chip = std::getenv("AG_SIM_ARCH");
  if (chip && std::string(chip) == "sm_90a")
    cases.push_back({"attn_fwd_d64_f16_full_sm90_wgmma.ptx", 64, 40960, false});
  return cases;
}
INSTANTIATE_TEST_SUITE_P(Triton, CorpusForward,
                         testing::ValuesIn(forwardCases()),
                         [](const auto &info) {
                           std::string name = info.param.file;
                           return name.substr(0, name.find('.'));
                         });

TEST_F(Corpus, AttentionBackward) {
  int n = 128, d = 64;
  double scale = 0.125;
  auto scaleLog2 = static_cast<float>(scale * 1.4426950408889634);
  std::vector<half> q = uniform<half>(n * d), k = uniform<half>(n * d),
                    v = uniform<half>(n * d), g = uniform<half>(n * d);
  Attention forward{.n = n, .scale = scale, .o = {}, .l = {}};
  forward.run(q, k, v, 0);
  Array<half> dq(n * d), dk(n * d), dv(n * d), aq(q), ak(k), av(v), ag(g);
  Array<half> o(std::vector<half>(forward.o.begin(), forward.o.end()));
  Array<float> l(std::vector<float>(forward.l.begin(), forward.l.end())), dl(n);
  CUdeviceptr none = 0;

  Module delta(text("attn_delta_d64_f16.ptx"));
  ASSERT_EQ(Launch().add(o).add(ag).add(dl).add(n).add(none).add(none).run(
                delta.function("attn_delta"), {2}, {128}, 256),
            CUDA_SUCCESS)
      << reports();
  dl.read();
  std::vector<double> expectedDelta(n);
  for (int i = 0; i < n; ++i) {
    for (int e = 0; e < d; ++e)
      expectedDelta[i] += double(o.values[i * d + e]) * double(g[i * d + e]);
    ASSERT_NEAR(dl.values[i], expectedDelta[i], 1e-4);
  }
  Module kv(text("attn_bwd_kv_d64_f16_full.ptx"));
  ASSERT_EQ(Launch()
                .add(aq)
                .add(ak)
                .add(av)
                .add(ag)
                .add(l)
                .add(dl)
                .add(dk)
                .add(dv)
                .add(n * d)
                .add(n)
                .add(float(scale))
                .add(scaleLog2)
                .add(none)
                .add(none)
                .run(kv.function("attn_bwd_kv"), {2}, {128}, 24832),
            CUDA_SUCCESS)
      << reports();
  Module mq(text("attn_bwd_q_d64_f16_full.ptx"));
  ASSERT_EQ(Launch()
                .add(aq)
                .add(ak)
                .add(av)
                .add(ag)
                .add(l)
                .add(dl)
                .add(dq)
                .add(n * d)
                .add(n)
                .add(float(scale))
                .add(scaleLog2)
                .add(none)
                .add(none)
                .run(mq.function("attn_bwd_q"), {2}, {128}, 34816),
            CUDA_SUCCESS)
      << reports();

  std::vector<double> eq(n * d), ek(n * d), ev(n * d);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      double s = 0, dp = 0;
      for (int e = 0; e < d; ++e) {
        s += double(q[i * d + e]) * double(k[j * d + e]);
        dp += double(g[i * d + e]) * double(v[j * d + e]);
      }
      double p = std::exp(s * scale - forward.l[i]);
      double ds = p * (dp - expectedDelta[i]) * scale;
      for (int e = 0; e < d; ++e) {
        ev[j * d + e] += p * double(g[i * d + e]);
        ek[j * d + e] += ds * double(q[i * d + e]);
        eq[i * d + e] += ds * double(k[j * d + e]);
      }
    }
  auto compare = [&](Array<half> &found, const std::vector<double> &expected) {
    found.read();
    double most = 0;
    for (double x : expected)
      most = std::max(most, std::fabs(x));
    for (size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(double(found.values[i]), expected[i], 2e-3 * most) << i;
  };
  compare(dq, eq);
  compare(dk, ek);
  compare(dv, ev);
}

TEST_F(Corpus, Landmark) {
  Module module(text("landmark_fwd_d64_f16.ptx"));
  ASSERT_EQ(module.result, CUDA_SUCCESS) << module.error;
  int n = 192, d = 64, block = 64;
  double scale = 0.125;
  Array<half> q(uniform<half>(n * d, 2)), k(uniform<half>(n * d, 2)),
      v(uniform<half>(n * d)), o(n * d);
  Array<float> l(n);
  ASSERT_EQ(Launch()
                .add(q)
                .add(k)
                .add(v)
                .add(o)
                .add(l)
                .add(n * d)
                .add(n)
                .add(float(scale * 1.4426950408889634))
                .add(CUdeviceptr(0))
                .add(CUdeviceptr(0))
                .run(module.function("landmark_fwd"), {unsigned(n / block)},
                     {128}, 16384),
            CUDA_SUCCESS)
      << reports();
  o.read();
  l.read();
  for (int i = 0; i < n; ++i) {
    std::vector<double> s(n);
    for (int j = 0; j < n; ++j) {
      for (int e = 0; e < d; ++e)
        s[j] += double(q.values[i * d + e]) * double(k.values[j * d + e]);
      s[j] = std::exp(s[j] * scale);
    }
    int own = i / block;
    double outer = 0;
    std::vector<double> weight(n);
    for (int b = 0; b < own; ++b)
      outer += s[b * block + block - 1];
    for (int j = own * block; j <= i; ++j)
      if (j % block != block - 1)
        outer += s[j];
    for (int j = 0; j <= i; ++j) {
      if (j % block == block - 1)
        continue;
      int b = j / block;
      if (b == own) {
        weight[j] = s[j] / outer;
        continue;
      }
      double inner = 0;
      for (int t = b * block; t < b * block + block - 1; ++t)
        inner += s[t];
      weight[j] = s[b * block + block - 1] / outer * s[j] / inner;
    }
    for (int e = 0; e < d; ++e) {
      double expected = 0;
      for (int j = 0; j < n; ++j)
        expected += weight[j] * double(v.values[j * d + e]);
      ASSERT_NEAR(double(o.values[i * d + e]), expected, 1e-3) << i;
    }
    ASSERT_NEAR(l.values[i], std::log(outer), 1e-4) << i;
  }
}

TEST_F(Corpus, RowSoftmax) {
  Module module(text("row_softmax_f16.ptx"));
  int rows = 3, stride = 1024;
  for (int n : {16, 528, 1024}) {
    Array<half> x(uniform<half>(rows * stride, 4)), y(rows * stride);
    ASSERT_EQ(
        Launch()
            .add(x)
            .add(y)
            .add(stride)
            .add(stride)
            .add(n)
            .add(CUdeviceptr(0))
            .add(CUdeviceptr(0))
            .run(module.function("row_softmax"), {unsigned(rows)}, {128}, 16),
        CUDA_SUCCESS)
        << reports();
    y.read();
    for (int r = 0; r < rows; ++r) {
      double sum = 0;
      for (int i = 0; i < n; ++i)
        sum += std::exp(double(x.values[r * stride + i]));
      for (int i = 0; i < n; ++i) {
        double expected = std::exp(double(x.values[r * stride + i])) / sum;
        ASSERT_NEAR(double(y.values[r * stride + i]), expected,
                    1e-3 * expected + 1e-6);
      }
    }
  }
}

TEST_F(Corpus, LayerNorm) {
  Module module(text("layer_norm_f16.ptx"));
  int rows = 3, stride = 1024;
  float eps = 1e-5f;
  for (int n : {16, 1024}) {
    Array<half> x(uniform<half>(rows * stride, 2)), w(uniform<half>(n)),
        b(uniform<half>(n)), y(rows * stride);
    Array<float> mean(rows), rstd(rows);
    ASSERT_EQ(
        Launch()
            .add(x)
            .add(w)
            .add(b)
            .add(y)
            .add(mean)
            .add(rstd)
            .add(stride)
            .add(n)
            .add(eps)
            .add(CUdeviceptr(0))
            .add(CUdeviceptr(0))
            .run(module.function("layer_norm"), {unsigned(rows)}, {128}, 16),
        CUDA_SUCCESS)
        << reports();
    y.read();
    mean.read();
    rstd.read();
    for (int r = 0; r < rows; ++r) {
      const half *row = &x.values[r * stride];
      double m = 0, s = 0;
      for (int i = 0; i < n; ++i)
        m += double(row[i]) / n;
      for (int i = 0; i < n; ++i)
        s += (double(row[i]) - m) * (double(row[i]) - m) / n;
      double scale = 1 / std::sqrt(s + eps);
      EXPECT_NEAR(mean.values[r], m, 1e-5);
      EXPECT_NEAR(rstd.values[r], scale, 1e-4);
      for (int i = 0; i < n; ++i)
        ASSERT_NEAR(double(y.values[r * stride + i]),
                    (double(row[i]) - m) * scale * double(w.values[i]) +
                        double(b.values[i]),
                    4e-3);
    }
  }
}

TEST_F(Corpus, MatmulOfTriton) {
  struct {
    const char *file;
    int tile;
    unsigned sharedBytes;
  } cases[] = {{"matmul_f16_64x64x32.ptx", 64, 24576},
               {"matmul_f16_128x128x32.ptx", 128, 32768}};
  for (auto &c : cases) {
    Module module(text(c.file));
    ASSERT_EQ(module.result, CUDA_SUCCESS) << module.error;
    int m = 256, n = 128, k = 96;
    Array<half> a(uniform<half>(m * k)), b(uniform<half>(k * n)), out(m * n);
    auto blocks = unsigned(m / c.tile * (n / c.tile));
    ASSERT_EQ(
        Launch()
            .add(a)
            .add(b)
            .add(out)
            .add(m)
            .add(n)
            .add(k)
            .add(k)
            .add(n)
            .add(n)
            .add(CUdeviceptr(0))
            .add(CUdeviceptr(0))
            .run(module.function("matmul"), {blocks}, {128}, c.sharedBytes),
        CUDA_SUCCESS)
        << reports();
    out.read();
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        double sum = 0, size = 0;
        for (int t = 0; t < k; ++t) {
          double x = double(a.values[i * k + t]) * double(b.values[t * n + j]);
          sum += x;
          size += std::fabs(x);
        }
        ASSERT_NEAR(double(out.values[i * n + j]), sum, size / 1024);
      }
  }
}
