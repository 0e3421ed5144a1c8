#ifndef AG_COMPILER_ANALYSIS_MASKEDZEROS_H
#define AG_COMPILER_ANALYSIS_MASKEDZEROS_H
/// Weights that a mask has made 0 already.

#include "mlir/IR/Value.h"

namespace attn_grid::compiler {

/// Whether a tile of floats is surely 0 wherever `keep` is false, as
/// `exp2(where(keep, s, -inf) - top)` is.
bool isZeroOutside(mlir::Value tile, mlir::Value keep);

/// Whether all elements are one number above 0, or +inf: a constant, or
/// `max(x, constant)`.
bool isPositive(mlir::Value tile);

} // namespace attn_grid::compiler

#endif
