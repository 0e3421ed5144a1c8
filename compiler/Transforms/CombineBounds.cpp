// Masks of positions with one comparison per element and direction.
//
//     n + iota <= rows and n + iota < N   ->   iota <= min(rows, N - 1) - n
//
// What differs between the columns of a tile is then the same in every
// iteration, and what an iteration changes is one number per row. Whether a row
// has an element between its bounds is seen from these alone.

#include "compiler/Transforms/BoundedMask.h"
#include "compiler/Transforms/Passes.h"
#include "dialect/AgOps.h"
#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace attn_grid::compiler {

#define GEN_PASS_DEF_COMBINEBOUNDS
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// Conjunctions of more masks are left as they are.
constexpr size_t maxParts = 16;

/// The masks that a conjunction is of.
void collectParts(Value mask, SmallVectorImpl<Value> &parts,
                  size_t depth = maxParts) {
  auto both = mask.getDefiningOp<arith::AndIOp>();
  if (!both || depth == 0 || parts.size() > maxParts)
    return parts.push_back(mask);
  collectParts(both.getLhs(), parts, depth - 1);
  collectParts(both.getRhs(), parts, depth - 1);
}

Value makeMask(const BoundedMask &mask, Value bound, Type masks,
               BoundBuilder &bounds, OpBuilder &builder) {
  auto type = RankedTensorType::get(ir::shapeOf(masks), builder.getI32Type());
  return bounds.make<arith::CmpIOp>(
      mask.isUpper ? arith::CmpIPredicate::sle : arith::CmpIPredicate::sge,
      bounds.widen(mask.position.iota, type, {mask.position.axis}),
      bounds.widen(bound, type.getShape()));
}

/// Both bounds in one: the lesser upper or the greater lower one; null if they
/// are not of the same positions and direction, or if that might wrap.
Value combine(const BoundedMask &a, const BoundedMask &b, Type masks,
              BoundBuilder &bounds, OpBuilder &builder) {
  if (a.isUpper != b.isUpper || a.position.axis != b.position.axis ||
      a.position.iota != b.position.iota)
    return nullptr;
  bool isShared = a.position.offset == b.position.offset;
  auto lowered = [&](const BoundedMask &mask) {
    Value offset = isShared ? Value() : mask.position.offset;
    return bounds.lower(mask.bound, offset, mask.less);
  };
  Value first = lowered(a), second = lowered(b);
  if (!first || !second)
    return nullptr;
  Value bound = a.isUpper ? bounds.make<arith::MinSIOp>(first, second)
                          : bounds.make<arith::MaxSIOp>(first, second);
  if (isShared && !(bound = bounds.lower(bound, a.position.offset, 0)))
    return nullptr;
  return makeMask(a, bound, masks, bounds, builder);
}

/// Of the bounds that a conjunction has, two of the same positions become one.
struct CombineBoundsOfAnd : OpRewritePattern<arith::AndIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::AndIOp op,
                                PatternRewriter &rewriter) const override {
    bool isPart = op->hasOneUse() && isa<arith::AndIOp>(*op->user_begin());
    if (!isa<RankedTensorType>(op.getType()) || isPart)
      return failure();
    SmallVector<Value> parts;
    collectParts(op, parts);
    if (parts.size() > maxParts)
      return failure();
    BoundBuilder bounds(rewriter, op.getLoc());
    SmallVector<std::optional<BoundedMask>> masks;
    for (Value part : parts)
      masks.push_back(BoundedMask::match(part, bounds));
    for (size_t i = 0; i < parts.size(); ++i)
      for (size_t j = i + 1; j < parts.size(); ++j) {
        if (!masks[i] || !masks[j])
          continue;
        Value both =
            combine(*masks[i], *masks[j], op.getType(), bounds, rewriter);
        if (!both)
          continue;
        parts[i] = both;
        parts.erase(parts.begin() + j);
        Value all = parts.front();
        for (Value part : ArrayRef(parts).drop_front())
          all = bounds.make<arith::AndIOp>(all, part);
        rewriter.replaceOp(op, all);
        return success();
      }
    return failure();
  }
};

/// n + iota <= bound -> iota <= bound - n.
struct MoveOffset : OpRewritePattern<arith::CmpIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::CmpIOp op,
                                PatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getType()))
      return failure();
    BoundBuilder bounds(rewriter, op.getLoc());
    auto mask = BoundedMask::match(op.getResult(), bounds);
    if (!mask || !mask->position.offset)
      return failure();
    Value bound = bounds.lower(mask->bound, mask->position.offset, mask->less);
    if (!bound)
      return failure();
    rewriter.replaceOp(op,
                       makeMask(*mask, bound, op.getType(), bounds, rewriter));
    return success();
  }
};

/// any(low <= iota and iota <= high) along an axis -> max(low, 0) <= min(high,
/// last), as every whole number between them is a position.
struct FoldAnyBetweenBounds : OpRewritePattern<ir::ReduceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ir::ReduceOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getKind() != ir::ReduceKind::any ||
        isa<RankedTensorType>(op.getResult().getType()))
      return failure();
    ArrayRef<int64_t> shape = ir::shapeOf(op.getInput().getType());
    SmallVector<Value> parts;
    collectParts(op.getInput(), parts);
    if (parts.size() > maxParts)
      return failure();
    for (int64_t axis = shape.size() - 1; axis >= 0; --axis)
      if (shape[axis] > 1 && succeeded(foldAxis(op, parts, axis, rewriter)))
        return success();
    return failure();
  }

  static LogicalResult foldAxis(ir::ReduceOp op, ArrayRef<Value> parts,
                                int64_t axis, PatternRewriter &rewriter) {
    BoundBuilder bounds(rewriter, op.getLoc());
    SmallVector<int64_t> shape(ir::shapeOf(op.getInput().getType()));
    int64_t last = std::exchange(shape[axis], 1) - 1;
    auto type = RankedTensorType::get(shape, rewriter.getI32Type());
    auto constant = [&](int64_t value) {
      return bounds.make<arith::ConstantOp>(DenseElementsAttr::get(
          type, rewriter.getI32IntegerAttr(value).getValue()));
    };
    Value low = constant(0), high = constant(last), rest;
    for (Value part : parts) {
      auto mask = BoundedMask::match(part, bounds);
      if (mask && mask->position.axis == axis) {
        if (ir::shapeOf(mask->position.iota.getType())[0] != last + 1)
          return failure(); // of one position, repeated
        Value bound = mask->position.offset
                          ? Value()
                          : bounds.lower(mask->bound, nullptr, mask->less);
        if (!bound)
          return failure();
        if (mask->isUpper)
          high = bounds.make<arith::MinSIOp>(high, bound);
        else
          low = bounds.make<arith::MaxSIOp>(low, bound);
        continue;
      }
      Value narrow = bounds.narrow(part, axis);
      if (!narrow)
        return failure();
      rest = rest ? bounds.make<arith::AndIOp>(rest, narrow) : narrow;
    }
    Value between =
        bounds.make<arith::CmpIOp>(arith::CmpIPredicate::sle, low, high);
    if (rest)
      between = bounds.make<arith::AndIOp>(between, rest);
    rewriter.replaceOpWithNewOp<ir::ReduceOp>(
        op, op.getResult().getType(), op.getKind(), between, op.getAxes());
    return success();
  }
};

struct CombineBounds : impl::CombineBoundsBase<CombineBounds> {
  void runOnOperation() override {
    if (failed(apply<CombineBoundsOfAnd>()) || // first: they share offsets
        failed(apply<MoveOffset>()) || failed(apply<FoldAnyBetweenBounds>()))
      signalPassFailure();
  }
  template <typename Pattern> LogicalResult apply() {
    RewritePatternSet patterns(&getContext());
    patterns.add<Pattern>(&getContext());
    return applyPatternsGreedily(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace attn_grid::compiler
