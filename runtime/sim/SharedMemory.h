#ifndef AG_RUNTIME_SIM_SHAREDMEMORY_H
#define AG_RUNTIME_SIM_SHAREDMEMORY_H
/// A block's shared memory, and who touched each byte last: what was never
/// written, what two warps touch without a barrier between, what an
/// asynchronous copy still writes or a product of a warpgroup still reads, and
/// what such a product may not see yet.

#include <cstdint>
#include <cstring>
#include <vector>

namespace attn_grid::sim {

class SharedMemory {
public:
  /// `forProducts`: of warpgroups, which read by another way than threads.
  SharedMemory(uint32_t bytes, bool forProducts)
      : memory(bytes), writes(bytes), reads(bytes), flying(bytes),
        unfenced(forProducts ? bytes / granule + 1 : 0),
        taken(forProducts ? bytes : 0) {}

  uint32_t size() const { return static_cast<uint32_t>(memory.size()); }
  char *at(uint64_t address) { return memory.data() + address; }
  bool holds(uint64_t address, uint64_t bytes) const {
    return address <= memory.size() && bytes <= memory.size() - address;
  }
  /// What is between two barriers of the whole block.
  void nextEpoch() { ++epoch; }
  uint32_t currentEpoch() const { return epoch; }

  enum Found { nothing, notWritten, race, inFlight, isTaken };
  static constexpr uint32_t atomicWarp = 0xfe, manyWarps = 0xff;

  /// The address is inside. Says what is wrong with a read by a warp, and
  /// remembers it.
  Found read(uint64_t address, uint32_t bytes, uint32_t warp) {
    uint32_t mine = epoch << 8 | warp;
    Found found = nothing;
    for (uint64_t i = address; i < address + bytes; ++i) {
      uint32_t write = writes[i];
      if (flying[i])
        found = inFlight;
      else if (write == 0)
        found = notWritten;
      else if (write >> 8 == epoch && write != mine)
        found = race;
      uint32_t other = reads[i];
      reads[i] =
          other >> 8 == epoch && other != mine ? epoch << 8 | manyWarps : mine;
    }
    return found;
  }
  Found write(uint64_t address, uint32_t bytes, uint32_t warp) {
    uint32_t mine = epoch << 8 | warp;
    Found found = nothing;
    for (uint64_t i = address; i < address + bytes; ++i) {
      if (flying[i])
        found = inFlight;
      else if ((writes[i] >> 8 == epoch && writes[i] != mine) ||
               (reads[i] >> 8 == epoch && reads[i] != mine))
        found = race;
      writes[i] = mine;
    }
    if (!taken.empty())
      return writeForProducts(address, bytes, mine, found);
    return found;
  }
  void setFlying(uint64_t address, uint32_t bytes, bool isFlying) {
    std::memset(flying.data() + address, isFlying, bytes);
  }

  /// An asynchronous copy has arrived, as those know who waited for it.
  void noteArrived(uint64_t address, uint32_t bytes) {
    constexpr uint32_t before = 1; // any epoch, and not "never"
    for (uint64_t i = address; i < address + bytes; ++i)
      writes[i] = before;
    if (!unfenced.empty())
      for (uint64_t i = address / granule; i <= (address + bytes - 1) / granule;
           ++i)
        unfenced[i] = 0;
  }

  // Only `forProducts`.

  /// A product begins to read, or has ended.
  void take(uint64_t address, uint32_t bytes, int change) {
    for (uint64_t i = address; i < address + bytes; ++i)
      taken[i] = static_cast<uint16_t>(taken[i] + change);
  }
  /// Were these bytes written by threads, without a fence since?
  bool isUnfenced(uint64_t address, uint32_t bytes) const {
    for (uint64_t i = address / granule; i <= (address + bytes - 1) / granule;
         ++i)
      if (unfenced[i])
        return true;
    return false;
  }
  /// `fence.proxy.async`: products see what the warp wrote, and what others
  /// wrote before the last barrier.
  void fence(uint32_t warp) {
    for (uint32_t &write : unfenced)
      if (write >> 8 != epoch || (write & 0xff) == warp)
        write = 0;
  }

private:
  Found writeForProducts(uint64_t address, uint32_t bytes, uint32_t mine,
                         Found found) {
    for (uint64_t i = address / granule; i <= (address + bytes - 1) / granule;
         ++i)
      unfenced[i] = mine;
    for (uint64_t i = address; i < address + bytes; ++i)
      if (taken[i])
        return isTaken;
    return found;
  }

  static constexpr uint32_t granule = 16; // bytes, of what is unfenced
  std::vector<char> memory;
  // (epoch << 8 | warp) of the last access; 0: none.
  std::vector<uint32_t> writes, reads;
  std::vector<uint8_t> flying;
  std::vector<uint32_t> unfenced; // as `writes`, by granules
  std::vector<uint16_t> taken;    // by how many products
  uint32_t epoch = 1;
};

} // namespace attn_grid::sim

#endif
