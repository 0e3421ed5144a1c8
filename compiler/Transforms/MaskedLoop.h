#ifndef AG_COMPILER_TRANSFORMS_MASKEDLOOP_H
#define AG_COMPILER_TRANSFORMS_MASKEDLOOP_H
/// What a test of a mask means for the code around it.
///
///     for n ... {                        // acc is carried
///       keep = ...                       // no effect
///       r = if any(keep) { ... } else { yield acc }
///       yield r
///     }
///
/// Here the else branch is *idle*: an iteration that takes it could be left
/// out. `continue unless any(keep)` is lowered to this form.

#include "compiler/Analysis/Condition.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

#include "llvm/ADT/MapVector.h"

namespace attn_grid::compiler {

/// The branch of `test` (true: then) that an iteration of `loop` may take
/// without doing anything; nothing if there is none.
std::optional<bool> findIdleBranch(mlir::scf::ForOp loop, mlir::scf::IfOp test);

/// Lets `loop` run only from its first to its last iteration for which
/// `needed` holds; all between stay. Returns true if `needed` then holds in
/// every iteration. The loop is signed; `needed` holds in each of its
/// iterations that must not be left out.
bool tightenLoop(mlir::scf::ForOp loop, const Condition &needed,
                 const Quantities &quantities);

/// Values, each with the i1 that all its elements are.
using KnownMasks = llvm::SmallMapVector<mlir::Value, bool, 8>;

/// Adds the masks that are all `outcome` if `value` is, `value` among them. If
/// `surely`, a fact of MaskRanges says so: then it holds of the parts of which
/// MaskRanges derived it, behind an `any` and `all` too. Else only the outcome
/// is known.
void collectKnownMasks(mlir::Value value, bool outcome, bool surely,
                       KnownMasks &known);

} // namespace attn_grid::compiler

#endif
