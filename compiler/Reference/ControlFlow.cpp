// Loops and branches. What is handed on is handed on at once: a loop that
// yields its tiles in another order swaps them.

#include "compiler/Reference/Interpreter.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace attn_grid::compiler::reference {

/// Gives the values of `from` to `to`, all at once.
static void assign(Interpreter &run, ValueRange to, ValueRange from) {
  std::vector<Tile> values;
  for (Value value : from)
    values.push_back(run[value]);
  for (auto [target, value] : llvm::zip_equal(to, values))
    run.set(target, std::move(value));
}

static LogicalResult runFor(Interpreter &run, scf::ForOp loop) {
  int64_t lower = run[loop.getLowerBound()].whole();
  int64_t upper = run[loop.getUpperBound()].whole();
  int64_t step = run[loop.getStep()].whole();
  if (step <= 0)
    return loop.emitError("expected a positive step, but got ") << step;
  assign(run, loop.getRegionIterArgs(), loop.getInitArgs());
  // Whole numbers: the step past the last pass may not fit the variable.
  for (__int128 n = lower; n < upper; n += step) {
    Tile counter(loop.getInductionVar().getType());
    counter.elements.front() = Number::of(static_cast<int64_t>(n));
    run.set(loop.getInductionVar(), std::move(counter));
    if (failed(run.runBlock(*loop.getBody())))
      return failure();
    assign(run, loop.getRegionIterArgs(), loop.getYieldedValues());
  }
  assign(run, loop.getResults(), loop.getRegionIterArgs());
  return success();
}

static LogicalResult runIf(Interpreter &run, scf::IfOp branch) {
  Region &taken = run[branch.getCondition()].whole() ? branch.getThenRegion()
                                                     : branch.getElseRegion();
  if (taken.empty())
    return success();
  if (failed(run.runBlock(taken.front())))
    return failure();
  assign(run, branch.getResults(),
         taken.front().getTerminator()->getOperands());
  return success();
}

static LogicalResult runWhile(Interpreter &run, scf::WhileOp loop) {
  assign(run, loop.getBeforeArguments(), loop.getInits());
  for (;;) {
    if (failed(run.runBlock(*loop.getBeforeBody())))
      return failure();
    scf::ConditionOp condition = loop.getConditionOp();
    if (!run[condition.getCondition()].whole()) {
      assign(run, loop.getResults(), condition.getArgs());
      return success();
    }
    assign(run, loop.getAfterArguments(), condition.getArgs());
    if (failed(run.runBlock(*loop.getAfterBody())))
      return failure();
    assign(run, loop.getBeforeArguments(),
           loop.getAfterBody()->getTerminator()->getOperands());
  }
}

Handled runControlFlow(Interpreter &run, Operation *op) {
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return runFor(run, loop);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return runIf(run, branch);
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return runWhile(run, loop);
  return std::nullopt;
}

} // namespace attn_grid::compiler::reference
