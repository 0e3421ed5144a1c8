#include "dialect/AgOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "dialect/AgDialect.cpp.inc"

#include "dialect/AgEnums.cpp.inc"

using namespace mlir;

namespace attn_grid::ir {

void AgDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialect/AgOps.cpp.inc"
      >();
}

Operation *AgDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                          Type type, Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

void registerTileDialects(DialectRegistry &registry) {
  registry
      .insert<AgDialect, arith::ArithDialect, math::MathDialect,
              memref::MemRefDialect, scf::SCFDialect, tensor::TensorDialect>();
}

} // namespace attn_grid::ir

#define GET_OP_CLASSES
#include "dialect/AgOps.cpp.inc"
