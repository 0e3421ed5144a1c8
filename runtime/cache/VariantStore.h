#ifndef AG_RUNTIME_CACHE_VARIANTSTORE_H
#define AG_RUNTIME_CACHE_VARIANTSTORE_H
/// Where a module's variants are kept, and what they are called.

#include "attn_grid/artifact.hpp"
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace attn_grid::detail {

/// Names a variant within one module.
struct VariantKey {
  /// Kernel, dtypes, presence, last strides and consts, in words.
  std::span<const uint64_t> words;
  uint64_t hash = 0; // of the words
  /// The same for people, and for stores that others read; empty in the first
  /// question of a launch, which must be quick.
  std::string_view text;
};

/// The hash of a key's words.
uint64_t hash_words(std::span<const uint64_t> words);

/// A compiled variant and what it is called.
struct Variant {
  std::shared_ptr<const Artifact> artifact;
  std::string text; // of the key
  bool from_disk = false;
};

class VariantStore {
public:
  virtual ~VariantStore() = default;
  /// The variant of that key, or null. It lives as long as the store.
  virtual const Variant *find(const VariantKey &key) const = 0;
  /// Adds a variant that is not there yet, and returns it. Calls of `publish`
  /// are not made at once, but beside any number of `find`.
  virtual const Variant *publish(const VariantKey &key, Variant variant) = 0;
};

} // namespace attn_grid::detail

#endif
