// Moves a scale from the product of two tiles to one of them.
//
// An attention kernel scales its scores inside the loop over keys: one multiply
// for each of BM x BN scores, in every iteration. The query tile has BM x D
// elements and stays the same for the whole loop, so scaling it once, before
// the loop, costs next to nothing.
//
// A 16-bit query would be rounded again, so of its scale only the sign moves,
// which is exact. Then the scale is positive, and a softmax may take the
// largest score before scaling, and mask before too: what is left of the
// multiply becomes part of the subtraction in front of the exponential.

#include "compiler/Analysis/MaskedZeros.h"
#include "compiler/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
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

Scale findScale(Value factor) {
  SplatElementsAttr constant;
  if (matchPattern(factor, m_Constant(&constant)))
    return {nullptr, constant.getSplatValue<Attribute>()};
  if (auto splat = factor.getDefiningOp<tensor::SplatOp>())
    return {splat.getInput(), nullptr};
  return {};
}

/// The dot that is a factor of `product`, alone and without an accumulator, and
/// the other factor, which is the same for all its elements.
std::pair<ir::DotOp, Scale> findScaledDot(arith::MulFOp product) {
  for (auto [scores, factor] : {std::pair(product.getLhs(), product.getRhs()),
                                {product.getRhs(), product.getLhs()}}) {
    auto dot = scores.getDefiningOp<ir::DotOp>();
    Scale scale = findScale(factor);
    if (dot && scale && dot.getResult().hasOneUse() &&
        matchPattern(dot.getAcc(), m_AnyZeroFloat()))
      return {dot, scale};
  }
  return {};
}

Type elementOf(Value tile) {
  return cast<RankedTensorType>(tile.getType()).getElementType();
}

/// The outermost loop around `dot` that leaves `side` and the scale alone; what
/// computes the scale is moved to before it. Null if there is none.
LoopLikeOpInterface leaveLoops(ir::DotOp dot, Value side, Scale scale,
                               PatternRewriter &rewriter) {
  LoopLikeOpInterface target;
  llvm::SetVector<Operation *> moves;
  for (auto loop = dot->getParentOfType<LoopLikeOpInterface>(); loop;
       loop = loop->getParentOfType<LoopLikeOpInterface>()) {
    llvm::SetVector<Operation *> needed;
    if (!loop.isDefinedOutsideOfLoop(side) ||
        (scale.scalar && failed(collectBefore(loop, scale.scalar, needed))))
      break;
    target = loop;
    moves = needed;
  }
  if (target)
    for (Operation *op : moves)
      rewriter.moveOpBefore(op, target);
  return target;
}

Value splatOf(PatternRewriter &rewriter, Location loc, Value scalar,
              Type type) {
  return tensor::SplatOp::create(rewriter, loc, cast<RankedTensorType>(type),
                                 scalar, ValueRange());
}

/// mulf(mulf(x, splat(a)), splat(b)) -> mulf(x, splat(a * b)): softmax takes
/// scores, scaled already, to base 2.
struct MergeScales : OpRewritePattern<arith::MulFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::MulFOp product,
                                PatternRewriter &rewriter) const override {
    auto [inner, outerScale] = scaled(product);
    auto scaledBefore =
        inner ? inner.getDefiningOp<arith::MulFOp>() : arith::MulFOp();
    if (!scaledBefore || !scaledBefore.getResult().hasOneUse())
      return failure();
    auto [tile, innerScale] = scaled(scaledBefore);
    Type element = getElementTypeOrSelf(product.getType());
    if (!tile || (!element.isF32() && !element.isF64()))
      return failure();
    Location loc = product.getLoc();
    auto scalarOf = [&](Scale scale) -> Value {
      if (scale.scalar)
        return scale.scalar;
      return arith::ConstantOp::create(rewriter, loc,
                                       cast<TypedAttr>(scale.constant));
    };
    Value both = rewriter.createOrFold<arith::MulFOp>(
        loc, scalarOf(innerScale), scalarOf(outerScale),
        product.getFastmathAttr());
    rewriter.replaceOpWithNewOp<arith::MulFOp>(
        product, tile, splatOf(rewriter, loc, both, product.getType()),
        product.getFastmathAttr());
    return success();
  }

private:
  /// A tile and what all its elements are multiplied by; a null tile if
  /// `product` is another.
  static std::pair<Value, Scale> scaled(arith::MulFOp product) {
    if (isa<RankedTensorType>(product.getType()))
      for (auto [tile, factor] : {std::pair(product.getLhs(), product.getRhs()),
                                  {product.getRhs(), product.getLhs()}})
        if (Scale scale = findScale(factor))
          return {tile, scale};
    return {};
  }
};

/// mulf(dot(q, kt, 0), splat(c)) -> dot(mulf(q, splat(c)), kt, 0), where a loop
/// changes neither q nor c; the new multiply goes to before that loop. Likewise
/// if the loop leaves kt alone.
struct HoistScaleOfDot : OpRewritePattern<arith::MulFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::MulFOp product,
                                PatternRewriter &rewriter) const override {
    auto [dot, scale] = findScaledDot(product);
    if (!dot)
      return rewriter.notifyMatchFailure(
          product, "not a dot, used only here and from 0, times a scalar");
    Type element = elementOf(dot.getLhs());
    if (!element.isF32() && !element.isF64())
      return rewriter.notifyMatchFailure(
          dot, "a 16-bit operand would be rounded again");
    for (OpOperand &side :
         {std::ref(dot.getLhsMutable()), std::ref(dot.getRhsMutable())})
      if (succeeded(scaleOperand(dot, side, scale, rewriter))) {
        rewriter.replaceOp(product, dot.getResult());
        return success();
      }
    return rewriter.notifyMatchFailure(
        dot, "no loop leaves the scale and an operand alone");
  }

private:
  static LogicalResult scaleOperand(ir::DotOp dot, OpOperand &side, Scale scale,
                                    PatternRewriter &rewriter) {
    LoopLikeOpInterface target = leaveLoops(dot, side.get(), scale, rewriter);
    if (!target)
      return failure();
    rewriter.setInsertionPoint(target);
    auto type = cast<RankedTensorType>(side.get().getType());
    Value factor = scale.constant
                       ? Value(arith::ConstantOp::create(
                             rewriter, dot.getLoc(),
                             SplatElementsAttr::get(type, scale.constant)))
                       : splatOf(rewriter, dot.getLoc(), scale.scalar, type);
    Value scaled =
        arith::MulFOp::create(rewriter, dot.getLoc(), side.get(), factor);
    rewriter.modifyOpInPlace(dot, [&] { side.set(scaled); });
    return success();
  }
};

/// mulf(dot(q, kt, 0), splat(c)) ->
/// mulf(dot(mulf(q, splat(sign of c)), kt, 0), splat(|c|)), for 16-bit q. The
/// sign of NaN is NaN, so that a mask still leaves it out. A scale of 0 becomes
/// the smallest normal number: times a score it is 0 as well for an
/// exponential, and -inf stays what it is.
struct SplitSignOfScale : OpRewritePattern<arith::MulFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::MulFOp product,
                                PatternRewriter &rewriter) const override {
    auto [dot, scale] = findScaledDot(product);
    if (!dot || !scale.scalar || !scale.scalar.getType().isF32() ||
        elementOf(dot.getLhs()).getIntOrFloatBitWidth() != 16 ||
        isPositive(product.getLhs()) || isPositive(product.getRhs()))
      return rewriter.notifyMatchFailure(
          product, "not a 16-bit dot times a scalar of unknown sign");
    if (!feedsLargest(product))
      return rewriter.notifyMatchFailure(product, "no softmax follows");
    OpOperand &side = dot.getLhsMutable();
    LoopLikeOpInterface target = leaveLoops(dot, side.get(), scale, rewriter);
    if (!target)
      return rewriter.notifyMatchFailure(
          dot, "no loop leaves the scale and the first operand alone");
    rewriter.setInsertionPoint(target);
    Location loc = product.getLoc();
    Type f32 = rewriter.getF32Type(), element = elementOf(dot.getLhs());
    Value one = arith::ConstantOp::create(rewriter, loc, f32,
                                          rewriter.getF32FloatAttr(1.0F));
    Value least = arith::ConstantOp::create(
        rewriter, loc, f32,
        FloatAttr::get(f32, llvm::APFloat::getSmallestNormalized(
                                llvm::APFloat::IEEEsingle())));
    Value isNaN = arith::CmpFOp::create(
        rewriter, loc, arith::CmpFPredicate::UNO, scale.scalar, scale.scalar);
    Value sign = arith::TruncFOp::create(
        rewriter, loc, element,
        arith::SelectOp::create(
            rewriter, loc, isNaN, scale.scalar,
            math::CopySignOp::create(rewriter, loc, one, scale.scalar)));
    Value size = arith::MaxNumFOp::create(
        rewriter, loc, math::AbsFOp::create(rewriter, loc, scale.scalar),
        least);
    Value flipped = arith::MulFOp::create(
        rewriter, loc, side.get(),
        splatOf(rewriter, loc, sign, side.get().getType()));
    rewriter.modifyOpInPlace(dot, [&] { side.set(flipped); });
    rewriter.setInsertionPoint(product);
    rewriter.replaceOpWithNewOp<arith::MulFOp>(
        product, dot.getResult(),
        splatOf(rewriter, loc, size, product.getType()),
        product.getFastmathAttr());
    return success();
  }

private:
  /// Whether the largest of the products is asked for, masked or not.
  static bool feedsLargest(arith::MulFOp product) {
    SmallVector<Operation *> open(product->getUsers());
    while (!open.empty()) {
      Operation *user = open.pop_back_val();
      auto reduce = dyn_cast<ir::ReduceOp>(user);
      if (reduce && reduce.getKind() == ir::ReduceKind::max)
        return true;
      if (isa<arith::SelectOp>(user))
        open.append(user->user_begin(), user->user_end());
    }
    return false;
  }
};

/// The product and the positive scale of `mulf(x, splat(c))`; nulls if `value`
/// is no such thing.
std::pair<Value, Value> positivelyScaled(Value value) {
  auto product = value.getDefiningOp<arith::MulFOp>();
  if (product && isPositive(product.getRhs()))
    return {product.getLhs(), product.getRhs()};
  return {};
}

/// select(keep, mulf(x, c), -inf) -> mulf(select(keep, x, -inf), c), c > 0.
struct MaskBeforeScale : OpRewritePattern<arith::SelectOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::SelectOp select,
                                PatternRewriter &rewriter) const override {
    auto [x, scale] = positivelyScaled(select.getTrueValue());
    SplatElementsAttr other;
    if (!x || !matchPattern(select.getFalseValue(), m_Constant(&other)))
      return failure();
    APFloat value = other.getSplatValue<APFloat>();
    if (!value.isInfinity() || !value.isNegative())
      return failure();
    auto product = select.getTrueValue().getDefiningOp<arith::MulFOp>();
    Value masked = arith::SelectOp::create(rewriter, select.getLoc(),
                                           select.getCondition(), x,
                                           select.getFalseValue());
    rewriter.replaceOpWithNewOp<arith::MulFOp>(select, masked, scale,
                                               product.getFastmathAttr());
    return success();
  }
};

/// max(mulf(x, c)) -> mulf(max(x), c), c > 0: rounding keeps the order.
struct LargestBeforeScale : OpRewritePattern<ir::ReduceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ir::ReduceOp reduce,
                                PatternRewriter &rewriter) const override {
    auto [x, scale] = positivelyScaled(reduce.getInput());
    if (!x || reduce.getKind() != ir::ReduceKind::max)
      return failure();
    auto product = reduce.getInput().getDefiningOp<arith::MulFOp>();
    Location loc = reduce.getLoc();
    Type type = reduce.getResult().getType();
    Value largest = ir::ReduceOp::create(
        rewriter, loc, type, ir::ReduceKind::max, x, reduce.getAxesAttr());
    Scale of = findScale(scale);
    auto tile = dyn_cast<RankedTensorType>(type);
    Value factor = of.scalar;
    if (of.constant)
      factor = arith::ConstantOp::create(
          rewriter, loc,
          tile ? cast<TypedAttr>(SplatElementsAttr::get(tile, of.constant))
               : cast<TypedAttr>(of.constant));
    else if (tile)
      factor = splatOf(rewriter, loc, of.scalar, type);
    rewriter.replaceOpWithNewOp<arith::MulFOp>(reduce, largest, factor,
                                               product.getFastmathAttr());
    return success();
  }
};

struct HoistScale : impl::HoistScaleBase<HoistScale> {
  void runOnOperation() override {
    apply<MergeScales>();
    apply<HoistScaleOfDot, SplitSignOfScale, MaskBeforeScale,
          LargestBeforeScale>();
  }

private:
  template <typename... Patterns> void apply() {
    RewritePatternSet patterns(&getContext());
    patterns.add<Patterns...>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace attn_grid::compiler
