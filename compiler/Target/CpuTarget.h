#ifndef AG_COMPILER_TARGET_CPUTARGET_H
#define AG_COMPILER_TARGET_CPUTARGET_H
/// What a CPU offers to the code that is made for it. Code never uses an
/// instruction that it lacks.

#include "compiler/Conversion/ApproximateMath.h"
#include "compiler/Conversion/Cpu/LowerToVector.h"

#include <string>
#include <string_view>

namespace attn_grid::compiler {

struct CpuTarget {
  std::string triple;
  std::string name;     // "znver4"
  std::string features; // "+avx512f,-amx-tile,..."
  cpu::VectorTarget vectors;
  ApproximateMathOptions math;
  bool optimize = true; ///< shall LLVM?
};

/// The machine that runs this process. Asked once per process.
const CpuTarget &hostCpu();

/// The CPU of a target (`Target::arch` of kind cpu), or null if there is none
/// of that name.
const CpuTarget *findCpu(std::string_view arch);

} // namespace attn_grid::compiler

#endif
