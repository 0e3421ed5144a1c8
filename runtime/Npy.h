#ifndef AG_RUNTIME_NPY_H
#define AG_RUNTIME_NPY_H
/// The header of a `.npy` file.

#include "attn_grid/dims.hpp"
#include "attn_grid/dtype.hpp"
#include <cstddef>
#include <span>
#include <string>

namespace attn_grid::detail {

struct NpyHeader {
  DType dtype = DType::f32;
  bool fortran_order = false;
  Dims sizes;
  size_t data_offset = 0; // from the beginning of the file
};

/// Reads the header of any bytes. Throws `InvalidArgument` for a damaged one,
/// `Unsupported` for contents that tensors cannot hold; `name` is what the
/// messages call the bytes.
NpyHeader parse_npy_header(std::span<const std::byte> bytes,
                           const std::string &name);

/// Magic, version and header, padded to a multiple of 64 bytes. `dtype` is one
/// that NumPy knows.
std::string format_npy_header(DType dtype, const Dims &sizes);

} // namespace attn_grid::detail

#endif
