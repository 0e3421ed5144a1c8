#ifndef AG_RUNTIME_SIM_WARP_H
#define AG_RUNTIME_SIM_WARP_H
/// What runs: blocks of warps of 32 threads.

#include "runtime/sim/Checks.h"
#include "runtime/sim/Memory.h"
#include "runtime/sim/Program.h"
#include "runtime/sim/SharedMemory.h"

#include <array>
#include <deque>
#include <map>

namespace attn_grid::sim {

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t(x) * y * z; }
};

/// What all blocks of a launch share.
struct Grid {
  const Program &program;
  Dim3 blocks, threads;
  uint32_t dynamicShared = 0;
  std::vector<uint8_t> params;
  GlobalMemory &memory;
  Reports &reports;
  /// The blocks of a launch have numbers of their own, from this one on: what
  /// `GlobalMemory` knows writers by.
  uint32_t firstWriter = newWriters(blocks.count());

private:
  static uint32_t newWriters(uint64_t count);
};

/// An asynchronous copy that nobody has waited for.
struct AsyncCopy {
  uint32_t to;
  uint64_t from;
  uint8_t bytes, readBytes;
};

/// An `mbarrier`. A phase is over when all that it counts have arrived and all
/// bytes that are expected.
struct MemoryBarrier {
  uint32_t count = 0, pending = 0; ///< arrivals of a phase; that are missing
  int64_t bytes = 0;               ///< expected, less those that are there
  uint64_t phase = 0;              ///< how many are over
  uint32_t warp = 0, epoch = 0;    ///< of who initialised it, and when
  bool isFenced = false;           ///< since it was initialised: copies see it
  std::vector<AsyncCopy> copies = {};
};

struct Block {
  const Grid &grid;
  Dim3 id;
  SharedMemory shared;
  InstrCounters *perInstr; ///< of all of the program's
  Counters counters = {};
  std::map<uint64_t, MemoryBarrier> barriers = {}; ///< by address
  uint64_t arrivals = 0; ///< at any of them, or phases that ended

  uint32_t writer() const {
    uint64_t number =
        id.x + grid.blocks.x * (id.y + uint64_t(grid.blocks.y) * id.z);
    return grid.firstWriter + static_cast<uint32_t>(number);
  }
  InstrCounters &counted(const Instr &instr) {
    return perInstr[&instr - grid.program.code.data()];
  }
};

/// Threads of a warp that stand at the same instruction.
struct Group {
  uint32_t pc;
  uint32_t mask;
};

/// What `wgmma` instructions under way use: registers that they write or read,
/// and parts of shared memory that they read.
struct Products {
  std::vector<Slot> written, read;
  std::vector<std::pair<uint32_t, uint32_t>> shared; // address, bytes
};

struct Warp {
  Block &block;
  uint32_t number = 0; ///< in its block
  char *registers = nullptr;
  uint32_t alive = 0;             ///< the threads that have not ended
  std::vector<Group> groups = {}; ///< by program counter
  const Instr *at = nullptr;      ///< what runs, for reports
  /// At a barrier, which one, and what it folds.
  bool waiting = false;
  bool spins = false; ///< it gave up its turn before an `mbarrier`
  uint32_t barrier = 0;
  uint32_t expected = 0; ///< threads, 0: all of the block
  uint32_t waitingAt = 0, waitingMask = 0;
  bool ignoreMembers = false; ///< after a report of threads that do not come
  std::vector<char> local = {};
  std::vector<bool> localWritten = {}; ///< of each byte of `local`
  std::vector<AsyncCopy> copying = {}; ///< not yet in a group
  std::deque<std::vector<AsyncCopy>> copyGroups = {}; ///< the oldest first
  Products products = {};                             ///< not yet in a group
  std::deque<Products> productGroups = {};            ///< the oldest first
  /// By register (its slot / 64): the lanes that hold something. Empty if
  /// nobody asks.
  std::vector<uint32_t> writtenLanes = {};
  /// By register: products under way that write or read it,
  /// and the step that last wrote it. Empty if the program has no products.
  std::vector<uint16_t> productWrites = {}, productReads = {};
  std::vector<uint64_t> writtenAt = {};
  uint64_t fencedAt = 0; ///< the step of the last `wgmma.fence`
  uint64_t steps = 0;

  template <typename T> T *lanes(Slot slot) {
    return reinterpret_cast<T *>(registers + slot);
  }
  uint32_t &pred(Slot slot) { return *lanes<uint32_t>(slot); }
  uint64_t address(const Instr &i, int lane) {
    if (i.a == noSlot)
      return static_cast<uint64_t>(i.imm);
    if (i.wideAddress)
      return lanes<uint64_t>(i.a)[lane] + static_cast<uint64_t>(i.imm);
    // Addresses of 32 bits wrap around.
    return static_cast<uint32_t>(lanes<uint32_t>(i.a)[lane] +
                                 static_cast<uint32_t>(i.imm));
  }
  GlobalMemory &memory() { return block.grid.memory; }
  /// Writes a report about the instruction that runs; throws `Fault` for what
  /// no GPU goes on from.
  void report(Problem problem, int lane, uint64_t address, uint32_t bytes,
              const std::string &more = "");
};

} // namespace attn_grid::sim

#endif
