#ifndef AG_RUNTIME_CACHE_RECORDS_H
#define AG_RUNTIME_CACHE_RECORDS_H
/// What the runtime keeps in entries: variants, and the signatures of a source,
/// with the keys that name them.

#include "attn_grid/artifact.hpp"
#include "runtime/cache/Entry.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace attn_grid::detail {

/// What makes a variant of one process the same in another.
struct Identity {
  std::string source;   // hash of the text and of all that it imports
  std::string compiler; // its build
  std::string target;   // the processor, with all that it can do
  /// Without a part nothing may be kept.
  bool complete() const {
    return !source.empty() && !compiler.empty() && !target.empty();
  }
};

/// A specialization on one line: "flash_fwd<T = f32, D = 64, ...> ...".
AG_API std::string describe(const Specialization &what,
                            const Signature &signature);

/// Keys are lines `part value`, for people and for `agc cache why`.
/// `variant` is the specialization as `describe` writes it.
AG_API std::string variant_key(const Identity &identity,
                               std::string_view variant);
std::string signatures_key(const Identity &identity);

Entry encode_variant(std::string key, const Artifact &artifact);
/// The artifact without an entry point, or null if the bytes are wrong.
std::shared_ptr<Artifact> decode_variant(Entry entry);

Entry encode_signatures(std::string key, const std::vector<Signature> &);
std::optional<std::vector<Signature>> decode_signatures(const Entry &entry);

} // namespace attn_grid::detail

#endif
