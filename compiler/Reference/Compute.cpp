// Products of tiles.

#include "compiler/Reference/Interpreter.h"

using namespace mlir;

namespace attn_grid::compiler::reference {

/// result[i, j] = acc[i, j] + sum over k of lhs[i, k] * rhs[k, j], where kept,
/// in the accumulator's type, k ascending.
Handled runCompute(Interpreter &run, Operation *op) {
  auto dot = dyn_cast<ir::DotOp>(op);
  if (!dot)
    return std::nullopt;
  const Tile &lhs = run[dot.getLhs()], &rhs = run[dot.getRhs()];
  Tile result = run[dot.getAcc()];
  forEachPlace(result.shape, [&](const Place &place) {
    Number &sum = result.at(place);
    for (int64_t k = 0; k < lhs.shape[1]; ++k) {
      if (dot.getKeep() && !run[dot.getKeep()].at({place[0], k}).whole)
        continue;
      Number a = lhs.at({place[0], k}), b = rhs.at({k, place[1]});
      if (result.isFloat())
        sum.real = roundTo(sum.real + roundTo(a.real * b.real, result.element),
                           result.element);
      else
        sum.whole = wrap(__int128(sum.whole) + __int128(a.whole) * b.whole,
                         result.element);
    }
  });
  run.set(dot.getResult(), std::move(result));
  return success();
}

} // namespace attn_grid::compiler::reference
