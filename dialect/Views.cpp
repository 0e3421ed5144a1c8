#include "dialect/Views.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace attn_grid::ir {

// MLIR tells a dropped dimension of size 1 from a kept one by its stride, and
// fails where the view has steps. Which one it was does not matter: in either,
// the only index is 0.
llvm::SmallBitVector droppedDims(memref::SubViewOp view) {
  ArrayRef<int64_t> sizes = view.getStaticSizes();
  ArrayRef<int64_t> kept = view.getType().getShape();
  llvm::SmallBitVector dropped(sizes.size());
  size_t next = 0;
  for (auto [d, size] : llvm::enumerate(sizes)) {
    if (next < kept.size() && kept[next] == size)
      ++next;
    else
      dropped.set(d);
  }
  return dropped;
}

SmallVector<OpFoldResult> sizesOf(Value tensor) {
  if (auto cast = tensor.getDefiningOp<memref::ReinterpretCastOp>())
    return cast.getMixedSizes();
  auto view = tensor.getDefiningOp<memref::SubViewOp>();
  if (!view)
    return {};
  llvm::SmallBitVector dropped = droppedDims(view);
  SmallVector<OpFoldResult> sizes;
  for (auto [d, size] : llvm::enumerate(view.getMixedSizes()))
    if (!dropped.test(d))
      sizes.push_back(size);
  return sizes;
}

Value sizeValueOf(Value tensor, int64_t d) {
  SmallVector<OpFoldResult> sizes = sizesOf(tensor);
  auto size = sizes.empty() ? Value() : dyn_cast<Value>(sizes[d]);
  auto cast =
      size ? size.getDefiningOp<arith::IndexCastOp>() : arith::IndexCastOp();
  return cast ? cast.getIn() : Value();
}

} // namespace attn_grid::ir
