// Decoding over contiguous and paged caches, split and merged, against one
// softmax over the valid keys.

#include "test/kernels/KernelCase.h"

namespace attn_grid::test {
namespace {

class Decode : public KernelTest {};
AG_FLOAT_TYPES(Decode);

struct DecodeCase {
  int64_t heads, groups, queries, width, value_width, capacity;
  std::vector<int64_t> lengths;
};

const DecodeCase cases[] = {{1, 1, 1, 16, 16, 5, {5}},
                            {4, 2, 1, 64, 64, 300, {300, 0, 1, 129}},
                            {6, 2, 3, 40, 24, 200, {3, 150, 2}},
                            {8, 8, 5, 32, 48, 130, {130, 64}}};

/// o [B, H, M, DV] and lse by the definition: query t stands at length - M + t.
Attention decoded(const Array &q, const Array &k, const Array &v,
                  const std::vector<int64_t> &lengths) {
  double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
  return attention_by(q, k, v, [&](Pair p, double product) {
    int64_t length = lengths[p.batch];
    bool allowed = p.key < length && p.key <= length - q.size(2) + p.row;
    return allowed ? scale * product : -infinity;
  });
}

/// Puts the parts of the slices together.
std::pair<Tensor, Tensor> merged(const Tensor &parts, const Tensor &lse_parts,
                                 const DecodeCase &test, DType dtype) {
  int64_t slices = parts.size(0);
  int64_t batch = static_cast<int64_t>(test.lengths.size());
  Tensor o = Tensor::full({batch, test.heads, test.queries, test.value_width},
                          notANumber, dtype);
  Tensor lse = Tensor::full({batch, test.heads, test.queries}, notANumber,
                            acc_of(dtype));
  kernel("flash/merge.ag")(
      parts.view({slices, batch, test.heads, test.queries, test.value_width}),
      lse_parts.view({slices, batch, test.heads, test.queries}), out(o),
      out(lse));
  return {o, lse};
}

TEST_P(Decode, Contiguous) {
  for (const DecodeCase &test : cases)
    for (int64_t slices : {1, 3, 8}) {
      SCOPED_TRACE(fmt::format("{} heads, {} slices", test.heads, slices));
      int64_t batch = static_cast<int64_t>(test.lengths.size());
      int64_t per_group = test.heads / test.groups;
      Tensor q = draw({batch, test.heads, test.queries, test.width});
      Tensor k = draw({batch, test.groups, test.capacity, test.width});
      Tensor v = draw({batch, test.groups, test.capacity, test.value_width});
      Attention want = decoded(read(q), read(k), read(v), test.lengths);
      // Keys behind a sequence's end are never read.
      for (int64_t b = 0; b < batch; ++b)
        for (const Tensor *cache : {&k, &v})
          cache->slice(0, b, b + 1)
              .slice(2, test.lengths[b], test.capacity)
              .fill(notANumber);
      Tensor parts = fresh_acc({slices, batch, test.groups, per_group,
                                test.queries, test.value_width});
      Tensor lse_parts =
          fresh_acc({slices, batch, test.groups, per_group, test.queries});
      kernel("flash/decode_split.ag")(
          q.view({batch, test.groups, per_group, test.queries, test.width}), k,
          v, integers({batch}, test.lengths), out(parts), out(lse_parts));
      auto [o, lse] = merged(parts, lse_parts, test, GetParam());
      EXPECT_TRUE(close(o, lse, want));
    }
}

TEST_P(Decode, Paged) {
  for (const DecodeCase &test : cases)
    for (int64_t page : {16, 24}) {
      SCOPED_TRACE(fmt::format("{} heads, pages of {}", test.heads, page));
      int64_t batch = static_cast<int64_t>(test.lengths.size());
      int64_t per_group = test.heads / test.groups;
      int64_t each = (test.capacity + page - 1) / page;
      int64_t pages = batch * each + 3, slices = 3;
      Tensor q = draw({batch, test.heads, test.queries, test.width});
      Tensor k = draw({batch, test.groups, each * page, test.width});
      Tensor v = draw({batch, test.groups, each * page, test.value_width});
      Attention want = decoded(read(q), read(k), read(v), test.lengths);
      // Pages in an order of their own; all that holds no key is NaN.
      Tensor k_pages = fresh({pages, test.groups, page, test.width});
      Tensor v_pages = fresh({pages, test.groups, page, test.value_width});
      std::vector<int64_t> table;
      for (int64_t b = 0; b < batch; ++b)
        for (int64_t index = 0; index < each; ++index) {
          int64_t to = (b * each + index) * 5 % pages;
          while (std::count(table.begin(), table.end(), to))
            to = (to + 1) % pages;
          table.push_back(to);
          int64_t first = index * page;
          int64_t last = std::min(first + page, test.lengths[b]);
          if (first >= last)
            continue;
          for (auto [from, pool] : {std::pair(&k, &k_pages), {&v, &v_pages}})
            pool->select(0, to)
                .slice(1, 0, last - first)
                .copy_from(from->select(0, b).slice(1, first, last));
        }
      Tensor parts = fresh_acc({slices, batch, test.groups, per_group,
                                test.queries, test.value_width});
      Tensor lse_parts =
          fresh_acc({slices, batch, test.groups, per_group, test.queries});
      kernel("flash/decode_paged_split.ag")(
          q.view({batch, test.groups, per_group, test.queries, test.width}),
          k_pages, v_pages, integers({batch, each}, table),
          integers({batch}, test.lengths), out(parts), out(lse_parts));
      auto [o, lse] = merged(parts, lse_parts, test, GetParam());
      EXPECT_TRUE(close(o, lse, want));
    }
}

// (o = 1, lse = ln 2) and (o = 4, lse = 0) make 2 and ln 3; a part of -inf
// changes nothing, whatever it holds.
TEST_P(Decode, MergeByHand) {
  Tensor parts = Tensor::from_values(
      {3, 1, 1, 2, 1}, std::vector<double>{1, notANumber, 4, 7, notANumber, 7},
      acc_of(GetParam()));
  Tensor lse_parts =
      Tensor::from_values({3, 1, 1, 2},
                          std::vector<double>{std::log(2.0), -infinity, 0,
                                              -infinity, -infinity, -infinity},
                          acc_of(GetParam()));
  Tensor o = fresh({1, 1, 2, 1}), lse = fresh_acc({1, 1, 2});
  kernel("flash/merge.ag")(parts, lse_parts, out(o), out(lse));
  EXPECT_TRUE(close(o, {2, 0}));
  EXPECT_TRUE(close_lse(lse, {std::log(3.0), -infinity}));
}

} // namespace
} // namespace attn_grid::test
