// The elements of a strided array are base + sum s_k i_k, 0 <= i_k < size_k.
// Two arrays share a byte if
//
//   a + sum s_k i_k + x = b + sum t_k j_k + y
//
// has a solution, x and y being bytes within an element. Moving all to one side
// and counting every j_k from its end gives one equation in bounded integers,
//
//   sum c_k x_k = d,   0 <= x_k <= n_k,   c_k > 0,
//
// where terms of equal c_k merge into one, with n the sum of theirs. That is
// subset sum, hard in general; but it falls apart at once when strides are
// nested, that is when each c_k is about as large as all smaller terms together
// reach: then, from the largest coefficient down, two or three values of x_k
// are possible at each step. So we search in that order, cut off what cannot be
// reached, or what no multiple of the remaining coefficients' gcd gives, and
// stop after a fixed number of steps with the safe answer.

#include "runtime/Overlap.h"
#include <algorithm>
#include <numeric>

namespace attn_grid::detail {
namespace {

/// The equation sum c_k x_k = d.
class Equation {
public:
  /// Adds a term c x, 0 <= x <= n.
  void add(int64_t c, int64_t n) {
    if (c == 0 || n == 0)
      return;
    for (int k = 0; k < count_; ++k) {
      if (terms_[k].c == c) {
        terms_[k].n += n;
        return;
      }
    }
    terms_[count_++] = {c, n, 0, 0};
  }

  /// Has it `wanted` solutions, or can that not be told soon?
  bool may_have(int wanted, int64_t d) {
    std::sort(terms_, terms_ + count_,
              [](const Term &a, const Term &b) { return a.c > b.c; });
    int64_t reach = 0, divisor = 0;
    for (int k = count_ - 1; k >= 0; --k) {
      terms_[k].reach = reach;
      reach += terms_[k].c * terms_[k].n;
      terms_[k].divisor = divisor = std::gcd(divisor, terms_[k].c);
    }
    if (d < 0 || d > reach)
      return false;
    wanted_ = wanted;
    steps_ = 0;
    search(0, d);
    return wanted_ <= 0 || steps_ >= max_steps;
  }

private:
  struct Term {
    int64_t c, n;
    int64_t reach;   // of all smaller terms
    int64_t divisor; // of this coefficient and all smaller ones
  };

  /// Counts solutions of the terms from `k` on, 0 <= d <= what they reach.
  void search(int k, int64_t d) {
    if (k == count_) {
      wanted_ -= d == 0;
      return;
    }
    const Term &term = terms_[k];
    if (d % term.divisor != 0)
      return;
    int64_t low = d > term.reach ? (d - term.reach - 1) / term.c + 1 : 0;
    int64_t high = std::min(term.n, d / term.c);
    for (int64_t x = low; x <= high; ++x) {
      if (wanted_ <= 0 || ++steps_ >= max_steps)
        return;
      search(k + 1, d - term.c * x);
    }
  }

  static constexpr int max_steps = 1 << 14;
  Term terms_[2 * max_rank + 1];
  int count_ = 0;
  int wanted_ = 0;
  int steps_ = 0;
};

/// An array in bytes, its strides made positive.
struct Bytes {
  explicit Bytes(const TensorView &tensor)
      : first(reinterpret_cast<intptr_t>(tensor.data())) {
    int64_t bytes = size_of(tensor.dtype());
    reach = bytes - 1;
    for (int dim = 0; dim < tensor.rank(); ++dim) {
      int64_t steps = tensor.sizes()[dim] - 1;
      if (steps == 0)
        continue;
      int64_t stride = tensor.strides()[dim] * bytes;
      if (stride < 0) {
        first += stride * steps;
        stride = -stride;
      }
      strides[rank] = stride;
      last[rank++] = steps;
      reach += stride * steps;
    }
  }

  int64_t first; // address of the first byte
  int64_t reach; // from there to the last byte
  int rank = 0;  // dimensions of two or more elements
  int64_t strides[max_rank], last[max_rank];
};

} // namespace

ByteRange range_of(const TensorView &tensor) {
  ByteRange range;
  range.first = reinterpret_cast<intptr_t>(tensor.data());
  range.last = range.first + static_cast<int64_t>(size_of(tensor.dtype())) - 1;
  for (int dim = 0; dim < tensor.rank(); ++dim) {
    int64_t steps = tensor.sizes()[dim] - 1;
    if (steps < 0)
      return ByteRange();
    // A single index has no next one, and its stride may be anything.
    if (steps == 0)
      continue;
    int64_t reach = tensor.strides()[dim] * steps *
                    static_cast<int64_t>(size_of(tensor.dtype()));
    (reach < 0 ? range.first : range.last) += reach;
  }
  return range;
}

bool overlap(const TensorView &left, const TensorView &right) {
  if (left.elements() == 0 || right.elements() == 0)
    return false;
  Bytes a(left), b(right);
  if (a.first > b.first)
    std::swap(a, b);
  if (b.first - a.first > a.reach)
    return false;
  Equation equation;
  for (int dim = 0; dim < a.rank; ++dim)
    equation.add(a.strides[dim], a.last[dim]);
  for (int dim = 0; dim < b.rank; ++dim)
    equation.add(b.strides[dim], b.last[dim]);
  equation.add(1, int64_t(size_of(left.dtype()) + size_of(right.dtype())) - 2);
  return equation.may_have(1, b.first - a.first + b.reach);
}

bool overlaps_itself(const TensorView &tensor) {
  if (tensor.is_contiguous() || tensor.elements() == 0)
    return false;
  Bytes a(tensor);
  // The difference of two indices is what the equation looks for: from -last to
  // last in each dimension, 0 in all of them being the one solution allowed.
  Equation equation;
  int64_t center = 0;
  for (int dim = 0; dim < a.rank; ++dim) {
    if (a.strides[dim] == 0)
      return true;
    for (int other = 0; other < dim; ++other)
      if (a.strides[dim] == a.strides[other])
        return true;
    equation.add(a.strides[dim], 2 * a.last[dim]);
    center += a.strides[dim] * a.last[dim];
  }
  return equation.may_have(2, center);
}

} // namespace attn_grid::detail
