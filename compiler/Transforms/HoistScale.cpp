// Moves a scale from the product of two tiles to one of them.
//
// An attention kernel scales its scores inside the loop over keys: one multiply
// for each of BM x BN scores, in every iteration. The query tile has BM x D
// elements and stays the same for the whole loop, so scaling it once, before
// the loop, costs next to nothing.

#include "compiler/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace attn_grid::compiler {

#define GEN_PASS_DEF_HOISTSCALE
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// The factor of every element of `tile`, as a scalar or as a constant; null
/// if the elements differ.
struct Scale {
  Value scalar;
  Attribute constant;

  explicit operator bool() const { return scalar || constant; }
};

/// What must move to before `loop` so that `value` is known there. Fails if
/// something has an effect, or depends on the loop itself.
LogicalResult collectBefore(LoopLikeOpInterface loop, Value value,
                            llvm::SetVector<Operation *> &moves) {
  if (loop.isDefinedOutsideOfLoop(value))
    return success();
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumRegions() != 0 || !isPure(op))
    return failure();
  if (moves.contains(op))
    return success();
  // A scale is a few scalar operations; more is not worth the walk.
  if (moves.size() >= 32)
    return failure();
  for (Value operand : op->getOperands())
    if (failed(collectBefore(loop, operand, moves)))
      return failure();
  moves.insert(op); // after what it uses
  return success();
}

/// mulf(dot(q, kt, 0), splat(c)) -> dot(mulf(q, splat(c)), kt, 0), where a loop
/// changes neither q nor c; the new multiply goes to before that loop. Likewise
/// if the loop leaves kt alone.
struct HoistScaleOfDot : OpRewritePattern<arith::MulFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::MulFOp product,
                                PatternRewriter &rewriter) const override {
    for (auto [scores, factor] : {std::pair(product.getLhs(), product.getRhs()),
                                  {product.getRhs(), product.getLhs()}}) {
      auto dot = scores.getDefiningOp<ir::DotOp>();
      Scale scale = findScale(factor);
      if (dot && scale)
        return rewrite(product, dot, scale, rewriter);
    }
    return rewriter.notifyMatchFailure(product, "not a dot times a scalar");
  }

private:
  static Scale findScale(Value factor) {
    SplatElementsAttr constant;
    if (matchPattern(factor, m_Constant(&constant)))
      return {nullptr, constant.getSplatValue<Attribute>()};
    if (auto splat = factor.getDefiningOp<tensor::SplatOp>())
      return {splat.getInput(), nullptr};
    return {};
  }

  static LogicalResult rewrite(arith::MulFOp product, ir::DotOp dot,
                               Scale scale, PatternRewriter &rewriter) {
    auto element =
        cast<RankedTensorType>(dot.getLhs().getType()).getElementType();
    if (!element.isF32() && !element.isF64())
      return rewriter.notifyMatchFailure(
          dot, "a 16-bit operand would be rounded again");
    if (!dot.getResult().hasOneUse())
      return rewriter.notifyMatchFailure(dot, "scores are used unscaled");
    if (!matchPattern(dot.getAcc(), m_AnyZeroFloat()))
      return rewriter.notifyMatchFailure(dot, "adds to an accumulator");
    for (OpOperand &side :
         {std::ref(dot.getLhsMutable()), std::ref(dot.getRhsMutable())})
      if (succeeded(scaleOperand(dot, side, scale, rewriter))) {
        rewriter.replaceOp(product, dot.getResult());
        return success();
      }
    return rewriter.notifyMatchFailure(
        dot, "no loop leaves the scale and an operand alone");
  }

  static LogicalResult scaleOperand(ir::DotOp dot, OpOperand &side, Scale scale,
                                    PatternRewriter &rewriter) {
    // As far out as both are known.
    LoopLikeOpInterface target;
    llvm::SetVector<Operation *> moves;
    for (auto loop = dot->getParentOfType<LoopLikeOpInterface>(); loop;
         loop = loop->getParentOfType<LoopLikeOpInterface>()) {
      llvm::SetVector<Operation *> needed;
      if (!loop.isDefinedOutsideOfLoop(side.get()) ||
          (scale.scalar && failed(collectBefore(loop, scale.scalar, needed))))
        break;
      target = loop;
      moves = needed;
    }
    if (!target)
      return failure();
    for (Operation *op : moves)
      rewriter.moveOpBefore(op, target);
    rewriter.setInsertionPoint(target);
    auto type = cast<RankedTensorType>(side.get().getType());
    Value factor;
    if (scale.constant)
      factor = arith::ConstantOp::create(
          rewriter, dot.getLoc(), SplatElementsAttr::get(type, scale.constant));
    else
      factor = tensor::SplatOp::create(rewriter, dot.getLoc(), type,
                                       scale.scalar, ValueRange());
    Value scaled =
        arith::MulFOp::create(rewriter, dot.getLoc(), side.get(), factor);
    rewriter.modifyOpInPlace(dot, [&] { side.set(scaled); });
    return success();
  }
};

struct HoistScale : impl::HoistScaleBase<HoistScale> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<HoistScaleOfDot>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace attn_grid::compiler
