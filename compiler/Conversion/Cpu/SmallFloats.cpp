// 16- and 8-bit floats, and bools, between registers and memory.
//
// In registers a small float is an f32 that its type can represent. Conversions
// are arithmetic on the bits wherever some machine lacks the instruction, or
// has one that flushes subnormals.

#include "compiler/Conversion/Cpu/TileEmitter.h"

#include "compiler/Conversion/SmallFloatMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace attn_grid::compiler::cpu {

Type TileEmitter::memoryType(Type element) const {
  if (element.isInteger(1))
    return b.getI8Type();
  if (!isSmallFloat(element) || element.isF16())
    return element;
  return b.getIntegerType(element.getIntOrFloatBitWidth());
}

Value TileEmitter::roundTo(Value value, Type element) {
  if (!isSmallFloat(element))
    return value;
  int64_t lanes = lanesOf(value);
  if (element.isF16()) {
    Value narrow = arith::TruncFOp::create(b, vectorOf(element, lanes), value);
    return arith::ExtFOp::create(b, value.getType(), narrow);
  }
  FloatEmitter e(b, b.getLoc(), value.getType());
  return element.isBF16() ? roundBits(e, value, 16)
                          : roundToEight(e, value, element);
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
  FloatEmitter e(b, b.getLoc(), floats);
  if (!element.isBF16())
    return valueOfEight(e, value, element);
  // The upper half of an f32.
  Value wide =
      arith::ExtUIOp::create(b, vectorOf(b.getI32Type(), lanes), value);
  return e.fromBits(e.shiftLeft(wide, 16));
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
  FloatEmitter e(b, b.getLoc(), value.getType());
  if (!element.isBF16())
    return byteOfEight(e, value, element);
  return arith::TruncIOp::create(b, vectorOf(b.getIntegerType(16), lanes),
                                 e.shiftRight(e.toBits(value), 16));
}

} // namespace attn_grid::compiler::cpu
