#include "compiler/Conversion/SmallFloatMath.h"

#include <cmath>

using namespace mlir;

namespace attn_grid::compiler {

bool isEightBitFloat(Type element) {
  return isa<Float8E4M3FNType, Float8E5M2Type>(element);
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

/// The type of `like`'s shape.
static Type shapedAs(Type element, Type like) {
  auto shaped = dyn_cast<ShapedType>(like);
  return shaped ? Type(shaped.clone(element)) : element;
}

Value roundBits(FloatEmitter &e, Value value, int dropped) {
  Value raw = e.toBits(value);
  Value odd = e.andBits(e.shiftRight(raw, dropped), e.bits(1));
  Value sum = e.addBits(raw, e.addBits(odd, e.bits((1u << (dropped - 1)) - 1)));
  Value isNaN = e.compare(arith::CmpFPredicate::UNO, value, value);
  Value chosen = e.select(isNaN, e.orBits(raw, e.bits(0x00400000)), sum);
  return e.fromBits(e.andBits(chosen, e.bits(~((1u << dropped) - 1))));
}

Value roundToEight(FloatEmitter &e, Value value, Type element) {
  EightBits format = formatOf(element);
  Value normal = roundBits(e, value, 23 - format.fraction);
  // Subnormals have one step for all: adding a number whose own last place is
  // that step rounds to it.
  Value shift =
      e.constant(1.5 * std::ldexp(1.0, 23 + format.least - format.fraction));
  Value tiny = e.copySign(e.sub(e.add(value, shift), shift), value);
  Value isTiny = e.compare(arith::CmpFPredicate::OLT, e.abs(value),
                           e.constant(std::ldexp(1.0, format.least)));
  Value rounded = e.select(isTiny, tiny, normal);
  Value tooLarge = e.compare(arith::CmpFPredicate::OGT, e.abs(rounded),
                             e.constant(format.most));
  Value beyond =
      e.copySign(format.infinite ? e.infinity() : e.quietNaN(), value);
  return e.select(tooLarge, beyond, rounded);
}

Value byteOfEight(FloatEmitter &e, Value value, Type element) {
  OpBuilder &b = e.builder();
  Type bytes = shapedAs(b.getI8Type(), e.type());
  Value raw = e.toBits(value);
  if (isa<Float8E5M2Type>(element)) { // the upper half of an f16
    Value half = arith::TruncFOp::create(
        b, e.loc(), shapedAs(b.getF16Type(), e.type()), value);
    Value word = arith::BitcastOp::create(
        b, e.loc(), shapedAs(b.getIntegerType(16), e.type()), half);
    Value wide = arith::ExtUIOp::create(b, e.loc(), raw.getType(), word);
    return arith::TruncIOp::create(b, e.loc(), bytes, e.shiftRight(wide, 8));
  }
  // Scaled into the range of its own subnormals and back, an f32 has exponent
  // and fraction of the 8-bit format side by side.
  Value scaled = e.mul(e.abs(value), e.constant(std::ldexp(1.0, -120)));
  Value magnitude = e.shiftRight(e.toBits(scaled), 20);
  Value isNaN = e.compare(arith::CmpFPredicate::UNO, value, value);
  magnitude = e.select(isNaN, e.bits(0x7f), magnitude);
  Value sign = e.andBits(e.shiftRight(raw, 24), e.bits(0x80));
  return arith::TruncIOp::create(b, e.loc(), bytes, e.orBits(magnitude, sign));
}

Value valueOfEight(FloatEmitter &e, Value byte, Type element) {
  OpBuilder &b = e.builder();
  Type words = shapedAs(b.getI32Type(), e.type());
  Value wide = arith::ExtUIOp::create(b, e.loc(), words, byte);
  if (isa<Float8E5M2Type>(element)) { // the upper half of an f16
    Value half = arith::TruncIOp::create(
        b, e.loc(), shapedAs(b.getIntegerType(16), e.type()),
        e.shiftLeft(wide, 8));
    half = arith::BitcastOp::create(b, e.loc(),
                                    shapedAs(b.getF16Type(), e.type()), half);
    return arith::ExtFOp::create(b, e.loc(), e.type(), half);
  }
  // Exponent and fraction at their places in an f32 whose exponent is off by
  // the difference of the biases, 127 - 7.
  Value magnitude = e.andBits(wide, e.bits(0x7f));
  Value scaled = e.mul(e.fromBits(e.shiftLeft(magnitude, 20)),
                       e.constant(std::ldexp(1.0, 120)));
  Value isNaN = arith::CmpIOp::create(b, e.loc(), arith::CmpIPredicate::eq,
                                      magnitude, e.bits(0x7f));
  Value absolute = e.select(isNaN, e.quietNaN(), scaled);
  return e.copySign(absolute, e.fromBits(e.shiftLeft(wide, 24)));
}

} // namespace attn_grid::compiler
