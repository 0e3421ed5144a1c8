#ifndef AG_COMPILER_CONVERSION_FLOATEMITTER_H
#define AG_COMPILER_CONVERSION_FLOATEMITTER_H
/// Arithmetic on f32 or f64, scalar, vector or tile, written once for all of
/// them:
///
///   FloatEmitter e(builder, loc, x.getType());
///   Value y = e.fma(x, e.constant(2.0), e.constant(1.0));
///
/// Bit patterns are signless integers of the same width and shape. None of the
/// steps has undefined results for NaN or infinity: there are no conversions
/// from float to integer, only sums with a constant that moves the integer
/// part to the low bits.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace attn_grid::compiler {

/// The coefficients of a polynomial, x^0 first, for each precision.
struct Polynomial {
  llvm::ArrayRef<double> f32;
  llvm::ArrayRef<double> f64;
};

/// Builds operations on values of one type. Cheap to make; refers to the
/// builder it was made with.
class FloatEmitter {
public:
  using Value = mlir::Value;

  /// `type` is f32 or f64, or a vector or tile of them.
  FloatEmitter(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type);

  mlir::OpBuilder &builder() { return b; }
  mlir::Location loc() const { return location; }
  mlir::Type type() const { return floatType; }
  bool isDouble() const { return wide; }
  /// Bits of the significand that are stored: 23 or 52.
  int significandBits() const { return wide ? 52 : 23; }
  /// What is added to an exponent before it is stored: 127 or 1023.
  int bias() const { return wide ? 1023 : 127; }
  /// The one of two numbers that belongs to the type.
  double pick(double single, double dbl) const { return wide ? dbl : single; }

  Value constant(double value);
  Value infinity();
  Value negativeInfinity();
  Value quietNaN();
  Value add(Value a, Value b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value div(Value a, Value b);
  /// `a * b + c`, rounded once.
  Value fma(Value a, Value b, Value c);
  Value abs(Value x);
  /// `magnitude` with the sign of `sign`.
  Value copySign(Value magnitude, Value sign);
  /// Horner's rule.
  Value polynomial(const Polynomial &coefficients, Value x);

  /// Ordered comparison: false if either is NaN.
  Value compare(mlir::arith::CmpFPredicate predicate, Value a, Value b);
  Value select(Value condition, Value a, Value b);
  /// min(x, high), keeping NaN. One `vminps`.
  Value atMost(Value x, double high);
  /// max(x, low), keeping NaN. One `vmaxps`.
  Value atLeast(Value x, double low);

  /// The bit pattern, and back.
  Value toBits(Value x);
  Value fromBits(Value x);
  Value bits(uint64_t value);
  Value addBits(Value a, Value b);
  Value andBits(Value a, Value b);
  Value orBits(Value a, Value b);
  Value xorBits(Value a, Value b);
  Value shiftLeft(Value a, int count);
  Value shiftRight(Value a, int count);

private:
  mlir::OpBuilder &b;
  mlir::Location location;
  mlir::Type floatType;
  mlir::Type bitsType;
  bool wide;
};

} // namespace attn_grid::compiler

#endif
