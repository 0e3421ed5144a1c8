// Verifiers of ag.gather, ag.scatter: gather_c1 to c4, scatter_c1 to c4 (one
// implementation).

#include "dialect/AgOps.h"
#include "dialect/Verify.h"

using namespace mlir;

namespace attn_grid::ir {

/// The conditions that gather and scatter share; `tile` is what is read or
/// written.
template <typename Op>
static LogicalResult verifyIndexed(Op op, Type tile, Value keep,
                                   StringRef name) {
  auto tensor = cast<MemRefType>(op.getTensor().getType());
  ArrayRef<int64_t> shape = shapeOf(tile);
  if (static_cast<int64_t>(op.getIndices().size()) !=
      tensor.getRank()) // gather_c1
    return op.emitOpError("expected one index for each of the ")
           << tensor.getRank() << " dimensions of 'tensor', but got "
           << op.getIndices().size();
  for (auto [d, index] : llvm::enumerate(op.getIndices())) {
    Type type = index.getType();
    bool fits = getElementTypeOrSelf(type).isInteger(32) &&
                (!isa<ShapedType>(type) || shapeOf(type) == shape);
    if (!fits) // gather_c2
      return op.emitOpError("expected index ")
             << d << " to be an i32 or a tile of i32 of shape "
             << formatShape(shape) << ", but got " << type;
  }
  if (getElementTypeOrSelf(tile) != tensor.getElementType()) // gather_c3
    return op.emitOpError("expected '")
           << name << "' to have element type " << tensor.getElementType()
           << ", but got " << getElementTypeOrSelf(tile);
  if (keep && (!getElementTypeOrSelf(keep).isInteger(1) ||
               shapeOf(keep.getType()) != shape)) // gather_c4
    return op.emitOpError("expected 'keep' to be a mask of shape ")
           << formatShape(shape) << ", but got " << keep.getType();
  return verifyTile(op, name, tile);
}

LogicalResult GatherOp::verify() {
  if (getOther() && getOther().getType() != getResult().getType()) // gather_c4
    return emitOpError("expected 'other' to have the type of 'result', ")
           << getResult().getType() << ", but got " << getOther().getType();
  return verifyIndexed(*this, getResult().getType(), getKeep(), "result");
}

LogicalResult ScatterOp::verify() {
  return verifyIndexed(*this, getValue().getType(), getKeep(), "value");
}

} // namespace attn_grid::ir
