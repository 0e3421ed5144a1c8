#ifndef AG_COMPILER_TARGET_CODEGEN_H
#define AG_COMPILER_TARGET_CODEGEN_H
/// From the LLVM dialect to optimised LLVM IR, assembly or an object, for a
/// CPU.

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

#include <memory>

namespace llvm {
class LLVMContext;
class Module;
class TargetMachine;
} // namespace llvm

namespace attn_grid::compiler {

struct CpuTarget;

/// What `generateCode` gives.
enum class CodeKind { llvm, assembly, object };

/// Translates, optimises and generates code for `module`, which holds only the
/// LLVM dialect.
llvm::Expected<llvm::SmallVector<char, 0>>
generateCode(mlir::ModuleOp module, const CpuTarget &cpu, CodeKind kind);

/// The first half of it: optimised LLVM IR. Each function says for which CPU it
/// is, so that modules for several may be linked into one.
llvm::Expected<std::unique_ptr<llvm::Module>>
translateToLLVM(mlir::ModuleOp module, const CpuTarget &cpu,
                llvm::LLVMContext &context);

/// The second half. Functions that do not say otherwise are made for `cpu`.
llvm::Expected<llvm::SmallVector<char, 0>>
writeCode(llvm::Module &code, const CpuTarget &cpu, CodeKind kind);

/// Runs LLVM's passes that do not depend on the kind of machine.
void optimizeModule(llvm::Module &module, llvm::TargetMachine &machine);

} // namespace attn_grid::compiler

#endif
