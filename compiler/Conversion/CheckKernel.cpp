#include "compiler/Conversion/CheckKernel.h"

#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace attn_grid::compiler {

static bool isElement(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return integer.isSignless() &&
           llvm::is_contained({1, 8, 16, 32, 64}, integer.getWidth());
  return isa<IndexType, Float16Type, BFloat16Type, Float32Type, Float64Type,
             Float8E4M3FNType, Float8E5M2Type>(type);
}

static LogicalResult checkType(Operation *op, Type type) {
  if (auto tile = dyn_cast<RankedTensorType>(type)) {
    if (!tile.hasStaticShape() || tile.getEncoding() ||
        !isElement(tile.getElementType()))
      return op->emitOpError("expected a tile of static shape and of scalars, "
                             "but got ")
             << type;
    return ir::verifyTile(op, "tile", type);
  }
  if (auto memref = dyn_cast<MemRefType>(type)) {
    if (isElement(memref.getElementType()))
      return success();
  } else if (isElement(type)) {
    return success();
  }
  return op->emitOpError("expected tiles, tensors and scalars, but got ")
         << type;
}

/// Is it an operation that lowerings may meet?
static bool isKnown(Operation *op) {
  if (isa<ir::AgDialect, arith::ArithDialect, math::MathDialect>(
          op->getDialect()))
    return true;
  return isa<scf::ForOp, scf::IfOp, scf::WhileOp, scf::YieldOp,
             scf::ConditionOp, memref::ReinterpretCastOp, memref::SubViewOp,
             memref::DimOp, tensor::SplatOp>(op);
}

static LogicalResult checkTensor(Operation *op, Value tensor) {
  Operation *maker = tensor.getDefiningOp();
  if (isa_and_nonnull<memref::ReinterpretCastOp, memref::SubViewOp>(maker))
    return success();
  return op->emitOpError("expected a tensor that memref.reinterpret_cast or "
                         "memref.subview made");
}

static LogicalResult checkMemory(Operation *op, Block *entry) {
  if (auto cast = dyn_cast<memref::ReinterpretCastOp>(op)) {
    auto argument = dyn_cast<BlockArgument>(cast.getSource());
    if (argument && argument.getOwner() == entry)
      return success();
    return op->emitOpError("expected an argument of the kernel");
  }
  for (Value operand : op->getOperands())
    if (isa<MemRefType>(operand.getType()) && failed(checkTensor(op, operand)))
      return failure();
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    auto index = dim.getConstantIndex();
    int64_t rank = cast<ShapedType>(dim.getSource().getType()).getRank();
    if (!index || *index < 0 || *index >= rank)
      return op->emitOpError("expected a constant dimension below ") << rank;
  }
  return success();
}

LogicalResult checkKernel(ir::KernelOp kernel) {
  auto hasOneBlock = [](Region &region) {
    return region.empty() || region.hasOneBlock();
  };
  if (!kernel.getBody().hasOneBlock())
    return kernel.emitOpError("expected a body of one block");
  Block *entry = &kernel.getBody().front();
  for (BlockArgument argument : entry->getArguments())
    if (failed(checkType(kernel, argument.getType())))
      return failure();
  WalkResult result = kernel.getBody().walk([&](Operation *op) {
    if (!isKnown(op))
      return op->emitOpError("is no operation of a kernel"),
             WalkResult::interrupt();
    for (Region &region : op->getRegions()) {
      if (!hasOneBlock(region))
        return op->emitOpError("expected regions of one block"),
               WalkResult::interrupt();
      for (BlockArgument argument : region.getArguments())
        if (isa<MemRefType>(argument.getType()) ||
            failed(checkType(op, argument.getType())))
          return op->emitOpError("expected tiles and scalars as arguments"),
                 WalkResult::interrupt();
    }
    for (Type type : op->getResultTypes())
      if (failed(checkType(op, type)))
        return WalkResult::interrupt();
    return failed(checkMemory(op, entry)) ? WalkResult::interrupt()
                                          : WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

} // namespace attn_grid::compiler
