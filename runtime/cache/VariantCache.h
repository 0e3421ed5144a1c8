#ifndef AG_RUNTIME_CACHE_VARIANTCACHE_H
#define AG_RUNTIME_CACHE_VARIANTCACHE_H
/// Finds a module's variants, and has those that are missing compiled.

#include "runtime/cache/DiskStore.h"
#include "runtime/cache/Records.h"
#include "runtime/cache/VariantStore.h"
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

namespace attn_grid::detail {

/// Thread-safe.
class VariantCache {
public:
  /// Variants are kept on `disk` too if that is not null and `identity` is
  /// complete.
  VariantCache(std::shared_ptr<const Program> program, Target target,
               std::unique_ptr<VariantStore> store, Identity identity = {},
               DiskStore *disk = nullptr);

  /// The variant, or null. Takes no lock and allocates nothing.
  const Variant *find(const VariantKey &key) const { return store_->find(key); }

  /// Gets from disk, or compiles, what `find` did not give. Of several threads
  /// that ask for one key one does so and the others wait for it. Throws
  /// `CompileError` with the diagnostics, in all of them; a failure is not
  /// remembered. `signature` is that of the kernel, for checking what comes
  /// back.
  const Variant *make(const VariantKey &key, const Specialization &what,
                      const Signature &signature);

  /// The variant from disk alone; null if it is not there. Compiles nothing.
  const Variant *load(const VariantKey &key, const Specialization &what,
                      const Signature &signature);

  /// Is this the first time that the key is to be compiled in the background?
  /// Later times would wait in the queue for nothing, or fail again.
  bool first_request(const VariantKey &key);

private:
  /// A compilation under way.
  struct Pending {
    std::vector<uint64_t> words;
    bool done = false;
    const Variant *variant = nullptr;
    std::exception_ptr error;
  };

  /// The variant from disk; without an artifact if it is not there, or not
  /// whole, which is the same.
  Variant from_disk(const VariantKey &key, const Specialization &what,
                    const Signature &signature) const;
  void to_disk(const Variant &variant) const;
  bool uses_disk() const { return disk_ && identity_.complete(); }

  std::shared_ptr<const Program> program_;
  const Target target_;
  std::unique_ptr<VariantStore> store_;
  const Identity identity_;
  DiskStore *const disk_;
  std::mutex mutex_; // guards `pending_`, its members and publishing
  std::condition_variable finished_;
  std::vector<std::shared_ptr<Pending>> pending_;
  std::vector<std::vector<uint64_t>> requested_; // in the background
};

} // namespace attn_grid::detail

#endif
