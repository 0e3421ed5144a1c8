#ifndef AG_RUNTIME_SIM_SHAREDMEMORY_H
#define AG_RUNTIME_SIM_SHAREDMEMORY_H
/// A block's shared memory, and who touched each byte last: what was never
/// written, what two warps touch without a barrier between, and what an
/// asynchronous copy still writes.

#include <cstdint>
#include <cstring>
#include <vector>

namespace attn_grid::sim {

class SharedMemory {
public:
  explicit SharedMemory(uint32_t bytes)
      : memory(bytes), writes(bytes), reads(bytes), flying(bytes) {}

  uint32_t size() const { return static_cast<uint32_t>(memory.size()); }
  char *at(uint64_t address) { return memory.data() + address; }
  bool holds(uint64_t address, uint64_t bytes) const {
    return address <= memory.size() && bytes <= memory.size() - address;
  }
  /// What is between two barriers of the whole block.
  void nextEpoch() { ++epoch; }

  enum Found { nothing, notWritten, race, inFlight };
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
    return found;
  }
  void setFlying(uint64_t address, uint32_t bytes, bool isFlying) {
    std::memset(flying.data() + address, isFlying, bytes);
  }

private:
  std::vector<char> memory;
  // (epoch << 8 | warp) of the last access; 0: none.
  std::vector<uint32_t> writes, reads;
  std::vector<uint8_t> flying;
  uint32_t epoch = 1;
};

} // namespace attn_grid::sim

#endif
