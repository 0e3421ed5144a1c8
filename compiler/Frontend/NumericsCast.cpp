// Conversions: to an integer truncates and saturates (NaN: 0), between
// integers wraps, to a narrower float rounds to nearest even.

#include "compiler/Frontend/Numerics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;

namespace attn_grid::compiler {

TileValue Numerics::cast(TileValue value, DType to) {
  DType from = value.element;
  if (from == to)
    return value;
  if (is_float(from) && is_float(to))
    return floatToFloat(value, to);
  if (is_float(from))
    return floatToInt(value, to);
  if (is_float(to))
    return intToFloat(value, to);
  Type type = irType(builder.getContext(), {to, value.type().shape});
  if (isBool(to))
    return binary(BinaryKind::ne, value, constantInt(value.type(), 0));
  if (bitsOf(to) == bitsOf(from))
    return {value.value, to};
  if (bitsOf(to) < bitsOf(from))
    return {builder.createOrFold<arith::TruncIOp>(loc, type, value.value), to};
  if (isBool(from) || is_unsigned(from))
    return {builder.createOrFold<arith::ExtUIOp>(loc, type, value.value), to};
  return {builder.createOrFold<arith::ExtSIOp>(loc, type, value.value), to};
}

TileValue Numerics::floatToFloat(TileValue value, DType to) {
  Type type = irType(builder.getContext(), {to, value.type().shape});
  int from = bitsOf(value.element), wanted = bitsOf(to);
  // Between formats where neither contains the other in one step: through
  // f32, which holds every value of the smaller ones exactly.
  bool through = from == wanted || (isFloat8(value.element) && isHalf(to));
  if (through)
    return floatToFloat(floatToFloat(value, DType::f32), to);
  if (wanted > from)
    return {builder.createOrFold<arith::ExtFOp>(loc, type, value.value), to};
  return {builder.createOrFold<arith::TruncFOp>(loc, type, value.value), to};
}

TileValue Numerics::intToFloat(TileValue value, DType to) {
  if (isFloat8(to))
    return floatToFloat(intToFloat(value, DType::f32), to);
  Type type = irType(builder.getContext(), {to, value.type().shape});
  if (isBool(value.element) || is_unsigned(value.element))
    return {builder.createOrFold<arith::UIToFPOp>(loc, type, value.value), to};
  return {builder.createOrFold<arith::SIToFPOp>(loc, type, value.value), to};
}

TileValue Numerics::floatToInt(TileValue value, DType to) {
  if (bitsOf(value.element) < 32)
    value = floatToFloat(value, DType::f32);
  TileType source = value.type();
  if (isBool(to))
    return binary(BinaryKind::ne, value, constantFloat(source, 0.0));
  auto [least, greatest] = rangeOf(to);
  // The greatest float that is not above the greatest integer.
  double top = std::ldexp(1.0, bitsOf(to) - (is_unsigned(to) ? 0 : 1));
  bool f32 = value.element == DType::f32;
  double last = f32 ? std::nextafterf(static_cast<float>(top), 0.0f)
                    : std::nextafter(top, 0.0);
  bool exact = bitsOf(to) < (f32 ? 24 : 53);
  if (exact)
    last = static_cast<double>(greatest);
  TileValue low = constantFloat(source, static_cast<double>(least));
  TileValue high = constantFloat(source, last);
  TileValue inside =
      binary(BinaryKind::min, binary(BinaryKind::max, value, low), high);
  TileType result{to, source.shape};
  Type type = irType(builder.getContext(), result);
  TileValue converted{
      is_unsigned(to)
          ? builder.createOrFold<arith::FPToUIOp>(loc, type, inside.value)
          : builder.createOrFold<arith::FPToSIOp>(loc, type, inside.value),
      to};
  if (!exact)
    converted =
        select(binary(BinaryKind::ge, value, constantFloat(source, top)),
               constantInt(result, greatest), converted);
  if (is_unsigned(to)) // max(NaN, 0) is 0 already
    return converted;
  Value isNaN = builder.createOrFold<arith::CmpFOp>(
      loc, arith::CmpFPredicate::UNO, value.value, value.value);
  return select({isNaN, DType::boolean}, constantInt(result, 0), converted);
}

TileValue Numerics::bitcast(TileValue value, DType to) {
  if (is_float(value.element) == is_float(to) && !is_float(to))
    return {value.value, to};
  Type type = irType(builder.getContext(), {to, value.type().shape});
  return {builder.createOrFold<arith::BitcastOp>(loc, type, value.value), to};
}

} // namespace attn_grid::compiler
