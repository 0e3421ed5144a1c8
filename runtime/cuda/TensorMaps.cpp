#include "runtime/cuda/TensorMaps.h"

#include "attn_grid/error.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace attn_grid::detail {

static int type_of(uint32_t element_bytes) {
  return element_bytes == 1   ? CU_TENSOR_MAP_DATA_TYPE_UINT8
         : element_bytes == 2 ? CU_TENSOR_MAP_DATA_TYPE_UINT16
                              : CU_TENSOR_MAP_DATA_TYPE_UINT32;
}

static int swizzle_of(uint32_t line_bytes) {
  return line_bytes == 128  ? CU_TENSOR_MAP_SWIZZLE_128B
         : line_bytes == 64 ? CU_TENSOR_MAP_SWIZZLE_64B
                            : CU_TENSOR_MAP_SWIZZLE_32B;
}

std::vector<CUtensorMap> tensor_maps(const DriverLibrary &driver,
                                     const Artifact &artifact,
                                     const uint64_t *slots, CUdeviceptr zeros,
                                     std::string_view kernel) {
  std::vector<CUtensorMap> maps(artifact.boxes.size());
  if (!maps.empty() && !driver.cuTensorMapEncodeTiled)
    throw BackendError(
        fmt::format("{}: the driver is too old: it has no "
                    "`cuTensorMapEncodeTiled`, which version 12.0 brought",
                    kernel));
  for (size_t i = 0; i < maps.size(); ++i) {
    const TensorBox &box = artifact.boxes[i];
    auto number = [&](const TensorBox::Number &number) {
      return number.is_slot ? slots[number.value]
                            : static_cast<uint64_t>(number.value);
    };
    // As many dimensions as a map may have.
    size_t rank = std::min<size_t>(box.dims.size(), 5);
    uint64_t sizes[5], strides[5];
    uint32_t extents[5];
    bool is_empty = false;
    for (size_t d = 0; d < rank; ++d) {
      const TensorBox::Dim &dim = box.dims[d];
      sizes[d] = number(dim.size);
      is_empty |= sizes[d] == 0;
      // Nothing is as far away as the stride of one element.
      strides[d] =
          sizes[d] == 1 && d > 0 ? 16 : number(dim.stride) * box.element_bytes;
      extents[d] = dim.box;
    }
    CUdeviceptr address = slots[box.slot];
    if (is_empty) {
      // A map has no empty tensors. All of this one is outside, and 0.
      address = zeros;
      std::fill_n(sizes, rank, 1);
      std::fill_n(strides, rank, 16);
    }
    static constexpr uint32_t ones[5] = {1, 1, 1, 1, 1};
    CUresult result = driver.cuTensorMapEncodeTiled(
        &maps[i], type_of(box.element_bytes), static_cast<unsigned>(rank),
        reinterpret_cast<void *>(address), sizes, strides + 1, extents, ones,
        CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle_of(box.line_bytes),
        CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    if (result != CUDA_SUCCESS)
      throw BackendError(fmt::format(
          "{}: the driver cannot describe a tensor of sizes {} and strides of "
          "{} bytes, the innermost first: {}",
          kernel, fmt::join(sizes, sizes + rank, " x "),
          fmt::join(strides, strides + rank, ", "), driver.error_text(result)));
  }
  return maps;
}

} // namespace attn_grid::detail
