#ifndef AG_COMPILER_TARGET_NVPTXCODEGEN_H
#define AG_COMPILER_TARGET_NVPTXCODEGEN_H
/// From the LLVM dialect to optimised LLVM IR, PTX or a cubin.

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

#include <memory>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace attn_grid::compiler {

struct GpuArch;

/// What `generateGpuCode` gives. A cubin takes `ptxas`, from the PATH or
/// /usr/local/cuda/bin.
enum class GpuCodeKind { llvm, ptx, cubin };

/// Translates, optimises and generates code for `module`, which holds only the
/// LLVM dialect.
llvm::Expected<llvm::SmallVector<char, 0>>
generateGpuCode(mlir::ModuleOp module, const GpuArch &arch, GpuCodeKind kind);

/// The first half of it: optimised LLVM IR.
llvm::Expected<std::unique_ptr<llvm::Module>>
translateToLLVM(mlir::ModuleOp module, const GpuArch &arch,
                llvm::LLVMContext &context);

/// The second half: PTX or a cubin for optimised LLVM IR.
llvm::Expected<llvm::SmallVector<char, 0>>
writeGpuCode(llvm::Module &code, const GpuArch &arch, GpuCodeKind kind);

} // namespace attn_grid::compiler

#endif
