#ifndef AG_COMPILER_ANALYSIS_STATICRANGES_H
#define AG_COMPILER_ANALYSIS_STATICRANGES_H
/// What is known of integers while compiling: constants, extents, program ids,
/// loop variables and what is computed from them.
///
///     StaticRanges ranges;
///     Range r = ranges.of(value); // every element lies in [r.min, r.max]

#include "mlir/IR/Value.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringRef.h"

namespace attn_grid::compiler {

/// Marks a kernel's argument as a run-time extent: from 0 to below 2^30.
inline constexpr llvm::StringLiteral extentAttr = "ag.extent";

/// The numbers from `min` to `max`, both included.
struct Range {
  int64_t min;
  int64_t max;

  bool operator==(const Range &) const = default;
};

/// All values of an integer type of `width` bits: signed, but 0 and 1 for i1.
Range rangeOfWidth(unsigned width);

/// The width of an integer, an index (64) or a tile of those; 0 for the rest.
unsigned integerWidth(mlir::Type type);

/// Ranges of scalars and of the elements of tiles, each found once.
class StaticRanges {
public:
  /// The signed range of an integer, or of a tile's elements. `value` must
  /// have an `integerWidth`.
  Range of(mlir::Value value);

private:
  Range compute(mlir::Value value);
  Range ofArgument(mlir::BlockArgument argument);
  Range ofArith(mlir::Operation *op, mlir::Value result);

  llvm::DenseMap<mlir::Value, Range> known;
  unsigned depth = 0;
};

} // namespace attn_grid::compiler

#endif
