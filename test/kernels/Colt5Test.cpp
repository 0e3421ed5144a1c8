// Coordinate descent against its definition, which keeps every b and takes the
// logarithm of every sum as it stands.

#include "test/kernels/KernelCase.h"

namespace attn_grid::test {
namespace {

struct Descent {
  int64_t iters = 20;
  double eps = 0.1, eps_init = 0, eps_decay = 1;
};

std::vector<double> descended(const std::vector<double> &s, double count,
                              const std::vector<bool> &mask,
                              const Descent &options) {
  size_t length = s.size();
  std::vector<double> b(length), y(length);
  for (size_t j = 0; j < length; ++j)
    b[j] = -s[j];
  double eps = std::max(options.eps_init, options.eps), a = 0;
  for (int64_t t = 0; t < options.iters; ++t) {
    double top = -infinity, sum = 0;
    for (size_t j = 0; j < length; ++j)
      if (mask[j])
        top = std::max(top, (s[j] + b[j]) / eps);
    for (size_t j = 0; j < length; ++j)
      if (mask[j])
        sum += std::exp((s[j] + b[j]) / eps - top);
    a = eps * (std::log(std::max(count, 1e-20)) - top - std::log(sum));
    for (size_t j = 0; j < length; ++j)
      b[j] = -std::max(s[j] + a, 0.0);
    eps = std::max(eps * options.eps_decay, options.eps);
  }
  for (size_t j = 0; j < length; ++j)
    if (mask[j])
      y[j] = std::exp((s[j] + a + b[j]) / eps);
  return y;
}

class Colt5 : public KernelTest {
protected:
  /// y of all rows, which take as many as `counts` says.
  Tensor run(const TensorView &s, const Tensor &counts, const Descent &options,
             const Arg &mask = none) {
    Tensor y = fresh_acc({s.size(0), s.size(1)});
    kernel("colt5/coordinate_descent.ag")(
        s, mask, counts, out("y", y), arg("iters", options.iters),
        arg("eps", options.eps), arg("eps_init", options.eps_init),
        arg("eps_decay", options.eps_decay));
    return y;
  }
  /// Results have f32 or f64, whatever the type of the scores.
  static Tolerance tolerance(const Descent &options) {
    double steps = 1 + static_cast<double>(options.iters) / 10;
    return {(GetParam() == f64 ? 1e-12 : 1e-5) * steps, 0};
  }
  void check(const TensorView &s, double count, const Descent &options,
             const std::optional<Tensor> &mask = {}) {
    int64_t rows = s.size(0), length = s.size(1);
    Tensor y = run(s, Tensor::full({rows}, count, f32), options, mask);
    std::vector<double> scores = s.to_vector(), want;
    std::vector<double> masks =
        mask ? mask->to_vector() : std::vector<double>(rows * length, 1);
    for (int64_t row = 0; row < rows; ++row) {
      auto from = scores.begin() + row * length;
      auto mask_from = masks.begin() + row * length;
      for (double value : descended({from, from + length}, count,
                                    {mask_from, mask_from + length}, options))
        want.push_back(value);
    }
    EXPECT_TRUE(near(y.to_vector(), want, tolerance(options)));
  }
};
AG_FLOAT_TYPES(Colt5);

constexpr Descent router = {20, 0.03, 4, 0.7};

TEST_P(Colt5, Rows) {
  for (auto [rows, length] :
       {std::pair<int64_t, int64_t>{1, 1}, {3, 7}, {10, 256}, {9, 700}})
    for (double count : {0.5, 1.0, 4.5, 100.0})
      for (Descent options : {Descent{1, 1.0}, Descent{}, router}) {
        SCOPED_TRACE(fmt::format("{} x {}, {} of them, {} steps", rows, length,
                                 count, options.iters));
        check(draw({rows, length}), count, options);
      }
}

TEST_P(Colt5, Mask) {
  Tensor s = draw({9, 300});
  Tensor mask = Tensor::uniform({9, 300}, boolean, {}, 7);
  mask.slice(0, 4, 5).fill(false); // no candidate at all
  Tensor y = run(s, Tensor::full({9}, 20, f32), router, mask);
  for (int64_t j = 0; j < 300; ++j)
    ASSERT_EQ(y.at({4, j}), 0);
  check(s.slice(0, 0, 4), 20, router, mask.slice(0, 0, 4));
  check(s.slice(0, 5, 9), 20, router, mask.slice(0, 5, 9));
}

// What is masked takes part in nothing, NaN and infinity included.
TEST_P(Colt5, MaskedValuesDoNotLeak) {
  Tensor s = draw({3, 300}), bad = s.clone();
  Tensor mask = Tensor::uniform({3, 300}, boolean, {}, 7);
  for (int64_t row = 0; row < 3; ++row)
    for (int64_t j = 0; j < 300; ++j)
      if (mask.at({row, j}) == 0)
        bad.set({row, j}, j % 2 ? notANumber : infinity);
  Tensor counts = Tensor::full({3}, 20, f32);
  EXPECT_EQ(run(bad, counts, router, mask).to_vector(),
            run(s, counts, router, mask).to_vector());
}

TEST_P(Colt5, ByHand) {
  auto rows = [&](const std::vector<double> &s, double count, Descent options) {
    int64_t length = static_cast<int64_t>(s.size());
    return run(values({1, length}, s), Tensor::full({1}, count, f32), options)
        .to_vector();
  };
  EXPECT_TRUE(near(rows({1, 0}, 1, {1, 1}), {1, 0.5}, {1e-6, 0}));
  EXPECT_TRUE(near(rows({1, 0}, 1, {2, 1}), {0.9060939, 1.0 / 3}, {1e-6, 0}));
  EXPECT_TRUE(
      near(rows({2, 1, 0, -1}, 2, {1}), {1, 1, 0.5, 2.27e-5}, {1e-6, 0}));
  EXPECT_TRUE(near(rows({2, 1, 0, -1}, 2, {20}), {1, 1, 0.0869533, 3.95e-6},
                   {1e-6, 0}));
  EXPECT_TRUE(
      near(rows({2, 1, 0, -1}, 1.125, router), {1, 0, 0, 0}, {1e-6, 0}));
  // Fewer entries than are wanted: all of them.
  EXPECT_EQ(rows({3, -2}, 5, {20}), (std::vector<double>{1, 1}));
}

TEST_P(Colt5, Empty) {
  EXPECT_EQ(run(draw({0, 8}), Tensor::full({0}, 1, f32), router).elements(), 0);
  EXPECT_EQ(run(draw({3, 0}), Tensor::full({3}, 1, f32), router).elements(), 0);
}

} // namespace
} // namespace attn_grid::test
