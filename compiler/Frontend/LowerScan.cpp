// Scans, reductions by a function, and sorting: what runs along one axis in
// its order.

#include "compiler/Frontend/BuiltinCall.h"

using namespace mlir;

namespace attn_grid::compiler {

/// The tile that runs along an axis, or nothing after an error.
std::optional<TileValue> Lowering::alongAxis(BuiltinCall &call,
                                             const Operand &operand) {
  std::optional<TileValue> tile = asTile(operand);
  if (!tile)
    return std::nullopt;
  if (tile->isScalar() || isBool(tile->element) || isFloat8(tile->element)) {
    auto message = error(
        operand.range, "`" + call.what() + "` needs a tile of numbers, found " +
                           format(tile->type()));
    if (isBool(tile->element))
      message.note("convert it: `cast<i32>(" + quote(operand.range) + ")`");
    else if (isFloat8(tile->element))
      message.note("convert it: `cast<f32>(" + quote(operand.range) + ")`");
    return std::nullopt;
  }
  return tile;
}

std::optional<int64_t> Lowering::onlyAxis(BuiltinCall &call,
                                          const ast::Arg *axis,
                                          const TileValue &tile) {
  if (axis)
    return evalAxis(*axis, tile);
  if (tile.shape().size() == 1)
    return 0;
  error(call.at(), "`" + call.what() + "` needs an axis for " +
                       format(tile.type()) + ": `axis = 0`");
  return std::nullopt;
}

Datum Lowering::builtinScan(BuiltinCall &call) {
  std::optional<TileValue> tile = alongAxis(call, call.operand(0));
  std::optional<int64_t> axis =
      tile ? onlyAxis(call, call.args[1], *tile) : std::nullopt;
  if (!axis)
    return Datum::poison();
  DType result = acc_of(tile->element);
  // The IR's integers have no sign: widen those that it would take wrongly.
  if (is_unsigned(tile->element))
    tile = numerics().cast(*tile, result);
  Type type = irType(builder.getContext(), {result, tile->type().shape});
  auto kind = static_cast<ir::ScanKind>(call.entry.kind);
  return Datum::of(TileValue{
      ir::ScanOp::create(builder, loc, type, kind, tile->value, *axis),
      result});
}

/// `reduce(x, axis = 0, f)` and `scan(x, axis = 0, f)`.
Datum Lowering::builtinCombine(BuiltinCall &call) {
  std::optional<TileValue> tile = alongAxis(call, call.operand(0));
  std::optional<FunctionRef> fn = resolveFunction(call.expr(1));
  if (!tile || !fn)
    return Datum::poison();
  SourceRange at = call.expr(1).range;
  bool scans = call.entry.name == "scan";
  if (scans || call.args[2]) {
    std::optional<int64_t> axis = onlyAxis(call, call.args[2], *tile);
    return axis ? combine(*tile, *axis, scans, *fn, at) : Datum::poison();
  }
  // All axes in row-major order: the last one first.
  Datum result = Datum::of(*tile);
  while (result.isTile() && !result.tile.isScalar())
    result =
        combine(result.tile, result.tile.shape().size() - 1, false, *fn, at);
  return result;
}

/// One operation whose region is the function, applied to two elements.
Datum Lowering::combine(TileValue tile, int64_t axis, bool scans,
                        const FunctionRef &fn, SourceRange at) {
  Shape shape = tile.type().shape;
  if (!scans)
    shape.erase(shape.begin() + axis);
  Type type = irType(builder.getContext(), {tile.element, shape});
  Operation *op =
      scans ? ir::ScanWithOp::create(builder, loc, type, tile.value, axis)
                  .getOperation()
            : ir::ReduceWithOp::create(builder, loc, type, tile.value, axis)
                  .getOperation();
  Type element = elementType(builder.getContext(), tile.element);
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&op->getRegion(0), {}, {element, element},
                                     {loc, loc});
  llvm::SmallVector<Operand, 2> pair;
  for (Value value : block->getArguments())
    pair.push_back({Datum::of(TileValue{value, tile.element}), at});
  Operand both{applyFunction(fn, pair, at, at), at};
  if (both.datum.isPoison())
    return Datum::poison();
  TileType found = typeOf(both.datum).tile;
  if (!expectValue(both) ||
      (both.datum.isTile() && found != TileType{tile.element, {}})) {
    error(at, "a function that combines elements gives one of their type: "
              "expected " +
                  std::string(name_of(tile.element)) + ", found " +
                  describe(both.datum))
        .note(fn.decl->name.range, "`" + fn.name() + "` is declared here");
    return Datum::poison();
  }
  std::optional<TileValue> result =
      convert(both, {tile.element, {}}, "the result of `" + fn.name() + "`");
  if (!result)
    return Datum::poison();
  ir::YieldOp::create(builder, loc, result->value);
  for (Operation &inner : block->without_terminator())
    if (inner.getNumResults() != 1 || inner.getNumRegions() ||
        !isMemoryEffectFree(&inner)) {
      error(at,
            "a function that combines elements must be arithmetic alone; `" +
                fn.name() + "` branches, loops, or uses memory")
          .note(fn.decl->name.range, "it is declared here")
          .note("choose with `where(condition, a, b)`");
      return Datum::poison();
    }
  return Datum::of(TileValue{op->getResult(0), tile.element});
}

Datum Lowering::builtinSort(BuiltinCall &call) {
  Arguments args;
  if (!splitArguments(call, {"axis"}, args))
    return Datum::poison();
  if (args.positional.empty())
    return poison(call.call.range, "`sort` needs its argument `x`");
  std::optional<TileValue> keys =
      alongAxis(call, {eval(*args.positional[0]->value),
                       args.positional[0]->value->range});
  std::optional<int64_t> axis =
      keys ? onlyAxis(call, args.named[0], *keys) : std::nullopt;
  if (!axis)
    return Datum::poison();
  llvm::SmallVector<TileValue> tiles{*keys};
  for (const ast::Arg *arg : llvm::drop_begin(args.positional)) {
    Operand operand{eval(*arg->value), arg->value->range};
    std::optional<TileValue> payload = asTile(operand);
    if (payload)
      payload = convert({Datum::of(*payload), operand.range},
                        {payload->element, keys->type().shape},
                        "a payload of `sort`");
    if (!payload)
      return Datum::poison();
    tiles.push_back(*payload);
  }
  llvm::SmallVector<Value> inputs;
  llvm::SmallVector<Type> types;
  for (const TileValue &tile : tiles) {
    inputs.push_back(tile.value);
    types.push_back(tile.value.getType());
  }
  auto op = ir::SortOp::create(builder, loc, types, inputs, *axis,
                               is_unsigned(keys->element));
  std::vector<Datum> parts;
  for (auto [result, tile] : llvm::zip(op.getResults(), tiles))
    parts.push_back(Datum::of(TileValue{result, tile.element}));
  return parts.size() == 1 ? parts.front() : Datum::ofTuple(std::move(parts));
}

} // namespace attn_grid::compiler
