// Attention over compacted and over bucket-sorted inputs against the
// definition, which knows nothing of either: pairs of original positions.

#include "test/kernels/KernelCase.h"
#include "test/support/DeviceKernel.h"

#include <numeric>

namespace attn_grid::test {
namespace {

constexpr int64_t noKey = 1000000000;

class DynamicSparse : public KernelTest {
protected:
  /// One random number below `limit` for each of `count` tokens.
  std::vector<int64_t> labels(int64_t count, int64_t limit) {
    Tensor drawn = Tensor::uniform({count}, i32, {}, ++seed, 0,
                                   static_cast<double>(limit - 1));
    std::vector<double> values = drawn.to_vector();
    return {values.begin(), values.end()};
  }
};
AG_FLOAT_TYPES(DynamicSparse);

/// Rows of x [1, 1, N, D] in another order, repeated where `order` is -1.
Tensor reordered(const Tensor &x, const std::vector<int64_t> &order) {
  int64_t rows = static_cast<int64_t>(order.size());
  Tensor y = Tensor::full({1, 1, rows, x.size(3)}, notANumber, x.dtype());
  for (int64_t row = 0; row < rows; ++row)
    if (order[row] >= 0)
      y.slice(2, row, row + 1)
          .copy_from(x.slice(2, order[row], order[row] + 1));
  return y;
}

/// What o_sorted and lse_sorted say about row `order[r]` of the original.
Attention restored(const Tensor &o, const Tensor &lse, int64_t rows,
                   const std::vector<int64_t> &order) {
  int64_t width = o.size(3);
  Attention result;
  result.o.assign(rows * width, 0);
  result.lse.assign(rows, -infinity);
  for (size_t r = 0; r < order.size(); ++r) {
    int64_t row = static_cast<int64_t>(r);
    if (order[r] < 0)
      continue;
    for (int64_t c = 0; c < width; ++c)
      result.o[order[r] * width + c] = o.at({0, 0, row, c});
    result.lse[order[r]] = lse.at({0, 0, row});
  }
  return result;
}

/// Positions of the tokens with a flag, and -1 for `padding` more.
std::vector<int64_t> kept(const std::vector<int64_t> &flags, int64_t padding) {
  std::vector<int64_t> order;
  for (size_t i = 0; i < flags.size(); ++i)
    if (flags[i])
      order.push_back(static_cast<int64_t>(i));
  order.insert(order.end(), padding, -1);
  return order;
}

/// Positions sorted by label; equals keep their order.
std::vector<int64_t> sorted(const std::vector<int64_t> &labels) {
  std::vector<int64_t> order(labels.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return std::pair(labels[a], a) < std::pair(labels[b], b);
  });
  return order;
}

std::vector<int64_t> taken(const std::vector<int64_t> &from,
                           const std::vector<int64_t> &order) {
  std::vector<int64_t> result;
  for (int64_t at : order)
    result.push_back(from[at]);
  return result;
}

Tensor row_of(const std::vector<int64_t> &values) {
  return integers({1, 1, static_cast<int64_t>(values.size())}, values);
}

struct Compared {
  Attention found, wanted;
};

/// Runs qk_sparse_fwd on the tokens with a flag; padded rows and keys are NaN.
Compared run_qk(const Tensor &q, const Tensor &k, const Tensor &v,
                const std::vector<int64_t> &keep_q,
                const std::vector<int64_t> &keep_k, bool causal,
                int64_t padding) {
  std::vector<int64_t> q_order = kept(keep_q, padding);
  std::vector<int64_t> k_order = kept(keep_k, padding);
  std::vector<int64_t> k_pos = k_order;
  std::replace(k_pos.begin(), k_pos.end(), int64_t(-1), noKey);
  int64_t rows = static_cast<int64_t>(q_order.size());
  Tensor o = Tensor::full({1, 1, rows, v.size(3)}, notANumber, q.dtype());
  Tensor lse = Tensor::full({1, 1, rows}, notANumber, acc_of(q.dtype()));
  kernel("dynamic_sparse/qk_sparse_fwd.ag", {{"causal", causal}})(
      reordered(q, q_order), reordered(k, k_order), reordered(v, k_order),
      row_of(q_order), row_of(k_pos), out(o), out(lse));
  for (int64_t row = rows - padding; row < rows; ++row) {
    EXPECT_EQ(o.at({0, 0, row, 0}), 0) << "padding, " << row;
    EXPECT_EQ(lse.at({0, 0, row}), -infinity) << "padding, " << row;
  }
  double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
  return {restored(o, lse, q.size(2), q_order),
          attention_by(read(q), read(k), read(v), [&](Pair p, double product) {
            bool allowed =
                keep_q[p.row] && keep_k[p.key] && (!causal || p.key <= p.row);
            return allowed ? scale * product : -infinity;
          })};
}

/// Runs hash_sparse_fwd on sorted tokens.
Compared run_hash(const Tensor &q, const Tensor &k, const Tensor &v,
                  const std::vector<int64_t> &q_bucket,
                  const std::vector<int64_t> &k_bucket, bool causal,
                  bool exclude_self) {
  std::vector<int64_t> q_order = sorted(q_bucket), k_order = sorted(k_bucket);
  Tensor o = Tensor::full({1, 1, q.size(2), v.size(3)}, notANumber, q.dtype());
  Tensor lse = Tensor::full({1, 1, q.size(2)}, notANumber, acc_of(q.dtype()));
  kernel("dynamic_sparse/hash_sparse_fwd.ag",
         {{"causal", causal}, {"exclude_self", exclude_self}})(
      reordered(q, q_order), reordered(k, k_order), reordered(v, k_order),
      row_of(q_order), row_of(k_order), row_of(taken(q_bucket, q_order)),
      row_of(taken(k_bucket, k_order)), out(o), out(lse));
  double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
  return {restored(o, lse, q.size(2), q_order),
          attention_by(read(q), read(k), read(v), [&](Pair p, double product) {
            bool allowed = q_bucket[p.row] == k_bucket[p.key] &&
                           (!causal || p.key <= p.row) &&
                           (!exclude_self || p.key != p.row);
            return allowed ? scale * product : -infinity;
          })};
}

testing::AssertionResult agree(const Compared &both, DType dtype) {
  if (auto same = near(both.found.o, both.wanted.o, forward_tolerance(dtype));
      !same)
    return same << " in o";
  if (auto same = near(both.found.lse, both.wanted.lse, lse_tolerance(dtype));
      !same)
    return same << " in lse";
  return testing::AssertionSuccess();
}

TEST_P(DynamicSparse, KeptTokens) {
  constexpr std::array<int64_t, 4> sizes[] = {{1, 1, 16, 16},
                                              {130, 200, 64, 64},
                                              {200, 130, 40, 24},
                                              {300, 300, 64, 80}};
  for (auto [rows, keys, width, value_width] : sizes)
    for (int64_t padding : {0, 3, 70})
      for (bool causal : {true, false}) {
        Tensor q = draw({1, 1, rows, width}), k = draw({1, 1, keys, width});
        Tensor v = draw({1, 1, keys, value_width});
        EXPECT_TRUE(agree(
            run_qk(q, k, v, labels(rows, 2), labels(keys, 2), causal, padding),
            GetParam()))
            << rows << " x " << keys << ", padding " << padding
            << (causal ? ", causal" : "");
      }
}

TEST_P(DynamicSparse, AllOrNoneKept) {
  constexpr int64_t length = 150;
  Tensor q = draw({1, 1, length, 32}), k = draw({1, 1, length, 32});
  std::vector<int64_t> all(length, 1), none(length, 0);
  EXPECT_TRUE(agree(run_qk(q, k, k, all, all, true, 0), GetParam()));
  EXPECT_TRUE(agree(run_qk(q, k, k, none, all, true, 2), GetParam()));
  EXPECT_TRUE(agree(run_qk(q, k, k, all, none, true, 2), GetParam()));
  EXPECT_TRUE(agree(run_qk(q, k, k, none, none, true, 0), GetParam()));
}

// Values (1, 2, 4, 8) and equal scores: rows are means.
TEST_P(DynamicSparse, KeptTokensByHand) {
  Tensor zero = values({1, 1, 4, 1}, {0, 0, 0, 0});
  Tensor v = values({1, 1, 4, 1}, {1, 2, 4, 8});
  Compared both = run_qk(zero, zero, v, {1, 0, 1, 1}, {0, 1, 1, 0}, true, 0);
  EXPECT_TRUE(near(both.found.o, {0, 0, 3, 3}, {1e-6, 0}));
  EXPECT_TRUE(near(both.found.lse,
                   {-infinity, -infinity, std::log(2.0), std::log(2.0)},
                   {1e-6, 0}));
}

TEST_P(DynamicSparse, Buckets) {
  constexpr std::array<int64_t, 4> sizes[] = {{1, 1, 16, 16},
                                              {130, 200, 64, 64},
                                              {200, 130, 40, 24},
                                              {300, 300, 64, 80}};
  for (auto [rows, keys, width, value_width] : sizes)
    for (int64_t buckets : {1, 2, 5, 100})
      for (bool causal : {true, false})
        for (bool exclude_self : {false, true}) {
          Tensor q = draw({1, 1, rows, width}), k = draw({1, 1, keys, width});
          Tensor v = draw({1, 1, keys, value_width});
          EXPECT_TRUE(
              agree(run_hash(q, k, v, labels(rows, buckets),
                             labels(keys, buckets), causal, exclude_self),
                    GetParam()))
              << rows << " x " << keys << ", " << buckets << " buckets"
              << (causal ? ", causal" : "")
              << (exclude_self ? ", without itself" : "");
        }
}

// Any 32-bit number is a bucket, also those that padding might be taken for.
TEST_P(DynamicSparse, AnyNumberIsABucket) {
  constexpr int64_t length = 100;
  constexpr int64_t numbers[] = {-2147483648, -1, 0, 1000000000, 2147483647};
  Tensor q = draw({1, 1, length, 32}), k = draw({1, 1, length, 32});
  std::vector<int64_t> q_bucket, k_bucket;
  for (int64_t i = 0; i < length; ++i) {
    q_bucket.push_back(numbers[i * 7 % 5]);
    k_bucket.push_back(numbers[i * 3 % 4]);
  }
  for (bool causal : {true, false})
    EXPECT_TRUE(agree(run_hash(q, k, k, q_bucket, k_bucket, causal, false),
                      GetParam()));
}

// Every token alone in its bucket: its own value, bit for bit.
TEST_P(DynamicSparse, EveryTokenItsOwnBucket) {
  constexpr int64_t length = 100;
  Tensor q = draw({1, 1, length, 32}), v = draw({1, 1, length, 32});
  std::vector<int64_t> bucket;
  for (int64_t i = 0; i < length; ++i)
    bucket.push_back(i * 37 % length);
  EXPECT_EQ(run_hash(q, q, v, bucket, bucket, true, false).found.o,
            v.to_vector());
}

TEST_P(DynamicSparse, BucketsByHand) {
  Tensor zero = values({1, 1, 4, 1}, {0, 0, 0, 0});
  Tensor v = values({1, 1, 4, 1}, {1, 2, 4, 8});
  auto rows = [&](bool exclude_self) {
    return run_hash(zero, zero, v, {1, 0, 1, 0}, {1, 1, 0, 0}, true,
                    exclude_self)
        .found.o;
  };
  EXPECT_TRUE(near(rows(false), {1, 0, 1.5, 6}, {1e-6, 0}));
  EXPECT_TRUE(near(rows(true), {0, 0, 1.5, 4}, {1e-6, 0}));
}

// NaN in a bucket that no query has, and in keys that no query reaches.
TEST_P(DynamicSparse, OtherBucketsDoNotLeak) {
  constexpr int64_t length = 150;
  Tensor q = draw({1, 1, length, 32}), k = draw({1, 1, length, 32});
  std::vector<int64_t> q_bucket, k_bucket;
  Tensor bad = k.clone();
  for (int64_t i = 0; i < length; ++i) {
    q_bucket.push_back(i % 2);
    k_bucket.push_back(i % 3);
    if (i % 3 == 2)
      bad.slice(2, i, i + 1).fill(notANumber);
  }
  Attention clean = run_hash(q, k, k, q_bucket, k_bucket, true, false).found;
  Attention found =
      run_hash(q, bad, bad, q_bucket, k_bucket, true, false).found;
  EXPECT_TRUE(near(found.o, clean.o, forward_tolerance(GetParam())));
}

TEST_P(DynamicSparse, EmptyExtents) {
  for (const char *name : {"qk_sparse_fwd", "hash_sparse_fwd"}) {
    DeviceKernel sparse = kernel(fmt::format("dynamic_sparse/{}.ag", name));
    bool hash = name[0] == 'h';
    for (auto [rows, keys] :
         {std::pair<int64_t, int64_t>{0, 5}, {5, 0}, {0, 0}}) {
      Tensor q = draw({2, 2, rows, 16}), k = draw({2, 2, keys, 16});
      Tensor q_pos = Tensor::zeros({2, 2, rows}, i32);
      Tensor k_pos = Tensor::zeros({2, 2, keys}, i32);
      Tensor o = fresh({2, 2, rows, 16});
      if (hash)
        sparse(q, k, k, q_pos, k_pos, q_pos, k_pos, out(o));
      else
        sparse(q, k, k, q_pos, k_pos, out(o));
      for (double value : o.to_vector())
        ASSERT_EQ(value, 0);
    }
  }
}

// Batches and heads have positions and buckets of their own, by their strides.
TEST_P(DynamicSparse, HeadsDiffer) {
  constexpr int64_t length = 90;
  Tensor q = draw({2, length, 3, 32}).transpose(1, 2);
  Tensor k = draw({2, length, 3, 32}).transpose(1, 2);
  Tensor pos = Tensor::zeros({2, 3, length}, i32);
  Tensor bucket = Tensor::zeros({2, 3, length}, i32);
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t h = 0; h < 3; ++h)
      for (int64_t i = 0; i < length; ++i) {
        pos.set({b, h, i}, i);
        bucket.set({b, h, i}, i / (10 + b + 7 * h));
      }
  Tensor o = fresh({2, 3, length, 32}), lse = fresh_acc({2, 3, length});
  kernel("dynamic_sparse/hash_sparse_fwd.ag")(q, k, k, pos, pos, bucket, bucket,
                                              out(o), out(lse));
  double scale = 1 / std::sqrt(32.0);
  EXPECT_TRUE(close(
      o, lse,
      attention_by(read(q), read(k), read(k), [&](Pair p, double product) {
        int64_t size = 10 + p.batch + 7 * p.head;
        return p.key <= p.row && p.key / size == p.row / size ? scale * product
                                                              : -infinity;
      })));
}

} // namespace
} // namespace attn_grid::test
