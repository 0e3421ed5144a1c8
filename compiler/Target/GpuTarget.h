#ifndef AG_COMPILER_TARGET_GPUTARGET_H
#define AG_COMPILER_TARGET_GPUTARGET_H
/// What an NVIDIA GPU offers to the code that is made for it.

#include "compiler/Conversion/Gpu/LowerToThreads.h"

#include <string>
#include <string_view>

namespace attn_grid::compiler {

struct GpuArch {
  std::string name;     ///< "sm_90a"
  std::string features; ///< the version of PTX, as LLVM spells it
  gpu::GpuTarget threads;
};

/// The GPU of a target (`Target::arch` of kind ptx), or null if there is none
/// of that name.
const GpuArch *findGpu(std::string_view arch);

} // namespace attn_grid::compiler

#endif
