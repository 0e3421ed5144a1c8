#ifndef AG_COMPILER_FRONTEND_TYPES_H
#define AG_COMPILER_FRONTEND_TYPES_H
/// Types of the kernel language as the semantic half of the front end sees
/// them: an element type with its signedness, and a static shape. The IR's
/// types follow from these; they do not lead back, because IR integers have no
/// sign.

#include "attn_grid/dtype.hpp"
#include "attn_grid/signature.hpp"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"

#include <string>

namespace attn_grid::compiler {

/// The extents of a tile; empty for a scalar.
using Shape = llvm::SmallVector<int64_t, 4>;

/// `tile<element>[shape]`; a scalar is a tile of rank 0.
struct TileType {
  DType element = DType::i32;
  Shape shape;
  friend bool operator==(const TileType &, const TileType &) = default;
};

/// A run-time value of a tile program: what the IR computes, and its element
/// type, which knows the sign that the IR's type does not.
struct TileValue {
  mlir::Value value;
  DType element = DType::i32;

  /// The extents; empty for a scalar.
  llvm::ArrayRef<int64_t> shape() const;
  TileType type() const;
  bool isScalar() const { return shape().empty(); }
};

/// The IR's type of one element.
mlir::Type elementType(mlir::MLIRContext *context, DType type);
/// The IR's type of a scalar or tile.
mlir::Type irType(mlir::MLIRContext *context, const TileType &type);

/// `f32` or `tile<f32>[64, 64]`, as the author writes it.
std::string format(const TileType &type);
/// `[64, 64]`.
std::string format(llvm::ArrayRef<int64_t> shape);
/// `64`, `1.5` or `true`.
std::string format(const ConstValue &value);
/// `int`, `float` or `bool`: the kinds that a const may have.
llvm::StringRef nameOf(ConstParam::Kind kind);

/// The type that a literal or const takes when nothing else decides: `i32`,
/// `f32` or `bool`.
DType typeAlone(ConstParam::Kind kind);

/// The shape of an elementwise operation on two tiles: aligned from the right,
/// extents of 1 repeat. Nothing if they do not fit.
std::optional<Shape> broadcastShape(llvm::ArrayRef<int64_t> lhs,
                                    llvm::ArrayRef<int64_t> rhs);
/// The axes 0, 1, ... of a rank.
llvm::SmallVector<int64_t> allAxes(size_t rank);
/// True if a value of shape `from` can be repeated to `to`.
bool broadcastsTo(llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to);

inline bool isBool(DType type) { return type == DType::boolean; }
/// The 16-bit floats, which compute in f32 and round after each operation.
inline bool isHalf(DType type) {
  return type == DType::f16 || type == DType::bf16;
}
/// The 8-bit floats, which are only loaded, stored, cast and multiplied.
inline bool isFloat8(DType type) {
  return type == DType::f8e4m3 || type == DType::f8e5m2;
}
/// The number of bits of a value: 1 for a bool.
inline int bitsOf(DType type) {
  return isBool(type) ? 1 : static_cast<int>(size_of(type)) * 8;
}
/// The least and greatest value of an integer type.
std::pair<int64_t, int64_t> rangeOf(DType integer);

} // namespace attn_grid::compiler

#endif
