#include "compiler/Conversion/Cpu/Demand.h"

#include "dialect/Verify.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler::cpu {

/// Per result axis of an access, how many of its elements can be inside the
/// tensor: less than the range when a static dimension ends before it.
template <typename Op> static SmallVector<int64_t> insideExtents(Op access) {
  SmallVector<int64_t> inside;
  auto type = cast<MemRefType>(access.getTensor().getType());
  for (auto [d, extent] : llvm::enumerate(access.getExtents())) {
    if (extent == 0)
      continue;
    APInt start;
    Value index = access.getIndices()[d];
    if (!type.isDynamicDim(d) && access.getSteps().empty() &&
        !isa<RankedTensorType>(index.getType()) &&
        matchPattern(index, m_ConstantInt(&start)) && start.isZero())
      inside.push_back(std::min(extent, type.getDimSize(d)));
    else
      inside.push_back(extent);
  }
  return inside;
}

Demand::Demand(KernelOp kernel, int64_t bf16Products)
    : bf16Products(bf16Products) {
  // Backwards, until nothing changes: extents only grow, and are bounded.
  SmallVector<Operation *> ops;
  kernel.walk([&](Operation *op) { ops.push_back(op); });
  for (bool changed = true; changed;) {
    changed = false;
    for (Operation *op : llvm::reverse(ops))
      changed |= visit(op);
  }
}

SmallVector<int64_t> Demand::of(Value value) const {
  auto it = extents.find(value);
  if (it != extents.end())
    return SmallVector<int64_t>(ArrayRef<int64_t>(it->second));
  return SmallVector<int64_t>(shapeOf(value.getType()).size(), 0);
}

int64_t Demand::demanded(Value value, int64_t axis) const {
  return of(value)[axis];
}

bool Demand::demand(Value value, ArrayRef<int64_t> wanted) {
  ArrayRef<int64_t> shape = shapeOf(value.getType());
  if (shape.empty() || wanted.size() != shape.size())
    return false;
  auto &have = extents[value];
  have.resize(shape.size(), 0);
  bool changed = false;
  for (size_t a = 0; a < shape.size(); ++a) {
    int64_t need = std::min(wanted[a], shape[a]);
    changed |= need > have[a];
    have[a] = std::max(have[a], need);
  }
  return changed;
}

bool Demand::demandAll(Value value) {
  return demand(value, shapeOf(value.getType()));
}

bool Demand::visit(Operation *op) {
  bool changed = false;
  if (auto store = dyn_cast<StoreOp>(op)) {
    changed |= demand(store.getValue(), insideExtents(store));
    if (store.getKeep())
      changed |= demandAll(store.getKeep());
    for (Value index : store.getIndices())
      changed |= demandAll(index);
    return changed;
  }
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    for (auto [init, arg, yielded, result] :
         llvm::zip(loop.getInitArgs(), loop.getRegionIterArgs(),
                   loop.getYieldedValues(), loop.getResults()))
      for (Value value : {Value(arg), Value(result)}) {
        SmallVector<int64_t> wanted = of(value);
        for (Value carried : {init, yielded, Value(arg), Value(result)})
          changed |= demand(carried, wanted);
      }
    return changed;
  }
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    for (Region &region : branch->getRegions())
      if (!region.empty())
        for (auto [yielded, result] :
             llvm::zip(region.front().getTerminator()->getOperands(),
                       branch.getResults()))
          changed |= demand(yielded, of(result));
    return changed;
  }
  // Whatever else these need, they need all of it.
  if (isa<SortOp, ScanOp, ScanWithOp, ReduceWithOp, GatherOp, ScatterOp,
          AtomicOp, PrintOp, scf::WhileOp, scf::ConditionOp>(op) ||
      (isa<scf::YieldOp>(op) && isa<scf::WhileOp>(op->getParentOp()))) {
    for (Value operand : op->getOperands())
      changed |= demandAll(operand);
    for (Value result : op->getResults())
      changed |= demandAll(result);
    return changed;
  }
  if (op->getNumResults() != 1)
    return false;
  Value result = op->getResult(0);
  SmallVector<int64_t> wanted = of(result);
  if (auto dot = dyn_cast<DotOp>(op)) {
    int64_t depth = contracted(dot);
    changed |= demand(dot.getLhs(), {wanted[0], depth});
    changed |= demand(dot.getRhs(), {depth, wanted[1]});
    changed |= demand(dot.getAcc(), wanted);
    if (dot.getKeep())
      changed |= demand(dot.getKeep(), {wanted[0], depth});
    return changed;
  }
  if (auto reduce = dyn_cast<ReduceOp>(op)) {
    ArrayRef<int64_t> shape = shapeOf(reduce.getInput().getType());
    SmallVector<int64_t> input(shape);
    int64_t kept = 0;
    for (size_t a = 0; a < shape.size(); ++a)
      if (!llvm::is_contained(reduce.getAxes(), static_cast<int64_t>(a)))
        input[a] = wanted[kept++];
    return demand(reduce.getInput(), input);
  }
  if (auto broadcast = dyn_cast<BroadcastOp>(op)) {
    SmallVector<int64_t> input;
    for (int64_t axis : broadcast.getAxes())
      input.push_back(std::max<int64_t>(wanted[axis], 1));
    return demand(broadcast.getInput(), input);
  }
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    SmallVector<int64_t> input(wanted.size());
    for (auto [a, from] : llvm::enumerate(transpose.getPermutation()))
      input[from] = wanted[a];
    return demand(transpose.getInput(), input);
  }
  if (isa<LoadOp, ReshapeOp>(op)) {
    for (Value operand : op->getOperands())
      changed |= demandAll(operand);
    return changed;
  }
  for (Value operand : op->getOperands()) // elementwise
    changed |= demand(operand, wanted);
  return changed;
}

int64_t Demand::filled(Value value, int64_t axis) {
  ArrayRef<int64_t> shape = shapeOf(value.getType());
  Operation *op = value.getDefiningOp();
  if (auto load = dyn_cast_or_null<LoadOp>(op))
    if (!load.getOther())
      return insideExtents(load)[axis];
  if (auto transpose = dyn_cast_or_null<TransposeOp>(op))
    return filled(transpose.getInput(), transpose.getPermutation()[axis]);
  // A product with a scalar keeps zeros, unless the scalar is no number; then
  // every product is none, and the sum is too.
  if (op && op->getName().getStringRef() == "arith.mulf")
    for (int side : {0, 1})
      if (op->getOperand(side).getDefiningOp<tensor::SplatOp>())
        return filled(op->getOperand(1 - side), axis);
  return shape[axis];
}

int64_t Demand::contracted(DotOp dot) const {
  int64_t depth = std::max(filled(dot.getLhs(), 1), filled(dot.getRhs(), 0));
  auto isBf16 = [](Value factor) {
    return getElementTypeOrSelf(factor.getType()).isBF16();
  };
  if (!isBf16(dot.getLhs()) || !isBf16(dot.getRhs()))
    return depth;
  return std::min(llvm::alignTo(depth, bf16Products),
                  static_cast<uint64_t>(shapeOf(dot.getLhs().getType())[1]));
}

} // namespace attn_grid::compiler::cpu
