#ifndef AG_TEST_KERNELS_DROPOUT_H
#define AG_TEST_KERNELS_DROPOUT_H
/// Which weights of an attention are dropped, by the definition.

#include "runtime/Philox.h"

#include <cmath>

namespace attn_grid::test {

/// What the weight of query i and key j is multiplied by; `head` counts through
/// all sequences. See `Dropout` of kernels_dsl/flash/attend.ag.
inline double dropout_weight(double p, int64_t seed, int64_t offset,
                             int64_t head, int64_t i, int64_t j) {
  if (p == 0)
    return 1;
  auto offset_bits = static_cast<uint64_t>(offset);
  uint64_t key = static_cast<uint64_t>(seed) ^ (offset_bits >> 32 << 32);
  uint32_t word = detail::philox(
      key,
      {static_cast<uint32_t>(j / 4), static_cast<uint32_t>(i),
       static_cast<uint32_t>(head), static_cast<uint32_t>(offset_bits)})[j % 4];
  return word >= std::floor(p * 4294967296.0) ? 1 / (1 - p) : 0;
}

} // namespace attn_grid::test

#endif
