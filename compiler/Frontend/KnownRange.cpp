#include "compiler/Frontend/KnownRange.h"

#include "dialect/AgOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace attn_grid::compiler {

/// How many operations deep the question is asked.
static constexpr int maxDepth = 6;

static KnownRange rangeAt(Value value, int depth);

static KnownRange argumentRange(BlockArgument argument) {
  KnownRange range;
  range.exact = true; // it comes from elsewhere as it is
  Operation *parent = argument.getOwner()->getParentOp();
  if (auto kernel = dyn_cast_or_null<ir::KernelOp>(parent)) {
    if (kernel.getArgAttr(argument.getArgNumber(), extentAttr))
      return {0, (int64_t(1) << 30) - 1, true};
    return range;
  }
  auto loop = dyn_cast_or_null<scf::ForOp>(parent);
  if (!loop || loop.getInductionVar() != argument)
    return range;
  KnownRange low = rangeAt(loop.getLowerBound(), 1);
  KnownRange high = rangeAt(loop.getUpperBound(), 1);
  return {low.low, std::max(low.low, high.high - 1), true};
}

/// The range of a binary operation from those of its operands: `combine` gives
/// what it would be if nothing wrapped.
template <typename Combine>
static KnownRange binaryRange(Operation *op, int depth, Combine combine) {
  KnownRange lhs = rangeAt(op->getOperand(0), depth);
  KnownRange rhs = rangeAt(op->getOperand(1), depth);
  KnownRange range = combine(lhs, rhs);
  if (range.low < INT32_MIN || range.high > INT32_MAX)
    return {};
  range.exact = lhs.exact && rhs.exact;
  return range;
}

static KnownRange added(KnownRange a, KnownRange b) {
  return {a.low + b.low, a.high + b.high};
}
static KnownRange subtracted(KnownRange a, KnownRange b) {
  return {a.low - b.high, a.high - b.low};
}
static KnownRange multiplied(KnownRange a, KnownRange b) {
  // Operands are 32-bit, so the products fit.
  auto products = {a.low * b.low, a.low * b.high, a.high * b.low,
                   a.high * b.high};
  return {std::min(products), std::max(products)};
}
static KnownRange divided(KnownRange a, KnownRange b) {
  if (a.low < 0 || b.low < 1)
    return {};
  return {a.low / b.high, a.high / b.low};
}
/// As unsigned numbers: below 0 is beyond everything.
static KnownRange leastUnsigned(KnownRange a, KnownRange b) {
  if (a.low < 0)
    std::swap(a, b);
  if (a.low < 0)
    return {};
  return {0, b.low < 0 ? a.high : std::min(a.high, b.high)};
}
static KnownRange least(KnownRange a, KnownRange b) {
  return {std::min(a.low, b.low), std::min(a.high, b.high)};
}
static KnownRange greatest(KnownRange a, KnownRange b) {
  return {std::max(a.low, b.low), std::max(a.high, b.high)};
}

static KnownRange operationRange(Operation *op, int depth) {
  return llvm::TypeSwitch<Operation *, KnownRange>(op)
      .Case([](ir::ProgramIdOp) { return KnownRange{0, INT32_MAX - 1, true}; })
      .Case([](ir::IotaOp iota) {
        auto tile = cast<RankedTensorType>(iota.getType());
        return KnownRange{0, tile.getDimSize(0) - 1, true};
      })
      .Case([&](arith::AddIOp) { return binaryRange(op, depth, added); })
      .Case([&](arith::SubIOp) { return binaryRange(op, depth, subtracted); })
      .Case([&](arith::MulIOp) { return binaryRange(op, depth, multiplied); })
      .Case([&](arith::DivSIOp) { return binaryRange(op, depth, divided); })
      .Case([&](arith::MinSIOp) { return binaryRange(op, depth, least); })
      .Case(
          [&](arith::MinUIOp) { return binaryRange(op, depth, leastUnsigned); })
      .Case([&](arith::MaxSIOp) { return binaryRange(op, depth, greatest); })
      .Case([&](arith::SelectOp select) {
        KnownRange a = rangeAt(select.getTrueValue(), depth);
        KnownRange b = rangeAt(select.getFalseValue(), depth);
        return KnownRange{std::min(a.low, b.low), std::max(a.high, b.high),
                          a.exact && b.exact};
      })
      .Case<tensor::SplatOp, ir::BroadcastOp, ir::TransposeOp, ir::ReshapeOp>(
          [&](auto) { return rangeAt(op->getOperand(0), depth); })
      .Default([](Operation *) { return KnownRange(); });
}

static KnownRange rangeAt(Value value, int depth) {
  Type element = getElementTypeOrSelf(value);
  if (!element.isInteger(32) || depth > maxDepth)
    return {};
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return {constant.getSExtValue(), constant.getSExtValue(), true};
  if (auto argument = dyn_cast<BlockArgument>(value))
    return argumentRange(argument);
  return operationRange(value.getDefiningOp(), depth + 1);
}

KnownRange knownRange(Value value) { return rangeAt(value, 0); }

} // namespace attn_grid::compiler
