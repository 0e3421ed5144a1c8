#ifndef AG_COMPILER_REFERENCE_TILE_H
#define AG_COMPILER_REFERENCE_TILE_H
/// The values of the reference interpreter: tiles whose elements are numbers
/// that their element type can represent, and tensors in memory.
///
///     Tile t(tileType);                      // zeros
///     t.at({1, 2}) = Number::of(0.5);
///     double x = roundTo(0.1, f16Type);      // what an f16 makes of it

#include "dialect/Verify.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <vector>

namespace attn_grid::compiler::reference {

/// One element: `real` if its type is a float, else `whole`, sign extended;
/// an i1 is 0 or 1. A default one is 0, whatever its type.
union Number {
  int64_t whole = 0;
  double real;

  static Number of(double x) {
    Number number;
    number.real = x;
    return number;
  }
  static Number of(int64_t n) {
    Number number;
    number.whole = n;
    return number;
  }
};

using Place = llvm::SmallVector<int64_t, 4>;

/// A scalar (an empty shape) or a tile, row-major.
struct Tile {
  mlir::Type element;
  Place shape;
  std::vector<Number> elements;

  Tile() = default;
  /// Zeros of the shape and element type of `type`.
  explicit Tile(mlir::Type type);

  bool isFloat() const { return mlir::isa<mlir::FloatType>(element); }
  Number &at(llvm::ArrayRef<int64_t> place);
  Number at(llvm::ArrayRef<int64_t> place) const;
  /// A scalar's value.
  int64_t whole() const { return elements.front().whole; }
};

/// A view of memory; sizes and strides in elements.
struct Tensor {
  mlir::Type element;
  char *pointer = nullptr; // of the element whose indices are all 0
  Place sizes, strides;

  /// The element at `indices`, or null if it lies outside.
  char *find(llvm::ArrayRef<int64_t> indices) const;
};

/// The bytes of an element in memory: an i1 takes one.
unsigned bytesOf(mlir::Type element);
/// Reads or writes one element in memory.
Number readNumber(const char *pointer, mlir::Type element);
void writeNumber(char *pointer, Number number, mlir::Type element);

/// `x` rounded to nearest even in the float type `element`.
double roundTo(double x, mlir::Type element);
/// The result of an operation of floats: one of less than 32 bits is computed
/// in f32 and rounded from there (language.md, "Numbers").
double roundResult(double x, mlir::Type element);
/// `n` modulo 2^width of the integer type `element`; an index has 64 bits.
int64_t wrap(__int128 n, mlir::Type element);
/// An integer's bits as an unsigned number.
uint64_t asUnsigned(int64_t n, mlir::Type element);
/// The bits of an element, in the low part; and back.
uint64_t bitsOf(Number number, mlir::Type element);
Number fromBits(uint64_t bits, mlir::Type element);
/// A launch's slot as the scalar it holds, in its low bytes.
Number fromSlot(uint64_t slot, mlir::Type element);

/// Calls `visit` for every place of `shape`, in row-major order.
void forEachPlace(llvm::ArrayRef<int64_t> shape,
                  llvm::function_ref<void(const Place &)> visit);

} // namespace attn_grid::compiler::reference

#endif
