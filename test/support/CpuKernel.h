#ifndef AG_TEST_SUPPORT_CPUKERNEL_H
#define AG_TEST_SUPPORT_CPUKERNEL_H
/// Tile programs as text, compiled for this machine's CPU and loaded: the
/// compiler without its front end and the runtime.
///
///     CpuKernel kernel = compileForCpu(*module, hostVectors());
///     ASSERT_TRUE(kernel.entry) << kernel.error;
///     kernel.run(slots, /*programs=*/4);

#include "attn_grid/artifact.hpp"
#include "compiler/Conversion/Cpu/LowerToVector.h"

#include "mlir/IR/BuiltinOps.h"

namespace attn_grid::test {

/// A context that knows all dialects of the pipeline.
std::unique_ptr<mlir::MLIRContext> makePipelineContext();

/// What this machine offers; narrower vectors do too, and fewer products of
/// bf16. With a TileEmulator 32 of them do where 2 do.
compiler::cpu::VectorTarget hostVectors();

struct CpuKernel {
  Artifact::CpuEntry entry = nullptr;
  std::shared_ptr<void> code; // keeps `entry` alive
  size_t scratchBytes = 0;
  std::string error; // why there is no entry

  /// Runs programs 0 to `programs`; the number of an assert that failed, or 0.
  uint32_t run(llvm::ArrayRef<uint64_t> slots, uint32_t programs) const;
};

/// Compiles the only kernel of a module, which is consumed; without `optimize`
/// LLVM works as for -O0.
CpuKernel compileForCpu(mlir::ModuleOp module,
                        const compiler::cpu::VectorTarget &vectors,
                        bool optimize = true);

} // namespace attn_grid::test

#endif
