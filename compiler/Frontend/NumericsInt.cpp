// Integer arithmetic: divisions that never trap, shifts that never overflow.

#include "compiler/Frontend/KnownRange.h"
#include "compiler/Frontend/Numerics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace attn_grid::compiler {

/// The value of a constant scalar or splat, or nothing.
static std::optional<APInt> constantOf(Value value) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant;
  return std::nullopt;
}

/// What is known of an i32; of other types nothing that helps.
static KnownRange rangeOfSigned(TileValue value) {
  if (value.element != DType::i32)
    return {INT64_MIN, INT64_MAX};
  return knownRange(value.value);
}

Value Numerics::constantLike(Value value, int64_t i) {
  Type type = value.getType();
  auto element = cast<IntegerType>(getElementTypeOrSelf(type));
  APInt bits(element.getWidth(), static_cast<uint64_t>(i), /*isSigned=*/true,
             /*implicitTrunc=*/true);
  TypedAttr attr = builder.getIntegerAttr(element, bits);
  if (auto tile = dyn_cast<RankedTensorType>(type))
    attr = SplatElementsAttr::get(tile, bits);
  return arith::ConstantOp::create(builder, loc, attr);
}

Value Numerics::compareInt(llvm::StringRef predicate, Value lhs, Value rhs) {
  auto kind = arith::symbolizeCmpIPredicate(predicate);
  return builder.createOrFold<arith::CmpIOp>(
      loc, kind.value_or(arith::CmpIPredicate::eq), lhs, rhs);
}

TileValue Numerics::intBinary(BinaryKind kind, TileValue lhs, TileValue rhs) {
  Value a = lhs.value, b = rhs.value;
  bool noSign = is_unsigned(lhs.element) || isBool(lhs.element);
  auto result = [&](Value value) { return TileValue{value, lhs.element}; };
  switch (kind) {
  case BinaryKind::add:
    return result(builder.createOrFold<arith::AddIOp>(loc, a, b));
  case BinaryKind::sub:
    return result(builder.createOrFold<arith::SubIOp>(loc, a, b));
  case BinaryKind::mul:
    return result(builder.createOrFold<arith::MulIOp>(loc, a, b));
  case BinaryKind::bitAnd:
    return result(builder.createOrFold<arith::AndIOp>(loc, a, b));
  case BinaryKind::bitOr:
    return result(builder.createOrFold<arith::OrIOp>(loc, a, b));
  case BinaryKind::bitXor:
    return result(builder.createOrFold<arith::XOrIOp>(loc, a, b));
  case BinaryKind::min:
    return result(noSign ? builder.createOrFold<arith::MinUIOp>(loc, a, b)
                         : builder.createOrFold<arith::MinSIOp>(loc, a, b));
  case BinaryKind::max:
    return result(noSign ? builder.createOrFold<arith::MaxUIOp>(loc, a, b)
                         : builder.createOrFold<arith::MaxSIOp>(loc, a, b));
  case BinaryKind::shl:
  case BinaryKind::shr:
    return result(shift(kind, lhs, rhs));
  case BinaryKind::ceildiv:
    return result(ceilDivide(lhs, rhs));
  default:
    return result(divide(kind, lhs, rhs));
  }
}

/// Shifting by the width or more gives 0, or -1 for a negative `>>`.
Value Numerics::shift(BinaryKind kind, TileValue lhs, TileValue rhs) {
  Value a = lhs.value, b = rhs.value;
  bool arithmetic = kind == BinaryKind::shr && !is_unsigned(lhs.element);
  int64_t width = bitsOf(lhs.element);
  std::optional<APInt> by = constantOf(b);
  bool small = by && by->ult(width);
  if (arithmetic) {
    if (!small)
      b = builder.createOrFold<arith::MinUIOp>(loc, b,
                                               constantLike(b, width - 1));
    return builder.createOrFold<arith::ShRSIOp>(loc, a, b);
  }
  if (by && !small)
    return constantLike(a, 0);
  Value fits = small ? Value() : compareInt("ult", b, constantLike(b, width));
  if (!small)
    b = builder.createOrFold<arith::SelectOp>(loc, fits, b, constantLike(b, 0));
  Value shifted = kind == BinaryKind::shl
                      ? builder.createOrFold<arith::ShLIOp>(loc, a, b)
                      : builder.createOrFold<arith::ShRUIOp>(loc, a, b);
  if (small)
    return shifted;
  return builder.createOrFold<arith::SelectOp>(loc, fits, shifted,
                                               constantLike(a, 0));
}

/// `/ % floordiv floormod`, each in terms of the guarded truncating ones.
Value Numerics::divide(BinaryKind kind, TileValue lhs, TileValue rhs) {
  if (kind == BinaryKind::div || kind == BinaryKind::mod)
    return divideGuarded(kind == BinaryKind::div, lhs, rhs);
  bool truncates = is_unsigned(lhs.element) ||
                   (rangeOfSigned(lhs).low >= 0 && rangeOfSigned(rhs).low >= 0);
  bool quotient = kind == BinaryKind::floordiv;
  if (truncates)
    return divideGuarded(quotient, lhs, rhs);
  // The remainder has the dividend's sign; where the divisor's differs, the
  // floor is one less. `x / 0` is 0 and `x % 0` is x here too.
  Value zero = constantLike(lhs.value, 0);
  Value rest = divideGuarded(/*quotient=*/false, lhs, rhs);
  Value hasRest = compareInt("ne", rest, zero);
  Value mixed = builder.createOrFold<arith::XOrIOp>(loc, rest, rhs.value);
  Value differs = compareInt("slt", mixed, zero);
  Value nonZero = compareInt("ne", rhs.value, zero);
  Value off = builder.createOrFold<arith::AndIOp>(
      loc, builder.createOrFold<arith::AndIOp>(loc, hasRest, differs), nonZero);
  Value floored =
      quotient ? builder.createOrFold<arith::SubIOp>(
                     loc, divideGuarded(/*quotient=*/true, lhs, rhs),
                     constantLike(lhs.value, 1))
               : builder.createOrFold<arith::AddIOp>(loc, rest, rhs.value);
  Value truncated =
      quotient ? divideGuarded(/*quotient=*/true, lhs, rhs) : rest;
  return builder.createOrFold<arith::SelectOp>(loc, off, floored, truncated);
}

/// `x / y` (0 where y is 0) or `x % y` (x where y is 0), rounded to zero.
/// The division itself never sees 0, nor -1 where that could overflow.
Value Numerics::divideGuarded(bool quotient, TileValue lhs, TileValue rhs) {
  Value a = lhs.value, b = rhs.value;
  bool noSign = is_unsigned(lhs.element);
  KnownRange range = rangeOfSigned(rhs);
  std::optional<APInt> by = constantOf(b);
  bool maybeZero = by ? by->isZero() : range.low <= 0 && range.high >= 0;
  bool maybeMinusOne = !noSign && (by ? by->isAllOnes() : range.low < 0);
  Value zero = constantLike(a, 0);
  Value isZero, isMinusOne, divisor = b;
  if (maybeMinusOne) {
    isMinusOne = compareInt("eq", b, constantLike(b, -1));
    divisor = builder.createOrFold<arith::SelectOp>(
        loc, isMinusOne, constantLike(b, 1), divisor);
  }
  if (maybeZero) {
    isZero = compareInt("eq", b, zero);
    divisor =
        range.low >= 0 && !noSign
            ? builder.createOrFold<arith::MaxSIOp>(loc, b, constantLike(b, 1))
            : builder.createOrFold<arith::SelectOp>(
                  loc, isZero, constantLike(b, 1), divisor);
  }
  Value result;
  if (quotient)
    result = noSign ? builder.createOrFold<arith::DivUIOp>(loc, a, divisor)
                    : builder.createOrFold<arith::DivSIOp>(loc, a, divisor);
  else
    result = noSign ? builder.createOrFold<arith::RemUIOp>(loc, a, divisor)
                    : builder.createOrFold<arith::RemSIOp>(loc, a, divisor);
  // x % -1 is 0, as x % 1 is; x / -1 is -x.
  if (quotient && maybeMinusOne)
    result = builder.createOrFold<arith::SelectOp>(
        loc, isMinusOne, builder.createOrFold<arith::SubIOp>(loc, zero, a),
        result);
  if (maybeZero)
    result = builder.createOrFold<arith::SelectOp>(loc, isZero,
                                                   quotient ? zero : a, result);
  return result;
}

Value Numerics::ceilDivide(TileValue lhs, TileValue rhs) {
  // (x + (y - 1)) / y where nothing can wrap: the form that analyses know.
  KnownRange a = rangeOfSigned(lhs), b = rangeOfSigned(rhs);
  Value one = constantLike(rhs.value, 1);
  if (a.low >= 0 && b.low > 0 && a.high <= INT32_MAX &&
      a.high + b.high - 1 <= INT32_MAX) {
    Value less = builder.createOrFold<arith::SubIOp>(loc, rhs.value, one);
    Value sum = builder.createOrFold<arith::AddIOp>(loc, lhs.value, less);
    return builder.createOrFold<arith::DivSIOp>(loc, sum, rhs.value);
  }
  // Else the truncated quotient, plus one where the rest has the divisor's
  // sign.
  Value zero = constantLike(lhs.value, 0);
  Value quotient = divideGuarded(/*quotient=*/true, lhs, rhs);
  Value rest = divideGuarded(/*quotient=*/false, lhs, rhs);
  Value up = compareInt("ne", rest, zero);
  if (!is_unsigned(lhs.element)) {
    Value mixed = builder.createOrFold<arith::XOrIOp>(loc, rest, rhs.value);
    up = builder.createOrFold<arith::AndIOp>(loc, up,
                                             compareInt("sge", mixed, zero));
  }
  up = builder.createOrFold<arith::AndIOp>(loc, up,
                                           compareInt("ne", rhs.value, zero));
  Value more = builder.createOrFold<arith::AddIOp>(loc, quotient, one);
  return builder.createOrFold<arith::SelectOp>(loc, up, more, quotient);
}

TileValue Numerics::intUnary(UnaryKind kind, TileValue value) {
  Value x = value.value;
  switch (kind) {
  case UnaryKind::neg:
    return {builder.createOrFold<arith::SubIOp>(loc, constantLike(x, 0), x),
            value.element};
  case UnaryKind::bitNot:
  case UnaryKind::logicalNot:
    return {builder.createOrFold<arith::XOrIOp>(loc, x, constantLike(x, -1)),
            value.element};
  case UnaryKind::abs: {
    if (is_unsigned(value.element))
      return value;
    Value minus =
        builder.createOrFold<arith::SubIOp>(loc, constantLike(x, 0), x);
    return {builder.createOrFold<arith::MaxSIOp>(loc, x, minus), value.element};
  }
  default:
    return value; // the caller refuses float functions of integers
  }
}

} // namespace attn_grid::compiler
