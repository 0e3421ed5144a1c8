#include "runtime/cache/MemoryStore.h"
#include <algorithm>

namespace attn_grid::detail {

uint64_t hash_words(std::span<const uint64_t> words) {
  // Multiply and fold, as wyhash does: both halves of a 128-bit product.
  uint64_t hash = words.size() ^ 0x9E3779B97F4A7C15;
  for (uint64_t word : words) {
    unsigned __int128 product =
        static_cast<unsigned __int128>(hash ^ word ^ 0xA0761D6478BD642F) *
        0xE7037ED1A0B428DB;
    hash =
        static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }
  return hash;
}

MemoryStore::MemoryStore() {
  tables_.push_back(std::make_unique<Table>(16));
  current_.store(tables_.back().get(), std::memory_order_release);
}

const Variant *MemoryStore::find(const VariantKey &key) const {
  const Table *table = current_.load(std::memory_order_acquire);
  // At most half of the slots are taken, so the search meets an empty one.
  for (size_t slot = key.hash;; ++slot) {
    const Entry *entry =
        table->slots[slot & table->mask].load(std::memory_order_acquire);
    if (!entry)
      return nullptr;
    if (entry->hash == key.hash &&
        std::equal(entry->words.begin(), entry->words.end(), key.words.begin(),
                   key.words.end()))
      return &entry->variant;
  }
}

void MemoryStore::insert(Table &table, const Entry *entry) {
  size_t slot = entry->hash;
  while (table.slots[slot & table.mask].load(std::memory_order_relaxed))
    ++slot;
  table.slots[slot & table.mask].store(entry, std::memory_order_release);
}

const Variant *MemoryStore::publish(const VariantKey &key, Variant variant) {
  auto entry = std::make_unique<Entry>();
  entry->hash = key.hash;
  entry->words.assign(key.words.begin(), key.words.end());
  entry->variant = std::move(variant);
  entries_.push_back(std::move(entry));
  size_t size = tables_.back()->mask + 1;
  if (entries_.size() * 2 <= size) {
    insert(*tables_.back(), entries_.back().get());
  } else {
    auto larger = std::make_unique<Table>(2 * size);
    for (const std::unique_ptr<Entry> &old : entries_)
      insert(*larger, old.get());
    tables_.push_back(std::move(larger));
    current_.store(tables_.back().get(), std::memory_order_release);
  }
  return &entries_.back()->variant;
}

} // namespace attn_grid::detail
