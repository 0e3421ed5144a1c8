// Dots of the matrix unit that leave out products. A first factor of 0 does so,
// unless the second is infinite or NaN: 0 times that is NaN. Then the product
// is computed the slow way, which leaves it out in truth.
//
// A loop without effects goes the fast way first and watches the factors. Only
// if one was not finite, which is rare, the whole loop is run again, slowly: so
// the test costs an instruction for two factors, and no barrier.

#include "compiler/Analysis/MaskedZeros.h"
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

/// Whether any thread's `sum` is NaN. A barrier stands there.
Value ThreadEmitter::anyNotFinite(Value sum) {
  Value any;
  for (Value part : unpackVector(b, sum)) {
    Value isNaN =
        arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, part, part);
    any = any ? Value(arith::OrIOp::create(b, any, isNaN)) : isNaN;
  }
  Value result = callIntrinsic(b, "llvm.nvvm.barrier.cta.red.or.aligned.all",
                               b.getI1Type(), {i32(0), any});
  noteBarrier();
  return LLVM::ExpectOp::create(
      b, result, arith::ConstantOp::create(b, b.getBoolAttr(false)));
}

static bool isMaskedMatrixDot(Operation *op, const GpuTarget &target) {
  auto dot = dyn_cast<DotOp>(op);
  return dot && dot.getKeep() && usesMatrixUnit(dot, target);
}

bool ThreadEmitter::hasMaskedDots(Operation *op) {
  return op
      ->walk([&](Operation *inner) {
        return isMaskedMatrixDot(inner, target) ? WalkResult::interrupt()
                                                : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Whether a loop has masked dots of its own, and can be run twice.
bool ThreadEmitter::mayRunAgain(scf::ForOp loop) {
  bool hasDots = false;
  WalkResult result = loop.getBody()->walk([&](Operation *op) {
    if (isa<StoreOp, ScatterOp, AtomicOp, PrintOp, AssertOp>(op))
      return WalkResult::interrupt();
    if (isMaskedMatrixDot(op, target)) {
      if (op->getParentOfType<LoopLikeOpInterface>() != loop)
        return WalkResult::interrupt();
      hasDots = true;
    }
    return WalkResult::advance();
  });
  return hasDots && !result.wasInterrupted();
}

SmallVector<Value> ThreadEmitter::emitWatchedLoop(scf::ForOp loop) {
  Type element;
  loop.walk([&](DotOp dot) {
    if (isMaskedMatrixDot(dot, target))
      element = getElementTypeOrSelf(dot.getRhs().getType());
  });
  watched = zeroPair(b, element);
  SmallVector<Value> results = emitLoop(loop);
  Value again = anyNotFinite(std::exchange(watched, nullptr));
  auto branch =
      scf::IfOp::create(b, ValueRange(results).getTypes(), again, true);
  OpBuilder::InsertionGuard guard(b);
  {
    MemoScope scope(*this);
    b.setInsertionPointToStart(&branch.getThenRegion().front());
    bool before = std::exchange(dotsAreSlow, true);
    scf::YieldOp::create(b, emitLoop(loop));
    dotsAreSlow = before;
  }
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
  ThreadTile rhs = loaded ? loadShared(*loaded, homeOf(stored)) : get(stored);
  SharedTile tile = loaded ? *loaded : makeShared(op, rhs);
  ThreadTile result;
  if (watched && getElementTypeOrSelf(watched.getType()) ==
                     getElementTypeOrSelf(stored.getType())) {
    watched = watch(b, rhs.regs, watched);
    result = matrixProduct(keptFactor(op), acc, tile, transposed);
  } else {
    Value special = anyNotFinite(watch(
        b, rhs.regs, zeroPair(b, getElementTypeOrSelf(stored.getType()))));
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
