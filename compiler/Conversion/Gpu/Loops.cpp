// Counted loops. What a loop carries stays in registers; what it reads, it may
// load ahead (LoadAhead.cpp); a loop with masked dots is run again, in another
// form, where its factors turn out not to be finite (MaskedDot.cpp).

#include "compiler/Analysis/StaticRanges.h"
#include "compiler/Conversion/Gpu/LoadAhead.h"
#include "compiler/Conversion/Gpu/ThreadEmitter.h"

#include "compiler/Conversion/Gpu/Intrinsics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

bool ThreadEmitter::isHeldInShared(DotOp op) {
  bool transposed = false;
  untransposed(op.getRhs(), &transposed);
  auto lhs = cast<RankedTensorType>(op.getLhs().getType());
  if (lhs.getElementTypeBitWidth() != 16 || op.getKeep() ||
      !isa<KernelOp>(op.getLhs().getParentRegion()->getParentOp()))
    return false;
  // A wide product of a warpgroup leaves time to read it again and again.
  constexpr int64_t wide = 128;
  LinearLayout layout = homeOf(op.getResult());
  if (isWarpgroupProduct(layout, lhs.getShape()[1], transposed))
    return layout.shape()[1] >= wide;
  // Else where it would take 32 registers, two elements in each.
  constexpr unsigned many = 64;
  return firstFactorLayout(op).registers() >= many;
}

/// First factors of dots in a loop that were made before it are brought to the
/// matrix unit's layout once, or to shared memory, where they stay: whoever
/// wants one later reads it there, so it takes no registers meanwhile.
void ThreadEmitter::prepareFactors(scf::ForOp loop) {
  bool holds = false;
  loop.walk([&](DotOp dot) {
    Value lhs = dot.getLhs();
    if (loop->isAncestor(lhs.getParentRegion()->getParentOp()) ||
        !usesMatrixUnit(dot, target) || heldFactors.contains(lhs))
      return;
    // What is stored in a branch is not there behind it.
    bool isAlways = !dotsAreSlow && isa<KernelOp>(loop->getParentOp());
    if (!isAlways || !isHeldInShared(dot)) {
      get(lhs, firstFactorLayout(dot));
      return;
    }
    SharedTile tile = makeShared(dot, get(lhs));
    tile.block.isSettled = true; // by the barrier that follows
    heldFactors[lhs] = std::move(tile);
    for (Memo &scope : memo)
      scope.erase(lhs);
    holds = true;
  });
  if (holds) {
    barrier();
    if (target.warpgroups) // may read them, by their own path
      fence();
  }
}

/// Whether `steps` steps past the last pass of a loop fit in 32 bits.
static bool stepsFit(scf::ForOp op, int64_t steps) {
  if (!op.getStep().getType().isInteger(32))
    return false;
  StaticRanges ranges;
  return ranges.of(op.getUpperBound()).max +
             steps * ranges.of(op.getStep()).max <
         int64_t(1) << 31;
}

Value ThreadEmitter::inductionAs(Type type, Value counter) {
  return counter.getType() == type ? counter
         : type.isIndex() ? Value(arith::IndexCastOp::create(b, type, counter))
                          : b.createOrFold<arith::TruncIOp>(type, counter);
}

/// A number of the thread or its block, of which nobody knows that it is the
/// one that was read before.
Value ThreadEmitter::readAgain(StringRef number) {
  return inlinePtx(b, ("mov.u32 $0, " + number + ";").str(), "=r",
                   b.getI32Type(), {}, /*sideEffects=*/true);
}

/// What was computed of the program's number before all loops, once more behind
/// one.
void ThreadEmitter::emitScalarsAgain(scf::ForOp behind) {
  DenseSet<Value> again;
  auto kernel = behind->getParentOfType<KernelOp>();
  for (Operation &op : kernel.getBody().front()) {
    if (op.isAncestor(behind))
      return;
    if (auto ids = dyn_cast<ProgramIdOp>(op)) {
      emitProgramId(ids, readAgain("%ctaid.x"));
      again.insert(ids.getIds().begin(), ids.getIds().end());
      continue;
    }
    bool isScalar = op.getName().getDialectNamespace() == "arith" &&
                    !isa<RankedTensorType>(op.getResult(0).getType());
    if ((isScalar || isa<memref::ReinterpretCastOp, memref::SubViewOp>(op)) &&
        llvm::any_of(op.getOperands(),
                     [&](Value operand) { return again.contains(operand); })) {
      emitOp(&op);
      again.insert(op.getResult(0));
    }
  }
}

void ThreadEmitter::emitFor(scf::ForOp op) {
  Value watchedBefore = std::exchange(watched, nullptr);
  // In loops that are run again, inner ones are not on their own.
  if (loopsAgain.empty())
    loopsAgain = loopsToRunAgain(op);
  SmallVector<Value> results =
      llvm::is_contained(loopsAgain, op) ? emitWatchedLoop(op) : emitLoop(op);
  watched = watchedBefore;
  bind(op.getResults(), results);
  // A loop with products needs all registers. What is made of the thread's and
  // the program's number before it and once more behind it, perhaps in a loop
  // around both, would be held all along, so behind it the numbers count as
  // others. Not the program's where the GPU copies boxes: there they stay in
  // registers that all threads share.
  if (op.walk([](DotOp) { return WalkResult::interrupt(); }).wasInterrupted()) {
    splitThread(readAgain("%tid.x"));
    if (!target.boxes)
      emitScalarsAgain(op);
  }
}

SmallVector<Value> ThreadEmitter::emitLoop(scf::ForOp op) {
  SmallVector<Value> init = flatten(op.getInitArgs(), op.getRegionIterArgs());
  std::vector<RunningSum> sums = startSums(op, init);
  prepareFactors(op);
  Ring ring = planRing(op);
  bool hasRing = ring.isUsed(), watches = watched != nullptr;
  // Counted in 64 bits if the steps past the last pass may not fit in 32.
  bool narrow = stepsFit(op, ring.stages);
  auto bound = [&](Value value) {
    return narrow ? scalar(value) : toI64(scalar(value));
  };
  Value lower = bound(op.getLowerBound()), upper = bound(op.getUpperBound());
  Value step = bound(op.getStep());
  // Behind what the program carries: what is watched, where the ring stands.
  size_t own = init.size();
  if (watches)
    init.push_back(watched);
  if (hasRing)
    init.push_back(startRing(ring, lower, upper, step));
  if (ring.copiesBoxes())
    init.push_back(i32(0)); // how often the ring went round, odd or even
  unsigned groupsBefore = copyGroups;
  Touched before = touched();
  auto loop = scf::ForOp::create(b, lower, upper, step, init);
  {
    OpBuilder::InsertionGuard guard(b);
    MemoScope scope(*this);
    b.setInsertionPointToStart(loop.getBody());
    noteUnknown(op);
    Value counter = loop.getInductionVar();
    numbers.scalars[op.getInductionVar()] =
        inductionAs(op.getInductionVar().getType(), counter);
    ValueRange carried = loop.getRegionIterArgs();
    if (watches)
      watched = carried[own];
    Value offset = hasRing ? carried[own + (watches ? 1 : 0)] : Value();
    Value parity = carried.empty() ? Value() : carried.back();
    if (hasRing)
      advanceRing(ring, counter, upper, step, offset, parity);
    bind(op.getRegionIterArgs(), carried);
    emitBlock(*op.getBody());
    SmallVector<Value> yielded =
        flatten(op.getYieldedValues(), op.getResults());
    if (watches)
      yielded.push_back(watched);
    if (hasRing)
      yielded.push_back(offsetAfter(ring, offset));
    if (ring.copiesBoxes())
      yielded.push_back(parityAfter(yielded.back(), parity));
    if (!init.empty())
      scf::YieldOp::create(b, yielded);
  }
  if (hasRing)
    endRing(ring);
  if (watches)
    watched = loop.getResult(own);
  copyGroups = groupsBefore;
  shared.forgetUnknown();
  joinTouched(before);
  SmallVector<Value> results(loop.getResults().take_front(own));
  finishSums(op, sums, results);
  return results;
}

} // namespace attn_grid::compiler::gpu
