// Products by warpgroups (four warps), `wgmma`: each warp has 16 of the 64
// rows, so here it does its part alone. What is asynchronous about them is
// checked: registers and shared memory are theirs until somebody waits, a
// `wgmma.fence` must order registers, and a proxy fence what threads wrote to
// shared memory.
//
// Layouts, descriptors and swizzles: the manual of PTX, section "Asynchronous
// Warpgroup Level Matrix Instructions".

#include "runtime/sim/Accesses.h"
#include "runtime/sim/Ops.h"
#include "runtime/sim/Registers.h"
#include "runtime/sim/SimFloat.h"
#include "runtime/sim/Warp.h"

#include <bit>
#include <cstring>

namespace attn_grid::sim {

static constexpr int depth = 16; // of a product
static constexpr int mostColumns = 256;

void watchProductRegisters(Warp &w) {
  size_t count = registerOf(w.block.grid.program.registerBytes) + 1;
  w.productWrites.resize(count);
  w.productReads.resize(count);
  w.writtenAt.resize(count);
}

/// A matrix in shared memory, as a descriptor says.
namespace {
struct SharedMatrix {
  uint64_t start, leading, stride;
  uint32_t rowBytes; // of the swizzle's pattern; 16: none
  bool transposed;   // k is not what lies side by side

  SharedMatrix(Warp &w, uint64_t descriptor, bool transposed)
      : start((descriptor & 0x3fff) << 4),
        leading((descriptor >> 16 & 0x3fff) << 4),
        stride((descriptor >> 32 & 0x3fff) << 4),
        rowBytes(16u << (4 - (descriptor >> 62 ? descriptor >> 62 : 4))),
        transposed(transposed) {
    if (descriptor >> 49 & 7)
      w.report(Problem::badInstruction, 0, 0, 0,
               "a descriptor with a base offset, which this device lacks: "
               "begin the matrix at a multiple of the swizzle's pattern");
    if (transposed && rowBytes == 16)
      w.report(Problem::badInstruction, 0, 0, 0,
               "a transposed matrix without swizzle, which this device lacks");
  }

  /// Of 8 elements side by side: along k, or along the other axis (n, or m).
  uint64_t address(uint32_t n, uint32_t k) const {
    uint64_t at = start;
    if (transposed) {
      uint32_t perRow = rowBytes / 2;
      at += n / perRow * leading + k / 8 * stride + k % 8 * rowBytes +
            n % perRow * 2;
    } else {
      at += n / 8 * stride + n % 8 * rowBytes;
      at += rowBytes == 16 ? k / 8 * leading : k * 2;
    }
    // Bits 4 to 6 of the address are XORed with bits 7 to 9, as many as a row
    // has groups of 16 bytes.
    return at ^ ((at >> 7 & (rowBytes / 16 - 1)) << 4);
  }
};
} // namespace

/// Reads `extent` rows (of m or n, from `first` on), all of k, into
/// `to[k * extent + n]`.
template <auto Convert>
static void readMatrix(Warp &w, const SharedMatrix &matrix, uint32_t first,
                       uint32_t extent, float *to) {
  bool checks = w.block.grid.reports.options.race;
  SharedMemory &shared = w.block.shared;
  uint32_t nStep = matrix.transposed ? 8 : 1, kStep = matrix.transposed ? 1 : 8;
  for (uint32_t n = 0; n < extent; n += nStep)
    for (uint32_t k = 0; k < depth; k += kStep) {
      uint64_t address = matrix.address(first + n, k);
      uint16_t values[8];
      std::memcpy(
          values,
          checkShared(w, 0, address, sizeof values, /*isRead=*/true, w.number),
          sizeof values);
      if (checks && shared.isUnfenced(address, sizeof values))
        w.report(Problem::unfenced, 0, address, sizeof values,
                 "shared memory that threads wrote, without a "
                 "`fence.proxy.async` since");
      shared.take(address, sizeof values, 1);
      w.products.shared.emplace_back(static_cast<uint32_t>(address),
                                     uint32_t(sizeof values));
      for (uint32_t i = 0; i < 8; ++i)
        to[(k + i * (kStep / 8)) * extent + n + i * (nStep / 8)] =
            Convert(values[i]);
    }
}

static void useRegister(Warp &w, Slot slot, bool isWritten) {
  if (w.writtenAt[registerOf(slot)] > w.fencedAt &&
      w.block.grid.reports.options.race)
    w.report(Problem::unfenced, 0, 0, 0,
             "a register that was written since the last `wgmma.fence`");
  ++(isWritten ? w.productWrites : w.productReads)[registerOf(slot)];
  (isWritten ? w.products.written : w.products.read).push_back(slot);
}

template <auto Convert>
static void wgmma(Warp &w, const Instr &i, uint32_t mask) {
  needWarp(w, mask);
  bool aIsShared = i.imm & 1;
  auto columns = static_cast<uint32_t>(i.listed - (aIsShared ? 0 : 4)) * 2;
  const Slot *d = w.block.grid.program.slots.data() + i.list;
  if (w.fencedAt == 0 && w.block.grid.reports.options.race)
    w.report(Problem::unfenced, 0, 0, 0,
             "there was no `wgmma.fence` before the first product");
  w.block.counters.matrixProducts += columns / 8;

  alignas(64) static thread_local float a[depth * 16], b[depth * mostColumns],
      c[16 * mostColumns];
  if (aIsShared) {
    SharedMatrix matrix(w, w.lanes<uint64_t>(i.a)[0], i.imm & 8);
    readMatrix<Convert>(w, matrix, w.number % 4 * 16, 16, a);
  } else {
    for (uint32_t part = 0; part < 4; ++part) {
      Slot slot = d[columns / 2 + part];
      useRegister(w, slot, /*isWritten=*/false);
      const uint32_t *lanes = w.lanes<uint32_t>(slot);
      for (uint32_t lane = 0; lane < warpSize; ++lane) {
        uint32_t row = lane / 4 + (part & 1 ? 8 : 0);
        uint32_t k = lane % 4 * 2 + (part & 2 ? 8 : 0);
        a[k * 16 + row] = Convert(static_cast<uint16_t>(lanes[lane]));
        a[(k + 1) * 16 + row] =
            Convert(static_cast<uint16_t>(lanes[lane] >> 16));
      }
    }
  }
  SharedMatrix matrix(w, w.lanes<uint64_t>(i.b)[0], i.imm & 16);
  readMatrix<Convert>(w, matrix, 0, columns, b);

  auto place = [&](uint32_t reg, uint32_t lane) -> float & {
    uint32_t row = lane / 4 + (reg & 2 ? 8 : 0);
    return c[row * columns + reg / 4 * 8 + lane % 4 * 2 + (reg & 1)];
  };
  bool adds = w.pred(i.c) & 1;
  for (uint32_t reg = 0; reg < columns / 2; ++reg) {
    useRegister(w, d[reg], /*isWritten=*/true);
    const float *lanes = w.lanes<float>(d[reg]);
    for (uint32_t lane = 0; lane < warpSize; ++lane)
      place(reg, lane) = adds ? lanes[lane] : 0.0f;
  }
  float sign = (i.imm & 2) != 0 == ((i.imm & 4) != 0) ? 1.0f : -1.0f;
  for (uint32_t row = 0; row < 16; ++row)
    for (uint32_t k = 0; k < depth; ++k) {
      float factor = sign * a[k * 16 + row];
      for (uint32_t n = 0; n < columns; ++n)
        c[row * columns + n] += factor * b[k * columns + n];
    }
  for (uint32_t reg = 0; reg < columns / 2; ++reg)
    for (uint32_t lane = 0; lane < warpSize; ++lane)
      w.lanes<float>(d[reg])[lane] = place(reg, lane);
}

void wgmmaF16(Warp &w, const Instr &i, uint32_t mask) {
  wgmma<halfToFloat>(w, i, mask);
}
void wgmmaBf16(Warp &w, const Instr &i, uint32_t mask) {
  wgmma<brainToFloat>(w, i, mask);
}

void wgmmaFence(Warp &w, const Instr &, uint32_t) { w.fencedAt = w.steps; }

void wgmmaCommit(Warp &w, const Instr &, uint32_t) {
  w.productGroups.push_back(std::move(w.products));
  w.products = {};
}

void wgmmaWait(Warp &w, const Instr &i, uint32_t) {
  while (w.productGroups.size() > static_cast<size_t>(i.imm)) {
    const Products &done = w.productGroups.front();
    for (Slot slot : done.written)
      --w.productWrites[registerOf(slot)];
    for (Slot slot : done.read)
      --w.productReads[registerOf(slot)];
    for (auto [address, bytes] : done.shared)
      w.block.shared.take(address, bytes, -1);
    w.productGroups.pop_front();
  }
}

void proxyFence(Warp &w, const Instr &i, uint32_t mask) {
  barrierFence(w, i, mask);
  w.block.shared.fence(w.number);
}

void checkProductRegisters(Warp &w, const Instr &i) {
  if (i.run == wgmmaF16 || i.run == wgmmaBf16)
    return;
  bool underWay = w.products.written.size() + w.productGroups.size() > 0 &&
                  w.block.grid.reports.options.race;
  auto check = [&](Slot slot, bool isWrite) {
    if (slot == noSlot)
      return;
    size_t at = registerOf(slot);
    if (underWay && w.productWrites[at])
      w.report(Problem::inFlight, 0, 0, 0,
               "a register that a `wgmma` may still write: there was no "
               "`wgmma.wait_group` for it");
    else if (underWay && isWrite && w.productReads[at])
      w.report(Problem::inFlight, 0, 0, 0,
               "a write to a register that a `wgmma` may still read");
    if (isWrite)
      w.writtenAt[at] = w.steps;
  };
  for (Slot slot : {i.a, i.b, i.c})
    check(slot, false);
  check(i.d, true);
  const Slot *slots = w.block.grid.program.slots.data() + i.list;
  for (int n = 0; n < i.listed; ++n)
    check(slots[n], n < i.outputs);
}

} // namespace attn_grid::sim
