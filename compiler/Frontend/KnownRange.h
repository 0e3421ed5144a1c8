#ifndef AG_COMPILER_FRONTEND_KNOWNRANGE_H
#define AG_COMPILER_FRONTEND_KNOWNRANGE_H
/// What is known of an i32 while it is built, so that the guards of the
/// language's integer rules (a zero divisor, a sum that could wrap) are only
/// emitted where they can matter. Extents are from 0 to below 2^30.

#include "mlir/IR/Value.h"

#include <cstdint>

namespace attn_grid::compiler {

/// All values lie in [low, high].
struct KnownRange {
  int64_t low = INT32_MIN;
  int64_t high = INT32_MAX;
  /// No operation on the way may have wrapped, as far as one can see.
  bool exact = false;
};

/// The attribute of a kernel's argument that is an extent.
inline constexpr llvm::StringLiteral extentAttr = "ag.extent";

/// The range of an i32 scalar or tile, at worst all of i32. Looks at a bounded
/// number of operations.
KnownRange knownRange(mlir::Value value);

} // namespace attn_grid::compiler

#endif
