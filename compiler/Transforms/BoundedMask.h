#ifndef AG_COMPILER_TRANSFORMS_BOUNDEDMASK_H
#define AG_COMPILER_TRANSFORMS_BOUNDEDMASK_H
/// Masks that compare positions along one axis of a tile with bounds that are
/// the same all along it:
///
///     n + iota(64)[None, :] <= bound[:, None]

#include "compiler/Analysis/StaticRanges.h"

#include "mlir/IR/PatternMatch.h"

#include <optional>

namespace attn_grid::compiler {

/// `iota + offset`, along one axis of a tile.
struct Position {
  int64_t axis;
  mlir::Value iota;
  mlir::Value offset; // a scalar; null: 0
};

/// Makes bounds: tiles with extent 1 along the axis that they bound.
class BoundBuilder {
public:
  BoundBuilder(mlir::PatternRewriter &b, mlir::Location loc) : b(b), loc(loc) {}
  BoundBuilder(const BoundBuilder &) = delete;
  BoundBuilder &operator=(const BoundBuilder &) = delete;
  /// What came to nothing goes away again.
  ~BoundBuilder();

  /// `tile`, which is the same along `axis`, with extent 1 there; null if it
  /// may differ.
  mlir::Value narrow(mlir::Value tile, int64_t axis);
  /// The inverse of a reduction to `axes`, or just `tile` if it has that type.
  mlir::Value widen(mlir::Value tile, mlir::RankedTensorType type,
                    llvm::ArrayRef<int64_t> axes);
  /// `tile` in `shape`, which has its rank.
  mlir::Value widen(mlir::Value tile, llvm::ArrayRef<int64_t> shape);
  mlir::Value splat(mlir::Value scalar, mlir::RankedTensorType type);
  /// `bound - offset - less`, or null if that might wrap.
  mlir::Value lower(mlir::Value bound, mlir::Value offset, int64_t less);

  template <typename Op, typename... Args> mlir::Value make(Args &&...args) {
    auto op = Op::create(b, loc, std::forward<Args>(args)...);
    made.push_back(op);
    return op;
  }

private:
  mlir::PatternRewriter &b;
  mlir::Location loc;
  llvm::SmallVector<mlir::Operation *> made;
  StaticRanges ranges;
};

/// A mask `iota + offset <= bound - less`, or `>=`, along an axis of its tile.
struct BoundedMask {
  Position position;
  bool isUpper;
  mlir::Value bound; // extent 1 along the axis
  int64_t less = 0;

  static std::optional<BoundedMask> match(mlir::Value mask,
                                          BoundBuilder &bounds);
};

} // namespace attn_grid::compiler

#endif
