#ifndef AG_COMPILER_TARGET_CODEGEN_H
#define AG_COMPILER_TARGET_CODEGEN_H
/// From the LLVM dialect to optimised LLVM IR, assembly or an object, for a
/// CPU.

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

namespace attn_grid::compiler {

struct CpuTarget;

/// What `generateCode` gives.
enum class CodeKind { llvm, assembly, object };

/// Translates, optimises and generates code for `module`, which holds only the
/// LLVM dialect.
llvm::Expected<llvm::SmallVector<char, 0>>
generateCode(mlir::ModuleOp module, const CpuTarget &cpu, CodeKind kind);

} // namespace attn_grid::compiler

#endif
