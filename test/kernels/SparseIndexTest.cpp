// What brings tokens into the order that sparse attention wants, and back:
// compaction, padding, gathers and scatters of rows, sorting by bucket.

#include "test/kernels/KernelCase.h"
#include "test/support/DeviceKernel.h"

#include <numeric>

namespace attn_grid::test {
namespace {

/// compact_index: positions [B, N, H] and counts [B, H].
Results compacted(const TensorView &keep) {
  return kernel("dynamic_sparse/compact_index.ag")(keep);
}

/// The column of one head.
std::vector<int64_t> column(const TensorView &tensor, int64_t b, int64_t h) {
  std::vector<double> values = tensor.select(0, b).select(1, h).to_vector();
  return {values.begin(), values.end()};
}

TEST(SparseIndex, CompactIsAStablePartition) {
  for (int64_t length : {0, 1, 63, 64, 65, 700})
    for (DType dtype : {f32, bf16}) {
      Tensor keep =
          Tensor::uniform({2, length, 3}, i32, {}, length, 0, 1).convert(dtype);
      Results results = compacted(keep);
      for (int64_t b = 0; b < 2; ++b)
        for (int64_t h = 0; h < 3; ++h) {
          std::vector<int64_t> flags = column(keep, b, h), want(length);
          std::iota(want.begin(), want.end(), 0);
          std::sort(want.begin(), want.end(), [&](int64_t i, int64_t j) {
            return std::pair(!flags[i], i) < std::pair(!flags[j], j);
          });
          EXPECT_EQ(column(results["index"], b, h), want) << length;
          EXPECT_EQ(results["count"].at({b, h}),
                    std::accumulate(flags.begin(), flags.end(), int64_t(0)))
              << length;
        }
    }
}

// keep = (0, 1, 1, 0, 1).
TEST(SparseIndex, CompactByHand) {
  Tensor keep =
      Tensor::from_values({1, 5, 1}, std::vector<double>{0, 1, 1, 0, 1});
  Results results = compacted(keep);
  EXPECT_EQ(column(results["index"], 0, 0),
            (std::vector<int64_t>{1, 2, 4, 0, 3}));
  EXPECT_EQ(results["count"].item(), 3);
  Tensor padded = kernel("dynamic_sparse/pad_index.ag")(
      results["index"], results["count"], arg("pad", 1000000000));
  EXPECT_EQ(column(padded, 0, 0),
            (std::vector<int64_t>{1, 2, 4, 1000000000, 1000000000}));
}

TEST(SparseIndex, PadFillsTheTail) {
  Tensor index = Tensor::iota({2, 300, 3}, i32);
  Tensor count = integers({2, 3}, {0, 1, 300, 299, 256, 17});
  Tensor padded = kernel("dynamic_sparse/pad_index.ag")(index, count)["padded"];
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t r = 0; r < 300; ++r)
      for (int64_t h = 0; h < 3; ++h)
        ASSERT_EQ(padded.at({b, r, h}),
                  r < count.at({b, h}) ? index.at({b, r, h}) : -1);
}

/// Sorts by all 32 bits.
std::pair<Tensor, Tensor> sorted(const TensorView &buckets) {
  Tensor keys = buckets.contiguous();
  Tensor index = Tensor::empty(buckets.sizes(), i32);
  for (int64_t i = 0; i < buckets.size(1); ++i)
    index.slice(1, i, i + 1).fill(i);
  for (int64_t shift = 0; shift < 32; shift += 4) {
    Results pass = kernel("dynamic_sparse/radix_pass.ag")(keys, index,
                                                          arg("shift", shift));
    keys = pass["to_keys"];
    index = pass["to_index"];
  }
  return {keys, index};
}

TEST(SparseIndex, RadixSortIsStable) {
  constexpr double least = -2147483648.0, most = 2147483647;
  for (int64_t length : {0, 1, 64, 65, 300})
    for (auto [low, high] :
         {std::pair<double, double>{0, 15}, {-3, 3}, {least, most}}) {
      Tensor buckets =
          Tensor::uniform({2, length, 3}, i32, {}, length, low, high);
      if (length > 1) {
        buckets.set({0, 0, 0}, most);
        buckets.set({0, 1, 0}, least);
      }
      auto [keys, index] = sorted(buckets);
      for (int64_t b = 0; b < 2; ++b)
        for (int64_t h = 0; h < 3; ++h) {
          std::vector<int64_t> from = column(buckets, b, h), want(length);
          std::iota(want.begin(), want.end(), 0);
          std::sort(want.begin(), want.end(), [&](int64_t i, int64_t j) {
            return std::pair(from[i], i) < std::pair(from[j], j);
          });
          EXPECT_EQ(column(index, b, h), want) << length;
          std::sort(from.begin(), from.end());
          EXPECT_EQ(column(keys, b, h), from) << length;
        }
    }
}

class SparseRows : public KernelTest {};
AG_FLOAT_TYPES(SparseRows);

TEST_P(SparseRows, GatherAndScatter) {
  constexpr int64_t length = 150, heads = 3, width = 40;
  Tensor x = draw({2, length, heads, width});
  Tensor keep = Tensor::uniform({2, length, heads}, i32, {}, 5, 0, 1);
  Tensor index = compacted(keep.convert(f32))["index"];
  Tensor gathered = kernel("dynamic_sparse/gather_rows.ag")(x, index)["y"];
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t h = 0; h < heads; ++h) {
      std::vector<int64_t> from = column(index, b, h);
      for (int64_t r = 0; r < length; ++r)
        for (int64_t c = 0; c < width; ++c)
          ASSERT_EQ(gathered.at({b, r, h, c}), x.at({b, from[r], h, c}));
    }
  Tensor back = fresh({2, length, heads, width});
  kernel("dynamic_sparse/scatter_rows.ag")(gathered, index, out(back));
  EXPECT_EQ(back.to_vector(), x.to_vector());
}

// -1 is nowhere: zeros are read, nothing is written.
TEST_P(SparseRows, Nowhere) {
  Tensor x = draw({1, 3, 1, 8});
  Tensor index = integers({1, 2, 1}, {-1, 2});
  Tensor gathered = kernel("dynamic_sparse/gather_rows.ag")(x, index)["y"];
  for (int64_t c = 0; c < 8; ++c) {
    EXPECT_EQ(gathered.at({0, 0, 0, c}), 0);
    EXPECT_EQ(gathered.at({0, 1, 0, c}), x.at({0, 2, 0, c}));
  }
  Tensor y = fresh({1, 4, 1, 8});
  kernel("dynamic_sparse/scatter_rows.ag")(x.slice(1, 0, 2), index, out(y));
  for (int64_t row = 0; row < 4; ++row)
    for (int64_t c = 0; c < 8; ++c)
      EXPECT_EQ(y.at({0, row, 0, c}), row == 2 ? x.at({0, 1, 0, c}) : 0);
}

// All of qk-sparse attention: compact, pad, attend, scatter.
TEST_P(SparseRows, WholeQkAttention) {
  constexpr int64_t length = 200, heads = 3, width = 32;
  Tensor q = draw({2, length, heads, width}),
         k = draw({2, length, heads, width});
  Tensor v = draw({2, length, heads, width});
  auto flags = [&](uint64_t seed) {
    return Tensor::uniform({2, length, heads}, i32, {}, seed, 0, 1)
        .convert(f32);
  };
  Tensor keep_q = flags(11), keep_k = flags(12);
  DeviceKernel gather = kernel("dynamic_sparse/gather_rows.ag");
  auto prepare = [&](const Tensor &keep, int64_t pad, auto &&...tensors) {
    Results results = compacted(keep);
    Tensor count = results["count"];
    std::vector<double> counts = count.to_vector();
    auto buffer =
        static_cast<int64_t>(*std::max_element(counts.begin(), counts.end()));
    Tensor index = results["index"].slice(1, 0, buffer);
    Tensor padded =
        kernel("dynamic_sparse/pad_index.ag")(index, count, arg("pad", pad));
    return std::tuple(index, padded.transpose(1, 2),
                      Tensor(gather(tensors, index)).transpose(1, 2)...);
  };
  auto [q_index, q_pos, q_kept] = prepare(keep_q, -1, q);
  auto [k_index, k_pos, k_kept, v_kept] = prepare(keep_k, 1000000000, k, v);
  Tensor o = kernel("dynamic_sparse/qk_sparse_fwd.ag")(q_kept, k_kept, v_kept,
                                                       q_pos, k_pos)["o"];
  Tensor y = fresh({2, length, heads, width});
  kernel("dynamic_sparse/scatter_rows.ag")(o.transpose(1, 2), q_index, out(y));
  auto bhsd = [](const Tensor &tensor) { return read(tensor.transpose(1, 2)); };
  Attention want =
      attention_by(bhsd(q), bhsd(k), bhsd(v), [&](Pair p, double product) {
        bool allowed = keep_q.at({p.batch, p.row, p.head}) != 0 &&
                       keep_k.at({p.batch, p.key, p.head}) != 0 &&
                       p.key <= p.row;
        return allowed ? product / std::sqrt(double(width)) : -infinity;
      });
  EXPECT_TRUE(close(y.transpose(1, 2).contiguous(), want.o));
}

// All of hash-sparse attention: sort, attend, scatter.
TEST_P(SparseRows, WholeHashAttention) {
  constexpr int64_t length = 200, heads = 3, width = 32;
  Tensor q = draw({2, length, heads, width}),
         k = draw({2, length, heads, width});
  Tensor v = draw({2, length, heads, width});
  Tensor q_bucket = Tensor::uniform({2, length, heads}, i32, {}, 11, -2, 2);
  Tensor k_bucket = Tensor::uniform({2, length, heads}, i32, {}, 12, -2, 2);
  auto [q_sorted, q_index] = sorted(q_bucket);
  auto [k_sorted, k_index] = sorted(k_bucket);
  DeviceKernel gather = kernel("dynamic_sparse/gather_rows.ag");
  auto taken = [&](const Tensor &x, const Tensor &index) {
    return Tensor(gather(x, index)).transpose(1, 2);
  };
  Tensor o = kernel("dynamic_sparse/hash_sparse_fwd.ag")(
      taken(q, q_index), taken(k, k_index), taken(v, k_index),
      q_index.transpose(1, 2), k_index.transpose(1, 2),
      q_sorted.transpose(1, 2), k_sorted.transpose(1, 2))["o"];
  Tensor y = fresh({2, length, heads, width});
  kernel("dynamic_sparse/scatter_rows.ag")(o.transpose(1, 2), q_index, out(y));
  auto bhsd = [](const Tensor &tensor) { return read(tensor.transpose(1, 2)); };
  Attention want =
      attention_by(bhsd(q), bhsd(k), bhsd(v), [&](Pair p, double product) {
        bool allowed = q_bucket.at({p.batch, p.row, p.head}) ==
                           k_bucket.at({p.batch, p.key, p.head}) &&
                       p.key <= p.row;
        return allowed ? product / std::sqrt(double(width)) : -infinity;
      });
  EXPECT_TRUE(close(y.transpose(1, 2).contiguous(), want.o));
}

} // namespace
} // namespace attn_grid::test
