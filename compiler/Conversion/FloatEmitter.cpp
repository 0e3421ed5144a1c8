#include "compiler/Conversion/FloatEmitter.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>

using namespace mlir;

namespace attn_grid::compiler {

FloatEmitter::FloatEmitter(OpBuilder &builder, Location loc, Type type)
    : b(builder), location(loc), floatType(type),
      wide(getElementTypeOrSelf(type).isF64()) {
  Type integer = b.getIntegerType(wide ? 64 : 32);
  auto shaped = dyn_cast<ShapedType>(type);
  bitsType = shaped ? Type(shaped.clone(integer)) : integer;
}

Value FloatEmitter::constant(double value) {
  TypedAttr attr = b.getFloatAttr(getElementTypeOrSelf(floatType), value);
  if (auto shaped = dyn_cast<ShapedType>(floatType))
    attr = DenseElementsAttr::get(shaped, Attribute(attr));
  return arith::ConstantOp::create(b, location, attr);
}

Value FloatEmitter::infinity() {
  return constant(std::numeric_limits<double>::infinity());
}

Value FloatEmitter::negativeInfinity() {
  return constant(-std::numeric_limits<double>::infinity());
}

Value FloatEmitter::quietNaN() {
  return constant(std::numeric_limits<double>::quiet_NaN());
}

Value FloatEmitter::add(Value x, Value y) {
  return arith::AddFOp::create(b, location, x, y);
}

Value FloatEmitter::sub(Value x, Value y) {
  return arith::SubFOp::create(b, location, x, y);
}

Value FloatEmitter::mul(Value x, Value y) {
  return arith::MulFOp::create(b, location, x, y);
}

Value FloatEmitter::div(Value x, Value y) {
  return arith::DivFOp::create(b, location, x, y);
}

Value FloatEmitter::fma(Value x, Value y, Value z) {
  return math::FmaOp::create(b, location, x, y, z);
}

Value FloatEmitter::abs(Value x) {
  return math::AbsFOp::create(b, location, x);
}

Value FloatEmitter::copySign(Value magnitude, Value sign) {
  return math::CopySignOp::create(b, location, magnitude, sign);
}

Value FloatEmitter::polynomial(const Polynomial &coefficients, Value x) {
  ArrayRef<double> table = wide ? coefficients.f64 : coefficients.f32;
  Value sum = constant(table.back());
  for (double coefficient : llvm::reverse(table.drop_back()))
    sum = fma(sum, x, constant(coefficient));
  return sum;
}

Value FloatEmitter::compare(arith::CmpFPredicate predicate, Value x, Value y) {
  return arith::CmpFOp::create(b, location, predicate, x, y);
}

Value FloatEmitter::select(Value condition, Value x, Value y) {
  return arith::SelectOp::create(b, location, condition, x, y);
}

// In this order of operands x86 has one instruction for the pair, and NaN goes
// through.
Value FloatEmitter::atMost(Value x, double high) {
  Value limit = constant(high);
  return select(compare(arith::CmpFPredicate::OLT, limit, x), limit, x);
}

Value FloatEmitter::atLeast(Value x, double low) {
  Value limit = constant(low);
  return select(compare(arith::CmpFPredicate::OGT, limit, x), limit, x);
}

Value FloatEmitter::toBits(Value x) {
  return arith::BitcastOp::create(b, location, bitsType, x);
}

Value FloatEmitter::fromBits(Value x) {
  return arith::BitcastOp::create(b, location, floatType, x);
}

Value FloatEmitter::bits(uint64_t value) {
  APInt pattern(wide ? 64 : 32, value, /*isSigned=*/false,
                /*implicitTrunc=*/true);
  TypedAttr attr = b.getIntegerAttr(getElementTypeOrSelf(bitsType), pattern);
  if (auto shaped = dyn_cast<ShapedType>(bitsType))
    attr = DenseElementsAttr::get(shaped, Attribute(attr));
  return arith::ConstantOp::create(b, location, attr);
}

Value FloatEmitter::addBits(Value x, Value y) {
  return arith::AddIOp::create(b, location, x, y);
}

Value FloatEmitter::andBits(Value x, Value y) {
  return arith::AndIOp::create(b, location, x, y);
}

Value FloatEmitter::orBits(Value x, Value y) {
  return arith::OrIOp::create(b, location, x, y);
}

Value FloatEmitter::xorBits(Value x, Value y) {
  return arith::XOrIOp::create(b, location, x, y);
}

Value FloatEmitter::shiftLeft(Value x, int count) {
  return arith::ShLIOp::create(b, location, x, bits(count));
}

Value FloatEmitter::shiftRight(Value x, int count) {
  return arith::ShRUIOp::create(b, location, x, bits(count));
}

} // namespace attn_grid::compiler
