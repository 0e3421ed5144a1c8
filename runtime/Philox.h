#ifndef AG_RUNTIME_PHILOX_H
#define AG_RUNTIME_PHILOX_H
/// Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as
/// easy as 1, 2, 3", 2011): four random words per counter, without state, so
/// that any element of a random tensor can be made alone.

#include <array>
#include <cstdint>

namespace attn_grid::detail {

inline std::array<uint32_t, 4> philox(uint64_t seed,
                                      std::array<uint32_t, 4> counter) {
  uint32_t key0 = static_cast<uint32_t>(seed);
  uint32_t key1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t product0 = uint64_t(0xD2511F53) * counter[0];
    uint64_t product1 = uint64_t(0xCD9E8D57) * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key0,
               static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key1,
               static_cast<uint32_t>(product0)};
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return counter;
}

} // namespace attn_grid::detail

#endif
