// What is checked of an access to memory, and what the reports say.

#include "runtime/sim/Accesses.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace attn_grid::sim {

void reportShared(Warp &w, SharedMemory::Found found, bool isRead, int lane,
                  uint64_t address, uint32_t bytes) {
  const CheckOptions &options = w.block.grid.reports.options;
  const char *what =
      isRead ? "read of shared memory" : "write to shared memory";
  switch (found) {
  case SharedMemory::nothing:
    return;
  case SharedMemory::notWritten:
    if (options.init)
      w.report(Problem::uninitialised, lane, address, bytes, what);
    return;
  case SharedMemory::race:
    if (options.race)
      w.report(Problem::race, lane, address, bytes,
               std::string(what) +
                   ", with another warp since the last barrier");
    return;
  case SharedMemory::inFlight:
    if (options.race)
      w.report(Problem::inFlight, lane, address, bytes, what);
    return;
  case SharedMemory::isTaken:
    if (options.race)
      w.report(Problem::inFlight, lane, address, bytes,
               std::string(what) + ", which a `wgmma` may still read");
    return;
  }
}

char *checkLocal(Warp &w, int lane, uint64_t address, uint32_t bytes,
                 bool isRead) {
  uint32_t size = w.block.grid.program.localBytes;
  if (address > size || bytes > size - address)
    w.report(Problem::outOfBounds, lane, address, bytes, "local memory");
  size_t at = static_cast<size_t>(lane) * size + address;
  auto first = w.localWritten.begin() + static_cast<ptrdiff_t>(at);
  if (!isRead)
    std::fill_n(first, bytes, true);
  else if (std::find(first, first + bytes, false) != first + bytes &&
           w.block.grid.reports.options.init)
    w.report(Problem::uninitialised, lane, address, bytes,
             "read of local memory");
  return w.local.data() + at;
}

void checkWriter(Warp &w, int lane, uint64_t address, const char *value,
                 uint32_t bytes) {
  const Grid &grid = w.block.grid;
  uint64_t blocks = grid.blocks.count();
  if (blocks == 1 || !grid.reports.options.race)
    return;
  uint32_t other = w.memory().claim(address, bytes, w.block.writer());
  uint64_t number = other - grid.firstWriter;
  if (other == 0 || number >= blocks ||
      std::memcmp(reinterpret_cast<const char *>(address), value, bytes) == 0)
    return;
  w.report(Problem::race, lane, address, bytes,
           fmt::format("block ({}, {}, {}) wrote this too, {}; which of the "
                       "values stays is chance: give each block elements of "
                       "its own, or use atomics",
                       number % grid.blocks.x,
                       number / grid.blocks.x % grid.blocks.y,
                       number / grid.blocks.x / grid.blocks.y,
                       w.memory().describe(address)));
}

} // namespace attn_grid::sim
