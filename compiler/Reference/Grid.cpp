// The grid: which program this is.

#include "compiler/Reference/Interpreter.h"

using namespace mlir;

namespace attn_grid::compiler::reference {

/// The first extent runs fastest.
Handled runGrid(Interpreter &run, Operation *op) {
  auto ids = dyn_cast<ir::ProgramIdOp>(op);
  if (!ids)
    return std::nullopt;
  int64_t rest = run.program();
  for (auto [extent, id] : llvm::zip(ids.getExtents(), ids.getIds())) {
    int64_t size = run[extent].whole();
    if (size <= 0)
      return op->emitError("a program runs in a grid without programs");
    Tile result(id.getType());
    result.elements.front() = Number::of(rest % size);
    rest /= size;
    run.set(id, std::move(result));
  }
  if (rest)
    return op->emitError("the program's number lies outside the grid");
  return success();
}

} // namespace attn_grid::compiler::reference
