#ifndef AG_RUNTIME_OVERLAP_H
#define AG_RUNTIME_OVERLAP_H
/// Do strided arrays share memory? Exact for arrays whose strides are nested,
/// as those of views of one packed tensor are; where an exact answer would take
/// long, the answer is yes.

#include "attn_grid/tensor.hpp"

namespace attn_grid::detail {

/// The bytes from the first of an array to its last, gaps included.
struct ByteRange {
  intptr_t first = 0, last = -1; // none if last < first
  bool meets(const ByteRange &other) const {
    return first <= other.last && other.first <= last;
  }
};
ByteRange range_of(const TensorView &tensor);

/// Does some byte belong to an element of `a` and to one of `b`?
bool overlap(const TensorView &a, const TensorView &b);

/// Do two different indices name the same element?
bool overlaps_itself(const TensorView &a);

} // namespace attn_grid::detail

#endif
