// Reductions and the product of tiles.

#include "compiler/Frontend/BuiltinCall.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace attn_grid::compiler {

using ir::ReduceKind;

std::optional<int64_t> Lowering::evalAxis(const ast::Arg &arg,
                                          const TileValue &tile) {
  std::optional<int64_t> axis = evalConstInt(*arg.value, "an axis");
  if (!axis)
    return std::nullopt;
  auto rank = static_cast<int64_t>(tile.shape().size());
  if (*axis >= -rank && *axis < rank)
    return *axis < 0 ? *axis + rank : *axis;
  error(arg.range, "there is no axis " + std::to_string(*axis) + " in " +
                       format(tile.type()));
  return std::nullopt;
}

Datum Lowering::builtinReduce(BuiltinCall &call) {
  return reduce(static_cast<ReduceKind>(call.entry.kind), call.operand(0),
                call.args[1], call.what(), call.at());
}

/// What a reduction takes, or null if it takes `element`.
static const char *wantedBy(ReduceKind kind, DType element) {
  switch (kind) {
  case ReduceKind::any:
  case ReduceKind::all:
    return isBool(element) ? nullptr : "bools";
  default:
    if (isFloat8(element))
      return "a wider type";
    return isBool(element) ? "numbers" : nullptr;
  }
}

/// Flips the order of the sign bit, so that unsigned integers compare as
/// signed ones.
static TileValue flipSign(Numerics emit, TileValue tile) {
  int64_t bit = int64_t(1) << (bitsOf(tile.element) - 1);
  return emit.binary(BinaryKind::bitXor, tile,
                     emit.constantInt(tile.type(), bit));
}

Datum Lowering::reduce(ReduceKind kind, const Operand &operand,
                       const ast::Arg *axisArg, llvm::StringRef name,
                       SourceRange at) {
  std::optional<TileValue> value = asTile(operand);
  if (!value)
    return Datum::poison();
  TileValue tile = *value;
  if (const char *wanted = wantedBy(kind, tile.element)) {
    auto message = error(operand.range, "`" + name.str() + "` needs " + wanted +
                                            ", found " + format(tile.type()));
    if (isBool(tile.element))
      message.note("reduce a mask with `any` or `all`; count with `sum(cast<"
                   "i32>(m))`");
    else if (isFloat8(tile.element))
      message.note("convert it: `cast<f32>(x)`");
    else
      message.note("compare it first, as in `x != 0`");
    return Datum::poison();
  }
  llvm::SmallVector<int64_t> axes = allAxes(tile.shape().size());
  if (axisArg) {
    std::optional<int64_t> axis = evalAxis(*axisArg, tile);
    if (!axis)
      return Datum::poison();
    axes.assign({*axis});
  }
  bool isArg = kind == ReduceKind::argmin || kind == ReduceKind::argmax;
  DType result = tile.element;
  if (kind == ReduceKind::sum) {
    result = acc_of(tile.element);
    // The IR's integers have no sign: widen those that it would take wrongly.
    if (is_unsigned(tile.element))
      tile = numerics().cast(tile, result);
  } else if (isArg) {
    result = DType::i32;
    if (axes.size() > 1)
      return poison(at, "`" + name.str() + "` needs an axis for " +
                            format(tile.type()) + ": `" + name.str() +
                            "(x, axis = 0)`");
  }
  if (axes.empty()) { // a scalar
    if (isArg)
      return Datum::of(numerics().constantInt({DType::i32, {}}, 0));
    return Datum::of(numerics().cast(tile, result));
  }
  if (is_unsigned(tile.element) && isArg)
    tile = flipSign(numerics(), tile);
  if (is_unsigned(tile.element) && kind == ReduceKind::min)
    kind = ReduceKind::umin;
  if (is_unsigned(tile.element) && kind == ReduceKind::max)
    kind = ReduceKind::umax;
  Shape shape;
  for (auto [axis, extent] : llvm::enumerate(tile.shape()))
    if (!llvm::is_contained(axes, static_cast<int64_t>(axis)))
      shape.push_back(extent);
  Type type = irType(builder.getContext(), {result, shape});
  return Datum::of(TileValue{
      builder.createOrFold<ir::ReduceOp>(loc, type, kind, tile.value, axes),
      result});
}

/// The name after `precision =`.
std::optional<ir::Precision> Lowering::evalPrecision(const ast::Expr &expr,
                                                     DType element) {
  const auto *name = ast::dynAs<ast::NameExpr>(&expr);
  auto precision = name ? ir::symbolizePrecision(name->name) : std::nullopt;
  if (!precision) {
    error(expr.range, "a precision is `tf32` or `tf32x3`");
    return std::nullopt;
  }
  if (element != DType::f32) {
    error(expr.range, "a precision is a choice for f32 operands, found " +
                          std::string(name_of(element)));
    return std::nullopt;
  }
  return precision;
}

Datum Lowering::builtinDot(BuiltinCall &call) {
  Operand first = call.operand(0), second = call.operand(1);
  std::optional<TileValue> lhs = asTile(first), rhs = asTile(second);
  if (!lhs || !rhs)
    return Datum::poison();
  auto labelled = [&](std::string message) {
    return error(call.at(), std::move(message))
        .label(first.range, format(lhs->type()))
        .label(second.range, format(rhs->type()));
  };
  for (auto [tile, range] :
       {std::pair(*lhs, first.range), {*rhs, second.range}})
    if (tile.shape().size() != 2 || isBool(tile.element))
      return poison(range, "dot needs tiles of numbers of rank 2, found " +
                               format(tile.type()));
  if (lhs->element != rhs->element) {
    labelled("dot needs one element type, found " +
             std::string(name_of(lhs->element)) + " and " +
             std::string(name_of(rhs->element)))
        .note("convert one: `cast<" + std::string(name_of(rhs->element)) +
              ">(" + quote(first.range) + ")`");
    return Datum::poison();
  }
  if (lhs->shape()[1] != rhs->shape()[0]) {
    auto message =
        labelled("dot needs matching inner extents: " + format(lhs->shape()) +
                 " x " + format(rhs->shape()));
    if (lhs->shape()[1] == rhs->shape()[1])
      message.note("did you mean the transpose, `" + quote(second.range) +
                   ".T`?");
    return Datum::poison();
  }
  DType result = acc_of(lhs->element);
  TileType accType{result, {lhs->shape()[0], rhs->shape()[1]}};
  if (!checkTileShape(accType.shape, call.call.range))
    return Datum::poison();
  std::optional<TileValue> acc;
  if (call.has(2)) {
    acc = convert(call.operand(2), accType, "`acc` of dot");
    if (!acc)
      return Datum::poison();
  } else {
    acc = numerics().constant(result, accType.shape, constInt(0));
  }
  std::optional<Value> keep =
      evalKeep(call.has(3) ? &call.expr(3) : nullptr, lhs->shape());
  if (!keep)
    return Datum::poison();
  ir::PrecisionAttr precision;
  if (call.has(4)) {
    auto asked = evalPrecision(call.expr(4), lhs->element);
    if (!asked)
      return Datum::poison();
    precision = ir::PrecisionAttr::get(builder.getContext(), *asked);
  }
  // The IR's integers have no sign: give unsigned ones a type that holds them.
  if (is_unsigned(lhs->element)) {
    DType wide = lhs->element == DType::u8 ? DType::i16 : DType::i32;
    lhs = numerics().cast(*lhs, wide);
    rhs = numerics().cast(*rhs, wide);
  }
  Value product =
      ir::DotOp::create(builder, loc, irType(builder.getContext(), accType),
                        lhs->value, rhs->value, acc->value, *keep, precision);
  return Datum::of(TileValue{product, result});
}

} // namespace attn_grid::compiler
