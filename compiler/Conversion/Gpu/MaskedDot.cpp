// Dots of the matrix unit that leave out products. A first factor of 0 does so,
// unless the second is infinite or NaN: 0 times that is NaN. Then the product
// is computed the slow way, which leaves it out in truth.
//
// A loop without effects goes the fast way first. Only if a factor was not
// finite, which is rare, the whole loop is run again, slowly. That there was
// one is seen afterwards, at no cost, where the loop adds up what the dot
// gives: 0 times it is NaN, and stays. Else the factors are watched: an
// instruction for two, and no barrier.

#include "compiler/Analysis/MaskedZeros.h"
#include "compiler/Analysis/StaticElement.h"
#include "compiler/Conversion/Gpu/ThreadEmitter.h"

#include "compiler/Conversion/Gpu/Intrinsics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

static Value zeroPair(ImplicitLocOpBuilder &b, Type element) {
  Value zero =
      arith::ConstantOp::create(b, cast<TypedAttr>(b.getZeroAttr(element)));
  return packVector(b, {zero, zero});
}

/// Adds 16-bit factors times 0 to `sum`, a vector of two: it becomes NaN if one
/// is infinite or NaN, and else stays 0.
static Value watch(ImplicitLocOpBuilder &b, ArrayRef<Value> factors,
                   Value sum) {
  Value zeros = zeroPair(b, factors.front().getType());
  for (unsigned i = 0; i < factors.size(); i += 2) {
    // The last of an odd number stands twice.
    Value second = factors[std::min<size_t>(i + 1, factors.size() - 1)];
    sum =
        LLVM::FMAOp::create(b, packVector(b, {factors[i], second}), zeros, sum);
  }
  return sum;
}

/// Whether `keep` keeps all that row `k` of the second factor gives, in every
/// run.
static bool keepsRow(Value keep, int64_t k) {
  std::optional<llvm::APInt> kept = staticElement(keep, {std::nullopt, k});
  return kept && kept->isOne();
}

/// The registers of the second factor, a pair at a time, of which some thread's
/// element may have to be left out. `axis` is the one that is contracted.
static SmallVector<Value> registersToWatch(const ThreadTile &factor, Value keep,
                                           unsigned axis) {
  const LinearLayout &layout = factor.layout;
  SmallVector<bool> kept;
  for (int64_t k = 0; k < static_cast<int64_t>(layout.shape()[axis]); ++k)
    kept.push_back(keepsRow(keep, k));
  auto needed = [&](unsigned reg) {
    for (unsigned warp = 0; warp < 1u << layout.warp().size(); ++warp)
      for (unsigned lane = 0; lane < 1u << layout.lane().size(); ++lane)
        if (!kept[layout.coordinate(layout.apply({reg, lane, warp}), axis)])
          return true;
    return false;
  };
  SmallVector<Value> registers;
  for (unsigned reg = 0; reg < factor.regs.size(); reg += 2) {
    unsigned second = std::min<size_t>(reg + 1, factor.regs.size() - 1);
    if (needed(reg) || needed(second))
      registers.append({factor.regs[reg], factor.regs[second]});
  }
  return registers;
}

/// Whether any thread has a NaN among `values`. A barrier stands there.
Value ThreadEmitter::anyNan(ArrayRef<Value> values) {
  Value any;
  for (Value value : values) {
    Value isNan =
        arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, value, value);
    any = any ? Value(arith::OrIOp::create(b, any, isNan)) : isNan;
  }
  Value result = blockTest(ReduceKind::any, any);
  return LLVM::ExpectOp::create(
      b, result, arith::ConstantOp::create(b, b.getBoolAttr(false)));
}

static bool isMaskedMatrixDot(Operation *op, const GpuTarget &target) {
  auto dot = dyn_cast<DotOp>(op);
  return dot && dot.getKeep() && usesMatrixUnit(dot, target) &&
         isa<FloatType>(getElementTypeOrSelf(dot.getLhs().getType()));
}

bool ThreadEmitter::hasMaskedDots(Operation *op) {
  return op
      ->walk([&](Operation *inner) {
        return isMaskedMatrixDot(inner, target) ? WalkResult::interrupt()
                                                : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Whether `value` is NaN where `from` is, a dot's result or what a loop
/// carries: it is `from`, scaled or with something added, on all ways that the
/// program may have come from there.
static bool keepsNan(Value value, Value from, unsigned depth = 12) {
  if (value == from)
    return true;
  auto result = dyn_cast<OpResult>(value);
  if (!result || depth-- == 0)
    return false;
  Operation *op = result.getOwner();
  if (auto product = dyn_cast<arith::MulFOp>(op))
    return keepsNan(product.getLhs(), from, depth) ||
           keepsNan(product.getRhs(), from, depth);
  if (auto dot = dyn_cast<DotOp>(op))
    return keepsNan(dot.getAcc(), from, depth);
  unsigned number = result.getResultNumber();
  Region *around = from.getParentRegion();
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    bool isInside = branch->isAncestor(around->getParentOp());
    return llvm::all_of(branch->getRegions(), [&](Region &region) {
      return (isInside && !region.isAncestor(around)) ||
             keepsNan(region.front().getTerminator()->getOperand(number), from,
                      depth);
    });
  }
  auto loop = dyn_cast<scf::ForOp>(op);
  if (!loop)
    return false;
  Value yielded = loop.getYieldedValues()[number];
  bool isInside = loop.getRegion().isAncestor(around);
  return keepsNan(isInside ? yielded : loop.getInitArgs()[number], from,
                  depth) &&
         keepsNan(yielded, loop.getRegionIterArg(number), depth);
}

/// The number of the loop's result that adds up what a dot gives, scaled
/// perhaps: a NaN that it ever has stays there. -1 if there is none.
static int carriedSum(DotOp dot, scf::ForOp loop) {
  for (auto [number, yielded] : llvm::enumerate(loop.getYieldedValues()))
    if (keepsNan(yielded, dot.getResult()) &&
        keepsNan(yielded, loop.getRegionIterArg(number)))
      return static_cast<int>(number);
  return -1;
}

/// The loop that goes on with what `loop` gives, if nothing else reads that.
static scf::ForOp nextOf(scf::ForOp loop) {
  scf::ForOp next;
  for (OpOperand &use : loop->getUses()) {
    auto reader = dyn_cast<scf::ForOp>(use.getOwner());
    if (!reader || (next && reader != next) ||
        reader->getBlock() != loop->getBlock() ||
        use.getOperandNumber() < reader.getNumControlOperands())
      return nullptr;
    next = reader;
  }
  return next;
}

/// The same at the end of loops that go on with each other's results.
static int carriedSum(DotOp dot, ArrayRef<scf::ForOp> loops) {
  while (!loops.front()->isAncestor(dot))
    loops = loops.drop_front();
  int number = carriedSum(dot, loops.front());
  for (size_t i = 1; i < loops.size() && number >= 0; ++i) {
    scf::ForOp previous = loops[i - 1], loop = loops[i];
    Value before = previous.getResult(number);
    number = -1;
    for (auto [j, init] : llvm::enumerate(loop.getInitArgs()))
      if (init == before &&
          keepsNan(loop.getYieldedValues()[j], loop.getRegionIterArg(j)))
        number = static_cast<int>(j);
  }
  return number;
}

static bool hasEffects(scf::ForOp loop) {
  return loop
      ->walk([](Operation *op) {
        return isa<StoreOp, ScatterOp, AtomicOp, PrintOp, AssertOp>(op)
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

/// The loops from `first` on, each of which goes on with what the one before
/// gives, that are run again together if a factor of their masked dots was not
/// finite. So what the last one begins with, which is as much as it gives, is
/// not held until its end. None if `first` cannot be run twice.
SmallVector<scf::ForOp> ThreadEmitter::loopsToRunAgain(scf::ForOp first) {
  SmallVector<scf::ForOp> loops;
  for (scf::ForOp loop = first; loop && !hasEffects(loop); loop = nextOf(loop))
    loops.push_back(loop);
  for (; !loops.empty(); loops.pop_back()) {
    if (!hasMaskedDots(loops.back()))
      continue;
    bool areSeen = true, isAlone = loops.size() == 1;
    for (scf::ForOp loop : loops)
      loop.walk([&](Operation *op) {
        // A loop's own dots can be watched as well.
        if (isMaskedMatrixDot(op, target) &&
            !(isAlone && op->getParentOfType<LoopLikeOpInterface>() == first))
          areSeen &= carriedSum(cast<DotOp>(op), loops) >= 0;
      });
    if (areSeen)
      break;
  }
  return loops;
}

/// Emits one of `loopsAgain`. Behind the last they are run again if they must.
SmallVector<Value> ThreadEmitter::emitWatchedLoop(scf::ForOp loop) {
  Type element; // of what must be watched
  llvm::SmallSetVector<int, 2> sums;
  for (scf::ForOp part : loopsAgain)
    part.walk([&](DotOp dot) {
      if (!isMaskedMatrixDot(dot, target))
        return;
      if (int sum = carriedSum(dot, loopsAgain); sum >= 0)
        sums.insert(sum);
      else
        element = getElementTypeOrSelf(dot.getRhs().getType());
    });
  watched = element ? zeroPair(b, element) : Value();
  watchedLoop = loop;
  SmallVector<Value> results = emitLoop(loop);
  watchedLoop = nullptr;
  if (loop != loopsAgain.back())
    return results;
  SmallVector<Value> suspects;
  if (Value sum = std::exchange(watched, nullptr))
    suspects = unpackVector(b, sum);
  size_t first = 0;
  for (auto [number, result] : llvm::enumerate(loop.getResults())) {
    size_t count = homeOf(result).registers();
    if (sums.contains(number))
      llvm::append_range(suspects, ArrayRef(results).slice(first, count));
    first += count;
  }
  Value again = anyNan(suspects);
  auto branch =
      scf::IfOp::create(b, ValueRange(results).getTypes(), again, true);
  OpBuilder::InsertionGuard guard(b);
  {
    MemoScope scope(*this);
    b.setInsertionPointToStart(&branch.getThenRegion().front());
    bool before = std::exchange(dotsAreSlow, true);
    // What the fast loop does not need either is computed here.
    if (isa<KernelOp>(loop->getParentOp()))
      splitThread(readAgain("%tid.x"));
    for (scf::ForOp part : ArrayRef(loopsAgain).drop_back())
      bind(part.getResults(), emitLoop(part));
    scf::YieldOp::create(b, emitLoop(loop));
    dotsAreSlow = before;
  }
  loopsAgain.clear();
  b.setInsertionPointToStart(&branch.getElseRegion().front());
  scf::YieldOp::create(b, results);
  return SmallVector<Value>(branch.getResults());
}

/// The first factor, 0 where `keep` is false.
ThreadTile ThreadEmitter::keptFactor(DotOp op) {
  LinearLayout first = firstFactorLayout(op);
  if (isZeroOutside(op.getLhs(), op.getKeep()))
    return get(op.getLhs(), first);
  const ThreadTile &keep = get(op.getKeep(), first);
  auto narrowed = op.getLhs().getDefiningOp<arith::TruncFOp>();
  if (narrowed && getElementTypeOrSelf(narrowed.getIn().getType()).isF32()) {
    // Before two of them share a register; as PTX, or LLVM would move the
    // choice behind the conversion.
    ThreadTile wide = get(narrowed.getIn(), first);
    Type element = getElementTypeOrSelf(narrowed.getType());
    for (auto [value, kept] : llvm::zip(wide.regs, keep.regs))
      value = arith::TruncFOp::create(
          b, element,
          inlinePtx(b, "selp.f32 $0, $1, 0f00000000, $2;", "=f,f,b",
                    b.getF32Type(), {value, kept}, /*sideEffects=*/false));
    return wide;
  }
  ThreadTile lhs = get(op.getLhs(), first);
  for (auto [value, kept] : llvm::zip(lhs.regs, keep.regs))
    value = arith::SelectOp::create(b, kept, value, zeroOf(value.getType()));
  return lhs;
}

ThreadTile ThreadEmitter::maskedDot(DotOp op) {
  if (dotsAreSlow)
    return scalarDot(op);
  LinearLayout layout = homeOf(op.getResult());
  ThreadTile acc = get(op.getAcc(), layout);
  bool transposed = false;
  Value stored = untransposed(op.getRhs(), &transposed);
  const SharedTile *loaded = sharedTileOf(stored);
  if (watchedLoop && carriedSum(op, watchedLoop) >= 0) {
    SharedTile tile = loaded ? *loaded : makeShared(op, get(stored));
    ThreadTile result = matrixProduct(keptFactor(op), acc, tile, transposed);
    if (!loaded)
      shared.release(tile.block);
    return result;
  }
  ThreadTile rhs = loaded ? loadShared(*loaded, homeOf(stored)) : get(stored);
  SharedTile tile = loaded ? *loaded : makeShared(op, rhs);
  SmallVector<Value> registers =
      registersToWatch(rhs, op.getKeep(), transposed ? 1 : 0);
  ThreadTile result;
  if (registers.empty()) {
    result = matrixProduct(keptFactor(op), acc, tile, transposed);
  } else if (watched && getElementTypeOrSelf(watched.getType()) ==
                            getElementTypeOrSelf(stored.getType())) {
    watched = watch(b, registers, watched);
    result = matrixProduct(keptFactor(op), acc, tile, transposed);
  } else {
    Value special = anyNan(unpackVector(
        b, watch(b, registers,
                 zeroPair(b, getElementTypeOrSelf(stored.getType())))));
    auto branch =
        scf::IfOp::create(b, flatTypes(op.getResult()), special, true);
    OpBuilder::InsertionGuard guard(b);
    Touched before = touched(), slow;
    {
      MemoScope scope(*this);
      b.setInsertionPointToStart(&branch.getThenRegion().front());
      scf::YieldOp::create(b, scalarDot(op).regs);
      slow = touched();
    }
    restoreTouched(before);
    {
      MemoScope scope(*this);
      b.setInsertionPointToStart(&branch.getElseRegion().front());
      scf::YieldOp::create(
          b, matrixProduct(keptFactor(op), acc, tile, transposed).regs);
    }
    result = ThreadTile{layout, SmallVector<Value>(branch.getResults())};
    joinTouched(slow);
  }
  if (!loaded)
    shared.release(tile.block);
  return result;
}

} // namespace attn_grid::compiler::gpu
