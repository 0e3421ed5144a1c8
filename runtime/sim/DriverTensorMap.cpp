// cuTensorMapEncodeTiled: what a kernel needs to copy boxes of a tensor. The
// rules are those of the driver's manual, section "Tensor Map Object
// Management".

#include "runtime/sim/Driver.h"
#include "runtime/sim/TensorMap.h"

#include <cstring>

namespace attn_grid::sim {

/// By CUtensorMapDataType; 0 for what there is not.
static uint32_t bytesOf(int type) {
  constexpr uint8_t bytes[] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4};
  return type >= 0 && type < static_cast<int>(sizeof bytes) ? bytes[type] : 0;
}

AG_SIM_EXPORT CUresult cuTensorMapEncodeTiled(
    CUtensorMap *map, int type, unsigned rank, void *address,
    const uint64_t *sizes, const uint64_t *strides, const uint32_t *box,
    const uint32_t *elementStrides, int interleave, int swizzle, int, int) {
  uint32_t bytes = bytesOf(type);
  auto start = reinterpret_cast<uintptr_t>(address);
  bool isRight = map && reinterpret_cast<uintptr_t>(map) % 64 == 0 && bytes &&
                 rank >= 1 && rank <= TensorMap::mostDims && start % 16 == 0 &&
                 sizes && box && elementStrides && (rank == 1 || strides) &&
                 interleave == 0 && swizzle >= 0 && swizzle <= 3;
  if (!isRight)
    return CUDA_ERROR_INVALID_VALUE;
  TensorMap made{};
  made.mark = TensorMap::expectedMark;
  made.address = start;
  made.rank = rank;
  made.elementBytes = bytes;
  made.swizzleBytes = 16u << swizzle;
  made.strides[0] = bytes;
  for (unsigned d = 0; d < rank; ++d) {
    if (sizes[d] < 1 || sizes[d] > uint64_t(1) << 32 || box[d] < 1 ||
        box[d] > 256 || elementStrides[d] != 1)
      return CUDA_ERROR_INVALID_VALUE;
    if (d > 0) {
      made.strides[d] = strides[d - 1];
      if (made.strides[d] % 16 || made.strides[d] >= uint64_t(1) << 40)
        return CUDA_ERROR_INVALID_VALUE;
    }
    made.lastIndex[d] = static_cast<uint32_t>(sizes[d] - 1);
    made.box[d] = static_cast<uint16_t>(box[d]);
  }
  uint32_t line = box[0] * bytes;
  if (line % 16 || (swizzle && line > made.swizzleBytes))
    return CUDA_ERROR_INVALID_VALUE;
  std::memset(map, 0, sizeof *map);
  std::memcpy(map, &made, sizeof made);
  return CUDA_SUCCESS;
}

} // namespace attn_grid::sim
