#ifndef AG_RUNTIME_CACHE_HASH_H
#define AG_RUNTIME_CACHE_HASH_H
/// XXH3 of 128 bits: names entries, and finds damage. Not for secrets.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace attn_grid::detail {

/// The hash of one text after the other.
using Hash128 = std::array<uint64_t, 2>;
Hash128 hash_bytes(std::initializer_list<std::string_view> pieces);

/// 32 digits.
std::string to_hex(const Hash128 &hash);

} // namespace attn_grid::detail

#endif
