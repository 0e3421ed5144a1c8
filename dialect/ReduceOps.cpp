// Verifier and folds of ag.reduce: reduce_c1 to c4.

#include "dialect/AgOps.h"
#include "dialect/Verify.h"

using namespace mlir;

namespace attn_grid::ir {

Type ReduceOp::resultElementType(ReduceKind kind, Type element) {
  switch (kind) {
  case ReduceKind::sum:
    return accumulatorType(element);
  case ReduceKind::argmin:
  case ReduceKind::argmax:
    return IntegerType::get(element.getContext(), 32);
  default:
    return element;
  }
}

LogicalResult ReduceOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  ArrayRef<int64_t> axes = getAxes();
  bool ascending = llvm::is_sorted(axes, [](int64_t a, int64_t b) {
    return a <= b; // equal neighbours are no ascent
  });
  if (axes.empty() || (axes.size() > 1 && !ascending) || axes.front() < 0 ||
      axes.back() >= input.getRank()) // reduce_c1
    return emitOpError("expected 'axes' to be ascending axes of 'input', "
                       "which has rank ")
           << input.getRank() << ", but got " << formatShape(axes);
  SmallVector<int64_t> shape;
  for (int64_t axis = 0; axis < input.getRank(); ++axis)
    if (!llvm::is_contained(axes, axis))
      shape.push_back(input.getDimSize(axis));
  Type result = getResult().getType();
  if (shapeOf(result) != ArrayRef<int64_t>(shape)) // reduce_c2
    return emitOpError("expected 'result' to have shape ")
           << formatShape(shape) << ", but got "
           << formatShape(shapeOf(result));
  Type element = input.getElementType();
  Type want = resultElementType(getKind(), element);
  if (getElementTypeOrSelf(result) != want) // reduce_c3
    return emitOpError("expected 'result' to have element type ")
           << want << ", but got " << getElementTypeOrSelf(result);
  switch (getKind()) { // reduce_c4
  case ReduceKind::any:
  case ReduceKind::all:
    if (!element.isInteger(1))
      return emitOpError("expected 'input' to be a mask, but got ") << input;
    break;
  case ReduceKind::umin:
  case ReduceKind::umax:
    if (!isa<IntegerType>(element))
      return emitOpError("expected 'input' to hold integers, but got ")
             << input;
    break;
  case ReduceKind::argmin:
  case ReduceKind::argmax:
    if (axes.size() != 1)
      return emitOpError("expected one axis, but got ") << axes.size();
    break;
  default:
    break;
  }
  return verifyTile(*this, "input", input);
}

/// any(splat m) -> m and all(splat m) -> m, for a constant m.
OpFoldResult ReduceOp::fold(FoldAdaptor adaptor) {
  if (getKind() != ReduceKind::any && getKind() != ReduceKind::all)
    return {};
  auto splat = dyn_cast_or_null<SplatElementsAttr>(adaptor.getInput());
  if (!splat)
    return {};
  if (auto tile = dyn_cast<RankedTensorType>(getResult().getType()))
    return splat.resizeSplat(tile);
  return splat.getSplatValue<Attribute>();
}

} // namespace attn_grid::ir
