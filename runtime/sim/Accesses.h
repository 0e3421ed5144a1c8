#ifndef AG_RUNTIME_SIM_ACCESSES_H
#define AG_RUNTIME_SIM_ACCESSES_H
/// What is checked of each access to memory, by each lane: so it is inline, but
/// for what is rare.

#include "runtime/sim/Warp.h"

#include <string>

namespace attn_grid::sim {

/// Reports what was found wrong with an access of shared memory.
void reportShared(Warp &w, SharedMemory::Found found, bool isRead, int lane,
                  uint64_t address, uint32_t bytes);

/// The same as below of a thread's own memory.
char *checkLocal(Warp &w, int lane, uint64_t address, uint32_t bytes,
                 bool isRead);

/// Before `value` is written to global memory: two blocks that write a byte do
/// so in any order, which is no matter if they write the same.
void checkWriter(Warp &w, int lane, uint64_t address, const char *value,
                 uint32_t bytes);

/// Where an access of global memory goes, after its checks, which report what
/// they find.
inline char *checkGlobal(Warp &w, int lane, uint64_t address, uint32_t bytes,
                         bool isRead) {
  GlobalMemory &memory = w.memory();
  if (!memory.isAllocated(address, bytes))
    w.report(Problem::outOfBounds, lane, address, bytes,
             (isRead ? "read of " : "write to ") + memory.describe(address));
  if (isRead && !memory.isWritten(address, bytes) &&
      w.block.grid.reports.options.init)
    w.report(Problem::uninitialised, lane, address, bytes,
             "read of global memory, " + memory.describe(address));
  if (!isRead)
    memory.markWritten(address, bytes);
  return reinterpret_cast<char *>(address);
}

/// The same of shared memory. `as`: the number of the warp that does it.
inline char *checkShared(Warp &w, int lane, uint64_t address, uint32_t bytes,
                         bool isRead, uint32_t as) {
  SharedMemory &shared = w.block.shared;
  if (!shared.holds(address, bytes))
    w.report(Problem::outOfBounds, lane, address, bytes,
             std::string(isRead ? "read of " : "write to ") +
                 std::to_string(shared.size()) + " bytes of shared memory");
  SharedMemory::Found found = isRead ? shared.read(address, bytes, as)
                                     : shared.write(address, bytes, as);
  if (found != SharedMemory::nothing)
    reportShared(w, found, isRead, lane, address, bytes);
  return shared.at(address);
}

} // namespace attn_grid::sim

#endif
