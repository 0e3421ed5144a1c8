#include "compiler/Transforms/BoundedMask.h"

#include "dialect/AgOps.h"
#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace attn_grid::compiler {

/// The scalar that all elements are, or null.
static Value scalarOf(Value tile) {
  auto splat = tile.getDefiningOp<tensor::SplatOp>();
  return splat ? splat.getInput() : Value();
}

static std::optional<Position> positionOf(Value tile) {
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

BoundBuilder::~BoundBuilder() {
  for (Operation *op : llvm::reverse(made))
    if (op->use_empty())
      b.eraseOp(op);
}

Value BoundBuilder::narrow(Value tile, int64_t axis) {
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

Value BoundBuilder::widen(Value tile, RankedTensorType type,
                          ArrayRef<int64_t> axes) {
  return tile.getType() == type ? tile
                                : make<ir::BroadcastOp>(type, tile, axes);
}

Value BoundBuilder::widen(Value tile, ArrayRef<int64_t> shape) {
  return widen(
      tile, RankedTensorType::get(shape, getElementTypeOrSelf(tile.getType())),
      llvm::to_vector(llvm::seq<int64_t>(0, shape.size())));
}

Value BoundBuilder::splat(Value scalar, RankedTensorType type) {
  return make<tensor::SplatOp>(type, scalar, ValueRange());
}

Value BoundBuilder::lower(Value bound, Value offset, int64_t less) {
  auto type = cast<RankedTensorType>(bound.getType());
  Range range = ranges.of(bound), limits = rangeOfWidth(32);
  Range by = offset ? ranges.of(offset) : Range{0, 0};
  if (range.min - by.max - less < limits.min ||
      range.max - by.min - less > limits.max)
    return nullptr;
  if (less)
    bound = make<arith::SubIOp>(
        bound, make<arith::ConstantOp>(DenseElementsAttr::get(
                   type, APInt(32, static_cast<uint64_t>(less), true))));
  if (offset)
    bound = make<arith::SubIOp>(bound, splat(offset, type));
  return bound;
}

std::optional<BoundedMask> BoundedMask::match(Value mask,
                                              BoundBuilder &bounds) {
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
  using P = arith::CmpIPredicate;
  P predicate = compare.getPredicate();
  bool isLess = predicate == P::slt || predicate == P::sle;
  if (!isLess && predicate != P::sgt && predicate != P::sge)
    return std::nullopt;
  bool isStrict = predicate == P::slt || predicate == P::sgt;
  auto take = [&](Value tile, Value other,
                  bool isUpper) -> std::optional<BoundedMask> {
    std::optional<Position> position = positionOf(tile);
    if (!position)
      return std::nullopt;
    Value bound = bounds.narrow(other, position->axis);
    if (!bound)
      return std::nullopt;
    return BoundedMask{*position, isUpper, bound,
                       isStrict ? (isUpper ? 1 : -1) : 0};
  };
  // The lesser side is bounded from above, or else the greater from below.
  Value small = isLess ? compare.getLhs() : compare.getRhs();
  Value large = isLess ? compare.getRhs() : compare.getLhs();
  std::optional<BoundedMask> upper = take(small, large, true);
  return upper ? upper : take(large, small, false);
}

} // namespace attn_grid::compiler
