#include "compiler/Analysis/StaticRanges.h"

#include "dialect/AgOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/InferIntRangeInterface.h"

using namespace mlir;

namespace attn_grid::compiler {

/// Chains of operations longer than this count as unknown: the walk recurses.
static constexpr unsigned maxDepth = 256;

unsigned integerWidth(Type type) {
  Type element = getElementTypeOrSelf(type);
  if (isa<IndexType>(element))
    return 64;
  if (auto integer = dyn_cast<IntegerType>(element))
    return integer.getWidth() <= 64 ? integer.getWidth() : 0;
  return 0;
}

Range rangeOfWidth(unsigned width) {
  if (width == 1)
    return {0, 1};
  return {llvm::minIntN(width), llvm::maxIntN(width)};
}

static Range rangeOf(const ConstantIntRanges &ranges, unsigned width) {
  if (width == 1)
    return {static_cast<int64_t>(ranges.umin().getZExtValue()),
            static_cast<int64_t>(ranges.umax().getZExtValue())};
  return {ranges.smin().getSExtValue(), ranges.smax().getSExtValue()};
}

static ConstantIntRanges toUpstream(Range range, unsigned width) {
  APInt min(width, range.min, /*isSigned=*/true, /*implicitTrunc=*/true);
  APInt max(width, range.max, /*isSigned=*/true, /*implicitTrunc=*/true);
  return width == 1 ? ConstantIntRanges::fromUnsigned(min, max)
                    : ConstantIntRanges::fromSigned(min, max);
}

static Range ofConstant(Attribute attr, unsigned width) {
  auto number = [&](const APInt &value) {
    return width == 1 ? static_cast<int64_t>(value.getZExtValue())
                      : value.getSExtValue();
  };
  if (auto scalar = dyn_cast<IntegerAttr>(attr))
    return {number(scalar.getValue()), number(scalar.getValue())};
  auto tile = dyn_cast<DenseIntElementsAttr>(attr);
  if (!tile || tile.empty())
    return rangeOfWidth(width);
  if (tile.isSplat()) {
    int64_t value = number(tile.getSplatValue<APInt>());
    return {value, value};
  }
  Range range{INT64_MAX, INT64_MIN};
  for (const APInt &element : tile.getValues<APInt>()) {
    range.min = std::min(range.min, number(element));
    range.max = std::max(range.max, number(element));
  }
  return range;
}

Range StaticRanges::of(Value value) {
  if (auto it = known.find(value); it != known.end())
    return it->second;
  if (depth >= maxDepth)
    return rangeOfWidth(integerWidth(value.getType()));
  ++depth;
  Range range = compute(value);
  --depth;
  known[value] = range;
  return range;
}

Range StaticRanges::compute(Value value) {
  unsigned width = integerWidth(value.getType());
  if (auto argument = dyn_cast<BlockArgument>(value))
    return ofArgument(argument);
  Attribute constant;
  if (matchPattern(value, m_Constant(&constant)))
    return ofConstant(constant, width);
  Operation *op = value.getDefiningOp();
  if (auto iota = dyn_cast<ir::IotaOp>(op))
    return {0, cast<RankedTensorType>(value.getType()).getNumElements() - 1};
  if (auto grid = dyn_cast<ir::ProgramIdOp>(op)) {
    unsigned axis = cast<OpResult>(value).getResultNumber();
    // The program runs, so the extent is at least 1.
    int64_t extent = of(grid.getExtents()[axis]).max;
    return {0, std::max<int64_t>(extent, 1) - 1};
  }
  if (isa<tensor::SplatOp, ir::BroadcastOp, ir::TransposeOp, ir::ReshapeOp>(op))
    return of(op->getOperand(0));
  if (auto reduce = dyn_cast<ir::ReduceOp>(op)) {
    ir::ReduceKind kind = reduce.getKind();
    if (kind == ir::ReduceKind::min || kind == ir::ReduceKind::max)
      return of(reduce.getInput());
    return rangeOfWidth(width);
  }
  return ofArith(op, value);
}

Range StaticRanges::ofArgument(BlockArgument argument) {
  Range all = rangeOfWidth(integerWidth(argument.getType()));
  Operation *parent = argument.getOwner()->getParentOp();
  if (auto kernel = dyn_cast_or_null<ir::KernelOp>(parent)) {
    if (argument.getOwner() == &kernel.getBody().front() &&
        kernel.getArgAttr(argument.getArgNumber(), extentAttr))
      return {0, (int64_t(1) << 30) - 1};
    return all;
  }
  auto loop = dyn_cast_or_null<scf::ForOp>(parent);
  if (!loop || argument != loop.getInductionVar() || loop.getUnsignedCmp())
    return all;
  // In the body `lower <= variable < upper`; a range that is empty by these
  // belongs to a body that never runs.
  Range range{of(loop.getLowerBound()).min, of(loop.getUpperBound()).max};
  if (range.min >= range.max)
    return {range.min, range.min};
  return {range.min, range.max - 1};
}

/// Upstream knows the range of each arith operation by those of its operands.
Range StaticRanges::ofArith(Operation *op, Value result) {
  unsigned width = integerWidth(result.getType());
  Range range = rangeOfWidth(width);
  auto infer = dyn_cast<InferIntRangeInterface>(op);
  if (!infer || !isa_and_nonnull<arith::ArithDialect>(op->getDialect()))
    return range;
  SmallVector<ConstantIntRanges> operands;
  for (Value operand : op->getOperands()) {
    unsigned operandWidth = integerWidth(operand.getType());
    if (operandWidth == 0)
      return range;
    operands.push_back(toUpstream(of(operand), operandWidth));
  }
  infer.inferResultRanges(operands,
                          [&](Value value, const ConstantIntRanges &found) {
                            if (value == result)
                              range = rangeOf(found, width);
                          });
  return range;
}

} // namespace attn_grid::compiler
