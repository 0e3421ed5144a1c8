#ifndef AG_COMPILER_ANALYSIS_MASKRANGES_H
#define AG_COMPILER_ANALYSIS_MASKRANGES_H
/// When is a mask surely true everywhere, when surely false everywhere?
///
///     MaskRanges ranges(loop, tile.getNumElements());
///     MaskFacts facts = ranges.ofMask(keep);
///     // facts.allTrue holds  ->  every element of keep is true
///     // facts.allFalse holds ->  none is
///
/// Interval arithmetic over the tiles' ranges. Every integer value, a scalar or
/// all elements of a tile, lies in an interval whose ends are expressions of
/// the loop's variable and of what the loop does not change (`Bound`). A
/// comparison is decided where the intervals of its sides do not overlap. The
/// masks of `and`, `or` and `not` follow from those of their parts.
///
/// The arithmetic is that of whole numbers, while the kernel's integers wrap.
/// So each interval has a *guard*: a condition under which no operation behind
/// it wrapped. It is dropped where the ranges of the operands prove it, and
/// else becomes part of every fact that follows from the interval: the
/// program checks it when it runs.
///
/// Where nothing is known of how a tile was made (it was loaded), its minimum
/// and maximum are quantities of the program, if computing them costs less
/// than the mask; else its interval is that of its type.

#include "compiler/Analysis/Bound.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace attn_grid::compiler {

/// Conditions that suffice for all elements of a mask to be true, or false.
struct MaskFacts {
  Condition allTrue = Condition::no();
  Condition allFalse = Condition::no();
};

/// Where all elements of an integer value lie, if `guard` holds.
struct Interval {
  Bound low;
  Bound high;
  Condition guard = Condition::yes();
};

/// The intervals and facts of the values that one loop's body, or a program
/// outside of loops, computes.
class MaskRanges {
public:
  /// `loop` is the innermost one around the values in question, or null. Tiles
  /// that it changes are reduced to their minimum and maximum only if they have
  /// fewer elements than half of `maskElements`.
  MaskRanges(mlir::scf::ForOp loop, int64_t maskElements);

  /// Facts of an i1 or a mask.
  MaskFacts ofMask(mlir::Value mask);
  /// The interval of an integer or a tile of integers, no wider than an i64.
  Interval ofInteger(mlir::Value value);

  /// What the facts are about.
  const Quantities &getQuantities() const { return quantities; }
  /// The quantity that is the loop's variable, if there is a loop and its
  /// comparison is signed.
  std::optional<unsigned> getLoopVariable() const {
    return quantities.getLoopVariable();
  }

private:
  MaskFacts computeMask(mlir::Value mask);
  MaskFacts ofComparison(mlir::Operation *op);
  MaskFacts unknownMask(mlir::Value mask);

  Interval computeInteger(mlir::Value value);
  std::optional<Interval> ofOperation(mlir::Operation *op);
  std::optional<Interval> ofArithmetic(mlir::Operation *op);
  std::optional<Interval> ofDivision(mlir::Operation *op);
  std::optional<Interval> ofCast(mlir::Operation *op);
  Interval unknownInteger(mlir::Value value);

  Interval constantInterval(Range range) const;
  Interval multiply(const Interval &a, const Interval &b) const;
  Condition fits(const Interval &interval, Range range) const;
  Polynomial scalar(mlir::Value value);
  bool isInvariant(mlir::Value value) const;
  std::optional<std::pair<Polynomial, Polynomial>> extremes(mlir::Value value);

  mlir::scf::ForOp loop;
  int64_t maskElements;
  Quantities quantities;
  StaticRanges staticRanges;
  llvm::DenseMap<mlir::Value, Interval> intervals;
  llvm::DenseMap<mlir::Value, MaskFacts> masks;
  unsigned depth = 0;
};

} // namespace attn_grid::compiler

#endif
