// Scans, and reductions by a function: along the axis one element after the
// other, vectors across.

#include "compiler/Conversion/Cpu/TileEmitter.h"

#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler::cpu {

/// Applies the function of a `reduce_with` or `scan_with` to two vectors.
Value TileEmitter::combineWith(Operation *op, Value x, Value y) {
  Block &block = op->getRegion(0).front();
  scalars[block.getArgument(0)] = x;
  scalars[block.getArgument(1)] = y;
  for (Operation &inner : block.without_terminator()) {
    if (inner.getNumResults() != 1 || inner.getNumRegions()) {
      fail(&inner, "a function that combines elements must be arithmetic "
                   "without loops or branches");
      break;
    }
    Value result = inner.getResult(0);
    if (auto literal = dyn_cast<arith::ConstantOp>(inner)) {
      scalars[result] =
          constant(registerType(result.getType()), literal.getValue());
      continue;
    }
    SmallVector<Value> operands;
    for (Value operand : inner.getOperands())
      operands.push_back(scalar(operand));
    scalars[result] = elementwise(&inner, operands);
  }
  return failed ? x : scalar(block.getTerminator()->getOperand(0));
}

/// A scan keeps every intermediate value, a reduction the last.
void TileEmitter::emitScan(Operation *op, Value input, int64_t axis) {
  flush();
  Value result = op->getResult(0);
  Type element = getElementTypeOrSelf(result.getType());
  bool reduces = isa<ReduceWithOp>(op);
  bool tile = isa<RankedTensorType>(result.getType());
  ArrayRef<int64_t> shape = shapeOf(input.getType());
  Buffer buffer;
  if (tile)
    buffer = makeBuffer(result, laneAxis.of(result));
  // Lanes lie along another axis, if there is one.
  int64_t lane = -1, lanes = 1;
  for (int64_t a = 0, e = shape.size(); a < e; ++a)
    if (a != axis && (lane < 0 || shape[a] > shape[lane]))
      lane = a;
  if (lane >= 0)
    lanes = lanesFor(input, lane);

  auto combine = [&](Value x, Value y) {
    if (auto scan = dyn_cast<ScanOp>(op))
      return roundTo(combine2(scan.getKind(), x, y), element);
    return combineWith(op, x, y);
  };
  SmallVector<Value, 4> coords(shape.size());
  auto at = [&](Value i) {
    coords[axis] = i;
    Point point{coords, lane, lanes};
    Value value = widen(eval(input, point), lanes);
    return isa<ScanOp>(op) ? sumElement(value, element, lanes) : value;
  };
  auto keep = [&](Value value, Value i) {
    Point point;
    for (size_t a = 0; a < coords.size(); ++a) {
      if (reduces && static_cast<int64_t>(a) == axis)
        continue;
      if (static_cast<int64_t>(a) == lane) {
        point.laneAxis = point.coords.size();
        point.lanes = lanes;
      }
      point.coords.push_back(static_cast<int64_t>(a) == axis ? i : coords[a]);
    }
    storeBuffer(buffer, value, point);
  };
  std::function<void(int64_t)> nest = [&](int64_t a) {
    if (a == axis)
      return nest(a + 1);
    if (a < static_cast<int64_t>(shape.size()))
      return loop(shape[a], a == lane ? lanes : 1, [&](Value i) {
        coords[a] = i;
        nest(a + 1);
      });
    Value first = index(0);
    Value value = at(first);
    if (!reduces)
      keep(value, first);
    if (shape[axis] > 1) {
      auto rest = scf::ForOp::create(b, index(1), index(shape[axis]), index(1),
                                     ValueRange{value});
      OpBuilder::InsertionGuard guard(b);
      MemoScope scope(*this);
      b.setInsertionPointToStart(rest.getBody());
      Value next =
          combine(rest.getRegionIterArg(0), at(rest.getInductionVar()));
      if (!reduces)
        keep(next, rest.getInductionVar());
      scf::YieldOp::create(b, next);
      value = rest.getResult(0);
    }
    if (!reduces)
      return;
    if (tile)
      keep(value, nullptr);
    else
      scalars[result] = value;
  };
  {
    MemoScope scope(*this);
    nest(0);
  }
  if (tile)
    buffers[result] = buffer;
}

Value TileEmitter::combine2(ScanKind kind, Value x, Value y) {
  return combine(kind == ScanKind::sum ? ReduceKind::sum : ReduceKind::prod, x,
                 y);
}

} // namespace attn_grid::compiler::cpu
