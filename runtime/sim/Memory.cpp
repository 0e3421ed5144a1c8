#include "runtime/sim/Memory.h"

#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <sys/mman.h>

namespace attn_grid::sim {

/// Between allocations, and before the first.
static constexpr size_t redZone = 256;
static constexpr size_t alignment = 256;

GlobalMemory::GlobalMemory() {
  reserved = size_t(1) << 38; // addresses, not memory
  const char *megabytes = std::getenv("AG_SIM_MEMORY");
  limit =
      megabytes ? std::strtoull(megabytes, nullptr, 10) << 20 : size_t(4) << 30;
  // The same addresses in every run, where they are free; behind the memory
  // lie the states of its bytes, then their writers.
  for (; reserved >= size_t(1) << 32; reserved /= 2) {
    void *at = mmap(reinterpret_cast<void *>(0x300000000000), 6 * reserved,
                    PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
      continue;
    base = reinterpret_cast<uint64_t>(at);
    shadow = reinterpret_cast<uint8_t *>(base + reserved);
    writers = reinterpret_cast<uint32_t *>(base + 2 * reserved);
    next = redZone;
    return;
  }
  reserved = 0;
}

GlobalMemory::~GlobalMemory() {
  if (reserved)
    munmap(reinterpret_cast<void *>(base), 6 * reserved);
}

uint64_t GlobalMemory::allocate(size_t bytes, bool isWritten) {
  std::lock_guard lock(mutex);
  if (bytes == 0 || bytes > limit - inUse || bytes > reserved - next - redZone)
    return 0;
  uint64_t address = base + next;
  next += (bytes + redZone + alignment - 1) / alignment * alignment;
  if (next > reserved)
    return 0;
  inUse += bytes;
  std::memset(states(address), isWritten ? written : fresh, bytes);
  // What nothing has written looks like nothing in particular.
  if (!isWritten)
    std::memset(reinterpret_cast<void *>(address), 0xcd, bytes);
  allocations[address] = {address, bytes, false};
  return address;
}

bool GlobalMemory::free(uint64_t address) {
  std::lock_guard lock(mutex);
  auto found = allocations.find(address);
  if (found == allocations.end() || found->second.isFreed)
    return false;
  found->second.isFreed = true;
  size_t bytes = found->second.bytes;
  inUse -= bytes;
  std::memset(states(address), freed, bytes);
  // The pages go back; the addresses stay taken.
  auto giveBack = [](uint64_t begin, uint64_t behind) {
    constexpr size_t page = 4096;
    uint64_t first = (begin + page - 1) / page * page;
    uint64_t end = behind / page * page;
    if (end > first)
      madvise(reinterpret_cast<void *>(first), end - first, MADV_DONTNEED);
  };
  giveBack(address, address + bytes);
  auto of = reinterpret_cast<uint64_t>(writers + (address - base));
  giveBack(of, of + sizeof(uint32_t) * bytes);
  return true;
}

void GlobalMemory::registerHost(const void *pointer, size_t bytes) {
  std::lock_guard lock(mutex);
  host[reinterpret_cast<uint64_t>(pointer)] = bytes;
}

bool GlobalMemory::unregisterHost(const void *pointer) {
  std::lock_guard lock(mutex);
  return host.erase(reinterpret_cast<uint64_t>(pointer)) == 1;
}

// Blocks on several threads may touch the same bytes, so their states are read
// and written as atomics, whose order does not matter.

template <typename Test>
static bool allOf(const uint8_t *states, size_t bytes, Test test) {
  for (size_t i = 0; i < bytes; ++i)
    if (!test(__atomic_load_n(states + i, __ATOMIC_RELAXED)))
      return false;
  return true;
}

static bool areWritten(const uint8_t *states, size_t bytes) {
  // Accesses are of 1 to 32 bytes, and aligned to their size.
  if (bytes % 8 == 0 && reinterpret_cast<uintptr_t>(states) % 8 == 0) {
    constexpr uint64_t all = GlobalMemory::written * 0x0101010101010101;
    auto *words = reinterpret_cast<const uint64_t *>(states);
    for (size_t i = 0; i < bytes / 8; ++i)
      if (__atomic_load_n(words + i, __ATOMIC_RELAXED) != all)
        return false;
    return true;
  }
  if (bytes == 4 && reinterpret_cast<uintptr_t>(states) % 4 == 0)
    return __atomic_load_n(reinterpret_cast<const uint32_t *>(states),
                           __ATOMIC_RELAXED) ==
           GlobalMemory::written * 0x01010101u;
  return allOf(states, bytes,
               [](uint8_t state) { return state == GlobalMemory::written; });
}

bool GlobalMemory::isAllocated(uint64_t address, size_t bytes) const {
  if (address - base < reserved && bytes <= reserved - (address - base))
    return areWritten(states(address), bytes) ||
           allOf(states(address), bytes, [](uint8_t state) {
             return state == fresh || state == written;
           });
  std::lock_guard lock(mutex);
  auto after = host.upper_bound(address);
  if (after == host.begin())
    return false;
  --after;
  return address - after->first <= after->second &&
         bytes <= after->second - (address - after->first);
}

bool GlobalMemory::isWritten(uint64_t address, size_t bytes) const {
  return !contains(address) || areWritten(states(address), bytes);
}

void GlobalMemory::markWritten(uint64_t address, size_t bytes) {
  // Mostly they are already.
  if (!contains(address) || areWritten(states(address), bytes))
    return;
  uint8_t *state = states(address);
  for (size_t i = 0; i < bytes; ++i)
    __atomic_store_n(state + i, written, __ATOMIC_RELAXED);
}

uint32_t GlobalMemory::claim(uint64_t address, size_t bytes, uint32_t writer) {
  if (!contains(address))
    return 0;
  uint32_t other = 0, *of = writers + (address - base);
  for (size_t i = 0; i < bytes; ++i) {
    uint32_t before = __atomic_load_n(of + i, __ATOMIC_RELAXED);
    if (before == writer)
      continue;
    if (before)
      other = before;
    __atomic_store_n(of + i, writer, __ATOMIC_RELAXED);
  }
  return other;
}

bool GlobalMemory::find(uint64_t address, Allocation &found) const {
  std::lock_guard lock(mutex);
  auto after = allocations.upper_bound(address);
  if (after == allocations.begin())
    return false;
  found = std::prev(after)->second;
  return true;
}

std::string GlobalMemory::describe(uint64_t address) const {
  Allocation near;
  if (!contains(address))
    return "no memory of the device";
  if (!find(address, near))
    return "before all allocations";
  uint64_t offset = address - near.address;
  std::string what = fmt::format("the {} bytes at {:#x}{}", near.bytes,
                                 near.address, near.isFreed ? ", freed" : "");
  if (offset < near.bytes)
    return fmt::format("byte {} of {}", offset, what);
  return fmt::format("{} bytes behind the end of {}", offset - near.bytes,
                     what);
}

} // namespace attn_grid::sim
