// Builtins that work element by element.

#include "compiler/Frontend/BuiltinCall.h"

#include <cmath>

using namespace mlir;

namespace attn_grid::compiler {

Datum Lowering::builtinUnary(BuiltinCall &call) {
  return applyUnary(static_cast<UnaryKind>(call.entry.kind),
                    "`" + call.what() + "`", call.call.range, call.operand(0));
}

Datum Lowering::builtinBinary(BuiltinCall &call) {
  Operand lhs = call.operand(0), rhs = call.operand(1);
  return applyBinary(static_cast<BinaryKind>(call.entry.kind),
                     "`" + call.what() + "`", call.at(), lhs, rhs);
}

Datum Lowering::builtinMinMax(BuiltinCall &call) {
  auto kind = static_cast<ir::ReduceKind>(call.entry.kind);
  Operand first = call.operand(0);
  if (!call.has(1))
    return reduce(kind, first, call.args[2], call.what(), call.at());
  if (call.has(2))
    return poison(call.args[2]->range,
                  "`" + call.what() + "` of two values takes no axis");
  return applyBinary(
      kind == ir::ReduceKind::min ? BinaryKind::min : BinaryKind::max,
      "`" + call.what() + "`", call.at(), first, call.operand(1));
}

Datum Lowering::builtinFma(BuiltinCall &call) {
  Operand a = call.operand(0), b = call.operand(1), c = call.operand(2);
  auto values = unify({a, b, c}, "`fma`", call.at());
  if (!values)
    return Datum::poison();
  DType element = values->front().element;
  if (!is_float(element) || isFloat8(element)) {
    error(call.at(),
          "`fma` needs floats, found " + std::string(name_of(element)))
        .note("write `a * b + c`");
    return Datum::poison();
  }
  return Datum::of(numerics().fma((*values)[0], (*values)[1], (*values)[2]));
}

Datum Lowering::builtinWhere(BuiltinCall &call) {
  Operand condition = call.operand(0);
  Operand lhs = call.operand(1), rhs = call.operand(2);
  if (!expectValue(condition) || !expectValue(lhs) || !expectValue(rhs))
    return Datum::poison();
  if (!isBool(typeOf(condition.datum).tile.element)) {
    error(condition.range,
          "`where` chooses by a bool, found " + describe(condition.datum))
        .note("compare it: `" + quote(condition.range) + " != 0`");
    return Datum::poison();
  }
  if (condition.datum.isConstant() && lhs.datum.isConstant() &&
      rhs.datum.isConstant()) {
    ConstValue chosen =
        condition.datum.constant.i ? lhs.datum.constant : rhs.datum.constant;
    bool anyFloat = lhs.datum.constant.kind == ConstParam::Kind::floating ||
                    rhs.datum.constant.kind == ConstParam::Kind::floating;
    if (anyFloat && chosen.kind == ConstParam::Kind::integer)
      chosen = constFloat(asFloat(chosen));
    return Datum::of(chosen);
  }
  auto values = unify({lhs, rhs}, "`where`", call.at());
  std::optional<TileValue> mask = asTile(condition);
  if (!values || !mask)
    return Datum::poison();
  std::optional<Shape> shape =
      broadcastShape(mask->shape(), values->front().shape());
  if (!shape) {
    error(call.at(), "`where` needs shapes that repeat to one, found " +
                         format(mask->shape()) + " and " +
                         format(values->front().shape()))
        .label(condition.range, format(mask->type()));
    return Datum::poison();
  }
  if (!checkTileShape(*shape, call.call.range))
    return Datum::poison();
  Numerics emit = numerics();
  return Datum::of(emit.select(emit.broadcast(*mask, *shape),
                               emit.broadcast((*values)[0], *shape),
                               emit.broadcast((*values)[1], *shape)));
}

/// A constant float as an integer: truncated, saturated, NaN is 0.
static int64_t saturate(double value, DType to) {
  auto [least, greatest] = rangeOf(to);
  if (std::isnan(value))
    return 0;
  value = std::trunc(value);
  if (value <= static_cast<double>(least))
    return least;
  if (value >= static_cast<double>(greatest))
    return greatest;
  return static_cast<int64_t>(value);
}

Datum Lowering::builtinCast(BuiltinCall &call) {
  std::optional<DType> to = evalTypeArg(call.call.generics.front());
  Operand operand = call.operand(0);
  if (!to || !expectValue(operand))
    return Datum::poison();
  if (operand.datum.isTile())
    return Datum::of(numerics().cast(operand.datum.tile, *to));
  ConstValue value = operand.datum.constant;
  bool isFloat = value.kind == ConstParam::Kind::floating;
  if (isBool(*to))
    value = constBool(isFloat ? value.f != 0 : value.i != 0);
  else if (isFloat && is_int(*to))
    value = constInt(saturate(value.f, *to));
  return Datum::of(numerics().constant(*to, {}, value));
}

Datum Lowering::builtinBitcast(BuiltinCall &call) {
  std::optional<DType> to = evalTypeArg(call.call.generics.front());
  std::optional<TileValue> value = asTile(call.operand(0));
  if (!to || !value)
    return Datum::poison();
  if (isBool(*to) || isBool(value->element) ||
      bitsOf(*to) != bitsOf(value->element))
    return poison(call.call.range,
                  "`bitcast` needs types of one width, found " +
                      std::string(name_of(value->element)) + " and " +
                      std::string(name_of(*to)));
  return Datum::of(numerics().bitcast(*value, *to));
}

// ---------------------------------------------------------------- long forms

/// The `t[...]` that a long form begins with; null after an error.
const ast::IndexExpr *Lowering::expectElements(const ast::Expr &expr,
                                               llvm::StringRef what) {
  const auto *index = ast::dynAs<ast::IndexExpr>(&expr);
  if (!index)
    error(expr.range, "`" + what.str() + "` needs elements of a tensor: `" +
                          what.str() + "(t[...])`");
  return index;
}

Datum Lowering::builtinLoad(BuiltinCall &call) {
  const ast::IndexExpr *elements = expectElements(call.expr(0), "load");
  std::optional<Access> access =
      elements ? evalAccess(*elements) : std::nullopt;
  if (!access || !checkReadable(*access))
    return Datum::poison();
  return loadLong(*access, call.args[1], call.args[2]);
}

Datum Lowering::builtinStore(BuiltinCall &call) {
  const ast::IndexExpr *elements = expectElements(call.expr(0), "store");
  std::optional<Access> access =
      elements ? evalAccess(*elements) : std::nullopt;
  Operand value = call.operand(1);
  if (!access || !checkWritable(*access))
    return Datum::poison();
  return storeLong(*access, value, call.args[2]);
}

Datum Lowering::builtinView(BuiltinCall &call) {
  const ast::IndexExpr *part = expectElements(call.expr(0), "view");
  return part ? evalView(*part) : Datum::poison();
}

} // namespace attn_grid::compiler
