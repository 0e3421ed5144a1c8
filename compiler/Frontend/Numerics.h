#ifndef AG_COMPILER_FRONTEND_NUMERICS_H
#define AG_COMPILER_FRONTEND_NUMERICS_H
/// Emits arithmetic that means what the language says (language.md section 4):
/// integers wrap, `x / 0` is 0, shifts by the width or more give 0, casts to
/// integers saturate, and so on. Guards are left out where what is known of
/// the operands makes them needless. Operands of one call have the same type
/// and shape; the caller converts and broadcasts.

#include "compiler/Frontend/Types.h"

#include "mlir/IR/Builders.h"

namespace attn_grid::compiler {

/// Operations on two values of one type.
enum class BinaryKind : uint8_t {
  add,
  sub,
  mul,
  div,
  mod,
  floordiv,
  floormod,
  ceildiv,
  min,
  max,
  bitAnd,
  bitOr,
  bitXor,
  shl,
  shr,
  eq,
  ne,
  lt,
  le,
  gt,
  ge,
};
/// Functions of one value that keep its type.
enum class UnaryKind : uint8_t {
  neg,
  bitNot,
  logicalNot,
  abs,
  floor,
  ceil,
  round,
  sqrt,
  rsqrt,
  rcp,
  exp,
  exp2,
  log,
  log2,
  tanh,
  erf,
  sigmoid,
  sin,
  cos,
};

/// True for `== != < <= > >=`, whose result is a bool.
bool isComparison(BinaryKind kind);
/// True for the functions that take floats alone.
bool isFloatFunction(UnaryKind kind);

class Numerics {
public:
  Numerics(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  /// A tile (or scalar, for an empty shape) of one value. `value` fits.
  TileValue constant(DType element, llvm::ArrayRef<int64_t> shape,
                     const ConstValue &value);
  TileValue constantInt(const TileType &type, int64_t value);
  TileValue constantFloat(const TileType &type, double value);

  /// Repeats a value to a shape it broadcasts to.
  TileValue broadcast(TileValue value, llvm::ArrayRef<int64_t> shape);
  /// Reads a tile's axes as the axes `axes` of a new shape.
  TileValue broadcastAlong(TileValue value, llvm::ArrayRef<int64_t> shape,
                           llvm::ArrayRef<int64_t> axes);

  TileValue binary(BinaryKind kind, TileValue lhs, TileValue rhs);
  TileValue unary(UnaryKind kind, TileValue value);
  /// `a * b + c`, rounded once.
  TileValue fma(TileValue a, TileValue b, TileValue c);
  /// `base ** exponent`; an integer's exponent is not negative.
  TileValue power(TileValue base, int64_t exponent);
  TileValue select(TileValue condition, TileValue lhs, TileValue rhs);
  TileValue cast(TileValue value, DType to);
  /// The same bits as another type of the same width.
  TileValue bitcast(TileValue value, DType to);

private:
  mlir::Value constantLike(mlir::Value value, int64_t i);
  mlir::Value compareInt(llvm::StringRef predicate, mlir::Value lhs,
                         mlir::Value rhs);
  TileValue compare(BinaryKind kind, TileValue lhs, TileValue rhs);
  TileValue floatBinary(BinaryKind kind, TileValue lhs, TileValue rhs);
  TileValue intBinary(BinaryKind kind, TileValue lhs, TileValue rhs);
  mlir::Value shift(BinaryKind kind, TileValue lhs, TileValue rhs);
  mlir::Value divide(BinaryKind kind, TileValue lhs, TileValue rhs);
  mlir::Value divideGuarded(bool quotient, TileValue lhs, TileValue rhs);
  mlir::Value ceilDivide(TileValue lhs, TileValue rhs);
  TileValue intUnary(UnaryKind kind, TileValue value);
  mlir::Value floatFunction(UnaryKind kind, mlir::Value value);
  TileValue floatToInt(TileValue value, DType to);
  TileValue intToFloat(TileValue value, DType to);
  TileValue floatToFloat(TileValue value, DType to);

  mlir::OpBuilder &builder;
  mlir::Location loc;
};

} // namespace attn_grid::compiler

#endif
