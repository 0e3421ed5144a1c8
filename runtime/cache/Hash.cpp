#include "runtime/cache/Hash.h"
#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace attn_grid::detail {

Hash128 hash_bytes(std::initializer_list<std::string_view> pieces) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  for (std::string_view piece : pieces)
    XXH3_128bits_update(&state, piece.data(), piece.size());
  XXH128_hash_t hash = XXH3_128bits_digest(&state);
  return {hash.high64, hash.low64};
}

std::string to_hex(const Hash128 &hash) {
  return fmt::format("{:016x}{:016x}", hash[0], hash[1]);
}

} // namespace attn_grid::detail
