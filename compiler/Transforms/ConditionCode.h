#ifndef AG_COMPILER_TRANSFORMS_CONDITIONCODE_H
#define AG_COMPILER_TRANSFORMS_CONDITIONCODE_H
/// Scalar 64-bit code for the conditions of Analysis/Condition.h.
///
///     ConditionCode code(builder, loc, ranges.getQuantities());
///     Value sure = code.test(facts.allTrue);            // an i1
///     LoopLimits limits = code.limits(possible, first, last);
///
/// All code goes to where the builder stood, in one block; the quantities must
/// be defined there.

#include "compiler/Analysis/Condition.h"

#include "mlir/IR/Builders.h"

namespace attn_grid::compiler {

/// The values of a loop's variable that a condition leaves: from `low` to
/// `high`, both included, as i64. A null one is no limit.
struct LoopLimits {
  mlir::Value low;
  mlir::Value high;
  /// True if the condition holds for all values within the limits.
  bool exact = true;
};

/// Makes the code; values are made once per instance.
class ConditionCode {
public:
  ConditionCode(mlir::OpBuilder &builder, mlir::Location loc,
                const Quantities &quantities)
      : builder(builder), loc(loc), quantities(quantities) {}

  /// Whether `condition` holds.
  mlir::Value test(const Condition &condition);

  /// Limits of the loop variable among its values from `first` to `last`
  /// (i64), outside of which `condition` does not hold. Uses only invariant
  /// quantities.
  LoopLimits limits(const Condition &condition, mlir::Value first,
                    mlir::Value last);

  /// Small makers of i64 code, for callers too.
  mlir::Value constant(int64_t value);
  mlir::Value extend(mlir::Value integer);
  template <typename Op> mlir::Value make(mlir::Value a, mlir::Value b) {
    return builder.createOrFold<Op>(loc, a, b);
  }
  /// a rounded down to whole multiples of b > 0, divided by b.
  mlir::Value floorDivide(mlir::Value a, mlir::Value b);

private:
  mlir::Value number(const Polynomial &polynomial);
  mlir::Value quantity(unsigned id);
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value a,
                      mlir::Value b);
  mlir::Value testAtLeastZero(const Polynomial &polynomial);
  LoopLimits limitsOfComparison(const Polynomial &polynomial);
  LoopLimits limitsOfInvariant(const Polynomial &polynomial);
  LoopLimits hull(const LoopLimits &a, const LoopLimits &b, mlir::Value first,
                  mlir::Value last);

  mlir::OpBuilder &builder;
  mlir::Location loc;
  const Quantities &quantities;
  llvm::DenseMap<unsigned, mlir::Value> made;
};

} // namespace attn_grid::compiler

#endif
