// Blocks, loops and branches. A tile that a loop carries lives in one buffer;
// what the body yields is written there, in place where nothing else still
// reads the old value.

#include "compiler/Conversion/Cpu/TileEmitter.h"

#include "compiler/Conversion/Philox.h"

#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler::cpu {

TileEmitter::TileEmitter(ImplicitLocOpBuilder &builder, KernelOp kernel,
                         const VectorTarget &target)
    : b(builder), kernel(kernel), target_(target),
      laneAxis(kernel, target.vectorBits / 32),
      demand(kernel, target.bf16Products) {
  memo.emplace_back();
}

LogicalResult TileEmitter::emit(ValueRange arguments, Value program,
                                Value context) {
  programNumber = program;
  contextPointer = context;
  bodyBlock = b.getInsertionBlock();
  for (auto [argument, value] :
       llvm::zip(kernel.getBody().getArguments(), arguments))
    scalars[argument] = value;
  emitBlock(kernel.getBody().front());
  flush();
  return failure(failed);
}

void TileEmitter::fail(Operation *op, const Twine &message) {
  if (!failed)
    op->emitError(message);
  failed = true;
}

void TileEmitter::emitBlock(Block &block) {
  for (Operation &op : block.without_terminator()) {
    if (failed)
      return;
    b.setLoc(op.getLoc());
    emitOp(&op);
  }
}

void TileEmitter::emitOp(Operation *op) {
  if (auto ids = dyn_cast<ProgramIdOp>(op))
    return emitProgramId(ids);
  if (auto dot = dyn_cast<DotOp>(op))
    return emitDot(dot);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return emitFor(loop);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return emitIf(branch);
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return addRoot({Root::Kind::reduce, op, reduce.getInput()});
  if (auto store = dyn_cast<StoreOp>(op)) {
    if (isa<RankedTensorType>(store.getValue().getType()))
      return addRoot({Root::Kind::store, op, store.getValue()});
    flush();
    return storePoint(store, scalar(store.getValue()), Point());
  }
  if (isa<memref::ReinterpretCastOp, memref::SubViewOp>(op)) {
    tensor(op->getResult(0)); // here, where it dominates all uses
    return;
  }
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return emitWhile(loop);
  if (auto scatter = dyn_cast<ScatterOp>(op))
    return emitScatter(scatter);
  if (auto atomic = dyn_cast<AtomicOp>(op))
    return emitAtomic(atomic);
  if (auto scan = dyn_cast<ScanOp>(op))
    return emitScan(op, scan.getInput(), scan.getAxis());
  if (auto scan = dyn_cast<ScanWithOp>(op))
    return emitScan(op, scan.getInput(), scan.getAxis());
  if (auto reduce = dyn_cast<ReduceWithOp>(op))
    return emitScan(op, reduce.getInput(), reduce.getAxis());
  if (auto sort = dyn_cast<SortOp>(op))
    return emitSort(sort);
  if (auto assertion = dyn_cast<AssertOp>(op))
    return emitAssert(assertion);
  if (auto print = dyn_cast<PrintOp>(op))
    return emitPrint(print);
  if (op->getNumResults() != 1)
    return fail(op, "this operation is not supported on the CPU");
  Value result = op->getResult(0);
  if (isa<RankedTensorType>(result.getType())) {
    if (shouldMaterialize(result))
      materialize(result);
    return;
  }
  if (auto load = dyn_cast<LoadOp>(op)) {
    flush();
    scalars[result] = evalLoad(load, Point());
    return;
  }
  if (auto gather = dyn_cast<GatherOp>(op)) {
    flush();
    scalars[result] = evalGather(gather, Point());
    return;
  }
  if (auto literal = dyn_cast<arith::ConstantOp>(op)) {
    scalars[result] =
        constant(registerType(result.getType()), literal.getValue());
    return;
  }
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    if (auto d = dim.getConstantIndex()) {
      scalars[result] = indexOf(tensor(dim.getSource()).sizes[*d]);
      return;
    }
    return fail(op, "expected a constant dimension");
  }
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(scalar(operand));
  scalars[result] =
      isa<PhiloxOp>(op) ? emitPhilox(b, operands) : elementwise(op, operands);
}

/// Both regions of a while work on the same buffers: the condition's region
/// sees what the loop carries, and hands on what it passes.
void TileEmitter::emitWhile(scf::WhileOp op) {
  flush();
  auto makeTargets = [&](ValueRange values, SmallVectorImpl<Buffer> &targets,
                         SmallVectorImpl<Type> &types) {
    for (Value value : values)
      if (isa<RankedTensorType>(value.getType()))
        handedOn.insert(
            targets.emplace_back(makeBuffer(value, laneAxis.of(value)))
                .pointer);
      else
        types.push_back(registerType(value.getType()));
  };
  SmallVector<Buffer> carried, passed;
  SmallVector<Type> carriedTypes, passedTypes;
  makeTargets(op.getBeforeArguments(), carried, carriedTypes);
  makeTargets(op.getResults(), passed, passedTypes);
  SmallVector<Value> init;
  size_t tile = 0;
  for (Value value : op.getInits())
    if (isa<RankedTensorType>(value.getType()))
      materializeInto(carried[tile++], value);
    else
      init.push_back(scalar(value));
  auto bind = [&](ValueRange values, ArrayRef<Buffer> targets,
                  ValueRange numbers) {
    size_t nextTile = 0, nextScalar = 0;
    for (Value value : values)
      if (isa<RankedTensorType>(value.getType()))
        buffers[value] = targets[nextTile++];
      else
        scalars[value] = numbers[nextScalar++];
  };
  auto loop = scf::WhileOp::create(b, passedTypes, init, nullptr, nullptr);
  Block *before = loop.getBeforeBody(), *after = loop.getAfterBody();
  {
    MemoScope scope(*this);
    b.setInsertionPointToStart(before);
    bind(op.getBeforeArguments(), carried, before->getArguments());
    emitBlock(*op.getBeforeBody());
    scf::ConditionOp condition = op.getConditionOp();
    SmallVector<Value> numbers;
    emitYield(condition.getArgs(), passed, numbers);
    scf::ConditionOp::create(b, scalar(condition.getCondition()), numbers);
  }
  {
    MemoScope scope(*this);
    b.setInsertionPointToStart(after);
    bind(op.getAfterArguments(), passed, after->getArguments());
    emitBlock(*op.getAfterBody());
    SmallVector<Value> numbers;
    emitYield(op.getAfterBody()->getTerminator()->getOperands(), carried,
              numbers);
    scf::YieldOp::create(b, numbers);
  }
  b.setInsertionPointAfter(loop);
  bind(op.getResults(), passed, loop.getResults());
}

/// The first grid dimension runs fastest.
void TileEmitter::emitProgramId(ProgramIdOp op) {
  Value rest = programNumber;
  for (auto [i, id] : llvm::enumerate(op.getIds())) {
    if (i + 1 == op.getIds().size()) {
      scalars[id] = rest;
      break;
    }
    Value extent = scalar(op.getExtents()[i]);
    scalars[id] = arith::RemUIOp::create(b, rest, extent);
    rest = arith::DivUIOp::create(b, rest, extent);
  }
}

void TileEmitter::emitFor(scf::ForOp op) {
  flush();
  SmallVector<Value> init;
  SmallVector<Buffer> targets;
  for (auto [value, arg, result] :
       llvm::zip(op.getInitArgs(), op.getRegionIterArgs(), op.getResults())) {
    if (!isa<RankedTensorType>(result.getType())) {
      init.push_back(scalar(value));
      continue;
    }
    Buffer buffer = makeBuffer(result, laneAxis.of(result));
    materializeInto(buffer, value);
    handedOn.insert(buffer.pointer);
    targets.push_back(buffer);
    buffers[arg] = buffer;
  }
  // Counted in 64 bits: the step past the last pass may not fit in 32.
  auto loop = scf::ForOp::create(b, toIndex(scalar(op.getLowerBound())),
                                 toIndex(scalar(op.getUpperBound())),
                                 toIndex(scalar(op.getStep())), init);
  unsigned next = 0;
  for (Value arg : op.getRegionIterArgs())
    if (!isa<RankedTensorType>(arg.getType()))
      scalars[arg] = loop.getRegionIterArg(next++);
  {
    OpBuilder::InsertionGuard guard(b);
    MemoScope scope(*this);
    b.setInsertionPointToStart(loop.getBody());
    Value counter = loop.getInductionVar();
    scalars[op.getInductionVar()] = b.createOrFold<arith::IndexCastOp>(
        op.getInductionVar().getType(), counter);
    emitBlock(*op.getBody());
    SmallVector<Value> yielded;
    emitYield(op.getYieldedValues(), targets, yielded);
    if (!init.empty())
      scf::YieldOp::create(b, yielded);
  }
  unsigned nextScalar = 0, nextTile = 0;
  for (Value result : op.getResults())
    if (isa<RankedTensorType>(result.getType()))
      buffers[result] = targets[nextTile++];
    else
      scalars[result] = loop.getResult(nextScalar++);
}

void TileEmitter::emitIf(scf::IfOp op) {
  flush();
  Value condition = scalar(op.getCondition());
  SmallVector<Type> types;
  SmallVector<Buffer> targets;
  for (Value result : op.getResults()) {
    if (!isa<RankedTensorType>(result.getType())) {
      types.push_back(registerType(result.getType()));
      continue;
    }
    std::optional<Destination> target = destination(result);
    if (!target || !mayOverwrite(target->carried, op))
      target = Destination{makeBuffer(result, laneAxis.of(result)), nullptr};
    handedOn.insert(target->buffer.pointer);
    targets.push_back(target->buffer);
    destinations[result] = *target;
  }
  bool hasElse = !op.getElseRegion().empty();
  auto branch = scf::IfOp::create(b, types, condition, hasElse);
  for (bool taken : {true, false}) {
    if (!taken && !hasElse)
      continue;
    Region &from = taken ? op.getThenRegion() : op.getElseRegion();
    Region &to = taken ? branch.getThenRegion() : branch.getElseRegion();
    OpBuilder::InsertionGuard guard(b);
    MemoScope scope(*this);
    if (types.empty())
      b.setInsertionPoint(to.front().getTerminator());
    else
      b.setInsertionPointToStart(&to.front());
    emitBlock(from.front());
    SmallVector<Value> yielded;
    emitYield(from.front().getTerminator()->getOperands(), targets, yielded);
    if (!types.empty())
      scf::YieldOp::create(b, yielded);
  }
  unsigned nextScalar = 0, nextTile = 0;
  for (Value result : op.getResults())
    if (isa<RankedTensorType>(result.getType()))
      buffers[result] = targets[nextTile++];
    else
      scalars[result] = branch.getResult(nextScalar++);
}

//===----------------------------------------------------------------------===//
// Yields
//===----------------------------------------------------------------------===//

/// Whether computing `value` reads the buffer at `pointer`; `sameElement` asks
/// only for reads of other elements than the one computed.
bool TileEmitter::readsBuffer(Value value, Value pointer, bool sameElement) {
  auto buffer = buffers.find(value);
  if (buffer != buffers.end())
    return buffer->second.pointer == pointer && !sameElement;
  Operation *op = value.getDefiningOp();
  if (!op || !isa<RankedTensorType>(value.getType()))
    return false;
  bool same =
      sameElement && !isa<BroadcastOp, TransposeOp, ReshapeOp, LoadOp>(op);
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    return readsBuffer(operand, pointer, same);
  });
}

/// Writes the yielded tiles to their buffers, as if all at once.
void TileEmitter::emitYield(ValueRange values, ArrayRef<Buffer> targets,
                            SmallVectorImpl<Value> &scalarValues) {
  flush();
  SmallVector<std::pair<Value, Buffer>> moves;
  size_t next = 0;
  for (Value value : values) {
    if (!isa<RankedTensorType>(value.getType())) {
      scalarValues.push_back(scalar(value));
      continue;
    }
    const Buffer &target = targets[next++];
    auto buffer = buffers.find(value);
    if (buffer == buffers.end() || buffer->second.pointer != target.pointer)
      moves.push_back({value, target});
  }
  SmallVector<std::tuple<Buffer, Buffer, Value>, 1> copies;
  SmallVector<std::pair<Value, Buffer>> direct;
  for (auto &[value, target] : moves) {
    bool hazard = readsBuffer(value, target.pointer, /*sameElement=*/true);
    for (auto &[otherValue, otherTarget] : moves)
      if (otherTarget.pointer != target.pointer)
        hazard |= readsBuffer(value, otherTarget.pointer, false);
    if (!hazard) {
      direct.push_back({value, target});
      continue;
    }
    Buffer copy = makeBuffer(value, target.laneAxis);
    materializeInto(copy, value);
    copies.push_back({copy, target, value});
  }
  for (auto &[value, target] : direct)
    materializeInto(target, value);
  for (auto &[copy, target, value] : copies)
    copyBuffer(copy, target, value);
}

/// Where a value may be computed in place: the buffer of the loop-carried tile
/// (or the if's result) that it is yielded to and used for nothing else.
std::optional<Destination> TileEmitter::destination(Value value) {
  if (!value.hasOneUse())
    return std::nullopt;
  OpOperand &use = *value.use_begin();
  auto yield = dyn_cast<scf::YieldOp>(use.getOwner());
  // A loop or branch may also hand on what was made outside, when its buffers
  // did not exist.
  if (!yield || value.getParentBlock() != yield->getBlock())
    return std::nullopt;
  if (auto loop = dyn_cast<scf::ForOp>(yield->getParentOp())) {
    Value arg = loop.getRegionIterArg(use.getOperandNumber());
    return Destination{buffers.lookup(arg), arg};
  }
  auto branch = dyn_cast<scf::IfOp>(yield->getParentOp());
  if (!branch)
    return std::nullopt;
  auto it = destinations.find(branch.getResult(use.getOperandNumber()));
  if (it == destinations.end())
    return std::nullopt;
  return it->second;
}

/// Whether two operations are in different branches of one `if`.
static bool exclusive(Operation *a, Operation *c) {
  for (Operation *up = a; up; up = up->getParentOp()) {
    auto branch = dyn_cast_or_null<scf::IfOp>(up->getParentOp());
    if (!branch || !branch->isProperAncestor(c))
      continue;
    Region *other = nullptr;
    for (Operation *down = c; down != branch; down = down->getParentOp())
      other = down->getParentRegion();
    return up->getParentRegion() != other;
  }
  return false;
}

/// Whether `writer` may put its result where `carried` lies: every other
/// reader of `carried` has run, cannot run, or is `writer` itself, element by
/// element.
bool TileEmitter::mayOverwrite(Value carried, Operation *writer) {
  if (!carried) // a buffer of an if's own, nobody else's
    return true;
  return llvm::all_of(carried.getUses(), [&](OpOperand &use) {
    Operation *user = use.getOwner();
    if (user == writer)
      return !isa<DotOp>(writer) || use.getOperandNumber() == 2;
    if (writer->isProperAncestor(user) || exclusive(user, writer))
      return true;
    if (user->getBlock() != writer->getBlock() ||
        !user->isBeforeInBlock(writer) || user->getNumResults() != 1)
      return false;
    Value result = user->getResult(0);
    if (buffers.count(result) || scalars.count(result))
      return true; // already computed
    return !isa<BroadcastOp, TransposeOp, ReshapeOp>(user) &&
           mayOverwrite(result, writer);
  });
}

} // namespace attn_grid::compiler::cpu
