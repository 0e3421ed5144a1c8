#ifndef AG_COMPILER_FRONTEND_DIFFERENTIATE_H
#define AG_COMPILER_FRONTEND_DIFFERENTIATE_H
/// Forward-mode derivatives of elementwise code.

#include "compiler/Frontend/Types.h"

#include "mlir/IR/Builders.h"

#include <string>

namespace attn_grid::compiler {

/// What `differentiate` gives: a tangent, or why there is none.
struct Derivative {
  mlir::Value value;   // of the type of the value that was asked for
  mlir::Operation *op; // what has no derivative, if `value` is null
  std::string problem; // "a loop", "`sum`"
};

/// The derivative of `value` by `origin`, element by element, as operations at
/// the builder's insertion point. Everything between them stands in the block
/// that defines `origin`, after it. All that does not come from `origin` is
/// constant; where a function has a kink or a step, its derivative is 0.
Derivative differentiate(mlir::OpBuilder &builder, mlir::Value value,
                         mlir::Value origin);

} // namespace attn_grid::compiler

#endif
