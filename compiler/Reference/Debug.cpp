// What a program shows: prints, and asserts that fail.

#include "compiler/Reference/Interpreter.h"

using namespace mlir;

namespace attn_grid::compiler::reference {

Handled runDebug(Interpreter &run, Operation *op) {
  if (auto print = dyn_cast<ir::PrintOp>(op)) {
    Printed printed{print.getText().str(), {}};
    for (Value value : print.getValues())
      printed.values.push_back(run[value]);
    run.printed.push_back(std::move(printed));
    return success();
  }
  if (auto assertion = dyn_cast<ir::AssertOp>(op)) {
    // The program goes on: only the launch fails.
    if (!run[assertion.getCondition()].whole())
      run.failedAsserts.push_back(assertion.getMessage().str());
    return success();
  }
  return std::nullopt;
}

} // namespace attn_grid::compiler::reference
