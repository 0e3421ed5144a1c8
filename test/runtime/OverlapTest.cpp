// Overlap against brute force: the set of all bytes of each view.

#include "runtime/Overlap.h"
#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <set>

using namespace attn_grid;
using attn_grid::detail::overlap;
using attn_grid::detail::overlaps_itself;

namespace {

alignas(64) char memory[1 << 16];

/// The first byte of every element.
std::vector<int64_t> addresses(const TensorView &view) {
  std::vector<int64_t> result;
  if (view.elements() == 0)
    return result;
  result.push_back(reinterpret_cast<intptr_t>(view.data()));
  for (int dim = 0; dim < view.rank(); ++dim) {
    std::vector<int64_t> next;
    for (int64_t base : result)
      for (int64_t i = 0; i < view.size(dim); ++i)
        next.push_back(base +
                       i * view.stride(dim) * int64_t(size_of(view.dtype())));
    result = next;
  }
  return result;
}

bool brute_itself(const TensorView &view) {
  std::vector<int64_t> all = addresses(view);
  return std::set<int64_t>(all.begin(), all.end()).size() != all.size();
}

bool brute(const TensorView &a, const TensorView &b) {
  std::set<int64_t> bytes;
  for (int64_t address : addresses(a))
    for (size_t i = 0; i < size_of(a.dtype()); ++i)
      bytes.insert(address + int64_t(i));
  for (int64_t address : addresses(b))
    for (size_t i = 0; i < size_of(b.dtype()); ++i)
      if (bytes.contains(address + int64_t(i)))
        return true;
  return false;
}

class Views {
public:
  explicit Views(uint64_t seed) : random_(seed) {}
  int64_t below(int64_t n) { return static_cast<int64_t>(random_() % n); }

  /// A part of a packed tensor: nested strides.
  TensorView nested() {
    int rank = 1 + static_cast<int>(below(5));
    Dims sizes, strides = Dims::filled(rank, 1);
    for (int dim = 0; dim < rank; ++dim)
      sizes.push_back(1 + below(4));
    int64_t stride = 1 + below(2);
    for (int dim = rank - 1; dim >= 0; --dim) {
      strides[dim] = stride;
      stride *= sizes[dim] + below(3); // at least what the dimension covers
    }
    DType dtype = below(2) ? f32 : f16;
    TensorView view(memory + 4 * below(200), dtype, sizes, strides);
    for (int swap = 0; swap < rank; ++swap)
      view = view.transpose(static_cast<int>(below(rank)),
                            static_cast<int>(below(rank)));
    return view;
  }

  /// Any strides, 0 and negative ones too.
  TensorView any() {
    int rank = static_cast<int>(below(5));
    Dims sizes, strides;
    for (int dim = 0; dim < rank; ++dim) {
      sizes.push_back(below(5));
      strides.push_back(below(12) - 1);
    }
    return TensorView(memory + 1000 + 4 * below(60), below(2) ? f32 : i8, sizes,
                      strides);
  }

private:
  std::mt19937_64 random_;
};

TEST(Overlap, ExactOnNestedStrides) {
  Views views(1);
  int both[2] = {};
  for (int round = 0; round < 20000; ++round) {
    TensorView a = views.nested(), b = views.nested();
    bool expected = brute(a, b);
    ++both[expected];
    ASSERT_EQ(overlap(a, b), expected)
        << to_string(a.sizes()) << to_string(a.strides()) << " and "
        << to_string(b.sizes()) << to_string(b.strides()) << " apart by "
        << static_cast<char *>(b.data()) - static_cast<char *>(a.data());
    ASSERT_FALSE(overlaps_itself(a));
  }
  EXPECT_GT(both[0], 1000);
  EXPECT_GT(both[1], 1000);
}

TEST(Overlap, ExactOnSmallViewsOfAnyStrides) {
  Views views(2);
  for (int round = 0; round < 20000; ++round) {
    TensorView a = views.any(), b = views.any();
    ASSERT_EQ(overlap(a, b), brute(a, b));
    ASSERT_EQ(overlaps_itself(a), brute_itself(a))
        << to_string(a.sizes()) << to_string(a.strides());
  }
}

TEST(Overlap, PackedQkvOfAnySize) {
  // 8 GiB of addresses, never touched.
  int64_t B = 16, N = 4096, H = 32, D = 128;
  TensorView packed(memory, bf16, {B, N, 3, H, D});
  TensorView q = packed.select(2, 0).transpose(1, 2),
             k = packed.select(2, 1).transpose(1, 2),
             v = packed.select(2, 2).transpose(1, 2);
  EXPECT_FALSE(overlap(q, k));
  EXPECT_FALSE(overlap(k, v));
  EXPECT_FALSE(overlap(q, v));
  EXPECT_FALSE(overlaps_itself(q));
  EXPECT_TRUE(overlap(q, q));
  EXPECT_TRUE(overlap(packed, v));
  EXPECT_FALSE(overlap(q.slice(1, 0, 16), q.slice(1, 16, 32)));
  EXPECT_TRUE(overlap(q.slice(1, 0, 17), q.slice(1, 16, 32)));
  EXPECT_FALSE(overlap(q.slice(2, 0, 4096, 2), q.slice(2, 1, 4096, 2)));
  EXPECT_FALSE(overlap(q.slice(3, 0, 128, 2), q.slice(3, 1, 128, 2)));
}

TEST(Overlap, HardCasesEndSoon) {
  // Coprime strides of similar size: undecided means yes.
  TensorView hard(memory, i8, {1 << 20, 1 << 20, 1 << 20},
                  {1000003, 1000033, 1000037});
  EXPECT_TRUE(overlaps_itself(hard));
  EXPECT_TRUE(overlap(hard, TensorView(memory + 1, i8, {1 << 20, 1 << 20},
                                       {1000039, 1000081})));
  EXPECT_TRUE(overlaps_itself(TensorView(memory, f32, {3, 1 << 29}, {1, 0})));
  EXPECT_FALSE(overlaps_itself(TensorView(memory, f32, {3, 1}, {1, 0})));
  EXPECT_FALSE(overlap(hard.slice(0, 0, 0), hard));
}

} // namespace
