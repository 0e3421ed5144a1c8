// 8-bit floats become bytes: loads and stores move those, casts are arithmetic
// on the bits, and factors of a dot are f16, which holds each of them exactly.

#include "compiler/Conversion/Passes.h"
#include "compiler/Conversion/SmallFloatMath.h"
#include "dialect/AgOps.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace attn_grid::compiler {

#define GEN_PASS_DEF_EIGHTBITFLOATS
#include "compiler/Conversion/Passes.h.inc"

using namespace ir;

namespace {

bool isEight(Type type) { return isEightBitFloat(getElementTypeOrSelf(type)); }

/// The type with bytes in the place of 8-bit floats.
Type withBytes(Type type) {
  if (!isEight(type))
    return type;
  Type byte = IntegerType::get(type.getContext(), 8);
  if (auto tile = dyn_cast<RankedTensorType>(type))
    return tile.clone(byte);
  if (auto tensor = dyn_cast<MemRefType>(type))
    return MemRefType::Builder(tensor).setElementType(byte);
  return byte;
}

/// The type with another element.
Type withElement(Type type, Type element) {
  auto shaped = dyn_cast<ShapedType>(type);
  return shaped ? Type(shaped.clone(element)) : element;
}

/// Operations that only move elements.
bool onlyMoves(Operation *op) {
  return isa<LoadOp, StoreOp, GatherOp, ScatterOp, BroadcastOp, TransposeOp,
             ReshapeOp, arith::ConstantOp, arith::SelectOp, arith::BitcastOp,
             tensor::SplatOp, memref::ReinterpretCastOp, memref::SubViewOp,
             scf::ForOp, scf::IfOp, scf::WhileOp, scf::YieldOp,
             scf::ConditionOp, scf::IndexSwitchOp>(op);
}

/// `value`, of 8-bit floats, as wider ones. A byte stands where it stood once
/// types are changed.
Value extended(ImplicitLocOpBuilder &b, Value value, Type element) {
  Type single = withElement(value.getType(), b.getF32Type());
  FloatEmitter e(b, b.getLoc(), single);
  Value byte = arith::BitcastOp::create(b, withBytes(value.getType()), value);
  Value wide = valueOfEight(e, byte, getElementTypeOrSelf(value.getType()));
  Type result = withElement(single, element);
  if (element.isF32())
    return wide;
  return element.isF64() ? Value(arith::ExtFOp::create(b, result, wide))
                         : Value(arith::TruncFOp::create(b, result, wide));
}

Value truncated(ImplicitLocOpBuilder &b, Value value, Type type) {
  Type single = withElement(type, b.getF32Type());
  Type element = getElementTypeOrSelf(type);
  if (getElementTypeOrSelf(value.getType()).isF64())
    value = arith::TruncFOp::create(b, single, value);
  else if (value.getType() != single)
    value = arith::ExtFOp::create(b, single, value);
  FloatEmitter e(b, b.getLoc(), single);
  Value byte = byteOfEight(e, roundToEight(e, value, element), element);
  return arith::BitcastOp::create(b, type, byte);
}

struct EightBitFloatsPass : impl::EightBitFloatsBase<EightBitFloatsPass> {
  void runOnOperation() override {
    KernelOp kernel = getOperation();
    SmallVector<Operation *> users;
    kernel->walk([&](Operation *op) {
      if (op != kernel && (llvm::any_of(op->getOperandTypes(), isEight) ||
                           llvm::any_of(op->getResultTypes(), isEight)))
        users.push_back(op);
    });
    if (users.empty() && llvm::none_of(kernel.getArgumentTypes(), isEight))
      return;
    for (Operation *op : users)
      if (failed(takeApart(op)))
        return signalPassFailure();
    changeTypes(kernel);
  }

  /// Replaces what computes with 8-bit floats.
  LogicalResult takeApart(Operation *op) {
    ImplicitLocOpBuilder b(op->getLoc(), op);
    if (isa<arith::ExtFOp>(op)) {
      op->getResult(0).replaceAllUsesWith(
          extended(b, op->getOperand(0),
                   getElementTypeOrSelf(op->getResult(0).getType())));
      op->erase();
    } else if (isa<arith::TruncFOp>(op) &&
               !isEight(op->getOperand(0).getType())) {
      op->getResult(0).replaceAllUsesWith(
          truncated(b, op->getOperand(0), op->getResult(0).getType()));
      op->erase();
    } else if (auto dot = dyn_cast<DotOp>(op)) {
      dot.getLhsMutable().assign(extended(b, dot.getLhs(), b.getF16Type()));
      dot.getRhsMutable().assign(extended(b, dot.getRhs(), b.getF16Type()));
    } else if (!onlyMoves(op)) {
      return op->emitError("8-bit floats only load, store, cast and dot");
    }
    return success();
  }

  void changeTypes(KernelOp kernel) {
    SmallVector<arith::BitcastOp> casts;
    kernel->walk([&](Operation *op) {
      for (Value result : op->getResults())
        result.setType(withBytes(result.getType()));
      for (Region &region : op->getRegions())
        for (Block &block : region)
          for (BlockArgument argument : block.getArguments())
            argument.setType(withBytes(argument.getType()));
      if (auto literal = dyn_cast<arith::ConstantOp>(op))
        changeLiteral(literal);
      if (auto cast = dyn_cast<arith::BitcastOp>(op))
        casts.push_back(cast);
    });
    for (arith::BitcastOp cast : casts)
      if (cast.getIn().getType() == cast.getType()) {
        cast.replaceAllUsesWith(cast.getIn());
        cast.erase();
      }
    SmallVector<Type> types =
        llvm::map_to_vector(kernel.getArgumentTypes(), withBytes);
    kernel.setFunctionType(FunctionType::get(&getContext(), types, {}));
  }

  void changeLiteral(arith::ConstantOp literal) {
    Type byte = IntegerType::get(&getContext(), 8);
    if (auto dense = dyn_cast<DenseElementsAttr>(literal.getValue())) {
      if (isEightBitFloat(dense.getElementType()))
        literal.setValueAttr(dense.bitcast(byte));
    } else if (auto number = dyn_cast<FloatAttr>(literal.getValue())) {
      if (isEightBitFloat(number.getType()))
        literal.setValueAttr(
            IntegerAttr::get(byte, number.getValue().bitcastToAPInt()));
    }
  }
};

} // namespace

} // namespace attn_grid::compiler
