#ifndef AG_RUNTIME_SIM_TENSORMAP_H
#define AG_RUNTIME_SIM_TENSORMAP_H
/// What a `CUtensorMap` holds here. (A GPU's form of it is a secret of its
/// maker; programs only hand it on.)

#include <cstdint>

namespace attn_grid::sim {

struct TensorMap {
  static constexpr uint64_t expectedMark = 0x616774656e736f72;
  static constexpr uint32_t mostDims = 5;

  uint64_t mark; ///< `expectedMark`
  uint64_t address;
  uint32_t rank, elementBytes;
  uint32_t swizzleBytes;        ///< of a line: 128, 64, 32; 16: none
  uint32_t lastIndex[mostDims]; ///< size - 1, the innermost first
  uint64_t strides[mostDims];   ///< in bytes; the first is `elementBytes`
  uint16_t box[mostDims];
};
static_assert(sizeof(TensorMap) <= 128);

} // namespace attn_grid::sim

#endif
