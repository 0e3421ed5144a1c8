#ifndef AG_RUNTIME_CACHE_MEMORYSTORE_H
#define AG_RUNTIME_CACHE_MEMORYSTORE_H
/// Variants in memory: a hash table that is read without a lock.
///
/// A slot goes from null to an entry once, and an entry never changes, so a
/// reader needs no more than two acquiring loads. A table that fills up is
/// copied into one twice as large, which is then published; readers may still
/// be in the old one, so it is kept. All old tables together are smaller than
/// the current one.

#include "runtime/cache/VariantStore.h"
#include <atomic>
#include <memory>
#include <vector>

namespace attn_grid::detail {

class MemoryStore final : public VariantStore {
public:
  MemoryStore();
  const Variant *find(const VariantKey &key) const override;
  const Variant *publish(const VariantKey &key, Variant variant) override;

private:
  struct Entry {
    uint64_t hash;
    std::vector<uint64_t> words;
    Variant variant;
  };
  struct Table {
    explicit Table(size_t size)
        : mask(size - 1), slots(new std::atomic<const Entry *>[size]()) {}
    size_t mask; // the size is a power of two
    std::unique_ptr<std::atomic<const Entry *>[]> slots;
  };
  static void insert(Table &table, const Entry *entry);

  std::atomic<const Table *> current_;
  std::vector<std::unique_ptr<Table>> tables_; // the last one is current
  std::vector<std::unique_ptr<Entry>> entries_;
};

} // namespace attn_grid::detail

#endif
