#ifndef AG_COMPILER_TRANSFORMS_NEARMASKS_H
#define AG_COMPILER_TRANSFORMS_NEARMASKS_H
/// Masks that become all true together with another, or an iteration earlier.
///
///     if any(cols <= rows) {               // all true for n + 63 <= m
///       x = where(rows >= n + 64, a, b)    // all true for n + 64 <= m
///
/// A copy of the branch for `n + 64 <= m` needs neither, and the test of the
/// second costs it one iteration at most.

#include "compiler/Analysis/MaskRanges.h"

#include "llvm/ADT/SmallVector.h"

namespace attn_grid::compiler {

/// Masks, and when all of them are true.
struct NearMasks {
  Condition sure;
  llvm::SmallVector<mlir::Value> masks;
};

/// The comparisons of tiles in `branch` that are all true where `sure` holds,
/// but for a stretch of `step` at its end; `sure` and that they are.
NearMasks findNearMasks(mlir::Region &branch, const Condition &sure,
                        MaskRanges &ranges, int64_t step);

} // namespace attn_grid::compiler

#endif
