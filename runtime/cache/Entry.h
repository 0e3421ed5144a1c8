#ifndef AG_RUNTIME_CACHE_ENTRY_H
#define AG_RUNTIME_CACHE_ENTRY_H
/// The file of one cache entry.
///
///     | magic | version | three lengths | checksum | key | metadata | payload
///     |
///
/// The checksum covers all but itself, and the lengths are the file's length,
/// so every flipped bit and every cut is found. The key is the whole text, of
/// which the file's name is the hash: an entry under another's name is found
/// too. Numbers are little-endian.

#include "attn_grid/export.hpp"
#include <optional>
#include <string>
#include <string_view>

namespace attn_grid::detail {

/// What an entry holds.
struct Entry {
  std::string key;
  std::string metadata;
  std::string payload;
};

/// The file's bytes.
std::string encode(const Entry &entry);

/// Reads any bytes: an entry, or nothing and the reason.
std::optional<Entry> decode(std::string_view bytes, std::string &reason);

/// The name of the file that holds the entry of a key.
AG_API std::string entry_name(std::string_view key);
/// Does a file of this name hold an entry?
bool is_entry_name(std::string_view name);

} // namespace attn_grid::detail

#endif
