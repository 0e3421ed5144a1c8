// Loads, stores, atomics and asynchronous copies, each access checked and
// counted.

#include "runtime/sim/Accesses.h"
#include "runtime/sim/Ops.h"
#include "runtime/sim/SimFloat.h"
#include "runtime/sim/Warp.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace attn_grid::sim {

/// The memory of an access, whatever its space.
template <Space S>
static char *locate(Warp &w, int lane, uint64_t address, uint32_t bytes,
                    bool isRead) {
  if (address % bytes != 0)
    w.report(Problem::misaligned, lane, address, bytes);
  if constexpr (S == Space::shared)
    return checkShared(w, lane, address, bytes, isRead, w.number);
  else if constexpr (S == Space::local)
    return checkLocal(w, lane, address, bytes, isRead);
  // Generic addresses name both.
  if (S != Space::global && address - sharedWindow < (uint64_t(1) << 32))
    return checkShared(w, lane, address - sharedWindow, bytes, isRead,
                       w.number);
  return checkGlobal(w, lane, address, bytes, isRead);
}

/// Adds to the counters what an access of `lanes` threads costs a GPU: passes
/// over the 32 banks of shared memory.
static void countShared(Warp &w, const Instr &i, const uint64_t *addresses,
                        int lanes, uint32_t bytes) {
  Counters &counters = w.block.counters;
  ++counters.sharedAccesses;
  uint64_t wavefronts = 0, least = 0;
  // Lanes take turns so that each turn moves at most 128 bytes.
  int perTurn =
      std::max<int>(1, std::min<int>(32, 128 / std::max<uint32_t>(bytes, 4)));
  for (int first = 0; first < lanes; first += perTurn) {
    uint64_t words[4 * warpSize];
    int n = 0;
    for (int k = first; k < std::min(first + perTurn, lanes); ++k)
      for (uint64_t word = addresses[k] / 4;
           word <= (addresses[k] + bytes - 1) / 4; ++word)
        words[n++] = word;
    std::sort(words, words + n);
    n = static_cast<int>(std::unique(words, words + n) - words);
    uint8_t perBank[32] = {};
    uint8_t most = 0;
    for (int k = 0; k < n; ++k)
      most = std::max(most, ++perBank[words[k] % 32]);
    wavefronts += most;
    ++least;
  }
  counters.sharedWavefronts += wavefronts;
  w.block.counted(i).wavefronts += wavefronts;
  w.block.counted(i).leastWavefronts += least;
}

/// The same for global memory: sectors of 32 bytes.
static void countGlobal(Warp &w, const Instr &i, const uint64_t *addresses,
                        int lanes, uint32_t bytes, bool isRead) {
  Counters &counters = w.block.counters;
  uint64_t sectors[2 * warpSize];
  int n = 0;
  for (int k = 0; k < lanes; ++k)
    for (uint64_t sector = addresses[k] / 32;
         sector <= (addresses[k] + bytes - 1) / 32; ++sector)
      sectors[n++] = sector;
  std::sort(sectors, sectors + n);
  n = static_cast<int>(std::unique(sectors, sectors + n) - sectors);
  auto asked = static_cast<uint64_t>(lanes) * bytes;
  (isRead ? counters.globalReadSectors : counters.globalWriteSectors) +=
      static_cast<uint64_t>(n);
  (isRead ? counters.globalReadBytes : counters.globalWriteBytes) += asked;
  w.block.counted(i).sectors += static_cast<uint64_t>(n);
  // Threads that read the same need it once.
  w.block.counted(i).leastSectors +=
      std::min<uint64_t>(static_cast<uint64_t>(n), (asked + 31) / 32);
}

static void count(Warp &w, const Instr &i, uint32_t mask, Space space,
                  uint32_t bytes, bool isRead) {
  uint64_t addresses[warpSize];
  int lanes = 0;
  for (int lane = 0; lane < warpSize; ++lane)
    if (mask >> lane & 1)
      addresses[lanes++] = w.address(i, lane);
  if (space == Space::shared)
    countShared(w, i, addresses, lanes, bytes);
  else if (space == Space::global)
    countGlobal(w, i, addresses, lanes, bytes, isRead);
}

// ---------------------------------------------------------- loads and stores

template <Space S, typename T, typename R>
static void load(Warp &w, const Instr &i, uint32_t mask) {
  uint32_t bytes = sizeof(T) * i.count;
  const Slot *slots = w.block.grid.program.slots.data() + i.list;
  count(w, i, mask, S, bytes, true);
  for (int lane = 0; lane < warpSize; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    const char *from = locate<S>(w, lane, w.address(i, lane), bytes, true);
    for (int e = 0; e < i.count; ++e) {
      T value;
      std::memcpy(&value, from + e * sizeof(T), sizeof(T));
      w.lanes<R>(slots[e])[lane] = static_cast<R>(value);
    }
  }
}

template <Space S, typename T, typename R>
static void store(Warp &w, const Instr &i, uint32_t mask) {
  uint32_t bytes = sizeof(T) * i.count;
  const Slot *slots = w.block.grid.program.slots.data() + i.list;
  count(w, i, mask, S, bytes, false);
  for (int lane = 0; lane < warpSize; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    uint64_t address = w.address(i, lane);
    char *to = locate<S>(w, lane, address, bytes, false);
    T values[8];
    for (int e = 0; e < i.count; ++e)
      values[e] = static_cast<T>(w.lanes<R>(slots[e])[lane]);
    // Not if a generic address names shared memory.
    if (reinterpret_cast<uint64_t>(to) == address)
      checkWriter(w, lane, address, reinterpret_cast<const char *>(values),
                  bytes);
    std::memcpy(to, values, bytes);
  }
}

template <typename T, typename R>
static void loadParam(Warp &w, const Instr &i, uint32_t mask) {
  const std::vector<uint8_t> &params = w.block.grid.params;
  const Slot *slots = w.block.grid.program.slots.data() + i.list;
  uint32_t bytes = sizeof(T) * i.count;
  for (int lane = 0; lane < warpSize; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    // An offset, or an address that the kernel took of a parameter.
    uint64_t at = w.address(i, lane) - (i.a == noSlot ? 0 : paramWindow);
    if (at > params.size() || bytes > params.size() - at)
      w.report(Problem::outOfBounds, lane, at, bytes,
               "read of " + std::to_string(params.size()) +
                   " bytes of parameters");
    for (int e = 0; e < i.count; ++e) {
      T value;
      std::memcpy(&value, params.data() + at + e * sizeof(T), sizeof(T));
      w.lanes<R>(slots[e])[lane] = static_cast<R>(value);
    }
  }
}

/// Calls `make<T, R>` for the type in memory and that of the register.
template <typename Make>
static Handler forTypes(int bytes, bool isSigned, int registerBits, Make make) {
  auto withRegister = [&]<typename T>() -> Handler {
    if (registerBits < static_cast<int>(sizeof(T)) * 8)
      return nullptr;
    switch (registerBits) {
    case 16:
      return make.template operator()<T, uint16_t>();
    case 32:
      return make.template operator()<T, uint32_t>();
    case 64:
      return make.template operator()<T, uint64_t>();
    default:
      return nullptr;
    }
  };
  switch (bytes) {
  case 1:
    return isSigned ? withRegister.template operator()<int8_t>()
                    : withRegister.template operator()<uint8_t>();
  case 2:
    return isSigned ? withRegister.template operator()<int16_t>()
                    : withRegister.template operator()<uint16_t>();
  case 4:
    return isSigned ? withRegister.template operator()<int32_t>()
                    : withRegister.template operator()<uint32_t>();
  case 8:
    return withRegister.template operator()<uint64_t>();
  default:
    return nullptr;
  }
}

template <Space S> static Handler forSpace(const MemoryOp &op) {
  return forTypes(op.bytes, op.isSigned && !op.isStore, op.registerBits,
                  [&]<typename T, typename R>() -> Handler {
                    return op.isStore ? store<S, T, R> : load<S, T, R>;
                  });
}

Handler memoryHandler(const MemoryOp &op) {
  switch (op.space) {
  case Space::global:
  case Space::constant:
    return forSpace<Space::global>(op);
  case Space::shared:
    return forSpace<Space::shared>(op);
  case Space::local:
    return forSpace<Space::local>(op);
  case Space::none:
    return forSpace<Space::none>(op);
  case Space::param:
    return nullptr;
  }
  return nullptr;
}

Handler paramHandler(int bytes, bool isSigned, int registerBits) {
  return forTypes(
      bytes, isSigned, registerBits,
      []<typename T, typename R>() -> Handler { return loadParam<T, R>; });
}

// ------------------------------------------------------------------- atomics

/// A new value for the old one and what the instruction gives, as one step for
/// all threads of the host.
template <typename U, typename F> static U exchange(char *at, F next) {
  auto *word = reinterpret_cast<U *>(at);
  U old = __atomic_load_n(word, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(word, &old, next(old), false,
                                      __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
    ;
  return old;
}

template <Space S, typename T, auto F, int Values, bool Result>
static void atomic(Warp &w, const Instr &i, uint32_t mask) {
  using U = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  for (int lane = 0; lane < warpSize; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    uint64_t address = w.address(i, lane);
    if (address % sizeof(T) != 0)
      w.report(Problem::misaligned, lane, address, sizeof(T));
    bool isShared =
        S == Space::shared ||
        (S == Space::none && address - sharedWindow < (uint64_t(1) << 32));
    char *at;
    if (isShared) {
      uint64_t place = S == Space::shared ? address : address - sharedWindow;
      at = checkShared(w, lane, place, sizeof(T), false,
                       SharedMemory::atomicWarp);
    } else {
      checkGlobal(w, lane, address, sizeof(T), true);
      at = checkGlobal(w, lane, address, sizeof(T), false);
    }
    T b = std::bit_cast<T>(w.lanes<U>(i.b)[lane]);
    T c = Values == 2 ? std::bit_cast<T>(w.lanes<U>(i.c)[lane]) : T();
    U old = exchange<U>(at, [&](U bits) {
      return std::bit_cast<U>(static_cast<T>(F(std::bit_cast<T>(bits), b, c)));
    });
    if (Result)
      w.lanes<U>(i.d)[lane] = old;
  }
}

template <typename T, auto F, int Values = 1>
static AtomicOp forAtomic(Space space, bool hasResult) {
  AtomicOp op{nullptr, static_cast<int>(sizeof(T)) * 8, Values};
  auto choose = [&]<Space S>() {
    op.run = hasResult ? atomic<S, T, F, Values, true>
                       : atomic<S, T, F, Values, false>;
  };
  if (space == Space::global)
    choose.template operator()<Space::global>();
  else if (space == Space::shared)
    choose.template operator()<Space::shared>();
  else if (space == Space::none)
    choose.template operator()<Space::none>();
  return op;
}

template <typename T>
static AtomicOp arithmeticAtomic(Space space, std::string_view operation,
                                 bool hasResult) {
  if (operation == "add")
    return forAtomic<T, [](T a, T b, T) { return a + b; }>(space, hasResult);
  if (operation == "min")
    return forAtomic<T, [](T a, T b, T) { return b < a ? b : a; }>(space,
                                                                   hasResult);
  if (operation == "max")
    return forAtomic<T, [](T a, T b, T) { return b > a ? b : a; }>(space,
                                                                   hasResult);
  return {};
}
template <typename T>
static AtomicOp bitAtomic(Space space, std::string_view operation,
                          bool hasResult) {
  if (operation == "and")
    return forAtomic<T, [](T a, T b, T) { return a & b; }>(space, hasResult);
  if (operation == "or")
    return forAtomic<T, [](T a, T b, T) { return a | b; }>(space, hasResult);
  if (operation == "xor")
    return forAtomic<T, [](T a, T b, T) { return a ^ b; }>(space, hasResult);
  if (operation == "exch")
    return forAtomic<T, [](T, T b, T) { return b; }>(space, hasResult);
  if (operation == "cas")
    return forAtomic<T, [](T a, T b, T c) { return a == b ? c : a; }, 2>(
        space, hasResult);
  return {};
}

AtomicOp atomicOp(Space space, std::string_view operation,
                  std::string_view type, bool hasResult) {
  if (type == "b32")
    return bitAtomic<uint32_t>(space, operation, hasResult);
  if (type == "b64")
    return bitAtomic<uint64_t>(space, operation, hasResult);
  if (operation == "exch" || operation == "cas" || operation == "and" ||
      operation == "or" || operation == "xor")
    return type == "u32" || type == "s32"
               ? bitAtomic<uint32_t>(space, operation, hasResult)
               : AtomicOp();
  if (type == "u32")
    return arithmeticAtomic<uint32_t>(space, operation, hasResult);
  if (type == "s32")
    return arithmeticAtomic<int32_t>(space, operation, hasResult);
  if (type == "u64")
    return arithmeticAtomic<uint64_t>(space, operation, hasResult);
  if (type == "s64")
    return arithmeticAtomic<int64_t>(space, operation, hasResult);
  if (operation == "add" && type == "f32")
    return arithmeticAtomic<float>(space, operation, hasResult);
  if (operation == "add" && type == "f64")
    return arithmeticAtomic<double>(space, operation, hasResult);
  return {};
}

// ------------------------------------------------------- asynchronous copies

/// `cp.async.cg.shared.global [to], [from], bytes, readBytes`: `count` bytes;
/// the address in `a`, the source's in `b`, how many to read in `c`, or in
/// `d` whether to read none; others are 0. Nothing arrives before
/// somebody waits for it.
void asyncCopy(Warp &w, const Instr &i, uint32_t mask) {
  SharedMemory &shared = w.block.shared;
  const Slot *slots = w.block.grid.program.slots.data() + i.list;
  int64_t fromOffset = static_cast<int64_t>(slots[0]) - (int64_t(1) << 31);
  uint64_t tos[warpSize], froms[warpSize];
  int writers = 0, readers = 0;
  for (int lane = 0; lane < warpSize; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    uint64_t to = w.address(i, lane);
    if (to >= sharedWindow)
      to -= sharedWindow;
    uint64_t from = w.lanes<uint64_t>(i.b)[lane] + fromOffset;
    uint32_t read = i.count;
    if (i.c != noSlot)
      read = std::min<uint32_t>(read, w.lanes<uint32_t>(i.c)[lane]);
    if (i.d != noSlot && w.pred(i.d) >> lane & 1)
      read = 0;
    if (to % i.count != 0)
      w.report(Problem::misaligned, lane, to, i.count);
    if (read > 0)
      checkGlobal(w, lane, from, read, true);
    if (from % i.count != 0 && read > 0)
      w.report(Problem::misaligned, lane, from, i.count);
    checkShared(w, lane, to, i.count, false, w.number);
    shared.setFlying(to, i.count, true);
    tos[writers++] = to;
    if (read > 0)
      froms[readers++] = from;
    w.copying.push_back(
        {static_cast<uint32_t>(to), from, i.count, static_cast<uint8_t>(read)});
  }
  countShared(w, i, tos, writers, i.count);
  if (readers > 0)
    countGlobal(w, i, froms, readers, i.count, true);
}

void asyncCommit(Warp &w, const Instr &, uint32_t) {
  w.copyGroups.push_back(std::move(w.copying));
  w.copying.clear();
}

static void arrive(Warp &w, const std::vector<AsyncCopy> &copies) {
  SharedMemory &shared = w.block.shared;
  for (const AsyncCopy &copy : copies) {
    shared.setFlying(copy.to, copy.bytes, false);
    shared.write(copy.to, copy.bytes, w.number);
    char *to = shared.at(copy.to);
    std::memset(to, 0, copy.bytes);
    std::memcpy(to, reinterpret_cast<const void *>(copy.from), copy.readBytes);
  }
}

/// `wait_group N` leaves the N newest groups; `wait_all` is -1.
void asyncWait(Warp &w, const Instr &i, uint32_t) {
  if (i.imm < 0) {
    w.copyGroups.push_back(std::move(w.copying));
    w.copying.clear();
  }
  size_t left = i.imm < 0 ? 0 : static_cast<size_t>(i.imm);
  while (w.copyGroups.size() > left) {
    arrive(w, w.copyGroups.front());
    w.copyGroups.pop_front();
  }
}

} // namespace attn_grid::sim
