#include "compiler/Conversion/Places.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler {

// MLIR tells a dropped dimension
// of size 1 from a kept one by its stride, and fails where the view has steps.
// Which one it was does not matter: in either, the only index is 0.
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

/// The size of dimension `d` as the kernel's IR has it, if that is a value.
static Value originalSize(Value tensor, int64_t d) {
  auto cast = tensor.getDefiningOp<memref::ReinterpretCastOp>();
  if (!cast)
    return nullptr;
  return dyn_cast<Value>(cast.getMixedSizes()[d]);
}

bool provablyInside(Value tensor, int64_t d, Value i, int64_t extent,
                    OpFoldResult size) {
  APInt start;
  auto bound = getConstantIntValue(size);
  if (bound && matchPattern(i, m_ConstantInt(&start)))
    return start.getSExtValue() >= 0 &&
           start.getSExtValue() + std::max<int64_t>(extent, 1) <= *bound;
  if (extent != 0)
    return false;
  // A program id is less than its grid extent.
  if (auto ids = i.getDefiningOp<ProgramIdOp>()) {
    unsigned n = cast<OpResult>(i).getResultNumber();
    Value original = originalSize(tensor, d);
    auto cast = original ? original.getDefiningOp<arith::IndexCastOp>()
                         : arith::IndexCastOp();
    return cast && cast.getIn() == ids.getExtents()[n];
  }
  return false;
}

} // namespace attn_grid::compiler
