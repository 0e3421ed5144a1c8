// Barriers in shared memory, `mbarrier`, and the copies of boxes of tensors
// whose end they tell. A copy arrives when somebody looks at its barrier, not
// before: what is read without a wait is found.

#include "runtime/sim/Accesses.h"
#include "runtime/sim/Ops.h"
#include "runtime/sim/SimFloat.h"
#include "runtime/sim/TensorMap.h"
#include "runtime/sim/Warp.h"

#include <algorithm>
#include <cstring>

namespace attn_grid::sim {

static uint64_t inShared(uint64_t address) {
  return address >= sharedWindow ? address - sharedWindow : address;
}

/// The barrier at an address; reports one that was not initialised.
static MemoryBarrier &barrierAt(Warp &w, int lane, uint64_t address) {
  address = inShared(address);
  if (address % 8 != 0)
    w.report(Problem::misaligned, lane, address, 8);
  auto found = w.block.barriers.find(address);
  if (found == w.block.barriers.end())
    w.report(Problem::badInstruction, lane, address, 8,
             "there is no mbarrier that was initialised");
  const MemoryBarrier &barrier = found->second;
  if (barrier.warp != w.number &&
      barrier.epoch == w.block.shared.currentEpoch() &&
      w.block.grid.reports.options.race)
    w.report(Problem::race, lane, address, 8,
             "use of an mbarrier that another warp has initialised since the "
             "last barrier");
  return found->second;
}

void barrierInit(Warp &w, const Instr &i, uint32_t mask) {
  for (int lane = 0; lane < warpSize; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    uint64_t address = inShared(w.address(i, lane));
    uint32_t count = w.lanes<uint32_t>(i.b)[lane];
    if (address % 8 != 0)
      w.report(Problem::misaligned, lane, address, 8);
    if (count < 1 || count >= 1u << 20)
      w.report(Problem::badInstruction, lane, address, 8,
               "an mbarrier counts from 1 to 2^20 - 1 arrivals");
    checkShared(w, lane, address, 8, /*isRead=*/false, w.number);
    MemoryBarrier made;
    made.count = made.pending = count;
    made.warp = w.number;
    made.epoch = w.block.shared.currentEpoch();
    if (!w.block.barriers.emplace(address, made).second)
      w.report(Problem::badInstruction, lane, address, 8,
               "there is an mbarrier already, which was not invalidated");
  }
  ++w.block.arrivals;
}

/// `fence.mbarrier_init`. (So does a proxy fence.)
void barrierFence(Warp &w, const Instr &, uint32_t) {
  for (auto &[address, barrier] : w.block.barriers)
    barrier.isFenced = true;
}

void barrierInvalidate(Warp &w, const Instr &i, uint32_t mask) {
  for (int lane = 0; lane < warpSize; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    MemoryBarrier &barrier = barrierAt(w, lane, w.address(i, lane));
    if (!barrier.copies.empty())
      w.report(Problem::inFlight, lane, 0, 0,
               "an mbarrier is invalidated while copies are under way");
    w.block.barriers.erase(inShared(w.address(i, lane)));
  }
}

/// `imm` has bits: 1 arrives, 2 expects the bytes of `b`. The phase that it
/// arrives at goes to `d`.
void barrierArrive(Warp &w, const Instr &i, uint32_t mask) {
  for (int lane = 0; lane < warpSize; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    uint64_t address = w.lanes<uint32_t>(i.a)[lane];
    MemoryBarrier &barrier = barrierAt(w, lane, address);
    if (i.imm & 2)
      barrier.bytes += w.lanes<uint32_t>(i.b)[lane];
    if (i.d != noSlot)
      w.lanes<uint64_t>(i.d)[lane] = barrier.phase;
    if (i.imm & 1) {
      if (barrier.pending == 0)
        w.report(Problem::badInstruction, lane, address, 8,
                 "more arrivals than the mbarrier counts");
      --barrier.pending;
    }
  }
  ++w.block.arrivals;
}

static void arrive(Warp &w, MemoryBarrier &barrier) {
  SharedMemory &shared = w.block.shared;
  for (const AsyncCopy &copy : barrier.copies) {
    shared.setFlying(copy.to, copy.bytes, false);
    shared.noteArrived(copy.to, copy.bytes);
    char *to = shared.at(copy.to);
    std::memset(to, 0, copy.bytes);
    std::memcpy(to, reinterpret_cast<const void *>(copy.from), copy.readBytes);
    barrier.bytes -= copy.bytes;
  }
  barrier.copies.clear();
}

/// Whether the phase of a parity (`imm` is 1), or of a number that an arrival
/// gave, is over.
void barrierTest(Warp &w, const Instr &i, uint32_t mask) {
  uint32_t over = 0;
  for (int lane = 0; lane < warpSize; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    MemoryBarrier &barrier = barrierAt(w, lane, w.lanes<uint32_t>(i.a)[lane]);
    if (barrier.pending == 0) {
      arrive(w, barrier);
      if (barrier.bytes == 0) {
        ++barrier.phase;
        barrier.pending = barrier.count;
        ++w.block.arrivals;
      }
    }
    bool isOver = i.imm ? (barrier.phase & 1) != w.lanes<uint32_t>(i.b)[lane]
                        : barrier.phase != w.lanes<uint64_t>(i.b)[lane];
    over |= uint32_t(isOver) << lane;
  }
  uint32_t &d = w.pred(i.d);
  d = (d & ~mask) | over;
}

static const TensorMap &mapAt(Warp &w, int lane, uint64_t address) {
  const std::vector<uint8_t> &params = w.block.grid.params;
  if (address % 64 != 0)
    w.report(Problem::misaligned, lane, address, 128);
  const void *at;
  uint64_t inParams = address - paramWindow;
  if (inParams < params.size() && params.size() - inParams >= 128)
    at = params.data() + inParams;
  else
    at = checkGlobal(w, lane, address, 128, /*isRead=*/true);
  const auto &map = *static_cast<const TensorMap *>(at);
  if (map.mark != TensorMap::expectedMark)
    w.report(Problem::badInstruction, lane, address, 128,
             "this is no tensor map: cuTensorMapEncodeTiled makes one");
  return map;
}

/// `cp.async.bulk.tensor.2d ... [to], [map, {c0, c1}], [barrier]`: the list is
/// the map's address, the barrier's, the coordinates, the innermost first.
void tensorCopy(Warp &w, const Instr &i, uint32_t mask) {
  const Slot *slots = w.block.grid.program.slots.data() + i.list;
  SharedMemory &shared = w.block.shared;
  for (int lane = 0; lane < warpSize; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    const TensorMap &map = mapAt(w, lane, w.lanes<uint64_t>(slots[0])[lane]);
    MemoryBarrier &barrier =
        barrierAt(w, lane, w.lanes<uint32_t>(slots[1])[lane]);
    if (!barrier.isFenced && w.block.grid.reports.options.race)
      w.report(Problem::unfenced, lane, w.lanes<uint32_t>(slots[1])[lane], 8,
               "an mbarrier that was initialised, without a "
               "`fence.mbarrier_init` since");
    if (map.rank != i.count)
      w.report(Problem::badInstruction, lane, 0, 0,
               "the tensor map is of another rank");
    uint64_t start = inShared(w.address(i, lane));
    if (start % 128 != 0)
      w.report(Problem::misaligned, lane, start, 128,
               "a box begins at a multiple of 128 bytes");
    uint32_t lines = 1, line = map.box[0] * map.elementBytes;
    for (uint32_t d = 1; d < map.rank; ++d)
      lines *= map.box[d];
    uint64_t sectors = 0;
    for (uint32_t n = 0; n < lines; ++n) {
      // The line's place in the tensor.
      bool isInside = true;
      uint64_t from = map.address;
      uint32_t rest = n;
      for (uint32_t d = 1; d < map.rank; ++d) {
        int64_t at =
            int64_t(w.lanes<int32_t>(slots[2 + d])[lane]) + rest % map.box[d];
        rest /= map.box[d];
        isInside &= at >= 0 && at <= int64_t(map.lastIndex[d]);
        from += static_cast<uint64_t>(at) * map.strides[d];
      }
      int64_t first = w.lanes<int32_t>(slots[2])[lane];
      uint64_t lineFrom = ~uint64_t(0), lineTo = 0;
      for (uint32_t byte = 0; byte < line; byte += 16) {
        int64_t element = first + byte / map.elementBytes;
        int64_t left = int64_t(map.lastIndex[0]) + 1 - element;
        int64_t perCopy = 16 / map.elementBytes;
        if (element < 0 && element + perCopy > 0)
          w.report(Problem::badInstruction, lane, 0, 0,
                   "a box that begins before the tensor, and not a multiple of "
                   "16 bytes before it, which this device lacks");
        auto read = static_cast<uint32_t>(
            isInside && element >= 0
                ? std::clamp<int64_t>(left, 0, perCopy) * map.elementBytes
                : 0);
        uint64_t source =
            from + static_cast<uint64_t>(element) * map.elementBytes;
        if (read) {
          checkGlobal(w, lane, source, read, /*isRead=*/true);
          lineFrom = std::min(lineFrom, source);
          lineTo = std::max(lineTo, source + read);
        }
        uint64_t to = start + uint64_t(n) * line + byte;
        to ^= (to >> 7 & (map.swizzleBytes / 16 - 1)) << 4;
        if (w.block.grid.reports.options.race && shared.isUnfenced(to, 16))
          w.report(Problem::unfenced, lane, to, 16,
                   "shared memory that threads wrote, without a "
                   "`fence.proxy.async` since");
        checkShared(w, lane, to, 16, /*isRead=*/false, w.number);
        shared.setFlying(to, 16, true);
        barrier.copies.push_back({static_cast<uint32_t>(to), source, 16,
                                  static_cast<uint8_t>(read)});
      }
      if (lineTo > lineFrom) {
        uint64_t touched = (lineTo - 1) / 32 - lineFrom / 32 + 1;
        sectors += touched;
        w.block.counted(i).leastSectors += (lineTo - lineFrom + 31) / 32;
        w.block.counters.globalReadBytes += lineTo - lineFrom;
      }
    }
    w.block.counters.globalReadSectors += sectors;
    w.block.counted(i).sectors += sectors;
    ++w.block.counters.sharedAccesses;
    uint64_t wavefronts = (uint64_t(lines) * line + 127) / 128;
    w.block.counters.sharedWavefronts += wavefronts;
    w.block.counted(i).wavefronts += wavefronts;
    w.block.counted(i).leastWavefronts += wavefronts;
  }
}

} // namespace attn_grid::sim
