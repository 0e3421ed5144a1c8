#include "runtime/cache/Entry.h"
#include "runtime/cache/Bytes.h"
#include "runtime/cache/Hash.h"
#include <algorithm>

namespace attn_grid::detail {

namespace {
constexpr char magic[8] = {'A', 'G', 'E', 'N', 'T', 'R', 'Y', '\n'};
/// Raised when the format changes, that of metadata and payload included.
constexpr uint32_t format_version = 4;
constexpr std::string_view suffix = ".entry";

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t reserved;
  uint64_t sizes[3];
  Hash128 checksum;
};
static_assert(sizeof(Header) == 56);
} // namespace

static Hash128 checksum_of(const Header &header, std::string_view rest) {
  return hash_bytes(
      {{reinterpret_cast<const char *>(&header), offsetof(Header, checksum)},
       rest});
}

std::string encode(const Entry &entry) {
  Header header{};
  std::copy(std::begin(magic), std::end(magic), header.magic);
  header.version = format_version;
  header.sizes[0] = entry.key.size();
  header.sizes[1] = entry.metadata.size();
  header.sizes[2] = entry.payload.size();
  std::string bytes(sizeof header, '\0');
  bytes += entry.key;
  bytes += entry.metadata;
  bytes += entry.payload;
  header.checksum =
      checksum_of(header, std::string_view(bytes).substr(sizeof header));
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

std::optional<Entry> decode(std::string_view bytes, std::string &reason) {
  auto wrong = [&](const char *why) {
    reason = why;
    return std::nullopt;
  };
  Header header;
  if (bytes.size() < sizeof header)
    return wrong("it is cut off");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (!std::equal(std::begin(magic), std::end(magic), header.magic))
    return wrong("it is no entry");
  if (header.version != format_version)
    return wrong("its format is of another version");
  std::string_view rest = bytes.substr(sizeof header);
  std::string_view parts[3];
  for (int i = 0; i < 3; ++i) {
    if (header.sizes[i] > rest.size())
      return wrong("it is cut off");
    parts[i] = rest.substr(0, header.sizes[i]);
    rest.remove_prefix(header.sizes[i]);
  }
  if (!rest.empty())
    return wrong("it is too long");
  if (checksum_of(header, bytes.substr(sizeof header)) != header.checksum)
    return wrong("its checksum is wrong");
  return Entry{std::string(parts[0]), std::string(parts[1]),
               std::string(parts[2])};
}

std::string entry_name(std::string_view key) {
  return to_hex(hash_bytes({key})) + std::string(suffix);
}

bool is_entry_name(std::string_view name) {
  return name.size() == 32 + suffix.size() && name.ends_with(suffix);
}

} // namespace attn_grid::detail
