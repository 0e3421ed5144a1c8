// Unary and binary operators.

#include "compiler/Frontend/Lowering.h"

using namespace mlir;

namespace attn_grid::compiler {

/// The operation of an operator; nothing for `and`, `or` and `**`.
static std::optional<BinaryKind> kindOf(ast::BinaryOp op) {
  switch (op) {
  case ast::BinaryOp::Or:
  case ast::BinaryOp::And:
  case ast::BinaryOp::Pow:
    return std::nullopt;
  case ast::BinaryOp::Eq:
    return BinaryKind::eq;
  case ast::BinaryOp::Ne:
    return BinaryKind::ne;
  case ast::BinaryOp::Lt:
    return BinaryKind::lt;
  case ast::BinaryOp::Le:
    return BinaryKind::le;
  case ast::BinaryOp::Gt:
    return BinaryKind::gt;
  case ast::BinaryOp::Ge:
    return BinaryKind::ge;
  case ast::BinaryOp::BitOr:
    return BinaryKind::bitOr;
  case ast::BinaryOp::BitXor:
    return BinaryKind::bitXor;
  case ast::BinaryOp::BitAnd:
    return BinaryKind::bitAnd;
  case ast::BinaryOp::Shl:
    return BinaryKind::shl;
  case ast::BinaryOp::Shr:
    return BinaryKind::shr;
  case ast::BinaryOp::Add:
    return BinaryKind::add;
  case ast::BinaryOp::Sub:
    return BinaryKind::sub;
  case ast::BinaryOp::Mul:
    return BinaryKind::mul;
  case ast::BinaryOp::Div:
    return BinaryKind::div;
  case ast::BinaryOp::Mod:
    return BinaryKind::mod;
  }
  return std::nullopt;
}

Datum Lowering::evalUnary(const ast::UnaryExpr &expr) {
  Operand operand{eval(*expr.operand), expr.operand->range};
  UnaryKind kind = expr.op == ast::UnaryOp::Neg      ? UnaryKind::neg
                   : expr.op == ast::UnaryOp::BitNot ? UnaryKind::bitNot
                                                     : UnaryKind::logicalNot;
  return applyUnary(kind, "`" + std::string(spelling(expr.op)) + "`",
                    expr.range, operand);
}

Datum Lowering::applyUnary(UnaryKind kind, llvm::StringRef what, SourceRange at,
                           Operand operand) {
  if (!expectValue(operand))
    return Datum::poison();
  if (operand.datum.isConstant()) {
    if (isConstFunction(kind))
      return constantOr(foldUnary(kind, operand.datum.constant), at);
    // A number alone is a f32 to a function of floats.
    if (operand.datum.isInt() && isFloatFunction(kind))
      operand.datum = Datum::of(constFloat(asFloat(operand.datum.constant)));
    operand.datum = alone(operand.datum, operand.range);
    if (operand.datum.isPoison())
      return Datum::poison();
  }
  const TileValue &value = operand.datum.tile;
  DType element = value.element;
  const char *wanted = nullptr;
  if (kind == UnaryKind::logicalNot)
    wanted = isBool(element) ? nullptr : "a bool";
  else if (kind == UnaryKind::bitNot)
    wanted = is_int(element) ? nullptr : "an integer";
  else if (isFloatFunction(kind))
    wanted = is_float(element) && !isFloat8(element) ? nullptr : "a float";
  else
    wanted = isBool(element) || isFloat8(element) ? "a number" : nullptr;
  if (wanted) {
    auto message = error(operand.range, what.str() + " needs " + wanted +
                                            ", found " + format(value.type()));
    if (isFloatFunction(kind) || isFloat8(element))
      message.note("convert it: `cast<f32>(" + quote(operand.range) + ")`");
    return Datum::poison();
  }
  return Datum::of(numerics().unary(kind, value));
}

Datum Lowering::evalBinary(const ast::BinaryExpr &expr) {
  Operand lhs{eval(*expr.lhs), expr.lhs->range};
  Operand rhs{eval(*expr.rhs), expr.rhs->range};
  if (lhs.datum.isPoison() || rhs.datum.isPoison())
    return Datum::poison();
  if (expr.op == ast::BinaryOp::And || expr.op == ast::BinaryOp::Or)
    return evalLogical(expr, lhs, rhs);
  if (expr.op == ast::BinaryOp::Pow)
    return evalPower(expr, lhs, rhs);
  std::optional<BinaryKind> kind = kindOf(expr.op);
  // `T == f32`
  if (lhs.datum.kind == Datum::Kind::type &&
      rhs.datum.kind == Datum::Kind::type &&
      (kind == BinaryKind::eq || kind == BinaryKind::ne))
    return Datum::of(constBool((lhs.datum.type == rhs.datum.type) ==
                               (kind == BinaryKind::eq)));
  return applyBinary(*kind, "`" + std::string(spelling(expr.op)) + "`",
                     expr.opRange, lhs, rhs);
}

/// Refuses what the operation has no meaning for; `element` is the type of
/// both operands.
bool Lowering::checkOperands(BinaryKind kind, llvm::StringRef what,
                             SourceRange at, const Operand &lhs,
                             DType element) {
  bool bitwise = kind >= BinaryKind::bitAnd && kind <= BinaryKind::bitXor;
  bool intsOnly = kind == BinaryKind::shl || kind == BinaryKind::shr ||
                  (kind >= BinaryKind::floordiv && kind <= BinaryKind::ceildiv);
  bool equality = kind == BinaryKind::eq || kind == BinaryKind::ne;
  const char *wanted = nullptr;
  if (isFloat8(element))
    wanted = "a wider type";
  else if (bitwise && is_float(element))
    wanted = "integers or bools";
  else if (intsOnly && !is_int(element))
    wanted = "integers";
  else if (!bitwise && !equality && isBool(element))
    wanted = "numbers";
  if (!wanted)
    return true;
  auto message = error(at, what.str() + " needs " + wanted + ", found " +
                               std::string(name_of(element)));
  if (isFloat8(element))
    message.note("8-bit floats are only loaded, stored, cast and multiplied "
                 "by dot; convert: `cast<f32>(" +
                 quote(lhs.range) + ")`");
  return false;
}

Datum Lowering::applyBinary(BinaryKind kind, llvm::StringRef what,
                            SourceRange at, Operand lhs, Operand rhs) {
  if (!expectValue(lhs) || !expectValue(rhs))
    return Datum::poison();
  if (lhs.datum.isConstant() && rhs.datum.isConstant())
    return constantOr(foldBinary(kind, lhs.datum.constant, rhs.datum.constant),
                      at);
  auto values = unify({lhs, rhs}, what, at);
  if (!values || !checkOperands(kind, what, at, lhs, values->front().element))
    return Datum::poison();
  return Datum::of(numerics().binary(kind, (*values)[0], (*values)[1]));
}

Datum Lowering::evalLogical(const ast::BinaryExpr &expr, Operand lhs,
                            Operand rhs) {
  bool isAnd = expr.op == ast::BinaryOp::And;
  std::string what = "`" + std::string(spelling(expr.op)) + "`";
  for (const Operand &operand : {lhs, rhs}) {
    if (!expectValue(operand))
      return Datum::poison();
    DType element = typeOf(operand.datum).tile.element;
    if (!isBool(element)) {
      auto message = error(operand.range, what + " needs bools, found " +
                                              describe(operand.datum));
      message.note("compare it: `" + quote(operand.range) + " != 0`");
      return Datum::poison();
    }
  }
  // A constant side decides or has no say; the other was evaluated all the
  // same.
  for (auto [known, other] : {std::pair(lhs, rhs), std::pair(rhs, lhs)})
    if (known.datum.isConstant())
      return known.datum.constant.i == isAnd ? other.datum : known.datum;
  auto values = unify({lhs, rhs}, what, expr.opRange);
  if (!values)
    return Datum::poison();
  return Datum::of(
      numerics().binary(isAnd ? BinaryKind::bitAnd : BinaryKind::bitOr,
                        (*values)[0], (*values)[1]));
}

Datum Lowering::evalPower(const ast::BinaryExpr &expr, Operand lhs,
                          Operand rhs) {
  if (!expectValue(lhs) || !expectValue(rhs))
    return Datum::poison();
  if (!rhs.datum.isInt()) {
    error(rhs.range,
          "`**` needs a const integer exponent, found " + describe(rhs.datum))
        .note("for other powers write `exp2(y * log2(x))`");
    return Datum::poison();
  }
  int64_t exponent = rhs.datum.constant.i;
  if (lhs.datum.isConstant())
    return constantOr(foldPower(lhs.datum.constant, rhs.datum.constant),
                      expr.opRange);
  const TileValue &base = lhs.datum.tile;
  if (!checkOperands(BinaryKind::mul, "`**`", expr.opRange, lhs, base.element))
    return Datum::poison();
  if (exponent < 0 && is_int(base.element))
    return poison(rhs.range,
                  "`**` needs an exponent of 0 or more for an integer, found " +
                      std::to_string(exponent));
  return Datum::of(numerics().power(base, exponent));
}

} // namespace attn_grid::compiler
