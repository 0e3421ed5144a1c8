#ifndef AG_COMPILER_TARGET_HOSTCPU_H
#define AG_COMPILER_TARGET_HOSTCPU_H
/// What the machine that runs this process offers. Code is generated for it,
/// and never uses an instruction that it lacks.

#include "compiler/Conversion/ApproximateMath.h"
#include "compiler/Conversion/Cpu/LowerToVector.h"

#include <string>

namespace attn_grid::compiler {

struct HostCpu {
  std::string triple;
  std::string name;     // "znver4"
  std::string features; // "+avx512f,-amx-tile,..."
  cpu::VectorTarget vectors;
  ApproximateMathOptions math;
};

/// Asked once per process.
const HostCpu &hostCpu();

} // namespace attn_grid::compiler

#endif
