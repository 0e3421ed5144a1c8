// A reduction that only picks a column, `max(where(iota(64)[None, :] == 63, s,
// -inf), axis = 1)`: the lanes that hold the column hand it to the others.

#include "compiler/Conversion/Gpu/ThreadEmitter.h"

#include "compiler/Analysis/StaticElement.h"
#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

/// The value of all of `tile`'s elements if it changes no result of `kind`.
static std::optional<double> neutralElement(Value tile, ReduceKind kind) {
  DenseFPElementsAttr splat;
  if (!matchPattern(tile, m_Constant(&splat)) || !splat.isSplat())
    return std::nullopt;
  auto element = splat.getSplatValue<APFloat>();
  bool isNeutral = kind == ReduceKind::sum   ? element.isZero()
                   : kind == ReduceKind::max ? element.isNegInfinity()
                   : kind == ReduceKind::min ? element.isPosInfinity()
                                             : false;
  return isNeutral ? std::optional(element.convertToDouble()) : std::nullopt;
}

/// The only place along axis 1 where `mask` is true, the same in all rows.
static std::optional<int64_t> onlyColumn(Value mask) {
  std::optional<int64_t> found;
  int64_t columns = shapeOf(mask.getType())[1];
  for (int64_t column = 0; column < columns; ++column) {
    std::optional<APInt> element = staticElement(mask, {std::nullopt, column});
    if (!element || (!element->isZero() && found))
      return std::nullopt;
    if (!element->isZero())
      found = column;
  }
  return found;
}

std::optional<ThreadTile> ThreadEmitter::pickColumn(ReduceOp op) {
  auto select = op.getInput().getDefiningOp<arith::SelectOp>();
  if (!select || op.getAxes() != ArrayRef<int64_t>{1} ||
      shapeOf(op.getInput().getType()).size() != 2 ||
      !getElementTypeOrSelf(op.getInput().getType()).isF32() ||
      !isa<RankedTensorType>(select.getCondition().getType()))
    return std::nullopt;
  std::optional<double> rest =
      neutralElement(select.getFalseValue(), op.getKind());
  if (!rest)
    return std::nullopt;
  std::optional<int64_t> column = onlyColumn(select.getCondition());
  if (!column)
    return std::nullopt;
  LinearLayout layout = homeOf(op.getInput());
  Reduction reduction(layout, op.getAxes());
  // The lanes must divide the columns by whole bits, the warps not at all.
  uint32_t byLanes = 0, from = 0;
  for (auto [bit, basis] : llvm::enumerate(layout.lane())) {
    uint32_t at = layout.coordinate(basis, 1);
    if (at && (layout.coordinate(basis, 0) || !llvm::isPowerOf2_32(at)))
      return std::nullopt;
    byLanes |= at;
    if (*column & at)
      from |= 1u << bit;
  }
  for (uint32_t basis : layout.warp())
    if (layout.coordinate(basis, 1))
      return std::nullopt;

  const ThreadTile &tile = get(select.getTrueValue(), layout);
  Value source = arith::OrIOp::create(
      b, arith::AndIOp::create(b, laneId(), i32(~int64_t(reduction.lanes))),
      i32(from));
  ThreadTile result{reduction.home, {}};
  result.regs.resize(reduction.home.registers());
  for (unsigned reg = 0; reg < layout.registers(); ++reg) {
    uint32_t at = layout.coordinate(layout.apply({reg, 0, 0}), 1);
    if (at != (*column & ~byLanes))
      continue;
    Value &value = result.regs[reduction.full.withoutCopies(reg)];
    if (!value)
      value = reduction.lanes ? shuffleIndex(tile.regs[reg], source)
                              : tile.regs[reg];
  }
  // With what stands in the other columns: NaN is not the largest of two.
  Value other = arith::ConstantOp::create(b, b.getF32FloatAttr(*rest));
  for (Value &value : result.regs)
    value = combineValues(b, op.getKind(), value, other);
  return result;
}

} // namespace attn_grid::compiler::gpu
