#ifndef AG_COMPILER_TRANSFORMS_MASKPARTS_H
#define AG_COMPILER_TRANSFORMS_MASKPARTS_H
/// Masks of which a part is all true.
///
///     keep = cols <= rows and iota < 63    // the last column never
///     if any(keep) { ... }
///
/// `keep` is never all true. But where all of `cols <= rows` is, it is
/// `iota < 63` alone: that never changes, costs nothing, and has a true
/// element, so that the test is decided.

#include "compiler/Analysis/MaskRanges.h"

#include "llvm/ADT/SmallVector.h"

namespace attn_grid::compiler {

/// Parts of the mask whose `any` decides a test, and when all of them are true.
struct KnownParts {
  Condition sure = Condition::no();
  mlir::Value mask; ///< of which they are parts
  llvm::SmallVector<mlir::Value> parts;
};

/// The parts of which `ranges` knows when they are all true, if it is then sure
/// that `condition`, the `any` of a mask, holds. Else `sure` is false.
KnownParts findKnownParts(mlir::Value condition, MaskRanges &ranges);

/// What is left of `known.mask` where its parts are true.
mlir::Value makeRest(mlir::OpBuilder &builder, const KnownParts &known);

} // namespace attn_grid::compiler

#endif
