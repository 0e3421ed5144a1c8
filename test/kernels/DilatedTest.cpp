// Dilated attention against one softmax over the union of all branches' keys,
// in which a key of two branches counts twice.

#include "test/kernels/KernelCase.h"
#include "test/support/DeviceKernel.h"

namespace attn_grid::test {
namespace {

struct Branch {
  int64_t segment, rate;
};

class Dilated : public KernelTest {
protected:
  /// Runs every branch and merges them.
  std::pair<Tensor, Tensor> run(const TensorView &q, const TensorView &k,
                                const TensorView &v,
                                const std::vector<Branch> &branches,
                                bool causal, int64_t phases,
                                const Arg &padding = none) {
    int64_t count = static_cast<int64_t>(branches.size());
    int64_t batch = q.size(0), heads = q.size(1), length = q.size(2);
    Tensor parts = fresh({count, batch, heads, length, v.size(3)});
    Tensor lse_parts = fresh_acc({count, batch, heads, length});
    DeviceKernel branch = kernel("dilated/dilated_fwd.ag",
                                 {{"causal", causal}, {"phases", phases}});
    for (int64_t i = 0; i < count; ++i)
      branch(q, k, v, padding, out(parts.select(0, i)),
             out(lse_parts.select(0, i)), branches[i].segment,
             branches[i].rate);
    Tensor o = fresh({batch, heads, length, v.size(3)});
    Tensor lse = fresh_acc({batch, heads, length});
    kernel("flash/merge.ag")(parts, lse_parts, out(o), out(lse));
    return {o, lse};
  }

  /// The definition.
  static Attention wanted(const Array &q, const Array &k, const Array &v,
                          const std::vector<Branch> &branches, bool causal,
                          int64_t phases,
                          const std::vector<double> &real = {}) {
    double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
    int64_t heads = q.size(1);
    return attention_by(q, k, v, [&](Pair p, double product) {
      int64_t times = 0;
      for (auto [segment, rate] : branches) {
        int64_t phase = phases == 0   ? p.head % rate
                        : phases == 1 ? p.head / ((heads + rate - 1) / rate)
                                      : 0;
        auto kept = [&](int64_t at) { return at % segment % rate == phase; };
        times += p.row / segment == p.key / segment && kept(p.row) &&
                 kept(p.key) && (!causal || p.key <= p.row);
      }
      if (!real.empty() && real[p.batch * k.size(2) + p.key] == 0)
        times = 0;
      return scale * product + std::log(static_cast<double>(times));
    });
  }
};
AG_FLOAT_TYPES(Dilated);

TEST_P(Dilated, OneBranch) {
  constexpr Branch branches[] = {{64, 1}, {64, 2},   {50, 3},  {7, 10},
                                 {1, 1},  {1000, 4}, {300, 1}, {65, 64}};
  for (Branch branch : branches)
    for (int64_t phases : {0, 1, 2})
      for (bool causal : {false, true}) {
        Tensor q = draw({1, 4, 200, 32}), k = draw({1, 2, 200, 32});
        Tensor v = draw({1, 2, 200, 16});
        auto [o, lse] = run(q, k, v, {branch}, causal, phases);
        EXPECT_TRUE(
            close(o, lse,
                  wanted(read(q), read(k), read(v), {branch}, causal, phases)))
            << branch.segment << ", " << branch.rate << ", phases " << phases
            << (causal ? ", causal" : "");
      }
}

// Sums of 16-bit parts are rounded twice, so the tolerance is that of two.
TEST_P(Dilated, BranchesAddUp) {
  const std::vector<Branch> lists[] = {
      {{2, 1}, {4, 2}}, {{32, 1}, {64, 2}, {128, 4}}, {{64, 2}, {64, 2}}};
  Tolerance tolerance = forward_tolerance(GetParam());
  for (const std::vector<Branch> &branches : lists)
    for (bool causal : {false, true}) {
      Tensor q = draw({2, 3, 150, 32}), k = draw({2, 3, 150, 32});
      auto [o, lse] = run(q, k, k, branches, causal, 0);
      Attention want = wanted(read(q), read(k), read(k), branches, causal, 0);
      EXPECT_TRUE(
          near(o.to_vector(), want.o, {2 * tolerance.atol, 2 * tolerance.rtol}))
          << branches[0].segment << (causal ? ", causal" : "");
      EXPECT_TRUE(close_lse(lse, want.lse)) << branches[0].segment;
    }
}

TEST_P(Dilated, PaddingIsNoKey) {
  Tensor q = draw({2, 4, 100, 32}), k = draw({2, 4, 100, 32});
  Tensor real = Tensor::uniform({2, 100}, boolean, {}, 5);
  auto [o, lse] = run(q, k, k, {{40, 2}}, false, 0, real);
  EXPECT_TRUE(close(o, lse,
                    wanted(read(q), read(k), read(k), {{40, 2}}, false, 0,
                           real.to_vector())));
}

TEST_P(Dilated, ByHand) {
  Tensor zero = Tensor::zeros({1, 2, 4, 1}, GetParam());
  Tensor v = values({1, 2, 4, 1}, {1, 2, 3, 4, 1, 2, 3, 4});
  auto rows = [&](const std::vector<Branch> &branches, bool causal,
                  int64_t phases) {
    return run(zero, zero, v, branches, causal, phases).first;
  };
  EXPECT_TRUE(close(rows({{4, 2}}, false, 0), {2, 0, 2, 0, 0, 3, 0, 3}));
  EXPECT_TRUE(close(rows({{4, 2}}, true, 0), {1, 0, 2, 0, 0, 2, 0, 3}));
  EXPECT_TRUE(close(rows({{2, 1}, {4, 2}}, false, 2),
                    {1.75, 1.5, 2.75, 3.5, 1.75, 1.5, 2.75, 3.5}));
  // A tail of one token has no token of phase 1.
  Tensor tail = values({1, 1, 5, 1}, {1, 2, 3, 4, 5}).expand({1, 2, 5, 1});
  Tensor five = Tensor::zeros({1, 2, 5, 1}, GetParam());
  EXPECT_TRUE(close(run(five, five, tail, {{4, 2}}, false, 0).first,
                    {2, 0, 2, 0, 5, 0, 3, 0, 3, 0}));
}

TEST_P(Dilated, Empty) {
  Tensor none_left = draw({1, 2, 0, 16});
  EXPECT_EQ(
      run(none_left, none_left, none_left, {{4, 2}}, false, 0).first.elements(),
      0);
}

} // namespace
} // namespace attn_grid::test
