#include "compiler/Target/HostCpu.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"
#include "llvm/TargetParser/Triple.h"

namespace attn_grid::compiler {

static HostCpu detect() {
  HostCpu host;
  host.triple = llvm::sys::getProcessTriple();
  host.name = llvm::sys::getHostCPUName().str();
  llvm::StringMap<bool> has = llvm::sys::getHostCPUFeatures();
  llvm::SubtargetFeatures features;
  for (const auto &feature : has)
    features.AddFeature(feature.first(), feature.second);
  host.features = features.getString();

  llvm::Triple triple(host.triple);
  if (triple.isX86()) {
    bool avx512 = has.lookup("avx512f") && has.lookup("avx512dq") &&
                  has.lookup("avx512vl") && has.lookup("avx512bw");
    bool avx = has.lookup("avx2");
    host.vectors.vectorBits = avx512 ? 512 : avx ? 256 : 128;
    host.vectors.registers = avx512 ? 32 : 16;
    host.vectors.fma = has.lookup("fma");
    host.math.avx512 = avx512;
  } else if (triple.isAArch64()) {
    host.vectors = {.vectorBits = 128, .registers = 32, .fma = true};
  }
  return host;
}

const HostCpu &hostCpu() {
  static const HostCpu host = detect();
  return host;
}

} // namespace attn_grid::compiler
