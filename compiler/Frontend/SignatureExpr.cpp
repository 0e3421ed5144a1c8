// Expressions of a kernel's head (extents of tensors, defaults, `where`,
// `grid`, `tune`) to postfix lists, which the runtime evaluates without the
// compiler. Only the kinds of values are checked here, not their widths: a
// launch computes with 64-bit integers and f64.

#include "compiler/Frontend/SignatureImpl.h"
#include "compiler/Frontend/Suggest.h"

#include <limits>
#include <numbers>

namespace attn_grid::compiler {

using namespace ast;
using Op = attn_grid::Expr::Op;

/// No sane expression is longer; consts that use each other twice could be.
static constexpr size_t maxNodes = 1024;
static constexpr int maxInlining = 16;

// ----------------------------------------------------------------------- kinds

bool SignatureBuilder::wantNumber(Sort sort, SourceRange range) {
  if (sort != Sort::Bool)
    return true;
  diags.error(range, "expected a number, found a bool");
  return false;
}

bool SignatureBuilder::wantInteger(Sort sort, SourceRange range) {
  if (sort == Sort::Bool || sort == Sort::Float) {
    diags.error(range, std::string("expected an integer, found a ") +
                           (sort == Sort::Bool ? "bool" : "float"));
    return false;
  }
  return true;
}

bool SignatureBuilder::wantBool(Sort sort, SourceRange range) {
  if (sort == Sort::Bool || sort == Sort::Any)
    return true;
  diags.error(range, "expected a bool, found a number")
      .note("compare it, as in `x != 0`");
  return false;
}

SignatureBuilder::Sort SignatureBuilder::sortOf(const TypeRef &type) const {
  if (type.kind == TypeRef::Kind::concrete)
    return type.dtype == DType::boolean ? Sort::Bool
           : is_float(type.dtype)       ? Sort::Float
                                        : Sort::Int;
  switch (sig.types[type.param].kind) {
  case TypeParam::Class::floating:
    return Sort::Float;
  case TypeParam::Class::integer:
    return Sort::Int;
  case TypeParam::Class::any:
    break;
  }
  return type.kind == TypeRef::Kind::acc_of_param ? Sort::Number : Sort::Any;
}

// ----------------------------------------------------------------------- names

std::optional<SignatureBuilder::Sort>
SignatureBuilder::unknownName(const NameExpr &expr, const HeadScope &scope) {
  const std::string &name = expr.name;
  const ast::Param *param = paramNamed(name);
  if (extentIndex(name) >= 0) {
    diags
        .error(expr.range, std::string(scope.what) +
                               " cannot use the extent `" + name +
                               "`, which is known only at run time")
        .note("`const " + name + ": int` in `<...>` compiles it in");
    return std::nullopt;
  }
  if (param) {
    bool tensor = param->type->kind == TypeExpr::Kind::Tensor;
    diags
        .error(expr.range, std::string(scope.what) + " cannot use the " +
                               (tensor ? "tensor" : "scalar") + " `" + name +
                               "`")
        .note(param->name.range, "`" + name + "` is declared here");
    return std::nullopt;
  }
  DiagnosticBuilder error =
      diags.error(expr.range, "nothing is called `" + name + "` here");
  std::vector<std::string> known;
  for (const ConstParam &c : sig.consts)
    known.push_back(c.name);
  if (scope.extents)
    for (const Extent &extent : sig.extents)
      known.push_back(extent.name);
  for (int i = 0; i < scope.scalars; ++i)
    if (!sig.params[i].is_tensor)
      known.push_back(sig.params[i].name);
  if (auto meant = closest(name, known))
    error.note("did you mean `" + *meant + "`?");
  else if (scope.extents && scope.bindsExtents)
    error.note("an extent is bound by a tensor with a dimension that is `" +
               name + "` or `" + name + " + 1` and the like");
  return std::nullopt;
}

/// The builtin numbers.
static std::optional<double> builtinConst(std::string_view name) {
  if (name == "LOG2E")
    return std::numbers::log2e;
  if (name == "LN2")
    return std::numbers::ln2;
  if (name == "PI")
    return std::numbers::pi;
  if (name == "inf")
    return std::numeric_limits<double>::infinity();
  if (name == "nan")
    return std::numeric_limits<double>::quiet_NaN();
  return std::nullopt;
}

std::optional<SignatureBuilder::Sort>
SignatureBuilder::emitName(const NameExpr &expr, const HeadScope &scope,
                           attn_grid::Expr &out) {
  int extent = extentIndex(expr.name);
  if (extent >= 0 && scope.extents &&
      (scope.bindsExtents || sig.extents[extent].constant < 0)) {
    push(out, Op::extent, extent);
    return Sort::Int;
  }
  if (int index = constIndex(expr.name); index >= 0) {
    push(out, Op::constant, index);
    switch (sig.consts[index].kind) {
    case ConstParam::Kind::integer:
      return Sort::Int;
    case ConstParam::Kind::floating:
      return Sort::Float;
    case ConstParam::Kind::boolean:
      return Sort::Bool;
    }
  }
  for (int i = 0; i < scope.scalars; ++i)
    if (!sig.params[i].is_tensor && sig.params[i].name == expr.name) {
      push(out, Op::scalar, i);
      return sortOf(sig.params[i].type);
    }
  if (paramNamed(expr.name))
    return unknownName(expr, scope);
  if (typeIndex(expr.name) >= 0 || dtype_named(expr.name)) {
    diags.error(expr.range, "`" + expr.name + "` is a type, not a value")
        .note("types are compared, as in `T == f32`, or measured: `bits(T)`");
    return std::nullopt;
  }
  if (const ConstDecl *global = globalConst(expr.name)) {
    if (inlining >= maxInlining) {
      diags.error(expr.range, "the const `" + expr.name +
                                  "` needs itself, or too many others");
      return std::nullopt;
    }
    ++inlining;
    std::optional<Sort> sort =
        emit(*global->value, HeadScope{.what = "a const"}, out);
    --inlining;
    return sort;
  }
  if (std::optional<double> value = builtinConst(expr.name)) {
    push(out, Op::float_literal, 0, 0, *value);
    return Sort::Float;
  }
  return unknownName(expr, scope);
}

// ------------------------------------------------------------------- operators

std::optional<SignatureBuilder::Sort>
SignatureBuilder::emit(const ast::Expr &expr, const HeadScope &scope,
                       attn_grid::Expr &out) {
  if (out.nodes.size() > maxNodes) {
    diags.error(expr.range, "this expression is too long");
    return std::nullopt;
  }
  switch (expr.kind) {
  case ast::Expr::Kind::IntLiteral:
    push(out, Op::int_literal, 0, dynAs<IntLiteral>(&expr)->value);
    return Sort::Int;
  case ast::Expr::Kind::FloatLiteral:
    push(out, Op::float_literal, 0, 0, dynAs<FloatLiteral>(&expr)->value);
    return Sort::Float;
  case ast::Expr::Kind::BoolLiteral:
    push(out, Op::bool_literal, 0, dynAs<BoolLiteral>(&expr)->value);
    return Sort::Bool;
  case ast::Expr::Kind::Name:
    return emitName(*dynAs<NameExpr>(&expr), scope, out);
  case ast::Expr::Kind::Unary:
    return emitUnary(*dynAs<UnaryExpr>(&expr), scope, out);
  case ast::Expr::Kind::Binary:
    return emitBinary(*dynAs<BinaryExpr>(&expr), scope, out);
  case ast::Expr::Kind::Call:
    return emitCall(*dynAs<CallExpr>(&expr), scope, out);
  default:
    diags.error(expr.range, std::string(scope.what) +
                                " is made of numbers, names, operators and "
                                "functions such as `ceildiv`");
    return std::nullopt;
  }
}

std::optional<SignatureBuilder::Sort>
SignatureBuilder::emitUnary(const UnaryExpr &expr, const HeadScope &scope,
                            attn_grid::Expr &out) {
  std::optional<Sort> sort = emit(*expr.operand, scope, out);
  if (!sort)
    return std::nullopt;
  SourceRange range = expr.operand->range;
  switch (expr.op) {
  case UnaryOp::Neg:
    if (!wantNumber(*sort, range))
      return std::nullopt;
    push(out, Op::neg);
    return sort;
  case UnaryOp::Not:
    if (!wantBool(*sort, range))
      return std::nullopt;
    push(out, Op::logical_not);
    return Sort::Bool;
  case UnaryOp::BitNot:
    if (!wantInteger(*sort, range))
      return std::nullopt;
    push(out, Op::int_literal, 0, -1);
    push(out, Op::bit_xor);
    return Sort::Int;
  }
  return std::nullopt;
}

/// In the order of `BinaryOp`.
static constexpr Op operations[] = {
    Op::logical_or, Op::logical_and, Op::eq,  Op::ne,     Op::lt,
    Op::le,         Op::gt,          Op::ge,  Op::bit_or, Op::bit_xor,
    Op::bit_and,    Op::shl,         Op::shr, Op::add,    Op::sub,
    Op::mul,        Op::div,         Op::mod, Op::pow,
};

/// `T == f32`, `f32 != T`.
std::optional<SignatureBuilder::Sort>
SignatureBuilder::emitTypeTest(const BinaryExpr &expr, attn_grid::Expr &out) {
  const auto *lhs = dynAs<NameExpr>(expr.lhs);
  const auto *rhs = dynAs<NameExpr>(expr.rhs);
  if (lhs && rhs && typeIndex(lhs->name) < 0)
    std::swap(lhs, rhs);
  int index = lhs ? typeIndex(lhs->name) : -1;
  std::optional<DType> type = rhs ? dtype_named(rhs->name) : std::nullopt;
  if (index < 0 || !type) {
    diags.error(expr.range,
                "a type parameter is compared with a type, as in `T == f32`");
    return std::nullopt;
  }
  push(out, Op::type_is, index, static_cast<int64_t>(*type));
  if (expr.op == BinaryOp::Ne)
    push(out, Op::logical_not);
  return Sort::Bool;
}

std::optional<SignatureBuilder::Sort>
SignatureBuilder::emitBinary(const BinaryExpr &expr, const HeadScope &scope,
                             attn_grid::Expr &out) {
  bool equality = expr.op == BinaryOp::Eq || expr.op == BinaryOp::Ne;
  for (const ExprPtr *side : {&expr.lhs, &expr.rhs})
    if (const auto *name = dynAs<NameExpr>(*side);
        equality && name && typeIndex(name->name) >= 0)
      return emitTypeTest(expr, out);

  std::optional<Sort> lhs = emit(*expr.lhs, scope, out);
  std::optional<Sort> rhs = lhs ? emit(*expr.rhs, scope, out) : std::nullopt;
  if (!rhs)
    return std::nullopt;
  SourceRange left = expr.lhs->range, right = expr.rhs->range;
  push(out, operations[static_cast<int>(expr.op)]);
  switch (expr.op) {
  case BinaryOp::Or:
  case BinaryOp::And:
    if (!wantBool(*lhs, left) || !wantBool(*rhs, right))
      return std::nullopt;
    return Sort::Bool;
  case BinaryOp::Eq:
  case BinaryOp::Ne:
    if (*lhs == Sort::Any || *rhs == Sort::Any)
      return Sort::Bool;
    if ((*lhs == Sort::Bool) != (*rhs == Sort::Bool)) {
      diags.error(expr.opRange, "cannot compare a bool with a number")
          .label(left)
          .label(right);
      return std::nullopt;
    }
    return Sort::Bool;
  case BinaryOp::Lt:
  case BinaryOp::Le:
  case BinaryOp::Gt:
  case BinaryOp::Ge:
    if (!wantNumber(*lhs, left) || !wantNumber(*rhs, right))
      return std::nullopt;
    return Sort::Bool;
  case BinaryOp::BitOr:
  case BinaryOp::BitXor:
  case BinaryOp::BitAnd:
  case BinaryOp::Shl:
  case BinaryOp::Shr:
  case BinaryOp::Mod:
    if (!wantInteger(*lhs, left) || !wantInteger(*rhs, right))
      return std::nullopt;
    return Sort::Int;
  case BinaryOp::Pow:
    if (!wantNumber(*lhs, left) || !wantInteger(*rhs, right))
      return std::nullopt;
    return lhs;
  default:
    if (!wantNumber(*lhs, left) || !wantNumber(*rhs, right))
      return std::nullopt;
    return *lhs == Sort::Int && *rhs == Sort::Int       ? Sort::Int
           : *lhs == Sort::Float || *rhs == Sort::Float ? Sort::Float
                                                        : Sort::Number;
  }
}

// -------------------------------------------------------------- whole ones

/// The source of an expression on one line.
std::string SignatureBuilder::textOf(const ast::Expr &expr) const {
  std::string text;
  for (char c : sources.text(expr.range)) {
    bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!blank)
      text += c;
    else if (!text.empty() && text.back() != ' ')
      text += ' ';
  }
  return text;
}

attn_grid::Expr SignatureBuilder::make(const ast::Expr &expr,
                                       const HeadScope &scope, Sort wanted) {
  attn_grid::Expr out;
  std::optional<Sort> sort = emit(expr, scope, out);
  bool good = sort && (wanted == Sort::Int    ? wantInteger(*sort, expr.range)
                       : wanted == Sort::Bool ? wantBool(*sort, expr.range)
                       : wanted == Sort::Any  ? true
                                              : wantNumber(*sort, expr.range));
  if (!good)
    return {};
  out.text = textOf(expr);
  return out;
}

} // namespace attn_grid::compiler
