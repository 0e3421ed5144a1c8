// Loads and stores whose lanes are not adjacent in memory: square blocks are
// moved by rows that are, and turned in registers.

#include "compiler/Conversion/Cpu/TileEmitter.h"

#include "dialect/Verify.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler::cpu {

/// rows[r] lane c  ->  rows[c] lane r, by log2(n) rounds of interleaving row i
/// with row i + n/2.
void TileEmitter::transpose(SmallVectorImpl<Value> &rows) {
  int64_t n = rows.size();
  SmallVector<int64_t> low, high;
  for (int64_t lane = 0; lane < n / 2; ++lane) {
    low.append({lane, n + lane});
    high.append({n / 2 + lane, n + n / 2 + lane});
  }
  for (int64_t width = n; width > 1; width /= 2) {
    SmallVector<Value> next;
    for (int64_t i = 0; i < n / 2; ++i)
      for (ArrayRef<int64_t> pick : {ArrayRef(low), ArrayRef(high)})
        next.push_back(
            vector::ShuffleOp::create(b, rows[i], rows[i + n / 2], pick));
    rows.assign(next.begin(), next.end());
  }
}

/// The axis that is adjacent in memory, if the root moves memory along another
/// one; else -1.
int64_t TileEmitter::transposedAxis(const Root &root) {
  int64_t axis = -1;
  if (auto load = dyn_cast<LoadOp>(root.op)) {
    if (root.kind == Root::Kind::materialize && !load.getKeep() &&
        !load.getOther())
      axis =
          unitStrideAxis(load.getTensor(), load.getExtents(), load.getSteps());
  } else if (auto store = dyn_cast<StoreOp>(root.op)) {
    if (!store.getKeep())
      axis = unitStrideAxis(store.getTensor(), store.getExtents(),
                            store.getSteps());
  }
  ArrayRef<int64_t> shape = shapeOf(root.input.getType());
  int64_t lane = laneAxis.of(root.input);
  if (axis < 0 || axis == lane || shape[axis] < 2 || shape[lane] < 2)
    return -1;
  return axis;
}

void TileEmitter::emitTransposed(const Root &root, const Buffer &buffer) {
  ArrayRef<int64_t> shape = shapeOf(root.input.getType());
  int64_t lane = laneAxis.of(root.input), adjacent = transposedAxis(root);
  int64_t side = std::min(lanesFor(root.input, lane), shape[adjacent]);
  SmallVector<Value, 4> coords(shape.size());
  auto along = [&](int64_t axis, int64_t row, int64_t lanesAlong) {
    Point point{coords, lanesAlong, side};
    point.coords[axis] = addIndex(coords[axis], index(row));
    return point;
  };
  std::function<void(int64_t)> nest = [&](int64_t axis) {
    if (axis < static_cast<int64_t>(shape.size())) {
      int64_t need = std::max<int64_t>(demand.demanded(root.input, axis), 1);
      bool block = axis == lane || axis == adjacent;
      loop(block ? llvm::alignTo(need, side) : need, block ? side : 1,
           [&](Value i) {
             coords[axis] = i;
             nest(axis + 1);
           });
      return;
    }
    SmallVector<Value> rows;
    if (auto load = dyn_cast<LoadOp>(root.op)) {
      for (int64_t row = 0; row < side; ++row)
        rows.push_back(evalLoad(load, along(lane, row, adjacent)));
      transpose(rows);
      for (int64_t row = 0; row < side; ++row)
        storeBuffer(buffer, rows[row], along(adjacent, row, lane));
      return;
    }
    for (int64_t row = 0; row < side; ++row)
      rows.push_back(widen(eval(root.input, along(adjacent, row, lane)), side));
    transpose(rows);
    for (int64_t row = 0; row < side; ++row)
      storePoint(cast<StoreOp>(root.op), rows[row], along(lane, row, adjacent));
  };
  nest(0);
}

} // namespace attn_grid::compiler::cpu
