#ifndef AG_DIALECT_AGOPS_H
#define AG_DIALECT_AGOPS_H
/// The `ag` dialect: the one header that its clients include.

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialect/AgDialect.h.inc"
#include "dialect/AgEnums.h.inc"

#define GET_OP_CLASSES
#include "dialect/AgOps.h.inc"

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace attn_grid::ir {

/// Of a load or store: the dimensions along which all its elements are known to
/// lie inside the tensor.
inline constexpr llvm::StringLiteral insideAttr = "ag.inside";

/// Registers `ag` and the upstream dialects that tile programs are made of.
void registerTileDialects(mlir::DialectRegistry &registry);
} // namespace attn_grid::ir

#endif
