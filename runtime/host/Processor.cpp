#include "runtime/host/Processor.h"
#include "attn_grid/target.hpp"
#include <fmt/format.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace attn_grid::detail {

#if defined(__x86_64__)
static uint64_t enabled_state() {
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t(high) << 32 | low;
}

static std::string ask() {
  std::string text = "x86_64";
  auto add = [&](uint32_t leaf, uint32_t sub, uint32_t keep_b = ~0u) {
    uint32_t a = 0, b = 0, c = 0, d = 0;
    __get_cpuid_count(leaf, sub, &a, &b, &c, &d);
    text += fmt::format(" {:x}.{:x}.{:x}.{:x}", a, b & keep_b, c, d);
    return c;
  };
  add(0, 0); // the vendor
  // In leaf 1, b holds the number of the core.
  uint32_t features = add(1, 0, 0);
  add(7, 0);
  add(7, 1);
  add(0xd, 1, 0); // b: the size of what is saved, which is not about code
  add(0x14, 0);
  add(0x19, 0);
  add(0x24, 0);
  add(0x80000001, 0, 0);
  add(0x80000008, 0);
  // The system must save the wide registers, too.
  constexpr uint32_t xgetbv_there = 1u << 27;
  text += fmt::format(" {:x}",
                      features & xgetbv_there ? enabled_state() : uint64_t(0));
  if (machine_runs("x86-64-v4-amx"))
    text += " amx";
  return text;
}
#else
// Objects are loaded on x86-64 alone so far.
static std::string ask() { return {}; }
#endif

const std::string &processor() {
  static const std::string text = ask();
  return text;
}

} // namespace attn_grid::detail
