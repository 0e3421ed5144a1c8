// Replaces the `math` ops that would become library calls. A call costs
// hundreds of cycles per vector (LLVM calls once per lane) and keeps the
// loop's vectors out of registers; the polynomials cost 7 to 30 instructions.
//
// What machines have as an instruction stays: sqrt floor ceil trunc roundeven
// absf copysign fma. (On x86 before AVX2 `fma` itself is a library call:
// right, but slow.)

#include "compiler/Conversion/ApproximateMath.h"

#include "compiler/Conversion/ElementaryFunctions.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

using namespace mlir;

namespace attn_grid::compiler {

#define GEN_PASS_DEF_APPROXIMATEMATH
#include "compiler/Conversion/Passes.h.inc"

Value emitRsqrt(FloatEmitter &e, Value x) {
  Value root = math::SqrtOp::create(e.builder(), e.loc(), x);
  return e.div(e.constant(1), root);
}

Value emitRound(FloatEmitter &e, Value x) {
  // The largest number below 1/2: with 1/2 itself, 0.49999997 would round up
  // to 1 in the sum.
  Value half = e.constant(e.pick(0.49999997, 0.49999999999999994));
  Value sum = e.add(x, e.copySign(half, x));
  return math::TruncOp::create(e.builder(), e.loc(), sum);
}

namespace {
/// math.function(x) -> arithmetic. Floats narrower than f32 compute in f32.
template <typename Op> class Approximate : public OpRewritePattern<Op> {
public:
  Approximate(MLIRContext *context,
              std::function<Value(FloatEmitter &, Value)> emit)
      : OpRewritePattern<Op>(context), emit(std::move(emit)) {}

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    Type type = op.getType();
    auto vector = dyn_cast<VectorType>(type);
    if (isa<ShapedType>(type) && !vector)
      return rewriter.notifyMatchFailure(op, "neither a scalar nor a vector");
    Type element = getElementTypeOrSelf(type);
    bool narrow = element.getIntOrFloatBitWidth() < 32;
    if (!narrow && !element.isF32() && !element.isF64())
      return rewriter.notifyMatchFailure(op, "no approximation for this type");

    Value x = op.getOperand();
    if (narrow) {
      Type single = rewriter.getF32Type();
      Type wider = vector ? Type(vector.clone(single)) : single;
      x = arith::ExtFOp::create(rewriter, op.getLoc(), wider, x);
    }
    FloatEmitter emitter(rewriter, op.getLoc(), x.getType());
    Value result = emit(emitter, x);
    if (narrow)
      result = arith::TruncFOp::create(rewriter, op.getLoc(), type, result);
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  std::function<Value(FloatEmitter &, Value)> emit;
};

struct ApproximateMath : impl::ApproximateMathBase<ApproximateMath> {
  using ApproximateMathBase::ApproximateMathBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateApproximateMathPatterns(patterns, {avx512});
    walkAndApplyPatterns(getOperation(), std::move(patterns));
    // LLVM would estimate reciprocals, for which 1 / 0 is NaN.
    getOperation()->walk([](arith::DivFOp op) {
      op.setFastmath(op.getFastmath() & ~arith::FastMathFlags::arcp);
    });
  }
};
} // namespace

void populateApproximateMathPatterns(RewritePatternSet &patterns,
                                     const ApproximateMathOptions &options) {
  MLIRContext *context = patterns.getContext();
  patterns.add<Approximate<math::CosOp>>(context, emitCos);
  patterns.add<Approximate<math::ErfOp>>(context, emitErf);
  patterns.add<Approximate<math::ExpOp>>(
      context,
      [=](FloatEmitter &e, Value x) { return emitExp(e, x, options); });
  patterns.add<Approximate<math::Exp2Op>>(
      context,
      [=](FloatEmitter &e, Value x) { return emitExp2(e, x, options); });
  patterns.add<Approximate<math::LogOp>>(context, emitLog);
  patterns.add<Approximate<math::Log2Op>>(context, emitLog2);
  patterns.add<Approximate<math::RoundOp>>(context, emitRound);
  patterns.add<Approximate<math::RsqrtOp>>(context, emitRsqrt);
  patterns.add<Approximate<math::SinOp>>(context, emitSin);
  patterns.add<Approximate<math::TanhOp>>(context, emitTanh);
}

} // namespace attn_grid::compiler
