#ifndef AG_RUNTIME_ELEMENTS_H
#define AG_RUNTIME_ELEMENTS_H
/// Elements in memory, by dtype: reading, writing, converting, filling.

#include "attn_grid/dims.hpp"
#include "attn_grid/dtype.hpp"
#include "attn_grid/scalar.hpp"
#include <cstddef>

namespace attn_grid::detail {

/// The element at `address`, exactly.
Scalar load_element(DType dtype, const std::byte *address);

/// `value` converted to `dtype`, at `address`: to a float rounds to nearest
/// even, a float to an integer truncates and saturates (NaN: 0), an integer to
/// an integer wraps, to a bool is `value != 0`.
void store_element(DType dtype, std::byte *address, Scalar value);

/// Pointer, dtype and strides of an array whose sizes are known elsewhere.
struct Elements {
  std::byte *data;
  DType dtype;
  Dims strides; // in elements
};

/// target[i] = source[i] for every index of `sizes`, converted. The arrays
/// share no element.
void copy_elements(const Dims &sizes, const Elements &target,
                   const Elements &source);

/// target[i] = value for every index of `sizes`.
void fill_elements(const Dims &sizes, const Elements &target, Scalar value);

} // namespace attn_grid::detail

#endif
