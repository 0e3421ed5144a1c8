#include "compiler/Target/CpuTarget.h"

#include "attn_grid/target.hpp"

#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"
#include "llvm/TargetParser/Triple.h"

namespace attn_grid::compiler {

static constexpr const char *x86Linux = "x86_64-unknown-linux-gnu";

// The vectors that the lowering uses on each kind of CPU.
static constexpr cpu::VectorTarget sse{
    .vectorBits = 128, .registers = 16, .fma = false};
static constexpr cpu::VectorTarget avx2{
    .vectorBits = 256, .registers = 16, .fma = true};
static constexpr cpu::VectorTarget avx512{
    .vectorBits = 512, .registers = 32, .fma = true};
static constexpr cpu::VectorTarget neon{
    .vectorBits = 128, .registers = 32, .fma = true};

static CpuTarget detect() {
  CpuTarget host;
  host.triple = llvm::sys::getProcessTriple();
  host.name = llvm::sys::getHostCPUName().str();
  llvm::StringMap<bool> has = llvm::sys::getHostCPUFeatures();
  llvm::SubtargetFeatures features;
  for (const auto &feature : has)
    features.AddFeature(feature.first(), feature.second);
  host.features = features.getString();

  llvm::Triple triple(host.triple);
  if (triple.isX86()) {
    host.math.avx512 = has.lookup("avx512f") && has.lookup("avx512dq") &&
                       has.lookup("avx512vl") && has.lookup("avx512bw");
    host.vectors = host.math.avx512 ? avx512 : has.lookup("avx2") ? avx2 : sse;
    host.vectors.fma = has.lookup("fma");
    host.vectors.bf16Products = machine_runs("x86-64-v4-amx")    ? 32
                                : machine_runs("x86-64-v4-bf16") ? 2
                                                                 : 1;
  } else if (triple.isAArch64()) {
    host.vectors = neon;
  }
  return host;
}

const CpuTarget &hostCpu() {
  static const CpuTarget host = detect();
  return host;
}

/// AVX-512 with instructions for dots of bf16.
static CpuTarget withBf16(const char *features, int64_t products) {
  CpuTarget cpu{x86Linux, "x86-64-v4", features, avx512, {.avx512 = true}};
  cpu.vectors.bf16Products = products;
  return cpu;
}

const CpuTarget *findCpu(std::string_view arch) {
  if (arch == "native")
    return &hostCpu();
  static const CpuTarget level1{x86Linux, "x86-64", "", sse, {.avx512 = false}};
  static const CpuTarget level3{
      x86Linux, "x86-64-v3", "", avx2, {.avx512 = false}};
  static const CpuTarget level4{
      x86Linux, "x86-64-v4", "", avx512, {.avx512 = true}};
  static const CpuTarget bf16 = withBf16("+avx512bf16", 2);
  static const CpuTarget amx = withBf16("+avx512bf16,+amx-tile,+amx-bf16", 32);
  static const CpuTarget arm{
      "aarch64-unknown-linux-gnu", "generic", "", neon, {.avx512 = false}};
  return arch == "x86-64"           ? &level1
         : arch == "x86-64-v3"      ? &level3
         : arch == "x86-64-v4"      ? &level4
         : arch == "x86-64-v4-bf16" ? &bf16
         : arch == "x86-64-v4-amx"  ? &amx
         : arch == "aarch64"        ? &arm
                                    : nullptr;
}

} // namespace attn_grid::compiler
