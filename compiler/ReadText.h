#ifndef AG_COMPILER_READTEXT_H
#define AG_COMPILER_READTEXT_H
/// Text of MLIR, as `agc compile --emit` writes it or anybody else.

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace attn_grid::compiler {

/// The verified module, or null and a diagnostic. `name` is what messages call
/// the text. What the parser of MLIR 22 does not survive is refused before.
mlir::OwningOpRef<mlir::ModuleOp> readText(llvm::StringRef text,
                                           llvm::StringRef name,
                                           mlir::MLIRContext &context);

} // namespace attn_grid::compiler

#endif
