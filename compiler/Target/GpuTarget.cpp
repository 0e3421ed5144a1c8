#include "compiler/Target/GpuTarget.h"

#include <array>

namespace attn_grid::compiler {

// Shared memory: the most that one block may have, CUDA C++ programming guide,
// "Technical specifications per compute capability". PTX versions: the first
// that knows the architecture, 7.8 at least.
static GpuArch make(const char *name, const char *features, int64_t capability,
                    int64_t sharedKilobytes) {
  GpuArch arch{name, features, {}};
  arch.threads.capability = capability;
  arch.threads.warpgroups = arch.name == "sm_90a";
  arch.threads.boxes = gpu::copiesBoxes(capability);
  arch.threads.sharedLimit = sharedKilobytes * 1024;
  return arch;
}

const GpuArch *findGpu(std::string_view name) {
  static const std::array archs{
      make("sm_80", "+ptx78", 80, 163),  make("sm_86", "+ptx78", 86, 99),
      make("sm_89", "+ptx78", 89, 99),   make("sm_90", "+ptx78", 90, 227),
      make("sm_90a", "+ptx80", 90, 227), make("sm_100a", "+ptx86", 100, 227),
      make("sm_120", "+ptx87", 120, 99),
  };
  for (const GpuArch &arch : archs)
    if (arch.name == name)
      return &arch;
  return nullptr;
}

} // namespace attn_grid::compiler
