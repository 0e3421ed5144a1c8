#include "compiler/Conversion/Cpu/LaneAxis.h"

#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler::cpu {

LaneAxis::LaneAxis(KernelOp kernel, int64_t lanes) : lanes(lanes) {
  kernel.walk([&](Operation *op) { visit(op); });
  for (auto [value, axis] : freeAxes)
    ++classes[find(id(value, axis))].freeInDots;
  for (auto [value, axis] : contiguousAxes)
    ++classes[find(id(value, axis))].contiguous;
  for (auto [value, axis] : reducedAxes)
    classes[find(id(value, axis))].reduced = true;
}

int64_t LaneAxis::id(Value value, int64_t axis) {
  auto [it, inserted] = ids.try_emplace({value, axis}, parents.size());
  if (inserted)
    parents.push_back(it->second);
  return it->second;
}

int64_t LaneAxis::find(int64_t id) const {
  while (parents[id] != id)
    id = parents[id] = parents[parents[id]];
  return id;
}

/// Constants, splats and iotas belong to no axis: one serves unrelated tiles.
static bool isShared(Value value) {
  Operation *op = value.getDefiningOp();
  return op && isa<arith::ConstantOp, tensor::SplatOp, IotaOp>(op);
}

void LaneAxis::unite(Value a, int64_t axisA, Value b, int64_t axisB) {
  if (isShared(a) || isShared(b))
    return;
  int64_t rootA = find(id(a, axisA)), rootB = find(id(b, axisB));
  parents[rootA] = rootB;
}

void LaneAxis::uniteAll(Value a, Value b) {
  if (!a || !b)
    return;
  ArrayRef<int64_t> shape = shapeOf(a.getType());
  if (shape != shapeOf(b.getType()))
    return;
  for (int64_t axis = 0, e = shape.size(); axis < e; ++axis)
    unite(a, axis, b, axis);
}

void LaneAxis::visitAccess(Value tile, Value tensor,
                           ArrayRef<int64_t> extents) {
  int64_t axis = 0;
  SmallVector<int64_t> strides;
  int64_t offset;
  auto type = cast<MemRefType>(tensor.getType());
  bool known = succeeded(type.getStridesAndOffset(strides, offset));
  for (auto [d, extent] : llvm::enumerate(extents)) {
    if (extent == 0)
      continue;
    if (known && strides[d] == 1)
      contiguousAxes.push_back({tile, axis});
    ++axis;
  }
}

void LaneAxis::visit(Operation *op) {
  if (auto dot = dyn_cast<DotOp>(op)) {
    Value result = dot.getResult();
    uniteAll(dot.getAcc(), result);
    unite(dot.getLhs(), 0, result, 0);
    unite(dot.getRhs(), 1, result, 1);
    unite(dot.getLhs(), 1, dot.getRhs(), 0);
    if (dot.getKeep())
      uniteAll(dot.getKeep(), dot.getLhs());
    freeAxes.push_back({result, 0});
    freeAxes.push_back({result, 1});
    reducedAxes.push_back({dot.getLhs(), 1});
    return;
  }
  if (auto reduce = dyn_cast<ReduceOp>(op)) {
    ArrayRef<int64_t> shape = shapeOf(reduce.getInput().getType());
    int64_t kept = 0;
    // `any` and `all` of a whole mask say nothing about the tile's axes.
    bool whole = shape.size() == reduce.getAxes().size();
    for (int64_t axis = 0, e = shape.size(); axis < e; ++axis) {
      if (!llvm::is_contained(reduce.getAxes(), axis))
        unite(reduce.getInput(), axis, reduce.getResult(), kept++);
      else if (!whole)
        reducedAxes.push_back({reduce.getInput(), axis});
    }
    return;
  }
  if (auto broadcast = dyn_cast<BroadcastOp>(op)) {
    ArrayRef<int64_t> from = shapeOf(broadcast.getInput().getType());
    ArrayRef<int64_t> to = shapeOf(broadcast.getResult().getType());
    for (auto [a, axis] : llvm::enumerate(broadcast.getAxes()))
      if (from[a] == to[axis])
        unite(broadcast.getInput(), a, broadcast.getResult(), axis);
    return;
  }
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    for (auto [a, from] : llvm::enumerate(transpose.getPermutation()))
      unite(transpose.getInput(), from, transpose.getResult(), a);
    return;
  }
  if (auto load = dyn_cast<LoadOp>(op)) {
    uniteAll(load.getKeep(), load.getResult());
    uniteAll(load.getOther(), load.getResult());
    return visitAccess(load.getResult(), load.getTensor(), load.getExtents());
  }
  if (auto store = dyn_cast<StoreOp>(op)) {
    uniteAll(store.getKeep(), store.getValue());
    return visitAccess(store.getValue(), store.getTensor(), store.getExtents());
  }
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    for (auto [init, arg, yielded, result] :
         llvm::zip(loop.getInitArgs(), loop.getRegionIterArgs(),
                   loop.getYieldedValues(), loop.getResults())) {
      uniteAll(init, result);
      uniteAll(arg, result);
      uniteAll(yielded, result);
    }
    return;
  }
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    for (Region &region : branch->getRegions()) {
      if (region.empty())
        continue;
      Operation *yield = region.front().getTerminator();
      for (auto [yielded, result] :
           llvm::zip(yield->getOperands(), branch.getResults()))
        uniteAll(yielded, result);
    }
    return;
  }
  if (auto scan = dyn_cast<ReduceWithOp>(op)) {
    int64_t kept = 0;
    for (int64_t axis = 0, e = shapeOf(scan.getInput().getType()).size();
         axis < e; ++axis)
      if (axis != static_cast<int64_t>(scan.getAxis()))
        unite(scan.getInput(), axis, scan.getResult(), kept++);
    return;
  }
  if (auto sort = dyn_cast<SortOp>(op)) {
    for (auto [input, result] : llvm::zip(sort.getInputs(), sort.getResults()))
      uniteAll(input, result);
    return;
  }
  if (isa<ReshapeOp, IotaOp, tensor::SplatOp>(op) || op->getNumResults() != 1)
    return;
  for (Value operand : op->getOperands())
    uniteAll(operand, op->getResult(0));
}

int64_t LaneAxis::score(int64_t id) const {
  Class c = classes.lookup(find(id));
  return (c.reduced ? 0 : c.freeInDots * 1000) + c.contiguous * 10 + !c.reduced;
}

int64_t LaneAxis::of(Value value) const {
  ArrayRef<int64_t> shape = shapeOf(value.getType());
  int64_t best = shape.size() - 1;
  std::tuple<int64_t, int64_t, int64_t> bestRank{-1, -1, -1};
  for (int64_t axis = 0, e = shape.size(); axis < e; ++axis) {
    auto it = ids.find({value, axis});
    std::tuple<int64_t, int64_t, int64_t> rank{
        std::min(shape[axis], lanes), it == ids.end() ? 0 : score(it->second),
        axis};
    if (rank > bestRank) {
      bestRank = rank;
      best = axis;
    }
  }
  return best;
}

} // namespace attn_grid::compiler::cpu
