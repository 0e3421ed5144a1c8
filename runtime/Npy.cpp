// Tensors from and to `.npy` files.

#include "runtime/Npy.h"
#include "attn_grid/error.hpp"
#include "attn_grid/tensor.hpp"
#include "runtime/File.h"
#include "runtime/HostCopy.h"
#include "runtime/OutOfMemory.h"
#include <bit>
#include <fmt/format.h>

namespace attn_grid {

static_assert(std::endian::native == std::endian::little,
              "files are little endian, and are copied as they are");

Tensor Tensor::from_npy_bytes(std::span<const std::byte> bytes,
                              const std::string &name, Device device) try {
  detail::NpyHeader header = detail::parse_npy_header(bytes, name);
  size_t found = bytes.size() - header.data_offset;
  __int128 expected = size_of(header.dtype);
  for (int64_t size : header.sizes)
    if (size == 0)
      expected = 0;
  for (int64_t size : header.sizes) {
    expected *= size;
    if (expected > static_cast<__int128>(found))
      break; // before it overflows
  }
  // Checked before anything is allocated: a few bytes can claim any shape.
  if (expected != static_cast<__int128>(found))
    throw InvalidArgument(fmt::format(
        "{}: sizes {} of {} do not fit the {} bytes that follow the header",
        name, to_string(header.sizes), name_of(header.dtype), found));

  Dims reversed;
  for (int dim = header.sizes.rank() - 1; dim >= 0; --dim)
    reversed.push_back(header.sizes[dim]);
  Tensor tensor = Tensor::empty(header.fortran_order ? reversed : header.sizes,
                                header.dtype);
  if (found > 0) {
    // By element, not by byte: a bool of 2 becomes 1.
    std::byte *source =
        const_cast<std::byte *>(bytes.data()) + header.data_offset;
    detail::copy_elements(tensor.sizes(),
                          {static_cast<std::byte *>(tensor.data()),
                           header.dtype, tensor.strides()},
                          {source, header.dtype, tensor.strides()});
  }
  tensor = tensor.to(device);
  if (!header.fortran_order)
    return tensor;
  Dims order;
  for (int dim = header.sizes.rank() - 1; dim >= 0; --dim)
    order.push_back(dim);
  return tensor.permute(order);
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

Tensor Tensor::from_npy(const std::string &path, Device device) try {
  std::string bytes = detail::read_file(path);
  return from_npy_bytes(std::as_bytes(std::span(bytes)), path, device);
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

std::string TensorView::to_npy_bytes() const try {
  // NumPy has no 8-bit floats and no bf16; f32 holds all of them exactly.
  bool widen = dtype_ == bf16 || dtype_ == f8e4m3 || dtype_ == f8e5m2;
  DType dtype = widen ? f32 : dtype_;
  std::string bytes = detail::format_npy_header(dtype, sizes_);
  size_t header = bytes.size();
  size_t count = static_cast<size_t>(elements());
  bytes.resize(header + count * size_of(dtype));
  if (count > 0) {
    TensorView target(bytes.data() + header, dtype, sizes_);
    detail::copy_elements(
        sizes_,
        {static_cast<std::byte *>(target.data()), dtype, target.strides()},
        detail::HostCopy(*this).elements());
  }
  return bytes;
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

void TensorView::to_npy(const std::string &path) const try {
  detail::write_file(path, to_npy_bytes());
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

} // namespace attn_grid
