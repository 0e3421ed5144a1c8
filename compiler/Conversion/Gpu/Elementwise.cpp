// One operation on scalars. 16-bit floats compute in f32 and round
// (language.md, "Numbers"); functions that the special-function unit has are
// taken from there where its error allows.

#include "compiler/Conversion/Gpu/ThreadEmitter.h"

#include "compiler/Conversion/Gpu/Intrinsics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

static bool isHalf(Type type) { return type.isF16() || type.isBF16(); }

static Value constant(ImplicitLocOpBuilder &b, double value) {
  return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
}

/// ex2.approx: 2 ulp, the ends right, subnormals are 0.
static Value exp2Single(ImplicitLocOpBuilder &b, Value x) {
  return callIntrinsic(b, "llvm.nvvm.ex2.approx.ftz.f32", b.getF32Type(), x);
}

/// e^x = 2^(x log2 e). The product's rounding error, which grows with x, is
/// made good by a multiplication with 2^error = 1 + error ln 2.
static Value expSingle(ImplicitLocOpBuilder &b, Value x) {
  const double log2eHigh = 1.44269502, log2eLow = 1.92596303e-08;
  Value t = arith::MulFOp::create(b, x, constant(b, log2eHigh));
  Value minus = arith::NegFOp::create(b, t);
  Value error = math::FmaOp::create(b, x, constant(b, log2eHigh), minus);
  error = math::FmaOp::create(b, x, constant(b, log2eLow), error);
  Value power = exp2Single(b, t);
  Value change =
      arith::MulFOp::create(b, error, constant(b, 0.693147180559945309));
  Value result = math::FmaOp::create(b, power, change, power);
  // At 0, infinity and beyond `error` means nothing.
  Value magnitude = math::AbsFOp::create(b, t);
  Value finite = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, magnitude,
                                       constant(b, 127.0));
  return arith::SelectOp::create(b, finite, result, power);
}

/// lg2.approx: 2^-22, absolute near 1, else relative.
static Value log2Single(ImplicitLocOpBuilder &b, Value x) {
  return callIntrinsic(b, "llvm.nvvm.lg2.approx.ftz.f", b.getF32Type(), x);
}

/// rcp.approx: 1 ulp, the ends right, subnormals are 0.
static Value reciprocal(ImplicitLocOpBuilder &b, Value x) {
  return callIntrinsic(b, "llvm.nvvm.rcp.approx.ftz.f", b.getF32Type(), x);
}

/// `op` on scalars that are not 16-bit floats.
static Value emitScalar(ImplicitLocOpBuilder &b, Operation *op,
                        ArrayRef<Value> operands, Type result) {
  if (result.isF32()) {
    if (auto ratio = dyn_cast<arith::DivFOp>(op);
        ratio &&
        bitEnumContainsAny(ratio.getFastmath(), arith::FastMathFlags::arcp))
      return arith::MulFOp::create(b, operands[0], reciprocal(b, operands[1]));
    if (isa<math::Exp2Op>(op))
      return exp2Single(b, operands[0]);
    if (isa<math::ExpOp>(op))
      return expSingle(b, operands[0]);
    if (isa<math::Log2Op>(op))
      return log2Single(b, operands[0]);
    if (isa<math::LogOp>(op))
      return arith::MulFOp::create(b, log2Single(b, operands[0]),
                                   constant(b, 0.693147180559945309));
    // As PTX, or LLVM would make one choice for each part of the condition,
    // while a comparison takes another's outcome along for nothing.
    if (isa<arith::SelectOp>(op) && operands[0].getDefiningOp<arith::AndIOp>())
      return inlinePtx(b, "selp.f32 $0, $1, $2, $3;", "=f,f,f,b", result,
                       {operands[1], operands[2], operands[0]},
                       /*sideEffects=*/false);
  }
  OperationState state(b.getLoc(), op->getName());
  state.addOperands(operands);
  state.addTypes(result);
  state.addAttributes(op->getAttrs());
  return b.create(state)->getResult(0);
}

Value ThreadEmitter::elementwise(Operation *op, ArrayRef<Value> operands) {
  StringRef dialect = op->getName().getDialectNamespace();
  Type result = getElementTypeOrSelf(op->getResult(0).getType());
  if ((dialect != "arith" && dialect != "math") || op->getNumRegions()) {
    fail(op, "this operation is not supported on GPUs yet");
    return zeroOf(result);
  }
  if (isa<arith::SelectOp, arith::BitcastOp, arith::ExtFOp, arith::TruncFOp>(
          op)) {
    if (operands.size() == 1 && operands[0].getType() == result)
      return operands[0];
    return emitScalar(b, op, operands, result);
  }
  SmallVector<Value> wide;
  for (Value operand : operands)
    wide.push_back(isHalf(operand.getType()) ? Value(arith::ExtFOp::create(
                                                   b, b.getF32Type(), operand))
                                             : operand);
  if (!isHalf(result))
    return emitScalar(b, op, wide, result);
  Value value = emitScalar(b, op, wide, b.getF32Type());
  return arith::TruncFOp::create(b, result, value);
}

} // namespace attn_grid::compiler::gpu
