#include "test/support/TileEmulator.h"

#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <ucontext.h>

namespace attn_grid::test {

#if defined(__x86_64__)

namespace {

constexpr int tileCount = 8, mostRows = 16, mostBytes = 64;

struct Tile {
  uint8_t rows = 0;
  uint16_t bytes = 0;
  uint8_t data[mostRows][mostBytes] = {};
};

/// The tile registers of a thread.
struct TileState {
  bool configured = false;
  Tile tiles[tileCount];
};
thread_local TileState state;
std::atomic<long> productCount = 0;

/// An instruction with a three-byte VEX prefix.
struct Instruction {
  const uint8_t *next; ///< the byte after what is decoded
  unsigned prefix = 0; ///< 0: none, 1: 66, 2: F3, 3: F2
  unsigned opcode = 0;
  unsigned reg = 0, rm = 0, vvvv = 0;
  bool isMemory = false;
  uint64_t address = 0; ///< of memory, without the index if it has one
  uint64_t stride = 0;  ///< the index register, scaled
};

/// The registers of the interrupted code, by number.
uint64_t registerOf(const ucontext_t &context, unsigned number) {
  constexpr int order[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                           REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                           REG_R12, REG_R13, REG_R14, REG_R15};
  return static_cast<uint64_t>(context.uc_mcontext.gregs[order[number]]);
}

template <typename T> T take(const uint8_t *&at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  at += sizeof(T);
  return value;
}

/// Decodes the memory operand that `modrm` begins.
void decodeMemory(Instruction &in, const ucontext_t &context, unsigned modrm,
                  unsigned indexHigh, unsigned baseHigh) {
  unsigned mode = modrm >> 6;
  in.isMemory = true;
  unsigned base = modrm & 7;
  bool hasBase = true;
  if (base == 4) {
    auto sib = take<uint8_t>(in.next);
    base = sib & 7;
    unsigned index = (sib >> 3 & 7) | indexHigh;
    if (index != 4)
      in.stride = registerOf(context, index) << (sib >> 6);
    hasBase = !(base == 5 && mode == 0);
  } else if (base == 5 && mode == 0) {
    int64_t offset = take<int32_t>(in.next);
    // Relative to the instruction's end; none here has an immediate operand.
    in.address =
        reinterpret_cast<uint64_t>(in.next) + static_cast<uint64_t>(offset);
    return;
  }
  int64_t offset = mode == 1               ? take<int8_t>(in.next)
                   : mode == 2 || !hasBase ? take<int32_t>(in.next)
                                           : 0;
  in.address = static_cast<uint64_t>(offset);
  if (hasBase)
    in.address += registerOf(context, base | baseHigh);
}

/// The instruction that `context` stands at, if it has a VEX prefix of the map
/// 0F38, which all of AMX has.
bool decode(const ucontext_t &context, Instruction &in) {
  in.next =
      reinterpret_cast<const uint8_t *>(context.uc_mcontext.gregs[REG_RIP]);
  if (take<uint8_t>(in.next) != 0xc4)
    return false;
  auto first = take<uint8_t>(in.next), second = take<uint8_t>(in.next);
  if ((first & 0x1f) != 2 || (second & 0x84) != 0) // 0F38, W0, 128 bits
    return false;
  in.prefix = second & 3;
  in.vvvv = ~(second >> 3) & 15;
  in.opcode = take<uint8_t>(in.next);
  auto modrm = take<uint8_t>(in.next);
  // The high bits of registers are stored inverted.
  unsigned regHigh = first & 0x80 ? 0 : 8, indexHigh = first & 0x40 ? 0 : 8,
           baseHigh = first & 0x20 ? 0 : 8;
  in.reg = (modrm >> 3 & 7) | regHigh;
  if (modrm >> 6 == 3)
    in.rm = (modrm & 7) | baseHigh;
  else
    decodeMemory(in, context, modrm, indexHigh, baseHigh);
  return true;
}

/// False for what faults: nothing of a palette but the first.
bool configure(const uint8_t *from) {
  state = TileState();
  if (from[0] == 0)
    return true;
  if (from[0] != 1 || from[1] != 0)
    return false;
  for (int i = 0; i < tileCount; ++i) {
    std::memcpy(&state.tiles[i].bytes, from + 16 + 2 * i, 2);
    state.tiles[i].rows = from[48 + i];
    if (state.tiles[i].bytes > mostBytes || state.tiles[i].rows > mostRows)
      return false;
  }
  state.configured = true;
  return true;
}

/// Subnormal factors and results count as 0; each sum is rounded to nearest.
float flushed(float value) {
  return std::bit_cast<uint32_t>(value) & 0x7f800000u ? value : value * 0.0f;
}

float fromBf16(const uint8_t *at) {
  uint16_t half;
  std::memcpy(&half, at, 2);
  return flushed(std::bit_cast<float>(static_cast<uint32_t>(half) << 16));
}

bool multiply(Tile &sums, const Tile &x, const Tile &y) {
  if (sums.rows != x.rows || sums.bytes != y.bytes || x.bytes != 4 * y.rows ||
      x.bytes % 4 != 0 || y.bytes % 4 != 0)
    return false;
  for (int m = 0; m < x.rows; ++m)
    for (int n = 0; n < y.bytes / 4; ++n) {
      float even = 0, odd = 0;
      for (int k = 0; k < x.bytes / 4; ++k) {
        even += fromBf16(&x.data[m][4 * k]) * fromBf16(&y.data[k][4 * n]);
        odd +=
            fromBf16(&x.data[m][4 * k + 2]) * fromBf16(&y.data[k][4 * n + 2]);
      }
      float sum;
      std::memcpy(&sum, &sums.data[m][4 * n], 4);
      sum = flushed(sum + flushed(even + odd));
      std::memcpy(&sums.data[m][4 * n], &sum, 4);
    }
  ++productCount;
  return true;
}

bool isTile(unsigned number) {
  return number < tileCount && state.configured &&
         state.tiles[number].rows != 0;
}

/// Carries out one instruction. False: it is none of these, or it faults.
bool execute(const Instruction &in) {
  constexpr unsigned none = 0, pF3 = 2, pF2 = 3;
  if (in.opcode == 0x49 && in.isMemory && in.prefix == none && in.reg == 0)
    return configure(reinterpret_cast<const uint8_t *>(in.address));
  if (in.opcode == 0x49 && !in.isMemory && in.prefix == none && in.reg == 0 &&
      in.rm == 0) {
    state = TileState(); // tilerelease
    return true;
  }
  if (!isTile(in.reg))
    return false;
  Tile &tile = state.tiles[in.reg];
  if (in.opcode == 0x49 && !in.isMemory && in.prefix == pF2) {
    std::memset(tile.data, 0, sizeof(tile.data)); // tilezero
    return true;
  }
  if (in.opcode == 0x4b && in.isMemory &&
      (in.prefix == pF2 || in.prefix == pF3)) {
    bool isLoad = in.prefix == pF2;
    if (isLoad)
      std::memset(tile.data, 0, sizeof(tile.data));
    for (uint64_t row = 0; row < tile.rows; ++row) {
      auto *at = reinterpret_cast<uint8_t *>(in.address + row * in.stride);
      std::memcpy(isLoad ? tile.data[row] : at, isLoad ? at : tile.data[row],
                  tile.bytes);
    }
    return true;
  }
  if (in.opcode == 0x5c && !in.isMemory && in.prefix == pF3 && isTile(in.rm) &&
      isTile(in.vvvv))
    return multiply(tile, state.tiles[in.rm], state.tiles[in.vvvv]);
  return false;
}

void onIllegalInstruction(int, siginfo_t *, void *data) {
  auto &context = *static_cast<ucontext_t *>(data);
  Instruction in{};
  if (!decode(context, in) || !execute(in)) {
    // The same again, now without this handler.
    std::signal(SIGILL, SIG_DFL);
    return;
  }
  context.uc_mcontext.gregs[REG_RIP] =
      static_cast<greg_t>(reinterpret_cast<uintptr_t>(in.next));
}

} // namespace

TileEmulator::TileEmulator() {
  struct sigaction action = {};
  action.sa_sigaction = onIllegalInstruction;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGILL, &action, &before);
}

TileEmulator::~TileEmulator() { sigaction(SIGILL, &before, nullptr); }

long TileEmulator::products() { return productCount; }

#else

TileEmulator::TileEmulator() : before() {}
TileEmulator::~TileEmulator() = default;
long TileEmulator::products() { return 0; }

#endif

} // namespace attn_grid::test
