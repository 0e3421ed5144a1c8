// 16- and 8-bit floats, and bools, between registers and memory.
//
// In registers a small float is an f32 that its type can represent. Conversions
// are arithmetic on the bits wherever some machine lacks the instruction, or
// has one that flushes subnormals.

#include "compiler/Conversion/Cpu/TileEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace attn_grid::compiler::cpu {

Value TileEmitter::bitsOf(uint32_t pattern, int64_t lanes) {
  return widen(constant(b.getI32Type(),
                        b.getI32IntegerAttr(static_cast<int32_t>(pattern))),
               lanes);
}

Value TileEmitter::number(double value, int64_t lanes) {
  return widen(constant(b.getF32Type(), b.getF32FloatAttr(value)), lanes);
}

Type TileEmitter::memoryType(Type element) const {
  if (element.isInteger(1))
    return b.getI8Type();
  if (!isSmallFloat(element) || element.isF16())
    return element;
  return b.getIntegerType(element.getIntOrFloatBitWidth());
}

namespace {
/// What tells the 8-bit formats apart.
struct EightBits {
  int fraction;  // bits
  int least;     // the exponent of the least normal number
  double most;   // the largest number
  bool infinite; // beyond it comes infinity, else NaN
};
} // namespace

static EightBits formatOf(Type element) {
  return isa<Float8E5M2Type>(element) ? EightBits{2, -14, 57344, true}
                                      : EightBits{3, -6, 448, false};
}

/// To nearest even on the bits of an f32, of which `dropped` go; a NaN stays.
static Value roundBits(ImplicitLocOpBuilder &b, Value value, Value raw,
                       Value count, Value one, Value bias, Value quiet,
                       Value mask) {
  Value odd =
      arith::AndIOp::create(b, arith::ShRUIOp::create(b, raw, count), one);
  Value sum =
      arith::AddIOp::create(b, raw, arith::AddIOp::create(b, odd, bias));
  Value isNaN =
      arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, value, value);
  Value chosen = arith::SelectOp::create(
      b, isNaN, arith::OrIOp::create(b, raw, quiet), sum);
  return arith::BitcastOp::create(b, value.getType(),
                                  arith::AndIOp::create(b, chosen, mask));
}

Value TileEmitter::roundTo(Value value, Type element) {
  if (!isSmallFloat(element))
    return value;
  int64_t lanes = lanesOf(value);
  if (element.isF16()) {
    Value narrow = arith::TruncFOp::create(b, vectorOf(element, lanes), value);
    return arith::ExtFOp::create(b, value.getType(), narrow);
  }
  if (!element.isBF16())
    return roundToEight(value, element);
  Value raw =
      arith::BitcastOp::create(b, vectorOf(b.getI32Type(), lanes), value);
  return roundBits(b, value, raw, bitsOf(16, lanes), bitsOf(1, lanes),
                   bitsOf(0x7fff, lanes), bitsOf(0x00400000, lanes),
                   bitsOf(0xffff0000u, lanes));
}

Value TileEmitter::roundToEight(Value value, Type element) {
  int64_t lanes = lanesOf(value);
  EightBits format = formatOf(element);
  int dropped = 23 - format.fraction;
  Value raw =
      arith::BitcastOp::create(b, vectorOf(b.getI32Type(), lanes), value);
  Value normal = roundBits(
      b, value, raw, bitsOf(dropped, lanes), bitsOf(1, lanes),
      bitsOf((1u << (dropped - 1)) - 1, lanes), bitsOf(0x00400000, lanes),
      bitsOf(~((1u << dropped) - 1), lanes));
  // Subnormals have one step for all: adding a number whose own last place is
  // that step rounds to it.
  Value shift =
      number(1.5 * std::ldexp(1.0, 23 + format.least - format.fraction), lanes);
  Value tiny =
      arith::SubFOp::create(b, arith::AddFOp::create(b, value, shift), shift);
  tiny = math::CopySignOp::create(b, tiny, value);
  Value magnitude = math::AbsFOp::create(b, value);
  Value isTiny =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, magnitude,
                            number(std::ldexp(1.0, format.least), lanes));
  Value rounded = arith::SelectOp::create(b, isTiny, tiny, normal);
  Value tooLarge = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT,
                                         math::AbsFOp::create(b, rounded),
                                         number(format.most, lanes));
  Value beyond =
      number(format.infinite ? std::numeric_limits<double>::infinity()
                             : std::numeric_limits<double>::quiet_NaN(),
             lanes);
  beyond = math::CopySignOp::create(b, beyond, value);
  return arith::SelectOp::create(b, tooLarge, beyond, rounded);
}

Value TileEmitter::fromMemory(Value value, Type element) {
  int64_t lanes = lanesOf(value);
  if (element.isInteger(1)) {
    Value zero = widen(constant(b.getI8Type(), b.getI8IntegerAttr(0)), lanes);
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, value, zero);
  }
  if (!isSmallFloat(element))
    return value;
  Type floats = vectorOf(b.getF32Type(), lanes);
  if (element.isF16())
    return arith::ExtFOp::create(b, floats, value);
  Value wide =
      arith::ExtUIOp::create(b, vectorOf(b.getI32Type(), lanes), value);
  auto shifted = [&](Value bits, int count) -> Value {
    return arith::ShLIOp::create(b, bits, bitsOf(count, lanes));
  };
  if (element.isBF16()) // the upper half of an f32
    return arith::BitcastOp::create(b, floats, shifted(wide, 16));
  if (isa<Float8E5M2Type>(element)) { // the upper half of an f16
    Value half = arith::TruncIOp::create(
        b, vectorOf(b.getIntegerType(16), lanes), shifted(wide, 8));
    half = arith::BitcastOp::create(b, vectorOf(b.getF16Type(), lanes), half);
    return arith::ExtFOp::create(b, floats, half);
  }
  // Exponent and fraction at their places in an f32 whose exponent is off by
  // the difference of the biases, 127 - 7.
  Value magnitude = arith::AndIOp::create(b, wide, bitsOf(0x7f, lanes));
  Value scaled = arith::MulFOp::create(
      b, arith::BitcastOp::create(b, floats, shifted(magnitude, 20)),
      number(std::ldexp(1.0, 120), lanes));
  Value isNaN = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, magnitude,
                                      bitsOf(0x7f, lanes));
  Value absolute = arith::SelectOp::create(
      b, isNaN, number(std::numeric_limits<double>::quiet_NaN(), lanes),
      scaled);
  return math::CopySignOp::create(
      b, absolute, arith::BitcastOp::create(b, floats, shifted(wide, 24)));
}

Value TileEmitter::toMemory(Value value, Type element) {
  int64_t lanes = lanesOf(value);
  if (element.isInteger(1))
    return arith::ExtUIOp::create(b, vectorOf(b.getI8Type(), lanes), value);
  if (!isSmallFloat(element))
    return value;
  // The value is already rounded: nothing is lost from here on.
  if (element.isF16())
    return arith::TruncFOp::create(b, vectorOf(element, lanes), value);
  Type ints = vectorOf(b.getI32Type(), lanes);
  Type bytes = vectorOf(b.getI8Type(), lanes);
  Value raw = arith::BitcastOp::create(b, ints, value);
  auto shifted = [&](Value bits, int count) -> Value {
    return arith::ShRUIOp::create(b, bits, bitsOf(count, lanes));
  };
  if (element.isBF16())
    return arith::TruncIOp::create(b, vectorOf(b.getIntegerType(16), lanes),
                                   shifted(raw, 16));
  if (isa<Float8E5M2Type>(element)) {
    Value half =
        arith::TruncFOp::create(b, vectorOf(b.getF16Type(), lanes), value);
    Value bits = arith::ExtUIOp::create(
        b, ints,
        arith::BitcastOp::create(b, vectorOf(b.getIntegerType(16), lanes),
                                 half));
    return arith::TruncIOp::create(b, bytes, shifted(bits, 8));
  }
  // Scaled into the range of its own subnormals and back, an f32 has exponent
  // and fraction of the 8-bit format side by side.
  Value scaled = arith::MulFOp::create(b, math::AbsFOp::create(b, value),
                                       number(std::ldexp(1.0, -120), lanes));
  Value magnitude = shifted(arith::BitcastOp::create(b, ints, scaled), 20);
  Value isNaN =
      arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, value, value);
  magnitude = arith::SelectOp::create(b, isNaN, bitsOf(0x7f, lanes), magnitude);
  Value sign = arith::AndIOp::create(b, shifted(raw, 24), bitsOf(0x80, lanes));
  return arith::TruncIOp::create(b, bytes,
                                 arith::OrIOp::create(b, magnitude, sign));
}

} // namespace attn_grid::compiler::cpu
