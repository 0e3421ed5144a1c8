// Any bytes as an entry of the cache: nothing, or an entry whose encoding gives
// the same bytes; and as the records inside of one, which the checksum guards
// from chance but not from a hand.

#include "runtime/cache/Entry.h"
#include "runtime/cache/Records.h"

#include <cstdint>
#include <cstdlib>

using namespace attn_grid::detail;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string bytes(reinterpret_cast<const char *>(data), size), reason;
  std::optional<Entry> entry = decode(bytes, reason);
  if (entry ? encode(*entry) != bytes : reason.empty())
    abort();
  if (auto artifact = decode_variant({"key", bytes, "code"})) {
    Entry same = encode_variant("key", *artifact);
    if (!decode_variant(same))
      abort();
  }
  if (auto signatures = decode_signatures({"key", {}, bytes}))
    if (encode_signatures("key", *signatures).payload != bytes)
      abort();
  return 0;
}
