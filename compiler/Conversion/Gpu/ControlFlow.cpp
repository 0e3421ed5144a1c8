// Blocks, loops and branches. What a loop carries stays in registers. Scalars,
// and so all conditions, are the same in all threads of a program: barriers in
// branches and loops are met by all.

#include "compiler/Conversion/Gpu/ThreadEmitter.h"

#include "compiler/Conversion/Gpu/Intrinsics.h"
#include "compiler/Conversion/Philox.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

ThreadEmitter::ThreadEmitter(ImplicitLocOpBuilder &builder, KernelOp kernel,
                             const GpuTarget &target)
    : b(builder), kernel(kernel), target(target), layouts(kernel, target) {
  memo.emplace_back();
}

LogicalResult ThreadEmitter::emit(ValueRange arguments, Value sharedMemory,
                                  Value tensorMaps) {
  mapsPointer = tensorMaps;
  for (auto [argument, value] :
       llvm::zip(kernel.getBody().getArguments(), arguments))
    numbers.scalars[argument] = value;
  sharedBase = sharedMemory;
  splitThread(
      callIntrinsic(b, "llvm.nvvm.read.ptx.sreg.tid.x", b.getI32Type(), {}));
  emitBlock(kernel.getBody().front());
  return failure(failed);
}

void ThreadEmitter::splitThread(Value thread) {
  Value five = i32(5), low = i32(31);
  numbers.lane = arith::AndIOp::create(b, thread, low);
  numbers.warp = arith::ShRUIOp::create(b, thread, five);
  numbers.threadOffsets.clear();
}

void ThreadEmitter::fail(Operation *op, const Twine &message) {
  if (!failed)
    op->emitError(message);
  failed = true;
}

void ThreadEmitter::emitBlock(Block &block) {
  for (Operation &op : block.without_terminator()) {
    if (failed)
      return;
    b.setLoc(op.getLoc());
    beforeUses(&op);
    emitOp(&op);
    afterUses(&op);
  }
}

void ThreadEmitter::emitOp(Operation *op) {
  if (auto ids = dyn_cast<ProgramIdOp>(op))
    return emitProgramId(ids,
                         callIntrinsic(b, "llvm.nvvm.read.ptx.sreg.ctaid.x",
                                       b.getI32Type(), {}));
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return emitFor(loop);
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return emitWhile(loop);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return emitIf(branch);
  if (auto store = dyn_cast<StoreOp>(op))
    return emitStore(store);
  if (auto scatter = dyn_cast<ScatterOp>(op))
    return emitScatter(scatter);
  if (auto atomic = dyn_cast<AtomicOp>(op))
    return emitAtomic(atomic);
  if (auto dot = dyn_cast<DotOp>(op))
    return emitDot(dot);
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return emitReduce(reduce);
  if (auto scan = dyn_cast<ScanOp>(op))
    return emitScan(op, scan.getInput(), scan.getAxis());
  if (auto scan = dyn_cast<ScanWithOp>(op))
    return emitScan(op, scan.getInput(), scan.getAxis());
  if (auto reduce = dyn_cast<ReduceWithOp>(op))
    return emitScan(op, reduce.getInput(), reduce.getAxis());
  if (auto sort = dyn_cast<SortOp>(op))
    return emitSort(sort);
  if (isa<memref::ReinterpretCastOp, memref::SubViewOp>(op)) {
    numbers.tensors.erase(op->getResult(0)); // of an earlier run of this code
    tensor(op->getResult(0)); // here, where it dominates all uses
    return;
  }
  if (op->getNumResults() != 1)
    return fail(op, "this operation is not supported on GPUs yet");
  Value result = op->getResult(0);
  if (auto load = dyn_cast<LoadOp>(op)) {
    if (sharedTileOf(result)) // was loaded ahead
      return;
    if (isAsync(load))
      return emitAsyncLoad(load);
    return setResult(result, emitLoad(load, homeOf(result)));
  }
  if (auto gather = dyn_cast<GatherOp>(op))
    return setResult(result, emitGather(gather, homeOf(result)));
  if (isa<RankedTensorType>(result.getType())) {
    // Its reader takes it from shared memory.
    if (isa<TransposeOp>(op) && sharedTileOf(untransposed(result)))
      return;
    // Here, not where it is used: that may be in a loop.
    if (layouts.find(result))
      get(result);
    else if (!isRecomputable(op))
      fail(op, "this operation is not supported on GPUs yet");
    return;
  }
  if (auto literal = dyn_cast<arith::ConstantOp>(op)) {
    numbers.scalars[result] = arith::ConstantOp::create(b, literal.getValue());
    return;
  }
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    if (auto d = dim.getConstantIndex()) {
      numbers.scalars[result] = arith::IndexCastOp::create(
          b, result.getType(), indexOf(tensor(dim.getSource()).sizes[*d]));
      return;
    }
    return fail(op, "expected a constant dimension");
  }
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(scalar(operand));
  numbers.scalars[result] =
      isa<PhiloxOp>(op) ? emitPhilox(b, operands) : elementwise(op, operands);
}

/// The first grid dimension runs fastest.
void ThreadEmitter::emitProgramId(ProgramIdOp op, Value rest) {
  for (auto [i, id] : llvm::enumerate(op.getIds())) {
    if (i + 1 == op.getIds().size()) {
      numbers.scalars[id] = rest;
      break;
    }
    Value extent = scalar(op.getExtents()[i]);
    numbers.scalars[id] = arith::RemUIOp::create(b, rest, extent);
    rest = arith::DivUIOp::create(b, rest, extent);
  }
}

//===----------------------------------------------------------------------===//
// Values across the borders of blocks
//===----------------------------------------------------------------------===//

SmallVector<Value> ThreadEmitter::flatten(ValueRange values, ValueRange like) {
  SmallVector<Value> flat;
  for (auto [value, target] : llvm::zip(values, like)) {
    if (!isa<RankedTensorType>(value.getType()))
      flat.push_back(scalar(value));
    else
      llvm::append_range(flat, get(value, homeOf(target)).regs);
  }
  return flat;
}

SmallVector<Type> ThreadEmitter::flatTypes(ValueRange values) {
  SmallVector<Type> types;
  for (Value value : values)
    types.append(homeOf(value).registers(),
                 getElementTypeOrSelf(value.getType()));
  return types;
}

void ThreadEmitter::bind(ValueRange values, ValueRange flat) {
  for (Value value : values) {
    LinearLayout layout = homeOf(value);
    unsigned count = layout.registers();
    setResult(value,
              ThreadTile{layout, SmallVector<Value>(flat.take_front(count))});
    flat = flat.drop_front(count);
  }
}

void ThreadEmitter::emitWhile(scf::WhileOp op) {
  SmallVector<Value> init = flatten(op.getInits(), op.getBeforeArguments());
  auto loop = scf::WhileOp::create(b, flatTypes(op.getAfterArguments()), init,
                                   nullptr, nullptr);
  unsigned groupsBefore = copyGroups;
  Value watchedBefore = std::exchange(watched, nullptr);
  Touched before = touched(), whenDone;
  OpBuilder::InsertionGuard guard(b);
  {
    MemoScope scope(*this);
    b.setInsertionPointToStart(loop.getBeforeBody());
    noteUnknown(op);
    bind(op.getBeforeArguments(), loop.getBeforeArguments());
    emitBlock(*op.getBeforeBody());
    scf::ConditionOp condition = op.getConditionOp();
    SmallVector<Value> passed =
        flatten(condition.getArgs(), op.getAfterArguments());
    whenDone = touched();
    scf::ConditionOp::create(b, scalar(condition.getCondition()), passed);
  }
  {
    MemoScope scope(*this);
    b.setInsertionPointToStart(loop.getAfterBody());
    noteUnknown(op);
    bind(op.getAfterArguments(), loop.getAfterArguments());
    emitBlock(*op.getAfterBody());
    scf::YieldOp::create(
        b, flatten(op.getAfterBody()->getTerminator()->getOperands(),
                   op.getBeforeArguments()));
  }
  b.setInsertionPointAfter(loop);
  watched = watchedBefore;
  copyGroups = groupsBefore;
  // Last ran the first region, and before it, if at all, the second.
  joinTouched(whenDone);
  shared.forgetUnknown();
  joinTouched(before);
  bind(op.getResults(), loop.getResults());
}

void ThreadEmitter::emitIf(scf::IfOp op) {
  SmallVector<Type> types = flatTypes(op.getResults());
  bool hasElse = !op.getElseRegion().empty();
  // What is watched in a branch is told to the code behind it.
  Value watchedBefore = watched;
  bool watches = watched && hasMaskedDots(op);
  if (watches)
    types.push_back(watched.getType());
  auto branch = scf::IfOp::create(b, types, scalar(op.getCondition()),
                                  hasElse || watches);
  Touched before = touched(), otherwise = before;
  unsigned groupsBefore = copyGroups;
  for (bool taken : {true, false}) {
    if (!taken && !hasElse && !watches)
      continue;
    Region &from = taken ? op.getThenRegion() : op.getElseRegion();
    Region &to = taken ? branch.getThenRegion() : branch.getElseRegion();
    OpBuilder::InsertionGuard guard(b);
    MemoScope scope(*this);
    restoreTouched(before);
    copyGroups = groupsBefore;
    watched = watchedBefore;
    if (types.empty())
      b.setInsertionPoint(to.front().getTerminator());
    else
      b.setInsertionPointToStart(&to.front());
    SmallVector<Value> yielded;
    if (!from.empty()) {
      emitBlock(from.front());
      yielded =
          flatten(from.front().getTerminator()->getOperands(), op.getResults());
    }
    if (watches)
      yielded.push_back(watched);
    if (!types.empty())
      scf::YieldOp::create(b, yielded);
    if (taken && hasElse)
      otherwise = touched();
  }
  copyGroups = groupsBefore; // or more
  joinTouched(otherwise);
  watched = watches ? Value(branch.getResults().back()) : watchedBefore;
  ValueRange results = branch.getResults();
  bind(op.getResults(), watches ? results.drop_back() : results);
}

} // namespace attn_grid::compiler::gpu
