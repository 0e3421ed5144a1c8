#include "compiler/Frontend/ParserImpl.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace attn_grid::compiler {

using namespace ast;

// Loosest first, as language.md section 4 lists them: `or`, `and`, `not`,
// comparisons, then the levels of `binaryLevels`, unary `- ~`, `**`, postfix.

namespace {
struct BinaryLevelOp {
  Token::Kind kind;
  BinaryOp op;
  int level;
};
} // namespace

static constexpr int numLevels = 6;
static constexpr BinaryLevelOp binaryLevels[] = {
    {Token::Kind::Pipe, BinaryOp::BitOr, 0},
    {Token::Kind::Caret, BinaryOp::BitXor, 1},
    {Token::Kind::Amp, BinaryOp::BitAnd, 2},
    {Token::Kind::LessLess, BinaryOp::Shl, 3},
    {Token::Kind::GreaterGreater, BinaryOp::Shr, 3},
    {Token::Kind::Plus, BinaryOp::Add, 4},
    {Token::Kind::Minus, BinaryOp::Sub, 4},
    {Token::Kind::Star, BinaryOp::Mul, 5},
    {Token::Kind::Slash, BinaryOp::Div, 5},
    {Token::Kind::Percent, BinaryOp::Mod, 5},
};
static constexpr BinaryLevelOp comparisons[] = {
    {Token::Kind::EqualEqual, BinaryOp::Eq, 0},
    {Token::Kind::BangEqual, BinaryOp::Ne, 0},
    {Token::Kind::Less, BinaryOp::Lt, 0},
    {Token::Kind::LessEqual, BinaryOp::Le, 0},
    {Token::Kind::Greater, BinaryOp::Gt, 0},
    {Token::Kind::GreaterEqual, BinaryOp::Ge, 0},
};

// --------------------------------------------------------------------- height

bool Parser::closeHeight(Expr &expr, uint32_t heightOfChildren) {
  expr.height = heightOfChildren + 1;
  if (expr.height <= maxDepth)
    return true;
  fail(expr.range, "this expression is nested more than " +
                       std::to_string(maxDepth) + " levels deep")
      .note("bind a part of it with `let`");
  return false;
}

ExprPtr Parser::makeBinary(BinaryOp op, SourceRange opRange, ExprPtr lhs,
                           ExprPtr rhs) {
  auto expr = std::make_unique<BinaryExpr>(lhs->range.to(rhs->range));
  expr->op = op;
  expr->opRange = opRange;
  if (!closeHeight(*expr, std::max(lhs->height, rhs->height)))
    return nullptr;
  expr->lhs = std::move(lhs);
  expr->rhs = std::move(rhs);
  return expr;
}

// ------------------------------------------------------------------ operators

ExprPtr Parser::parseExpr() {
  DepthGuard guard(*this);
  return guard.ok ? parseOr() : nullptr;
}

ExprPtr Parser::parseOr() {
  ExprPtr lhs = parseAnd();
  while (lhs && at(Kind::KwOr)) {
    SourceRange op = rangeOf(take());
    ExprPtr rhs = parseAnd();
    lhs = rhs ? makeBinary(BinaryOp::Or, op, std::move(lhs), std::move(rhs))
              : nullptr;
  }
  return lhs;
}

ExprPtr Parser::parseAnd() {
  ExprPtr lhs = parseNot();
  while (lhs && at(Kind::KwAnd)) {
    SourceRange op = rangeOf(take());
    ExprPtr rhs = parseNot();
    lhs = rhs ? makeBinary(BinaryOp::And, op, std::move(lhs), std::move(rhs))
              : nullptr;
  }
  return lhs;
}

ExprPtr Parser::parseNot() {
  if (begun || !at(Kind::KwNot))
    return parseComparison();
  DepthGuard guard(*this);
  if (!guard.ok)
    return nullptr;
  auto expr = std::make_unique<UnaryExpr>(rangeOf(take()));
  expr->op = UnaryOp::Not;
  if (!(expr->operand = parseNot()))
    return nullptr;
  expr->range = expr->range.to(expr->operand->range);
  if (!closeHeight(*expr, expr->operand->height))
    return nullptr;
  return expr;
}

/// The comparison at a token; inside `<...>` a `>` closes instead.
static const BinaryLevelOp *comparisonAt(Token::Kind kind, bool inGenerics) {
  if (inGenerics &&
      (kind == Token::Kind::Greater || kind == Token::Kind::GreaterEqual))
    return nullptr;
  for (const BinaryLevelOp &c : comparisons)
    if (c.kind == kind)
      return &c;
  return nullptr;
}

ExprPtr Parser::parseComparison() {
  ExprPtr lhs = parseBinary(0);
  if (!lhs)
    return nullptr;
  const BinaryLevelOp *first = comparisonAt(peek().kind, inGenerics);
  if (!first)
    return lhs;
  SourceRange op = rangeOf(take());
  if (at(Kind::KwNot)) {
    unexpected("an expression").note("put `not ...` into parentheses");
    return nullptr;
  }
  ExprPtr rhs = parseBinary(0);
  if (!rhs)
    return nullptr;
  if (comparisonAt(peek().kind, inGenerics)) {
    std::string name(sources.text(rhs->range));
    bool isShort = name.size() <= 20;
    fail(here(), "comparisons do not chain")
        .label(op)
        .note(isShort ? "write `... " + std::string(sources.text(op)) + " " +
                            name + " and " + name + " " +
                            std::string(textOf(peek())) + " ...`"
                      : "join two comparisons with `and`");
    return nullptr;
  }
  return makeBinary(first->op, op, std::move(lhs), std::move(rhs));
}

/// `| ^ & << >> + - * / %`, all left to right.
ExprPtr Parser::parseBinary(int level) {
  if (level == numLevels)
    return parseUnary();
  ExprPtr lhs = parseBinary(level + 1);
  while (lhs) {
    const BinaryLevelOp *found = nullptr;
    for (const BinaryLevelOp &candidate : binaryLevels)
      if (candidate.level == level && at(candidate.kind))
        found = &candidate;
    if (!found || (inGenerics && found->op == BinaryOp::Shr))
      return lhs;
    SourceRange op = rangeOf(take());
    ExprPtr rhs = parseBinary(level + 1);
    if (!rhs)
      return nullptr;
    lhs = makeBinary(found->op, op, std::move(lhs), std::move(rhs));
  }
  return nullptr;
}

ExprPtr Parser::parseUnary() {
  if (begun || (!at(Kind::Minus) && !at(Kind::Tilde)))
    return parsePower();
  DepthGuard guard(*this);
  if (!guard.ok)
    return nullptr;
  bool minus = at(Kind::Minus);
  auto expr = std::make_unique<UnaryExpr>(rangeOf(take()));
  // The smallest integer has no positive counterpart.
  if (minus && at(Kind::Integer) && textOf(peek()) == "9223372036854775808") {
    auto literal = std::make_unique<IntLiteral>(expr->range.to(here()));
    literal->value = INT64_MIN;
    take();
    return literal;
  }
  expr->op = minus ? UnaryOp::Neg : UnaryOp::BitNot;
  if (!(expr->operand = parseUnary()))
    return nullptr;
  expr->range = expr->range.to(expr->operand->range);
  if (!closeHeight(*expr, expr->operand->height))
    return nullptr;
  return expr;
}

/// `x ** 2` binds tighter than a sign before it: `-x ** 2` is `-(x ** 2)`.
ExprPtr Parser::parsePower() {
  ExprPtr base = parsePostfix();
  if (!base || !at(Kind::StarStar))
    return base;
  SourceRange op = rangeOf(take());
  DepthGuard guard(*this);
  ExprPtr exponent = guard.ok ? parseUnary() : nullptr;
  if (!exponent)
    return nullptr;
  return makeBinary(BinaryOp::Pow, op, std::move(base), std::move(exponent));
}

// ------------------------------------------------------------------ primaries

ExprPtr Parser::parsePrimary() {
  if (begun)
    return std::move(begun);
  switch (peek().kind) {
  case Kind::Integer:
    return parseInteger();
  case Kind::Float:
    return parseFloat();
  case Kind::KwTrue:
  case Kind::KwFalse: {
    auto literal = std::make_unique<BoolLiteral>(here());
    literal->value = take().kind == Kind::KwTrue;
    return literal;
  }
  case Kind::Name:
    return parseNamed();
  case Kind::LParen: {
    SourceRange open = rangeOf(take());
    GenericScope scope(*this, false);
    ExprPtr inner = parseExpr();
    if (!inner)
      return nullptr;
    if (at(Kind::Comma)) {
      unexpected("`)`").label(open).note(
          "a tuple stands only after `return`; everywhere else make a struct");
      return nullptr;
    }
    if (!expectClose(Kind::RParen, open))
      return nullptr;
    inner->range = since(open);
    return inner;
  }
  case Kind::LSquare:
    fail(here(), "a list stands only as an argument, as in `reshape(t, [M, "
                 "N])`");
    return nullptr;
  case Kind::String:
    fail(here(), "a string stands only as an argument of `print`, `assert` or "
                 "`static_assert`");
    return nullptr;
  case Kind::Plus:
    unexpected("an expression")
        .note("there is no `++` and no sign `+`; add one with `+= 1`");
    return nullptr;
  case Kind::KwNone:
    fail(here(), "`None` stands only in `[...]`, for a new extent of 1");
    return nullptr;
  case Kind::KwIf:
    unexpected("an expression")
        .note("to choose a value write `where(condition, a, b)`");
    return nullptr;
  default:
    unexpected("an expression");
    return nullptr;
  }
}

/// The digits of a number without `_`.
static std::string digitsOf(std::string_view text) {
  std::string digits(text);
  digits.erase(std::remove(digits.begin(), digits.end(), '_'), digits.end());
  return digits;
}

ExprPtr Parser::parseInteger() {
  auto literal = std::make_unique<IntLiteral>(here());
  std::string digits = digitsOf(textOf(take()));
  int base = 10;
  size_t prefix = 0;
  if (digits.size() > 2 && !std::isdigit(digits[1])) {
    base = digits[1] == 'x' || digits[1] == 'X' ? 16 : 2;
    prefix = 2;
  }
  auto [end, error] =
      std::from_chars(digits.data() + prefix, digits.data() + digits.size(),
                      literal->value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    fail(literal->range, "this integer does not fit in 64 bits")
        .note("the largest is 9223372036854775807");
    return nullptr;
  }
  return literal;
}

ExprPtr Parser::parseFloat() {
  auto literal = std::make_unique<FloatLiteral>(here());
  std::string digits = digitsOf(textOf(take()));
  auto [end, error] = std::from_chars(
      digits.data(), digits.data() + digits.size(), literal->value);
  // Too small is 0, or nearly so; too large is a mistake.
  if (error == std::errc::result_out_of_range)
    literal->value = std::strtod(digits.c_str(), nullptr);
  if (!std::isfinite(literal->value)) {
    fail(literal->range, "this number is too large for f64")
        .note("infinity is written `inf`");
    return nullptr;
  }
  return literal;
}

} // namespace attn_grid::compiler
