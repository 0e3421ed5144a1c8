// The kernels of blockwise transformers against their definitions: chunks must
// change nothing but the memory.

#include "test/kernels/KernelCase.h"

namespace attn_grid::test {
namespace {

class Blockwise : public KernelTest {
protected:
  std::vector<int64_t> draw_tokens(int64_t rows, int64_t vocabulary) {
    std::vector<double> drawn =
        Tensor::uniform({rows}, i32, {}, ++seed, 0,
                        static_cast<double>(vocabulary - 1))
            .to_vector();
    return {drawn.begin(), drawn.end()};
  }
};
AG_FLOAT_TYPES(Blockwise);

// Key j is seen by query i if j <= i, however many keys there are, and nothing
// is scaled.
TEST_P(Blockwise, Attention) {
  constexpr std::pair<int64_t, int64_t> sizes[] = {
      {1, 1}, {100, 100}, {130, 70}, {70, 130}, {0, 5}, {5, 0}};
  constexpr std::pair<int64_t, int64_t> chunks[] = {
      {1024, 1024}, {64, 64}, {30, 50}, {100, 7}, {1, 33}};
  for (auto [rows, keys] : sizes)
    for (auto [q_chunk, k_chunk] : chunks)
      for (bool causal : {true, false}) {
        SCOPED_TRACE(fmt::format("{} x {}, chunks {} x {}{}", rows, keys,
                                 q_chunk, k_chunk, causal ? ", causal" : ""));
        Tensor q = draw({1, 2, rows, 16}), k = draw({1, 2, keys, 16});
        Tensor v = draw({1, 2, keys, 24});
        Tensor o = fresh({1, 2, rows, 24}), lse = fresh_acc({1, 2, rows});
        kernel("blockwise/attn_fwd.ag", {{"causal", causal}})(
            q, k, v, none, none, out(o), out(lse), q_chunk, k_chunk);
        EXPECT_TRUE(close(o, lse,
                          attention_by(read(q), read(k), read(v),
                                       [&](Pair p, double product) {
                                         return !causal || p.key <= p.row
                                                    ? product
                                                    : -infinity;
                                       })));
      }
}

TEST_P(Blockwise, AttentionWithBiasAndMask) {
  constexpr int64_t length = 100;
  Tensor q = draw({2, 3, length, 16}), k = draw({2, 3, length, 16});
  Tensor bias = draw({1, 3, length, length});
  Tensor mask = Tensor::uniform({2, 1, 1, length}, boolean, {}, 5);
  Tensor o = fresh({2, 3, length, 16}), lse = fresh_acc({2, 3, length});
  kernel("blockwise/attn_fwd.ag")(q, k, k, bias.expand({2, 3, length, length}),
                                  mask.expand({2, 3, length, length}), out(o),
                                  out(lse), 30, 40);
  std::vector<double> biases = bias.to_vector(), masks = mask.to_vector();
  EXPECT_TRUE(close(
      o, lse,
      attention_by(read(q), read(k), read(k), [&](Pair p, double product) {
        bool allowed = p.key <= p.row && masks[p.batch * length + p.key] != 0;
        return allowed ? product +
                             biases[(p.head * length + p.row) * length + p.key]
                       : -infinity;
      })));
}

// Two chunks of keys: scores (0, ln 3 | ln 4), values (1, 5, 8).
TEST_P(Blockwise, AttentionByHand) {
  Tensor q = Tensor::ones({1, 1, 1, 1}, GetParam());
  Tensor k = values({1, 1, 3, 1}, {0, std::log(3.0), std::log(4.0)});
  Tensor v = values({1, 1, 3, 1}, {1, 5, 8});
  Tensor o = kernel("blockwise/attn_fwd.ag",
                    {{"causal", false}})(q, k, v, arg("k_chunk", 2))["o"];
  Tolerance tolerance = forward_tolerance(GetParam());
  EXPECT_NEAR(o.item(), 6, 6 * (tolerance.atol + tolerance.rtol));
}

double activated(int64_t act, double x) {
  double pi = std::acos(-1.0);
  switch (act) {
  case 1:
    return x < 0 ? 0 : x;
  case 2:
    return x / 2 * (1 + std::erf(x / std::sqrt(2.0)));
  case 3:
    return x / 2 *
           (1 + std::tanh(std::sqrt(2 / pi) * (x + 0.044715 * x * x * x)));
  case 4:
    return x / (1 + std::exp(-x));
  case 5:
    return x / (1 + std::exp(-1.702 * x));
  default:
    return x;
  }
}

TEST_P(Blockwise, Linear) {
  constexpr std::array<int64_t, 3> sizes[] = {
      {1, 1, 1}, {64, 64, 64}, {65, 70, 33}, {100, 30, 200},
      {0, 5, 5}, {5, 0, 5},    {5, 5, 0}};
  for (auto [rows, outputs, inputs] : sizes)
    for (int64_t act : {0, 1, 2, 3, 4, 5}) {
      SCOPED_TRACE(
          fmt::format("{} x {} to {}, act {}", rows, inputs, outputs, act));
      Tensor x = draw({rows, inputs}), weight = draw({outputs, inputs});
      Tensor bias = draw({outputs});
      std::vector<double> pre = matmul(read(x), read(weight.transpose())),
                          y(pre.size());
      for (size_t i = 0; i < pre.size(); ++i) {
        pre[i] += bias.at({static_cast<int64_t>(i) % outputs});
        y[i] = activated(act, pre[i]);
      }
      Tensor found = fresh({rows, outputs}), found_pre = fresh({rows, outputs});
      kernel("blockwise/linear_fwd.ag",
             {{"act", act}})(x, weight, bias, out(found), out(found_pre));
      EXPECT_TRUE(close(found, y));
      EXPECT_TRUE(close(found_pre, pre));
    }
}

TEST_P(Blockwise, LinearWithoutBias) {
  Tensor x = draw({70, 40}), weight = draw({30, 40});
  EXPECT_TRUE(close(kernel("blockwise/linear_fwd.ag")(x, weight)["y"],
                    matmul(read(x), read(weight.transpose()))));
}

TEST_P(Blockwise, ActivationsByHand) {
  Tensor x = values({2, 1}, {1, -1}), one = values({1, 1}, {1});
  auto rows = [&](int64_t act) {
    return kernel("blockwise/linear_fwd.ag", {{"act", act}})(x, one)["y"]
        .to_vector();
  };
  Tolerance tolerance = forward_tolerance(GetParam());
  tolerance.atol += 1e-7; // digits below
  EXPECT_TRUE(near(rows(1), {1, 0}, tolerance));
  EXPECT_TRUE(near(rows(2), {0.8413447, -0.1586553}, tolerance));
  EXPECT_TRUE(near(rows(3), {0.8411920, -0.1588080}, tolerance));
  EXPECT_TRUE(near(rows(4), {0.7310586, -0.2689414}, tolerance));
  EXPECT_TRUE(near(rows(5), {0.8457958, -0.1542042}, tolerance));
}

/// Row by row, as cross_entropy_fwd gives it.
struct RowLosses {
  std::vector<double> log_p, correct, lse;
};
RowLosses losses(const std::vector<double> &logits, int64_t vocabulary,
                 const std::vector<int64_t> &tokens,
                 const std::vector<double> &valid) {
  RowLosses result;
  for (size_t row = 0; row < tokens.size(); ++row) {
    auto from = logits.begin() + static_cast<int64_t>(row) * vocabulary;
    auto best = std::max_element(from, from + vocabulary);
    double sum = 0;
    for (int64_t c = 0; c < vocabulary; ++c)
      sum += std::exp(from[c] - *best);
    result.lse.push_back(*best + std::log(sum));
    bool counts = valid.empty() || valid[row] > 0;
    result.log_p.push_back(counts ? from[tokens[row]] - result.lse[row] : 0);
    result.correct.push_back(counts && best - from == tokens[row]);
  }
  return result;
}

TEST_P(Blockwise, CrossEntropy) {
  for (auto [rows, vocabulary] :
       {std::pair<int64_t, int64_t>{1, 1}, {70, 500}, {65, 128}, {0, 9}}) {
    SCOPED_TRACE(fmt::format("{} rows, {} tokens", rows, vocabulary));
    Tensor z = draw({rows, vocabulary});
    std::vector<int64_t> tokens = draw_tokens(rows, vocabulary);
    Tensor valid = Tensor::uniform({rows}, f32, {}, ++seed, -1, 1);
    RowLosses want =
        losses(z.to_vector(), vocabulary, tokens, valid.to_vector());
    Tensor log_p = fresh_acc({rows}), lse = fresh_acc({rows});
    Tensor correct = Tensor::zeros({rows}, i32);
    kernel("blockwise/cross_entropy_fwd.ag")(
        z, integers({rows}, tokens), valid, out(log_p), out(correct), out(lse));
    EXPECT_TRUE(close_lse(log_p, want.log_p));
    EXPECT_TRUE(close_lse(lse, want.lse));
    EXPECT_EQ(correct.to_vector(), want.correct);
  }
}

// Of equal logits the first counts; rows that are not valid may hold anything.
TEST_P(Blockwise, CrossEntropyOfTiesAndInvalidRows) {
  Tensor z = Tensor::zeros({3, 300}, GetParam());
  z.slice(0, 2, 3).fill(notANumber);
  Tensor valid = Tensor::from_values({3}, std::vector<double>{1, 1, 0}, f32);
  Results results = kernel("blockwise/cross_entropy_fwd.ag")(
      z, integers({3}, {0, 299, 1000000}), valid);
  EXPECT_EQ(results["correct"].to_vector(), (std::vector<double>{1, 0, 0}));
  EXPECT_TRUE(
      close_lse(results["log_p"], {-std::log(300.0), -std::log(300.0), 0}));
}

TEST_P(Blockwise, HeadAndCrossEntropy) {
  for (auto [rows, width, vocabulary] :
       {std::array<int64_t, 3>{1, 1, 1}, {70, 100, 300}, {64, 64, 64}}) {
    SCOPED_TRACE(fmt::format("{} rows, {} tokens", rows, vocabulary));
    Tensor x = draw({rows, width});
    Tensor weight = draw({vocabulary, width}), bias = draw({vocabulary});
    std::vector<double> z = matmul(read(x), read(weight.transpose()));
    for (size_t i = 0; i < z.size(); ++i)
      z[i] += bias.at({static_cast<int64_t>(i) % vocabulary});
    std::vector<int64_t> tokens = draw_tokens(rows, vocabulary);
    RowLosses want = losses(z, vocabulary, tokens, {});
    Results results = kernel("blockwise/head_cross_entropy_fwd.ag")(
        x, weight, bias, integers({rows}, tokens));
    EXPECT_TRUE(close(results["log_p"], want.log_p));
    EXPECT_EQ(results["correct"].to_vector(), want.correct);
  }
}

// Rows (ln 1, ln 3), (0, 0), (ln 7, 0), (0, 0); tokens 1, 0, 0, 1; the last is
// not valid.
TEST_P(Blockwise, ChunkMeansByHand) {
  Tensor z = Tensor::from_values(
      {4, 2},
      std::vector<double>{0, std::log(3.0), 0, 0, std::log(7.0), 0, 0, 0},
      acc_of(GetParam()));
  Tensor valid = Tensor::from_values({4}, std::vector<double>{1, 1, 1, 0}, f32);
  Results rows = kernel("blockwise/cross_entropy_fwd.ag")(
      z, integers({4}, {1, 0, 0, 1}), valid);
  auto means = [&](int64_t chunk) {
    Results results = kernel("blockwise/chunk_means.ag")(
        rows["log_p"], rows["correct"], valid, arg("chunk", chunk));
    return std::vector<double>{results["loss"].item(),
                               results["accuracy"].item()};
  };
  EXPECT_TRUE(near(means(4), {0.3714535, 1}, {1e-6, 0}));
  EXPECT_TRUE(near(means(2), {0.3119730, 1}, {1e-6, 0}));
  EXPECT_TRUE(near(means(1), {0.2785902, 0.75}, {1e-6, 0}));
  EXPECT_TRUE(near(means(1000), {0.3714535, 1}, {1e-6, 0}));
}

// A short chunk at the end, chunks longer than a tile, no row at all.
TEST_P(Blockwise, ChunkMeans) {
  DType dtype = acc_of(GetParam());
  for (int64_t rows : {1, 2500})
    for (int64_t chunk : {1, 7, 1030, 5000}) {
      Tensor log_p = Tensor::uniform({rows}, dtype, {}, ++seed);
      Tensor correct = Tensor::uniform({rows}, i32, {}, ++seed, 0, 1);
      double loss = 0, accuracy = 0;
      int64_t chunks = (rows + chunk - 1) / chunk;
      for (int64_t first = 0; first < rows; first += chunk) {
        int64_t last = std::min(first + chunk, rows);
        for (int64_t row = first; row < last; ++row) {
          double share = static_cast<double>((last - first) * chunks);
          loss -= log_p.at({row}) / share;
          accuracy += correct.at({row}) / share;
        }
      }
      Results results = kernel("blockwise/chunk_means.ag")(log_p, correct,
                                                           arg("chunk", chunk));
      Tolerance tolerance = lse_tolerance(dtype);
      EXPECT_NEAR(results["loss"].item(), loss, tolerance.atol * 10);
      EXPECT_NEAR(results["accuracy"].item(), accuracy, tolerance.atol * 10);
    }
  Results results = kernel("blockwise/chunk_means.ag")(
      Tensor::zeros({0}, dtype), Tensor::zeros({0}, i32), arg("chunk", 3));
  EXPECT_EQ(results["loss"].item(), 0);
}

} // namespace
} // namespace attn_grid::test
