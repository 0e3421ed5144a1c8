// Masks of positions with one comparison per element.
//
//     n + iota <= rows and n + iota < N   ->   iota <= min(rows, N - 1) - n
//
// What differs between the columns of a tile is then the same in every
// iteration, and what an iteration changes is one number per row.

#include "compiler/Analysis/StaticRanges.h"
#include "compiler/Transforms/Passes.h"
#include "dialect/AgOps.h"
#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <optional>

using namespace mlir;

namespace attn_grid::compiler {

#define GEN_PASS_DEF_COMBINEBOUNDS
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// `iota + offset`, along one axis of a tile.
struct Position {
  int64_t axis;
  Value iota;
  Value offset; // a scalar; null: 0
};

/// The scalar that all elements are, or null.
Value scalarOf(Value tile) {
  auto splat = tile.getDefiningOp<tensor::SplatOp>();
  return splat ? splat.getInput() : Value();
}

std::optional<Position> positionOf(Value tile) {
  Operation *op = tile.getDefiningOp();
  if (isa_and_nonnull<ir::IotaOp>(op))
    return Position{0, tile, nullptr};
  if (auto broadcast = dyn_cast_or_null<ir::BroadcastOp>(op)) {
    std::optional<Position> inner = positionOf(broadcast.getInput());
    if (inner)
      inner->axis = broadcast.getAxes()[inner->axis];
    return inner;
  }
  if (auto add = dyn_cast_or_null<arith::AddIOp>(op))
    for (auto [tile, other] : {std::pair(add.getLhs(), add.getRhs()),
                               {add.getRhs(), add.getLhs()}}) {
      std::optional<Position> inner = positionOf(tile);
      Value offset = scalarOf(other);
      if (inner && !inner->offset && offset)
        return Position{inner->axis, inner->iota, offset};
    }
  return std::nullopt;
}

/// Makes bounds: tiles with extent 1 along the axis that they bound.
class BoundBuilder {
public:
  BoundBuilder(PatternRewriter &b, Location loc) : b(b), loc(loc) {}
  BoundBuilder(const BoundBuilder &) = delete;
  BoundBuilder &operator=(const BoundBuilder &) = delete;
  /// What came to nothing goes away again.
  ~BoundBuilder() {
    for (Operation *op : llvm::reverse(made))
      if (op->use_empty())
        b.eraseOp(op);
  }

  /// `tile`, which is the same along `axis`, with extent 1 there; null if it
  /// may differ.
  Value narrow(Value tile, int64_t axis) {
    SmallVector<int64_t> shape(ir::shapeOf(tile.getType()));
    if (shape[axis] == 1)
      return tile;
    shape[axis] = 1;
    auto type =
        RankedTensorType::get(shape, getElementTypeOrSelf(tile.getType()));
    if (Value scalar = scalarOf(tile))
      return splat(scalar, type);
    SplatElementsAttr constant;
    if (matchPattern(tile, m_Constant(&constant)))
      return make<arith::ConstantOp>(constant.resizeSplat(type));
    auto broadcast = tile.getDefiningOp<ir::BroadcastOp>();
    if (!broadcast)
      return nullptr;
    ArrayRef<int64_t> input = ir::shapeOf(broadcast.getInput().getType());
    for (auto [from, to] : llvm::enumerate(broadcast.getAxes()))
      if (to == axis && input[from] != 1)
        return nullptr;
    return widen(broadcast.getInput(), type, broadcast.getAxes());
  }
  Value widen(Value tile, RankedTensorType type, ArrayRef<int64_t> axes) {
    return tile.getType() == type ? tile
                                  : make<ir::BroadcastOp>(type, tile, axes);
  }
  Value splat(Value scalar, RankedTensorType type) {
    return make<tensor::SplatOp>(type, scalar, ValueRange());
  }
  /// `bound - offset - less`, or null if that might wrap.
  Value lower(Value bound, Value offset, int64_t less) {
    auto type = cast<RankedTensorType>(bound.getType());
    Range range = ranges.of(bound), limits = rangeOfWidth(32);
    Range by = offset ? ranges.of(offset) : Range{0, 0};
    if (range.min - by.max - less < limits.min ||
        range.max - by.min > limits.max)
      return nullptr;
    if (less)
      bound = make<arith::SubIOp>(
          bound, make<arith::ConstantOp>(DenseElementsAttr::get(
                     type, APInt(32, static_cast<uint64_t>(less)))));
    if (offset)
      bound = make<arith::SubIOp>(bound, splat(offset, type));
    return bound;
  }

  template <typename Op, typename... Args> Value make(Args &&...args) {
    auto op = Op::create(b, loc, std::forward<Args>(args)...);
    made.push_back(op);
    return op;
  }

private:
  PatternRewriter &b;
  Location loc;
  SmallVector<Operation *> made;
  StaticRanges ranges;
};

/// A mask `iota + offset <= bound`, along an axis of its tile.
struct BoundedMask {
  Position position;
  Value bound;      // extent 1 along the axis
  int64_t less = 0; // 1: `<`

  static std::optional<BoundedMask> match(Value mask, BoundBuilder &bounds) {
    if (auto broadcast = mask.getDefiningOp<ir::BroadcastOp>()) {
      auto inner = match(broadcast.getInput(), bounds);
      if (!inner)
        return std::nullopt;
      inner->position.axis = broadcast.getAxes()[inner->position.axis];
      SmallVector<int64_t> shape(ir::shapeOf(mask.getType()));
      shape[inner->position.axis] = 1;
      auto type = RankedTensorType::get(
          shape, getElementTypeOrSelf(inner->bound.getType()));
      inner->bound = bounds.widen(inner->bound, type, broadcast.getAxes());
      return inner;
    }
    auto compare = mask.getDefiningOp<arith::CmpIOp>();
    if (!compare || !isa<RankedTensorType>(mask.getType()) ||
        !getElementTypeOrSelf(compare.getLhs().getType()).isInteger(32))
      return std::nullopt;
    Value small = compare.getLhs(), large = compare.getRhs();
    using P = arith::CmpIPredicate;
    P predicate = compare.getPredicate();
    if (predicate == P::sgt || predicate == P::sge)
      std::swap(small, large);
    else if (predicate != P::slt && predicate != P::sle)
      return std::nullopt;
    std::optional<Position> position = positionOf(small);
    if (!position)
      return std::nullopt;
    Value bound = bounds.narrow(large, position->axis);
    if (!bound)
      return std::nullopt;
    return BoundedMask{*position, bound,
                       predicate == P::slt || predicate == P::sgt};
  }
};

LogicalResult replaceMask(Operation *mask, Value iota, int64_t axis,
                          Value bound, BoundBuilder &bounds,
                          PatternRewriter &rewriter) {
  auto masks = cast<RankedTensorType>(mask->getResult(0).getType());
  auto type = RankedTensorType::get(masks.getShape(), rewriter.getI32Type());
  auto all = llvm::to_vector(llvm::seq<int64_t>(0, masks.getRank()));
  rewriter.replaceOpWithNewOp<arith::CmpIOp>(mask, arith::CmpIPredicate::sle,
                                             bounds.widen(iota, type, {axis}),
                                             bounds.widen(bound, type, all));
  return success();
}

/// The `and` of two bounds of the same positions is the lesser of both.
struct CombineBoundsOfAnd : OpRewritePattern<arith::AndIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::AndIOp op,
                                PatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getType()))
      return failure();
    BoundBuilder bounds(rewriter, op.getLoc());
    auto a = BoundedMask::match(op.getLhs(), bounds);
    auto b = BoundedMask::match(op.getRhs(), bounds);
    if (!a || !b || a->position.axis != b->position.axis ||
        a->position.iota != b->position.iota)
      return failure();
    Value first, second, offset;
    if (a->position.offset == b->position.offset) {
      first = bounds.lower(a->bound, nullptr, a->less);
      second = bounds.lower(b->bound, nullptr, b->less);
      offset = a->position.offset;
    } else {
      first = bounds.lower(a->bound, a->position.offset, a->less);
      second = bounds.lower(b->bound, b->position.offset, b->less);
    }
    if (!first || !second)
      return failure();
    Value bound = bounds.make<arith::MinSIOp>(first, second);
    if (!(bound = bounds.lower(bound, offset, 0)))
      return failure();
    return replaceMask(op, a->position.iota, a->position.axis, bound, bounds,
                       rewriter);
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
    return replaceMask(op, mask->position.iota, mask->position.axis, bound,
                       bounds, rewriter);
  }
};

struct CombineBounds : impl::CombineBoundsBase<CombineBounds> {
  void runOnOperation() override {
    // Pairs first: they share what is taken off.
    for (bool pairs : {true, false}) {
      RewritePatternSet patterns(&getContext());
      if (pairs)
        patterns.add<CombineBoundsOfAnd>(&getContext());
      else
        patterns.add<MoveOffset>(&getContext());
      if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
        return signalPassFailure();
    }
  }
};

} // namespace
} // namespace attn_grid::compiler
