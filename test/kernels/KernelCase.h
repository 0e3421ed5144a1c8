#ifndef AG_TEST_KERNELS_KERNELCASE_H
#define AG_TEST_KERNELS_KERNELCASE_H
/// What the tests of a kernel family share: kernels by file, inputs by type,
/// and attention by its definition, with any rule for the scores.
///
///     class Norm : public KernelTest {};
///     AG_FLOAT_TYPES(Norm);
///     TEST_P(Norm, Rows) {
///       Tensor x = draw({3, 5});
///       EXPECT_TRUE(close(kernel("norm/rms_norm.ag")(x)["y"], wanted));
///     }

#include "attn_grid/attn_grid.hpp"
#include "test/support/Compare.hpp"
#include "test/support/DeviceKernel.h"
#include "test/support/Reference.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <initializer_list>
#include <limits>
#include <string>

namespace attn_grid::test {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();

/// The kernel of a file below kernels_dsl, named as the file. Variants are
/// shared by all tests of the process.
DeviceKernel kernel(const std::string &file, const Bindings &bindings = {});

/// Tests that run once for each float type.
class KernelTest : public testing::TestWithParam<DType> {
protected:
  /// N(0, 1) of the parameter's type; every call of a test draws others.
  Tensor draw(const Dims &sizes) {
    return Tensor::randn(sizes, GetParam(), {}, ++seed);
  }
  /// Values of the parameter's type.
  Tensor values(const Dims &sizes, const std::vector<double> &data) const {
    return Tensor::from_values(sizes, data, GetParam());
  }
  /// Memory for an output of the parameter's type, full of NaN, so that an
  /// element that no program writes is seen.
  Tensor fresh(const Dims &sizes) const {
    return Tensor::full(sizes, notANumber, GetParam());
  }
  /// The same of the type that sums have.
  Tensor fresh_acc(const Dims &sizes) const {
    return Tensor::full(sizes, notANumber, acc_of(GetParam()));
  }
  /// Compares with the tolerance of the parameter's type.
  static testing::AssertionResult close(const Tensor &found,
                                        const std::vector<double> &wanted) {
    return near(found.to_vector(), wanted, forward_tolerance(GetParam()));
  }
  /// The same for a log-sum-exp.
  static testing::AssertionResult close_lse(const Tensor &found,
                                            const std::vector<double> &wanted) {
    return near(found.to_vector(), wanted, lse_tolerance(GetParam()));
  }
  /// Compares both results of attention.
  static testing::AssertionResult close(const Tensor &o, const Tensor &lse,
                                        const Attention &wanted) {
    if (auto same = close(o, wanted.o); !same)
      return same << " in o";
    if (auto same = close_lse(lse, wanted.lse); !same)
      return same << " in lse";
    return testing::AssertionSuccess();
  }

  uint64_t seed = 0;
};

#define AG_FLOAT_TYPES(SUITE)                                                  \
  INSTANTIATE_TEST_SUITE_P(                                                    \
      Types, SUITE, testing::Values(f32, f16, bf16, f64),                      \
      [](const auto &info) { return std::string(name_of(info.param)); })

/// int32 values.
Tensor integers(const Dims &sizes, const std::vector<int64_t> &data);

/// One pair of a query and a key.
struct Pair {
  int64_t batch, head, row, key;
};

/// o_i = sum_j p_ij weight_ij v_j, p = softmax over j of score(pair, q_i.k_j);
/// a score of minus infinity removes the pair, and a row without pairs gives
/// o = 0 and lse = -inf. Query head h reads head h / (H / G) of k and v.
template <class Score, class Weight>
Attention attention_by(const Array &q, const Array &k, const Array &v,
                       Score score, Weight weight) {
  int64_t batch = q.size(0), heads = q.size(1), rows = q.size(2);
  int64_t groups = k.size(1), keys = k.size(2), width = q.size(3);
  int64_t value_width = v.size(3);
  Attention result;
  result.o.assign(batch * heads * rows * value_width, 0);
  result.lse.assign(batch * heads * rows, -infinity);
  std::vector<double> scores(keys);
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t row = 0; row < rows; ++row) {
        int64_t at = (b * heads + h) * rows + row;
        int64_t head = b * groups + h / (heads / groups);
        double top = -infinity;
        for (int64_t key = 0; key < keys; ++key) {
          double product = 0;
          for (int64_t d = 0; d < width; ++d)
            product += q.data[at * width + d] *
                       k.data[(head * keys + key) * width + d];
          scores[key] = score(Pair{b, h, row, key}, product);
          top = std::max(top, scores[key]);
        }
        if (top == -infinity)
          continue;
        double sum = 0;
        for (int64_t key = 0; key < keys; ++key)
          sum += scores[key] == -infinity ? 0 : std::exp(scores[key] - top);
        for (int64_t key = 0; key < keys; ++key) {
          if (scores[key] == -infinity)
            continue;
          double p =
              std::exp(scores[key] - top) / sum * weight(Pair{b, h, row, key});
          for (int64_t c = 0; c < value_width; ++c)
            result.o[at * value_width + c] +=
                p * v.data[(head * keys + key) * value_width + c];
        }
        result.lse[at] = top + std::log(sum);
      }
  return result;
}
template <class Score>
Attention attention_by(const Array &q, const Array &k, const Array &v,
                       Score score) {
  return attention_by(q, k, v, score, [](Pair) { return 1.0; });
}

} // namespace attn_grid::test

#endif
