// Where elements go, not what they are.

#include "compiler/Reference/Interpreter.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace attn_grid::compiler::reference {

Handled runShape(Interpreter &run, Operation *op) {
  if (!isa<ir::IotaOp, tensor::SplatOp, ir::BroadcastOp, ir::TransposeOp,
           ir::ReshapeOp>(op))
    return std::nullopt;
  Tile result(op->getResult(0).getType());
  Tile input = op->getNumOperands() ? run[op->getOperand(0)] : Tile();
  int64_t count = 0;
  forEachPlace(result.shape, [&](const Place &place) {
    Number &into = result.at(place);
    Place from(input.shape.size());
    if (isa<ir::IotaOp>(op)) {
      into = Number::of(count);
    } else if (isa<tensor::SplatOp>(op)) {
      into = input.elements.front();
    } else if (isa<ir::ReshapeOp>(op)) {
      into = input.elements[count];
    } else if (auto broadcast = dyn_cast<ir::BroadcastOp>(op)) {
      for (auto [a, axis] : llvm::enumerate(broadcast.getAxes()))
        from[a] = input.shape[a] == 1 ? 0 : place[axis];
      into = input.at(from);
    } else if (auto transpose = dyn_cast<ir::TransposeOp>(op)) {
      for (auto [a, axis] : llvm::enumerate(transpose.getPermutation()))
        from[axis] = place[a];
      into = input.at(from);
    }
    ++count;
  });
  run.set(op->getResult(0), std::move(result));
  return success();
}

} // namespace attn_grid::compiler::reference
