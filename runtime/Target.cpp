#include "attn_grid/target.hpp"
#include "attn_grid/error.hpp"
#include "runtime/OutOfMemory.h"
#include "runtime/Text.h"
#include <algorithm>
#include <fmt/format.h>

namespace attn_grid {

const std::vector<std::string> &cpu_archs() {
  // The x86-64 levels are those of its psABI: v3 has AVX2 and FMA, v4 the
  // usual parts of AVX-512. To those come its dot products of bf16, and AMX
  // with its own.
  static const std::vector<std::string> archs{"x86-64",        "x86-64-v3",
                                              "x86-64-v4",     "x86-64-v4-bf16",
                                              "x86-64-v4-amx", "aarch64"};
  return archs;
}

const std::vector<std::string> &ptx_archs() {
  static const std::vector<std::string> archs{
      "sm_80", "sm_86", "sm_89", "sm_90", "sm_90a", "sm_100a", "sm_120"};
  return archs;
}

std::string to_string(const Target &target) try {
  if (target.kind == Target::Kind::ptx)
    return target.arch;
  return target.arch == "native" ? "cpu" : "cpu:" + target.arch;
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

Target parse_target(std::string_view text) try {
  std::vector<Target> targets{{}};
  for (const std::string &arch : cpu_archs())
    targets.push_back({Target::Kind::cpu, arch});
  for (const std::string &arch : ptx_archs())
    targets.push_back({Target::Kind::ptx, arch});
  if (text == "cpu:native")
    return targets[0];
  std::vector<std::string> names;
  for (const Target &target : targets) {
    names.push_back(to_string(target));
    if (names.back() == text)
      return target;
  }
  throw KeyError(fmt::format(
      "no target is called `{}`{}\nthere are cpu (this machine), {}",
      text.substr(0, 64), detail::suggest(text, names),
      fmt::join(names.begin() + 1, names.end(), ", ")));
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

} // namespace attn_grid
