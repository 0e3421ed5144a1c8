#include "compiler/Transforms/MaskedLoop.h"

#include "compiler/Transforms/ConditionCode.h"
#include "dialect/AgOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace attn_grid::compiler {

/// True if `branch` does nothing but yield, and what the loop yields is then
/// what it had.
static bool isIdle(scf::ForOp loop, scf::IfOp test, Region &branch) {
  if (!branch.empty() && !llvm::hasSingleElement(branch.front()))
    return false;
  auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
  for (auto [carried, next] :
       llvm::zip_equal(loop.getRegionIterArgs(), yield.getOperands())) {
    Value value = next;
    if (auto result = dyn_cast<OpResult>(value);
        result && result.getOwner() == test)
      value =
          branch.front().getTerminator()->getOperand(result.getResultNumber());
    if (value != carried)
      return false;
  }
  return true;
}

std::optional<bool> findIdleBranch(scf::ForOp loop, scf::IfOp test) {
  if (test->getBlock() != loop.getBody())
    return std::nullopt;
  for (Operation &op : loop.getBody()->without_terminator())
    if (&op != test && !wouldOpBeTriviallyDead(&op))
      return std::nullopt;
  if (isIdle(loop, test, test.getElseRegion()))
    return false;
  if (isIdle(loop, test, test.getThenRegion()))
    return true;
  return std::nullopt;
}

bool tightenLoop(scf::ForOp loop, const Condition &needed,
                 const Quantities &quantities) {
  OpBuilder builder(loop);
  ConditionCode code(builder, loop.getLoc(), quantities);
  Value lower = code.extend(loop.getLowerBound());
  Value upper = code.extend(loop.getUpperBound());
  Value one = code.constant(1);
  LoopLimits limits =
      code.limits(needed, lower, code.make<arith::SubIOp>(upper, one));
  // The new bounds lie between the old ones, so they fit their type; a loop
  // without an iteration keeps having none.
  auto narrow = [&](Value bound) -> Value {
    Type type = loop.getInductionVar().getType();
    if (isa<IndexType>(type))
      return builder.createOrFold<arith::IndexCastOp>(loop.getLoc(), type,
                                                      bound);
    return bound.getType() == type ? bound
                                   : builder.createOrFold<arith::TruncIOp>(
                                         loop.getLoc(), type, bound);
  };
  if (limits.low) {
    // lower + step * ceil((low - lower) / step), at most the end.
    Value step = code.make<arith::MaxSIOp>(code.extend(loop.getStep()), one);
    Value end = code.make<arith::MaxSIOp>(lower, upper);
    Value low = code.make<arith::MinSIOp>(
        code.make<arith::MaxSIOp>(limits.low, lower), end);
    Value ahead = code.make<arith::AddIOp>(code.make<arith::SubIOp>(low, lower),
                                           code.make<arith::SubIOp>(step, one));
    Value skipped =
        code.make<arith::MulIOp>(code.floorDivide(ahead, step), step);
    Value first = code.make<arith::AddIOp>(lower, skipped);
    loop.setLowerBound(narrow(code.make<arith::MinSIOp>(first, end)));
  }
  if (limits.high) {
    Value behind = code.make<arith::AddIOp>(limits.high, one);
    behind = code.make<arith::MaxSIOp>(behind, lower);
    loop.setUpperBound(narrow(code.make<arith::MinSIOp>(behind, upper)));
  }
  return limits.exact;
}

/// A mask of more parts is not taken apart further: the walk recurses.
static constexpr size_t maxKnownMasks = 128;

void collectKnownMasks(Value value, bool outcome, bool surely,
                       KnownMasks &known) {
  if (matchPattern(value, m_Constant()) || known.size() >= maxKnownMasks ||
      !known.insert({value, outcome}).second)
    return;
  Operation *op = value.getDefiningOp();
  if (!op)
    return;
  auto all = [&](bool what) {
    for (Value operand : op->getOperands())
      collectKnownMasks(operand, what, surely, known);
  };
  if (isa<tensor::SplatOp, ir::BroadcastOp, ir::TransposeOp, ir::ReshapeOp>(op))
    return all(outcome);
  if ((isa<arith::AndIOp>(op) && outcome) ||
      (isa<arith::OrIOp>(op) && !outcome))
    return all(outcome);
  if (isa<arith::XOrIOp>(op)) {
    for (auto [a, b] : {std::pair(op->getOperand(0), op->getOperand(1)),
                        {op->getOperand(1), op->getOperand(0)}})
      if (matchPattern(b, m_One()))
        collectKnownMasks(a, !outcome, surely, known);
    return;
  }
  auto reduce = dyn_cast<ir::ReduceOp>(op);
  if (!reduce)
    return;
  // An `all` that holds and an `any` that does not say it of each element.
  bool isAny = reduce.getKind() == ir::ReduceKind::any;
  bool isAll = reduce.getKind() == ir::ReduceKind::all;
  if ((isAny && (surely || !outcome)) || (isAll && (surely || outcome)))
    collectKnownMasks(reduce.getInput(), outcome, surely, known);
}

} // namespace attn_grid::compiler
