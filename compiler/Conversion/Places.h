#ifndef AG_COMPILER_CONVERSION_PLACES_H
#define AG_COMPILER_CONVERSION_PLACES_H
/// Facts about the places that memory accesses name, for both targets.

#include "dialect/AgOps.h"

#include "mlir/IR/OpDefinition.h"

namespace attn_grid::compiler {

/// Whether `extent` elements from index `i` on (0: that one) are known to lie
/// inside dimension `d` of `tensor`, whose size is `size`.
bool provablyInside(mlir::Value tensor, int64_t d, mlir::Value i,
                    int64_t extent, mlir::OpFoldResult size);

} // namespace attn_grid::compiler

#endif
