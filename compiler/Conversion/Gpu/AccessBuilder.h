#ifndef AG_COMPILER_CONVERSION_GPU_ACCESSBUILDER_H
#define AG_COMPILER_CONVERSION_GPU_ACCESSBUILDER_H
/// Addresses of an access to a tensor in global memory, and which of its
/// elements may be touched.

#include "compiler/Conversion/Gpu/ThreadEmitter.h"

namespace attn_grid::compiler::gpu {

/// Sums and masks of an access under construction. What all threads have in
/// common goes into the pointer; what differs is an offset.
///
/// In a regular tensor both have 32 bits and may wrap. Inside the tensor they
/// do not: of no dimension the sum of start and offset is negative or beyond
/// the last element; that sum less a constant is still exact. So a start that
/// may be negative is added to the offsets, or in 64 bits to the pointer where
/// registers add a number of strides.
class AccessBuilder {
  using Type = mlir::Type;
  using Value = mlir::Value;

public:
  AccessBuilder(mlir::ImplicitLocOpBuilder &b, unsigned registers,
                bool regular);

  /// Moves all elements by `at` (an integer) along a dimension.
  void addUniform(Value at, Value stride, bool mayBeNegative = false);
  /// Adds the elements `at` (integers, one for all registers or one each) of a
  /// dimension.
  void addDimension(llvm::ArrayRef<Value> at, Value stride);
  /// Adds a tile's coordinates, moved by `start` (null: 0). What a register
  /// adds to a known stride is a constant that the instruction takes beside its
  /// address; of one more dimension it is a number of strides, except where
  /// addresses have nothing in common (`apart`).
  void addDimension(const Coordinates &at, Value stride, Value start,
                    bool mayBeNegative, bool apart);
  /// Leaves out the elements whose index, as above, is not below `size`.
  void requireBelow(llvm::ArrayRef<Value> at, Value size);
  /// As above, of a tile's coordinates, moved by `start` (null: 0), which is
  /// not negative. One value per thread says how far it may go.
  void requireBelow(const Coordinates &at, Value start, Value size);
  void require(unsigned reg, Value condition);
  /// `apart`: the elements' addresses have nothing in common but the pointer.
  Access finish(Value pointer, Type element, bool apart = false);

private:
  Value resize(Value value, Type type);
  using Pairs = llvm::DenseMap<std::pair<Value, Value>, Value>;
  /// Makes `Op` of a value (null: there is none yet) and a part, once for each
  /// pair of them.
  template <typename Op> void join(Value &value, Value part, Pairs &known);
  Value advance(Value pointer, Value offset, Type element, bool apart);
  /// `pointer` moved by so many strides.
  Value advanceRows(Value pointer, int64_t row, Type element);

  mlir::ImplicitLocOpBuilder &b;
  Type offsetType;
  Value uniform;
  llvm::SmallVector<Value> offsets, masks;
  llvm::SmallVector<int64_t> constants; // in elements
  Value rowStride;
  llvm::SmallVector<uint32_t> rows; // in strides
  llvm::SmallVector<Value> exact;   // i64, of all elements
  Pairs sums, conjunctions;
};

} // namespace attn_grid::compiler::gpu

#endif
