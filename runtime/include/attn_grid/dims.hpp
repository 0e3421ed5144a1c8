#ifndef ATTN_GRID_DIMS_HPP
#define ATTN_GRID_DIMS_HPP
/// Sizes, strides or an index: a short list of integers that never allocates.

#include "attn_grid/export.hpp"
#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace attn_grid {

/// The most dimensions that a tensor has.
inline constexpr int max_rank = 8;

namespace detail {
/// Throws `InvalidArgument`: more than `max_rank` dimensions.
[[noreturn]] AG_API void throw_rank(size_t rank);
} // namespace detail

/// One integer per dimension, at most `max_rank`.
class Dims {
public:
  constexpr Dims() = default;
  constexpr Dims(std::initializer_list<int64_t> list)
      : Dims(std::span<const int64_t>(list.begin(), list.size())) {}
  Dims(const std::vector<int64_t> &list)
      : Dims(std::span<const int64_t>(list)) {}
  /// Throws `InvalidArgument` if the list is longer than `max_rank`.
  constexpr explicit Dims(std::span<const int64_t> list) {
    if (list.size() > max_rank)
      detail::throw_rank(list.size());
    rank_ = static_cast<int>(list.size());
    std::copy(list.begin(), list.end(), values_);
  }
  /// `count` times `value`.
  static constexpr Dims filled(int count, int64_t value) {
    Dims result;
    for (int i = 0; i < count; ++i)
      result.push_back(value);
    return result;
  }

  constexpr int rank() const { return rank_; }
  constexpr size_t size() const { return static_cast<size_t>(rank_); }
  constexpr bool empty() const { return rank_ == 0; }
  constexpr int64_t &operator[](int dim) { return values_[dim]; }
  constexpr int64_t operator[](int dim) const { return values_[dim]; }
  constexpr int64_t *begin() { return values_; }
  constexpr int64_t *end() { return values_ + rank_; }
  constexpr const int64_t *begin() const { return values_; }
  constexpr const int64_t *end() const { return values_ + rank_; }
  /// Appends. Throws `InvalidArgument` if there are `max_rank` already.
  constexpr void push_back(int64_t value) {
    if (rank_ == max_rank)
      detail::throw_rank(max_rank + 1);
    values_[rank_++] = value;
  }

  friend constexpr bool operator==(const Dims &a, const Dims &b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

private:
  int rank_ = 0;
  int64_t values_[max_rank] = {};
};

/// "[2, 8, 1024, 64]".
AG_API std::string to_string(const Dims &dims);

} // namespace attn_grid

namespace ag = attn_grid;

#endif
