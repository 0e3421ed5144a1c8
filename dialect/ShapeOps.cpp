// Verifiers and folds of ag.iota, ag.broadcast, ag.transpose, ag.reshape:
//   iota_c1, broadcast_c1 to c3, transpose_c1 to c2, reshape_c1.

#include "dialect/AgOps.h"
#include "dialect/Verify.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;

namespace attn_grid::ir {

LogicalResult IotaOp::verify() {
  auto tile = cast<RankedTensorType>(getResult().getType());
  if (tile.getRank() != 1 || !tile.getElementType().isInteger(32)) // iota_c1
    return emitOpError("expected 'result' to be a tile of i32 of rank 1, "
                       "but got ")
           << tile;
  return verifyTile(*this, "result", tile);
}

/// A splat constant stays one in any shape.
static OpFoldResult foldSplat(Attribute input, Type result) {
  if (auto splat = dyn_cast_or_null<SplatElementsAttr>(input))
    return splat.resizeSplat(cast<ShapedType>(result));
  return {};
}

LogicalResult BroadcastOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  ArrayRef<int64_t> axes = getAxes();
  bool fits = static_cast<int64_t>(axes.size()) == input.getRank();
  for (size_t a = 0; fits && a < axes.size(); ++a)
    fits = axes[a] >= 0 && axes[a] < result.getRank() &&
           (a == 0 || axes[a] > axes[a - 1]);
  if (!fits) // broadcast_c1
    return emitOpError("expected 'axes' to name an ascending axis of 'result' "
                       "for each of the ")
           << input.getRank() << " axes of 'input', but got "
           << formatShape(axes);
  for (auto [a, axis] : llvm::enumerate(axes))
    if (input.getDimSize(a) != 1 &&
        input.getDimSize(a) != result.getDimSize(axis)) // broadcast_c2
      return emitOpError("expected extent ")
             << a << " of 'input' to be 1 or " << result.getDimSize(axis)
             << ", but got " << input.getDimSize(a);
  if (input.getElementType() != result.getElementType()) // broadcast_c3
    return emitOpError("expected 'result' to have element type ")
           << input.getElementType() << ", but got " << result.getElementType();
  return verifyTile(*this, "result", result);
}

OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  if (getInput().getType() == getResult().getType())
    return getInput();
  return foldSplat(adaptor.getInput(), getResult().getType());
}

LogicalResult TransposeOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  ArrayRef<int64_t> permutation = getPermutation();
  if (static_cast<int64_t>(permutation.size()) != input.getRank() ||
      !isPermutationVector(permutation)) // transpose_c1
    return emitOpError("expected 'permutation' to permute the ")
           << input.getRank() << " axes of 'input', but got "
           << formatShape(permutation);
  SmallVector<int64_t> shape;
  for (int64_t axis : permutation)
    shape.push_back(input.getDimSize(axis));
  if (result.getShape() != ArrayRef<int64_t>(shape) ||
      result.getElementType() != input.getElementType()) // transpose_c2
    return emitOpError("expected 'result' to be ")
           << RankedTensorType::get(shape, input.getElementType())
           << ", but got " << result;
  return verifyTile(*this, "result", result);
}

OpFoldResult TransposeOp::fold(FoldAdaptor adaptor) {
  if (llvm::is_sorted(getPermutation()))
    return getInput();
  // transpose(transpose(x)) -> x, where the two undo each other.
  if (auto inner = getInput().getDefiningOp<TransposeOp>()) {
    ArrayRef<int64_t> first = inner.getPermutation();
    bool undone = true;
    for (auto [axis, from] : llvm::enumerate(getPermutation()))
      undone &= first[from] == static_cast<int64_t>(axis);
    if (undone)
      return inner.getInput();
  }
  return foldSplat(adaptor.getInput(), getResult().getType());
}

LogicalResult ReshapeOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (input.getNumElements() != result.getNumElements() ||
      input.getElementType() != result.getElementType()) // reshape_c1
    return emitOpError("expected 'result' to have as many elements as 'input' "
                       "and its element type, but got ")
           << input << " and " << result;
  return verifyTile(*this, "result", result);
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (getInput().getType() == getResult().getType())
    return getInput();
  return foldSplat(adaptor.getInput(), getResult().getType());
}

} // namespace attn_grid::ir
