#include "compiler/Conversion/Gpu/TensorBox.h"

#include "dialect/Verify.h"
#include "dialect/Views.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler::gpu {

/// The most that a box has along a dimension, and a map has dimensions.
static constexpr int64_t mostInBox = 256, mostDims = 5;
static constexpr int64_t lineBytes = 128;

llvm::SmallVector<int64_t> TensorBox::flatten() const {
  llvm::SmallVector<int64_t> flat{argument, elementBytes, lineBytes};
  for (const Dim &dim : dims)
    flat.append({dim.size.value, dim.size.isArgument, dim.stride.value,
                 dim.stride.isArgument, dim.box});
  return flat;
}

static Value withoutCasts(Value value) {
  while (auto *op = value.getDefiningOp()) {
    if (!isa<arith::IndexCastOp, arith::ExtSIOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// A constant or an argument of the kernel; nothing for what is computed.
static std::optional<TensorBox::Number> numberOf(OpFoldResult value) {
  if (auto constant = getConstantIntValue(value))
    return TensorBox::Number{*constant, false};
  auto argument = dyn_cast<BlockArgument>(withoutCasts(cast<Value>(value)));
  if (!argument || !isa<KernelOp>(argument.getOwner()->getParentOp()))
    return std::nullopt;
  return TensorBox::Number{argument.getArgNumber(), true};
}

/// Whether a view begins along a dropped dimension at min(`i`, `extent`), of
/// which `extent` is the size: so it is outside where `i` is not below.
static bool isOutsideFrom(memref::SubViewOp view, Value i, Value extent,
                          const llvm::SmallBitVector &dropped) {
  auto base = view.getSource().getDefiningOp<memref::ReinterpretCastOp>();
  for (unsigned d : dropped.set_bits()) {
    auto start = dyn_cast<Value>(view.getMixedOffsets()[d]);
    auto least = start ? withoutCasts(start).getDefiningOp<arith::MinUIOp>()
                       : arith::MinUIOp();
    if (least && least.getLhs() == i && least.getRhs() == extent &&
        numberOf(base.getMixedSizes()[d]) == numberOf(extent))
      return true;
  }
  return false;
}

/// Whether a view has all of a dimension of `size`, or nothing where it begins
/// outside along a dropped one: boxes are 0 there, too.
static bool isWhole(memref::SubViewOp view, OpFoldResult viewed,
                    TensorBox::Number size,
                    const llvm::SmallBitVector &dropped) {
  if (auto value = dyn_cast<Value>(viewed)) {
    Value inner = withoutCasts(value);
    while (auto choice = inner.getDefiningOp<arith::SelectOp>()) {
      auto test = choice.getCondition().getDefiningOp<arith::CmpIOp>();
      if (!test || test.getPredicate() != arith::CmpIPredicate::ult ||
          !isConstantIntValue(choice.getFalseValue(), 0) ||
          !isOutsideFrom(view, test.getLhs(), test.getRhs(), dropped))
        return false;
      inner = choice.getTrueValue();
    }
    viewed = inner;
  }
  return numberOf(viewed) == size;
}

/// Rows longer than a line become one more dimension of the box, the lines of
/// a row: one copy then brings all panels. Only where rows end with a line, or
/// the last one would go on in the next row.
static void joinPanels(BoxLoad &load) {
  TensorBox &box = load.box;
  int64_t line = box.dims.front().box;
  int64_t size = box.dims.front().size.value;
  if (load.tileColumns == line || box.dims.front().size.isArgument ||
      size % line != 0 || load.tileRows > mostInBox ||
      box.dims.size() == mostDims)
    return;
  for (OpFoldResult part : {load.at.front().first, load.at.front().second})
    if (part && !isConstantIntValue(part, 0))
      return;
  load.panels = load.tileColumns / line;
  box.dims.front().size.value = line;
  unsigned behindRows = load.rows + 1;
  box.dims.insert(box.dims.begin() + behindRows,
                  {{size / line, false}, {line, false}, load.panels});
  load.at.insert(load.at.begin() + behindRows,
                 {OpFoldResult(), OpFoldResult()});
}

std::optional<BoxLoad> asBoxLoad(LoadOp load) {
  auto tile = dyn_cast<RankedTensorType>(load.getResult().getType());
  if (!tile || tile.getRank() != 2 || tile.getElementTypeBitWidth() < 8 ||
      !load.getSteps().empty() || load.getKeep())
    return std::nullopt;
  Value tensor = load.getTensor();
  auto view = tensor.getDefiningOp<memref::SubViewOp>();
  auto base = (view ? view.getSource() : tensor)
                  .getDefiningOp<memref::ReinterpretCastOp>();
  auto memory = base ? dyn_cast<BlockArgument>(base.getSource()) : nullptr;
  if (!memory || !isConstantIntValue(base.getMixedOffsets().front(), 0))
    return std::nullopt;
  auto kernel = dyn_cast<KernelOp>(memory.getOwner()->getParentOp());
  if (!kernel || !kernel.isRegular(memory.getArgNumber()))
    return std::nullopt;
  auto rank = static_cast<int64_t>(base.getMixedSizes().size());
  if (rank > mostDims)
    return std::nullopt;

  BoxLoad result;
  TensorBox &box = result.box;
  box.argument = memory.getArgNumber();
  box.elementBytes = tile.getElementTypeBitWidth() / 8;
  llvm::SmallBitVector dropped(rank);
  if (view)
    dropped = droppedDims(view);
  int64_t own = load.getIndices().size(), axis = 2; // behind the next ones
  for (int64_t d = rank; d-- > 0;) {
    auto size = numberOf(base.getMixedSizes()[d]);
    auto stride = numberOf(base.getMixedStrides()[d]);
    if (!size || !stride)
      return std::nullopt;
    OpFoldResult start, offset;
    int64_t extent = 0;
    if (view) {
      start = view.getMixedOffsets()[d];
      if (!dropped.test(d) &&
          (!isConstantIntValue(start, 0) ||
           !isConstantIntValue(view.getMixedStrides()[d], 1) ||
           !isWhole(view, view.getMixedSizes()[d], *size, dropped)))
        return std::nullopt;
    }
    if (!dropped.test(d)) {
      --own;
      offset = load.getIndices()[own];
      extent = load.getExtents()[own];
      if (isa<RankedTensorType>(load.getIndices()[own].getType()))
        return std::nullopt;
    }
    TensorBox::Dim dim{*size, *stride, 1};
    if (extent != 0) {
      --axis;
      (axis == 1 ? result.columns : result.rows) = box.dims.size();
      (axis == 1 ? result.tileColumns : result.tileRows) = extent;
      dim.box = std::min(extent,
                         axis == 1 ? lineBytes / box.elementBytes : mostInBox);
    }
    box.dims.push_back(dim);
    result.at.emplace_back(start, offset);
  }
  // Lines of 32 bytes at least are swizzled as the tile in shared memory is.
  box.lineBytes = box.dims.front().box * box.elementBytes;
  bool isRight = result.columns == 0 && box.dims.front().stride.value == 1 &&
                 !box.dims.front().stride.isArgument && box.lineBytes >= 32;
  if (!isRight)
    return std::nullopt;
  joinPanels(result);
  return result;
}

} // namespace attn_grid::compiler::gpu
