// Products of small matrices by a warp, and what moves their parts. Where each
// element of a fragment lies is a formula of the manual of PTX: section "Matrix
// Fragments for mma.m16n8k16".

#include "runtime/sim/Accesses.h"
#include "runtime/sim/Ops.h"
#include "runtime/sim/SimFloat.h"
#include "runtime/sim/Warp.h"

#include <bit>
#include <cstring>

namespace attn_grid::sim {

void nothing(Warp &, const Instr &, uint32_t) {}

void electLane(Warp &w, const Instr &i, uint32_t mask) {
  auto lane = static_cast<uint32_t>(std::countr_zero(mask));
  for (int l = 0; l < warpSize; ++l)
    if (mask >> l & 1)
      w.lanes<uint32_t>(i.d)[l] = lane;
  uint32_t &p = w.pred(i.second);
  p = (p & ~mask) | uint32_t(1) << lane;
}

void needWarp(Warp &w, uint32_t mask) {
  if (mask != allLanes)
    w.report(Problem::badInstruction, 0, 0, 0,
             "this instruction takes all threads of the warp");
}

static const Slot *slotsOf(Warp &w, const Instr &i) {
  return w.block.grid.program.slots.data() + i.list;
}

/// mma.m16n8k16: slots are 4 of d, 4 of a, 2 of b, 4 of c.
template <auto Convert>
static void mma16(Warp &w, const Instr &i, uint32_t mask) {
  needWarp(w, mask);
  ++w.block.counters.matrixProducts;
  const Slot *s = slotsOf(w, i);
  alignas(64) float a[16][16], b[16][8], c[16][8];
  for (int part = 0; part < 4; ++part) {
    const uint32_t *lanes = w.lanes<uint32_t>(s[4 + part]);
    int row = part & 1 ? 8 : 0, column = part & 2 ? 8 : 0;
    for (int lane = 0; lane < warpSize; ++lane) {
      float *to = &a[row + lane / 4][column + lane % 4 * 2];
      to[0] = Convert(static_cast<uint16_t>(lanes[lane]));
      to[1] = Convert(static_cast<uint16_t>(lanes[lane] >> 16));
    }
  }
  for (int part = 0; part < 2; ++part) {
    const uint32_t *lanes = w.lanes<uint32_t>(s[8 + part]);
    for (int lane = 0; lane < warpSize; ++lane) {
      int row = part * 8 + lane % 4 * 2;
      b[row][lane / 4] = Convert(static_cast<uint16_t>(lanes[lane]));
      b[row + 1][lane / 4] = Convert(static_cast<uint16_t>(lanes[lane] >> 16));
    }
  }
  auto place = [&](int part, int lane) -> float & {
    return c[lane / 4 + (part & 2 ? 8 : 0)][lane % 4 * 2 + (part & 1)];
  };
  for (int part = 0; part < 4; ++part)
    for (int lane = 0; lane < warpSize; ++lane)
      place(part, lane) = w.lanes<float>(s[10 + part])[lane];
  for (int m = 0; m < 16; ++m)
    for (int k = 0; k < 16; ++k)
      for (int n = 0; n < 8; ++n)
        c[m][n] += a[m][k] * b[k][n];
  for (int part = 0; part < 4; ++part)
    for (int lane = 0; lane < warpSize; ++lane)
      w.lanes<float>(s[part])[lane] = place(part, lane);
}

void mmaF16(Warp &w, const Instr &i, uint32_t mask) {
  mma16<halfToFloat>(w, i, mask);
}
void mmaBf16(Warp &w, const Instr &i, uint32_t mask) {
  mma16<brainToFloat>(w, i, mask);
}

/// mma.m16n8k8 of TF32: 4 of d, 4 of a, 2 of b, 4 of c.
void mmaTf32(Warp &w, const Instr &i, uint32_t mask) {
  needWarp(w, mask);
  ++w.block.counters.matrixProducts;
  const Slot *s = slotsOf(w, i);
  auto narrow = [](uint32_t bits) {
    return std::bit_cast<float>(bits & 0xffffe000);
  };
  float result[4][warpSize];
  for (int lane = 0; lane < warpSize; ++lane)
    for (int part = 0; part < 4; ++part) {
      int row = lane / 4 + (part & 2 ? 8 : 0),
          column = lane % 4 * 2 + (part & 1);
      float sum = w.lanes<float>(s[10 + part])[lane];
      for (int k = 0; k < 8; ++k) {
        int aPart = (row >= 8 ? 1 : 0) + (k >= 4 ? 2 : 0);
        float x = narrow(w.lanes<uint32_t>(s[4 + aPart])[row % 8 * 4 + k % 4]);
        float y =
            narrow(w.lanes<uint32_t>(s[8 + (k >= 4)])[column * 4 + k % 4]);
        sum += x * y;
      }
      result[part][lane] = sum;
    }
  for (int part = 0; part < 4; ++part)
    std::memcpy(w.lanes<float>(s[part]), result[part], sizeof result[part]);
}

/// mma.m16n8k32 of bytes, signed or not: 4 of d, 4 of a, 2 of b, 4 of c. Sums
/// wrap.
template <typename A, typename B>
static void mmaBytes(Warp &w, const Instr &i, uint32_t mask) {
  needWarp(w, mask);
  ++w.block.counters.matrixProducts;
  const Slot *s = slotsOf(w, i);
  auto byteOf = [](uint32_t word, int k) { return word >> k % 4 * 8 & 0xff; };
  uint32_t result[4][warpSize];
  for (int lane = 0; lane < warpSize; ++lane)
    for (int part = 0; part < 4; ++part) {
      int row = lane / 4 + (part & 2 ? 8 : 0),
          column = lane % 4 * 2 + (part & 1);
      uint32_t sum = w.lanes<uint32_t>(s[10 + part])[lane];
      for (int k = 0; k < 32; ++k) {
        int aPart = (row >= 8 ? 1 : 0) + (k >= 16 ? 2 : 0), of = k % 16 / 4;
        uint32_t a = w.lanes<uint32_t>(s[4 + aPart])[row % 8 * 4 + of];
        uint32_t b = w.lanes<uint32_t>(s[8 + (k >= 16)])[column * 4 + of];
        sum += static_cast<uint32_t>(static_cast<A>(byteOf(a, k)) *
                                     static_cast<B>(byteOf(b, k)));
      }
      result[part][lane] = sum;
    }
  for (int part = 0; part < 4; ++part)
    std::memcpy(w.lanes<uint32_t>(s[part]), result[part], sizeof result[part]);
}
void mmaS8S8(Warp &w, const Instr &i, uint32_t mask) {
  mmaBytes<int8_t, int8_t>(w, i, mask);
}
void mmaS8U8(Warp &w, const Instr &i, uint32_t mask) {
  mmaBytes<int8_t, uint8_t>(w, i, mask);
}
void mmaU8S8(Warp &w, const Instr &i, uint32_t mask) {
  mmaBytes<uint8_t, int8_t>(w, i, mask);
}
void mmaU8U8(Warp &w, const Instr &i, uint32_t mask) {
  mmaBytes<uint8_t, uint8_t>(w, i, mask);
}

/// ldmatrix: `count` matrices of 8 x 8 b16, whose rows' addresses lanes 8 n to
/// 8 n + 7 hold.
template <bool Transposed>
static void matrices(Warp &w, const Instr &i, uint32_t mask) {
  needWarp(w, mask);
  const Slot *s = slotsOf(w, i);
  for (int n = 0; n < i.count; ++n) {
    uint16_t matrix[8][8];
    ++w.block.counters.sharedAccesses;
    uint8_t perBank[32] = {};
    uint8_t most = 0;
    for (int row = 0; row < 8; ++row) {
      int lane = n * 8 + row;
      uint64_t address = w.address(i, lane);
      if (address >= sharedWindow)
        address -= sharedWindow;
      if (address % 16 != 0)
        w.report(Problem::misaligned, lane, address, 16);
      std::memcpy(matrix[row],
                  checkShared(w, lane, address, 16, /*isRead=*/true, w.number),
                  16);
      for (int word = 0; word < 4; ++word)
        most = std::max(most, ++perBank[(address / 4 + word) % 32]);
    }
    w.block.counters.sharedWavefronts += most;
    w.block.counted(i).wavefronts += most;
    ++w.block.counted(i).leastWavefronts;
    uint32_t *d = w.lanes<uint32_t>(s[n]);
    for (int lane = 0; lane < warpSize; ++lane) {
      int first = lane % 4 * 2, other = lane / 4;
      uint32_t low = Transposed ? matrix[first][other] : matrix[other][first];
      uint32_t high =
          Transposed ? matrix[first + 1][other] : matrix[other][first + 1];
      d[lane] = high << 16 | low;
    }
  }
}

void loadMatrix(Warp &w, const Instr &i, uint32_t mask) {
  matrices<false>(w, i, mask);
}
void loadMatrixTransposed(Warp &w, const Instr &i, uint32_t mask) {
  matrices<true>(w, i, mask);
}

// `wmma` fragments are opaque: here lane l holds the elements 8 l to 8 l + 7,
// in row-major order, in its first registers.

/// Rows of 16 f16 in global memory, `b` elements apart.
static void wmmaLoad(Warp &w, const Instr &i, uint32_t mask) {
  needWarp(w, mask);
  const Slot *s = slotsOf(w, i);
  for (int lane = 0; lane < warpSize; ++lane) {
    uint64_t row = lane / 2, column = lane % 2 * 8;
    uint64_t address =
        w.address(i, lane) + 2 * (row * w.lanes<uint32_t>(i.b)[lane] + column);
    uint32_t words[4];
    std::memcpy(words, checkGlobal(w, lane, address, 16, /*isRead=*/true),
                sizeof words);
    for (int e = 0; e < i.count; ++e)
      w.lanes<uint32_t>(s[e])[lane] = words[e % 4];
  }
}
void wmmaLoadA(Warp &w, const Instr &i, uint32_t mask) { wmmaLoad(w, i, mask); }
void wmmaLoadB(Warp &w, const Instr &i, uint32_t mask) { wmmaLoad(w, i, mask); }

/// 8 of d, 8 of a, 8 of b, 8 of c.
void wmmaMma(Warp &w, const Instr &i, uint32_t mask) {
  needWarp(w, mask);
  ++w.block.counters.matrixProducts;
  const Slot *s = slotsOf(w, i);
  auto element = [&](int from, int row, int column) {
    int place = row * 16 + column, lane = place / 8, e = place % 8;
    uint32_t word = w.lanes<uint32_t>(s[from + e / 2])[lane];
    return halfToFloat(static_cast<uint16_t>(e % 2 ? word >> 16 : word));
  };
  float result[8][warpSize];
  for (int lane = 0; lane < warpSize; ++lane)
    for (int e = 0; e < 8; ++e) {
      int row = lane / 2, column = lane % 2 * 8 + e;
      float sum = w.lanes<float>(s[24 + e])[lane];
      for (int k = 0; k < 16; ++k)
        sum += element(8, row, k) * element(16, k, column);
      result[e][lane] = sum;
    }
  for (int e = 0; e < 8; ++e)
    std::memcpy(w.lanes<float>(s[e]), result[e], sizeof result[e]);
}

void wmmaStoreD(Warp &w, const Instr &i, uint32_t mask) {
  needWarp(w, mask);
  const Slot *s = slotsOf(w, i);
  for (int lane = 0; lane < warpSize; ++lane) {
    uint64_t row = lane / 2, column = lane % 2 * 8;
    uint64_t address =
        w.address(i, lane) + 4 * (row * w.lanes<uint32_t>(i.b)[lane] + column);
    char *to = checkGlobal(w, lane, address, 32, /*isRead=*/false);
    for (int e = 0; e < 8; ++e)
      std::memcpy(to + 4 * e, &w.lanes<float>(s[e])[lane], 4);
  }
}

// ------------------------------------------------ registers of several parts

/// `mov.b32 %r, {%h0, %h1}`: `count` parts of `imm` bits.
void packList(Warp &w, const Instr &i, uint32_t mask) {
  const Slot *s = slotsOf(w, i);
  for (int lane = 0; lane < warpSize; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    uint64_t value = 0;
    for (int e = 0; e < i.count; ++e) {
      uint64_t part = i.imm == 16 ? w.lanes<uint16_t>(s[e])[lane]
                                  : w.lanes<uint32_t>(s[e])[lane];
      value |= part << (e * i.imm);
    }
    if (i.imm * i.count == 32)
      w.lanes<uint32_t>(i.d)[lane] = static_cast<uint32_t>(value);
    else
      w.lanes<uint64_t>(i.d)[lane] = value;
  }
}

void unpackList(Warp &w, const Instr &i, uint32_t mask) {
  const Slot *s = slotsOf(w, i);
  for (int lane = 0; lane < warpSize; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    uint64_t value = i.imm * i.count == 32 ? w.lanes<uint32_t>(i.a)[lane]
                                           : w.lanes<uint64_t>(i.a)[lane];
    for (int e = 0; e < i.count; ++e) {
      if (s[e] == noSlot) // `_`
        continue;
      uint64_t part = value >> (e * i.imm);
      if (i.imm == 16)
        w.lanes<uint16_t>(s[e])[lane] = static_cast<uint16_t>(part);
      else
        w.lanes<uint32_t>(s[e])[lane] = static_cast<uint32_t>(part);
    }
  }
}

} // namespace attn_grid::sim
