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
    std::vector<uint64_t> sizes, strides;
    std::vector<uint32_t> extents, ones(box.dims.size(), 1);
    for (const TensorBox::Dim &dim : box.dims) {
      sizes.push_back(number(dim.size));
      strides.push_back(number(dim.stride) * box.element_bytes);
      extents.push_back(dim.box);
    }
    CUdeviceptr address = slots[box.slot];
    if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end()) {
      // A map has no empty tensors. All of this one is outside, and 0.
      address = zeros;
      std::fill(sizes.begin(), sizes.end(), 1);
    }
    for (size_t d = 1; d < sizes.size(); ++d)
      if (sizes[d] == 1) // nothing is that far away
        strides[d] = 16;
    CUresult result = driver.cuTensorMapEncodeTiled(
        &maps[i], type_of(box.element_bytes),
        static_cast<unsigned>(sizes.size()), reinterpret_cast<void *>(address),
        sizes.data(), strides.data() + 1, extents.data(), ones.data(),
        CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle_of(box.line_bytes),
        CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    if (result != CUDA_SUCCESS)
      throw BackendError(fmt::format(
          "{}: the driver cannot describe a tensor of sizes {} and strides of "
          "{} bytes, the innermost first: {}",
          kernel, fmt::join(sizes, " x "), fmt::join(strides, ", "),
          driver.error_text(result)));
  }
  return maps;
}

} // namespace attn_grid::detail
