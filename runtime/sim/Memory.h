#ifndef AG_RUNTIME_SIM_MEMORY_H
#define AG_RUNTIME_SIM_MEMORY_H
/// A device's global memory: one range of addresses of this process, with a
/// byte for each of its bytes that says what may be done with it, and a word
/// that says who wrote it.
///
/// Addresses are never used twice, so that what was freed stays known as freed.

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace attn_grid::sim {

class GlobalMemory {
public:
  enum State : uint8_t { outside = 0, fresh = 1, written = 2, freed = 3 };

  GlobalMemory();
  ~GlobalMemory();
  GlobalMemory(const GlobalMemory &) = delete;
  GlobalMemory &operator=(const GlobalMemory &) = delete;

  /// 0 if there is none left. `isWritten`: what the host fills itself.
  uint64_t allocate(size_t bytes, bool isWritten = false);
  /// False for what is no allocation, or was freed.
  bool free(uint64_t address);
  /// Memory of the host that kernels may use as it is.
  void registerHost(const void *host, size_t bytes);
  bool unregisterHost(const void *host);

  size_t total() const { return limit; }
  size_t used() const { return inUse; }

  /// May all of these bytes be touched?
  bool isAllocated(uint64_t address, size_t bytes) const;
  /// Have they all been written? They are allocated.
  bool isWritten(uint64_t address, size_t bytes) const;
  void markWritten(uint64_t address, size_t bytes);
  bool contains(uint64_t address) const { return address - base < reserved; }
  /// Notes that `writer` writes these bytes. Another that wrote one of them
  /// before, the last; 0 if there is none.
  uint32_t claim(uint64_t address, size_t bytes, uint32_t writer);
  uint8_t *states(uint64_t address) const { return shadow + (address - base); }

  /// The allocation that holds, or is nearest to, an address: its first byte,
  /// size.
  struct Allocation {
    uint64_t address = 0;
    size_t bytes = 0;
    bool isFreed = false;
  };
  bool find(uint64_t address, Allocation &found) const;
  /// "4 bytes behind the end of the 400 bytes at 0x...".
  std::string describe(uint64_t address) const;

private:
  uint64_t base = 0;
  size_t reserved = 0, limit = 0, inUse = 0;
  size_t next = 0; // offset of what was never allocated
  uint8_t *shadow = nullptr;
  uint32_t *writers = nullptr; // as large as four of the other ranges
  mutable std::mutex mutex;
  std::map<uint64_t, Allocation> allocations;
  std::map<uint64_t, size_t> host;
};

} // namespace attn_grid::sim

#endif
