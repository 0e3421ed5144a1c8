#ifndef AG_RUNTIME_CACHE_VARIANTCACHE_H
#define AG_RUNTIME_CACHE_VARIANTCACHE_H
/// Finds a module's variants, and has those that are missing compiled.

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
  VariantCache(std::shared_ptr<const Program> program,
               std::unique_ptr<VariantStore> store);

  /// The variant, or null. Takes no lock and allocates nothing.
  const Variant *find(const VariantKey &key) const { return store_->find(key); }

  /// Compiles what `find` did not give. Of several threads that ask for one key
  /// one compiles and the others wait for it. Throws `CompileError` with the
  /// diagnostics, in all of them; a failure is not remembered.
  /// `signature` is that of the kernel, for checking what comes back.
  const Variant *make(const VariantKey &key, const Specialization &what,
                      const Signature &signature);

private:
  /// A compilation under way.
  struct Pending {
    std::vector<uint64_t> words;
    bool done = false;
    const Variant *variant = nullptr;
    std::exception_ptr error;
  };

  std::shared_ptr<const Program> program_;
  std::unique_ptr<VariantStore> store_;
  std::mutex mutex_; // guards `pending_`, its members and publishing
  std::condition_variable finished_;
  std::vector<std::shared_ptr<Pending>> pending_;
};

/// A specialization on one line: "flash_fwd<T = f32, D = 64, ...> ...".
std::string describe(const Specialization &what, const Signature &signature);

} // namespace attn_grid::detail

#endif
