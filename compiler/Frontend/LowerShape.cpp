// Tiles in other shapes: `x[:, None]`, `.T`, reshape, permute, broadcast, iota.

#include "compiler/Frontend/BuiltinCall.h"
#include "compiler/Frontend/Lowering.h"

using namespace mlir;

namespace attn_grid::compiler {

Datum Lowering::indexTile(const ast::IndexExpr &expr, TileValue tile) {
  Shape shape;
  llvm::SmallVector<int64_t> axes;
  size_t used = 0;
  for (const ast::Indexer &indexer : expr.indexers) {
    if (indexer.kind == ast::Indexer::Kind::NewAxis) {
      shape.push_back(1);
      continue;
    }
    if (indexer.kind != ast::Indexer::Kind::All) {
      error(indexer.range, "a tile takes only `:` and `None`, its elements "
                           "have no address")
          .note("choose elements with `where` and a reduction");
      return Datum::poison();
    }
    axes.push_back(static_cast<int64_t>(shape.size()));
    shape.push_back(used < tile.shape().size() ? tile.shape()[used] : 1);
    ++used;
  }
  if (used != tile.shape().size())
    return poison(expr.range, "expected " +
                                  std::to_string(tile.shape().size()) +
                                  " `:` for " + format(tile.type()) +
                                  ", found " + std::to_string(used));
  return Datum::of(numerics().broadcastAlong(tile, shape, axes));
}

Datum Lowering::transpose(TileValue tile, llvm::ArrayRef<int64_t> permutation) {
  Shape shape;
  for (int64_t axis : permutation)
    shape.push_back(tile.shape()[axis]);
  Type type = irType(builder.getContext(), {tile.element, shape});
  return Datum::of(TileValue{
      builder.createOrFold<ir::TransposeOp>(loc, type, tile.value, permutation),
      tile.element});
}

/// The list that an argument must be, or null after an error.
const ast::ListExpr *Lowering::expectList(const ast::Expr &expr) {
  const auto *list = ast::dynAs<ast::ListExpr>(&expr);
  if (!list)
    error(expr.range, "expected a list `[a, b]`");
  return list;
}

Datum Lowering::builtinReshape(BuiltinCall &call) {
  std::optional<TileValue> tile = asTile(call.operand(0));
  const ast::ListExpr *list = expectList(call.expr(1));
  if (!tile || !list)
    return Datum::poison();
  std::optional<Shape> shape = evalShape(list->elements, list->range);
  if (!shape)
    return Datum::poison();
  auto count = [](llvm::ArrayRef<int64_t> extents) {
    int64_t elements = 1;
    for (int64_t extent : extents)
      elements *= extent;
    return elements;
  };
  if (count(tile->shape()) != count(*shape))
    return poison(
        list->range,
        "reshape keeps the number of elements: " + format(tile->type()) +
            " has " + std::to_string(count(tile->shape())) + ", " +
            format(*shape) + " has " + std::to_string(count(*shape)));
  if (tile->isScalar() || shape->empty()) {
    // Between a scalar and a tile of one element.
    if (tile->isScalar())
      return Datum::of(numerics().broadcast(*tile, *shape));
    return maxOfAll(*tile, allAxes(tile->shape().size()));
  }
  Type type = irType(builder.getContext(), {tile->element, *shape});
  return Datum::of(
      TileValue{builder.createOrFold<ir::ReshapeOp>(loc, type, tile->value),
                tile->element});
}

/// The one element of a tile of extents 1.
Datum Lowering::maxOfAll(TileValue tile, llvm::ArrayRef<int64_t> axes) {
  Type type = irType(builder.getContext(), {tile.element, {}});
  ir::ReduceKind kind =
      isBool(tile.element) ? ir::ReduceKind::any : ir::ReduceKind::max;
  return Datum::of(TileValue{
      builder.createOrFold<ir::ReduceOp>(loc, type, kind, tile.value, axes),
      tile.element});
}

Datum Lowering::builtinPermute(BuiltinCall &call) {
  std::optional<TileValue> tile = asTile(call.operand(0));
  const ast::ListExpr *list = expectList(call.expr(1));
  if (!tile || !list)
    return Datum::poison();
  size_t rank = tile->shape().size();
  llvm::SmallVector<int64_t> axes;
  llvm::SmallVector<bool> seen(rank, false);
  for (const ast::ExprPtr &element : list->elements) {
    std::optional<int64_t> axis = evalConstInt(*element, "an axis");
    if (!axis)
      return Datum::poison();
    if (*axis < 0 || *axis >= static_cast<int64_t>(rank) || seen[*axis])
      return poison(element->range, "expected each axis of " +
                                        format(tile->type()) + " once, found " +
                                        std::to_string(*axis));
    seen[*axis] = true;
    axes.push_back(*axis);
  }
  if (axes.size() != rank)
    return poison(list->range, "expected " + std::to_string(rank) +
                                   " axes for " + format(tile->type()) +
                                   ", found " + std::to_string(axes.size()));
  return rank ? transpose(*tile, axes) : Datum::of(*tile);
}

Datum Lowering::builtinBroadcast(BuiltinCall &call) {
  std::optional<TileValue> tile = asTile(call.operand(0));
  const ast::ListExpr *list = expectList(call.expr(1));
  if (!tile || !list)
    return Datum::poison();
  std::optional<Shape> shape = evalShape(list->elements, list->range);
  if (!shape)
    return Datum::poison();
  if (!broadcastsTo(tile->shape(), *shape))
    return poison(list->range, format(tile->type()) + " does not repeat to " +
                                   format(*shape));
  return Datum::of(numerics().broadcast(*tile, *shape));
}

Datum Lowering::builtinIota(BuiltinCall &call) {
  std::optional<int64_t> extent = evalExtent(call.expr(0));
  if (!extent)
    return Datum::poison();
  Type type = irType(builder.getContext(), {DType::i32, {*extent}});
  return Datum::of(
      TileValue{ir::IotaOp::create(builder, loc, type), DType::i32});
}

} // namespace attn_grid::compiler
