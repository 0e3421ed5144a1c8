// Reductions: a thread's registers first, then the lanes of its warp, then
// warps. Butterflies give every lane the same bits, whatever the function.

#include "compiler/Conversion/Gpu/ThreadEmitter.h"

#include "compiler/Conversion/Gpu/Intrinsics.h"
#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

LinearLayout stackWarps(const LinearLayout &layout, uint32_t warpBits,
                        bool inRegisters) {
  uint32_t size = layout.elements();
  LinearLayout::Bases reg(layout.reg()), warp;
  SmallVector<int64_t> shape{int64_t(1) << llvm::popcount(warpBits), size};
  uint32_t next = size;
  for (auto [bit, basis] : llvm::enumerate(layout.warp())) {
    bool stacked = warpBits >> bit & 1;
    warp.push_back(stacked && !inRegisters ? next : basis);
    if (stacked && inRegisters)
      reg.push_back(next);
    if (stacked)
      next <<= 1;
  }
  return LinearLayout(shape, reg, layout.lane(), warp);
}

ThreadEmitter::Reduction::Reduction(const LinearLayout &input,
                                    ArrayRef<int64_t> axes) {
  SmallVector<int64_t> kept, shape;
  for (auto [axis, extent] : llvm::enumerate(input.shape()))
    if (!llvm::is_contained(axes, static_cast<int64_t>(axis))) {
      kept.push_back(axis);
      shape.push_back(extent);
    }
  full = input.project(kept, shape);
  home = full.withoutCopies();
  auto folded = [](ArrayRef<uint32_t> from, ArrayRef<uint32_t> to) {
    uint32_t bits = 0;
    for (unsigned bit = 0; bit < from.size(); ++bit)
      if (from[bit] && !to[bit])
        bits |= 1u << bit;
    return bits;
  };
  lanes = folded(input.lane(), full.lane());
  warps = folded(input.warp(), full.warp());
}

SmallVector<ThreadTile, 2>
ThreadEmitter::foldRegisters(const Reduction &reduction,
                             ArrayRef<ThreadTile> tiles, Combine combine) {
  SmallVector<ThreadTile, 2> results(tiles.size(),
                                     ThreadTile{reduction.home, {}});
  std::vector<SmallVector<Value>> sums(reduction.home.registers());
  for (unsigned reg = 0; reg < tiles.front().layout.registers(); ++reg) {
    SmallVector<Value> values;
    for (const ThreadTile &tile : tiles)
      values.push_back(tile.regs[reg]);
    SmallVector<Value> &sum = sums[reduction.full.withoutCopies(reg)];
    sum = sum.empty() ? values : combine(sum, values);
  }
  for (unsigned part = 0; part < tiles.size(); ++part)
    for (const SmallVector<Value> &sum : sums)
      results[part].regs.push_back(sum[part]);
  return results;
}

void ThreadEmitter::foldThreads(Operation *op, const Reduction &reduction,
                                MutableArrayRef<ThreadTile> tiles,
                                Combine combine) {
  unsigned registers = reduction.home.registers();
  auto valuesOf = [](ArrayRef<ThreadTile> from, unsigned reg) {
    SmallVector<Value> values;
    for (const ThreadTile &tile : from)
      values.push_back(tile.regs[reg]);
    return values;
  };
  auto assign = [&](unsigned reg, ArrayRef<Value> values) {
    for (auto [tile, value] : llvm::zip(tiles, values))
      tile.regs[reg] = value;
  };
  for (unsigned bit = 0; bit < 5; ++bit) {
    if (!(reduction.lanes >> bit & 1))
      continue;
    for (unsigned reg = 0; reg < registers; ++reg) {
      SmallVector<Value> sum = valuesOf(tiles, reg), others;
      for (Value value : sum)
        others.push_back(shuffleXor(value, 1u << bit));
      assign(reg, combine(sum, others));
    }
  }
  if (!reduction.warps)
    return;
  LinearLayout apart =
      stackWarps(reduction.home, reduction.warps, /*inRegisters=*/false);
  LinearLayout together =
      stackWarps(reduction.home, reduction.warps, /*inRegisters=*/true);
  SmallVector<SharedTile> places;
  for (const ThreadTile &tile : tiles)
    places.push_back(makeShared(op, ThreadTile{apart, tile.regs}));
  SmallVector<ThreadTile, 2> loaded;
  for (const SharedTile &place : places)
    loaded.push_back(loadShared(place, together));
  for (const SharedTile &place : places)
    shared.release(place.block);
  for (unsigned reg = 0; reg < registers; ++reg) {
    SmallVector<Value> sum = valuesOf(loaded, reg);
    for (unsigned from = reg + registers; from < together.registers();
         from += registers)
      sum = combine(sum, valuesOf(loaded, from));
    assign(reg, sum);
  }
}

SmallVector<ThreadTile, 2>
ThreadEmitter::reduceTiles(Operation *op, ArrayRef<ThreadTile> tiles,
                           ArrayRef<int64_t> axes, Combine combine) {
  Reduction reduction(tiles.front().layout, axes);
  SmallVector<ThreadTile, 2> results = foldRegisters(reduction, tiles, combine);
  foldThreads(op, reduction, results, combine);
  return results;
}

/// Which of two (value, index) wins: true, the second.
static Value secondWins(ImplicitLocOpBuilder &b, bool wantMax,
                        ArrayRef<Value> x, ArrayRef<Value> y) {
  Value better, same;
  if (isa<FloatType>(x[0].getType())) {
    auto compare = [&](arith::CmpFPredicate predicate, Value l, Value r) {
      return arith::CmpFOp::create(b, predicate, l, r);
    };
    using P = arith::CmpFPredicate;
    better = compare(wantMax ? P::OGT : P::OLT, y[0], x[0]);
    // A NaN never wins over a number; NaNs are equal.
    Value xNaN = compare(P::UNO, x[0], x[0]),
          yNaN = compare(P::UNO, y[0], y[0]);
    Value yNumber = compare(P::ORD, y[0], y[0]);
    better = arith::OrIOp::create(b, better,
                                  arith::AndIOp::create(b, xNaN, yNumber));
    same = arith::OrIOp::create(b, compare(P::OEQ, x[0], y[0]),
                                arith::AndIOp::create(b, xNaN, yNaN));
  } else {
    bool mask = x[0].getType().isInteger(1);
    using P = arith::CmpIPredicate;
    better = arith::CmpIOp::create(
        b, wantMax ? (mask ? P::ugt : P::sgt) : (mask ? P::ult : P::slt), y[0],
        x[0]);
    same = arith::CmpIOp::create(b, P::eq, x[0], y[0]);
  }
  Value earlier =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, y[1], x[1]);
  return arith::OrIOp::create(b, better,
                              arith::AndIOp::create(b, same, earlier));
}

Value combineValues(ImplicitLocOpBuilder &b, ReduceKind kind, Value x,
                    Value y) {
  bool floats = isa<FloatType>(x.getType()), mask = x.getType().isInteger(1);
  switch (kind) {
  case ReduceKind::sum:
    return floats ? Value(arith::AddFOp::create(b, x, y))
                  : Value(arith::AddIOp::create(b, x, y));
  case ReduceKind::prod:
    return floats ? Value(arith::MulFOp::create(b, x, y))
                  : Value(arith::MulIOp::create(b, x, y));
  case ReduceKind::min:
    return floats ? Value(arith::MinNumFOp::create(b, x, y))
           : mask ? Value(arith::AndIOp::create(b, x, y))
                  : Value(arith::MinSIOp::create(b, x, y));
  case ReduceKind::max:
    return floats ? Value(arith::MaxNumFOp::create(b, x, y))
           : mask ? Value(arith::OrIOp::create(b, x, y))
                  : Value(arith::MaxSIOp::create(b, x, y));
  case ReduceKind::umin:
    return arith::MinUIOp::create(b, x, y);
  case ReduceKind::umax:
    return arith::MaxUIOp::create(b, x, y);
  case ReduceKind::any:
    return arith::OrIOp::create(b, x, y);
  case ReduceKind::all:
    return arith::AndIOp::create(b, x, y);
  case ReduceKind::argmin:
  case ReduceKind::argmax:
    break; // pairs
  }
  return x;
}

Value ThreadEmitter::accumulated(Value value, Type type) {
  Type from = value.getType();
  if (from == type)
    return value;
  if (isa<FloatType>(type))
    return arith::ExtFOp::create(b, type, value);
  return from.isInteger(1) ? Value(arith::ExtUIOp::create(b, type, value))
                           : Value(arith::ExtSIOp::create(b, type, value));
}

/// A row's sum over all iterations of a loop, `sum = sum * alpha + sum(p)`:
/// each thread adds up its own part, and the parts are added once, after the
/// loop. The reduction, or null if argument number `i` is none.
ReduceOp ThreadEmitter::runningSum(scf::ForOp loop, unsigned i) {
  Value argument = loop.getRegionIterArgs()[i];
  if (!isa<RankedTensorType>(argument.getType()) ||
      !getElementTypeOrSelf(argument.getType()).isF32() ||
      !argument.hasOneUse())
    return nullptr;
  auto add = loop.getYieldedValues()[i].getDefiningOp<arith::AddFOp>();
  if (!add || !add->hasOneUse())
    return nullptr;
  for (auto [before, part] :
       {std::pair(add.getLhs(), add.getRhs()), {add.getRhs(), add.getLhs()}}) {
    auto reduce = part.getDefiningOp<ReduceOp>();
    auto scaled = before.getDefiningOp<arith::MulFOp>();
    bool follows = before == argument || (scaled && scaled->hasOneUse() &&
                                          (scaled.getLhs() == argument) !=
                                              (scaled.getRhs() == argument));
    if (!follows || !reduce || reduce.getKind() != ReduceKind::sum ||
        !reduce->hasOneUse() || reduce->getBlock() != loop.getBody() ||
        !getElementTypeOrSelf(reduce.getInput().getType()).isF32())
      continue;
    LinearLayout home =
        Reduction(homeOf(reduce.getInput()), reduce.getAxes()).home;
    bool stays =
        llvm::all_of(ValueRange{argument, before, add.getResult(),
                                reduce.getResult(), loop.getResult(i)},
                     [&](Value value) { return homeOf(value) == home; });
    if (stays)
      return reduce;
  }
  return nullptr;
}

SmallVector<Value> ThreadEmitter::addFloats(ArrayRef<Value> x,
                                            ArrayRef<Value> y) {
  return {arith::AddFOp::create(b, x[0], y[0])};
}

/// Of what a running sum begins with, this thread's part: all or nothing.
void ThreadEmitter::takePart(const Reduction &reduction,
                             MutableArrayRef<Value> values) {
  Value lane = arith::AndIOp::create(b, laneId(), i32(reduction.lanes));
  Value warp = arith::AndIOp::create(b, warpId(), i32(reduction.warps));
  Value isFirst = arith::CmpIOp::create(
      b, arith::CmpIPredicate::eq, arith::OrIOp::create(b, lane, warp), i32(0));
  for (Value &value : values)
    value = arith::SelectOp::create(b, isFirst, value, zeroOf(value.getType()));
}

std::vector<ThreadEmitter::RunningSum>
ThreadEmitter::startSums(scf::ForOp loop, MutableArrayRef<Value> flat) {
  std::vector<RunningSum> sums;
  unsigned first = 0;
  for (auto [i, argument] : llvm::enumerate(loop.getRegionIterArgs())) {
    unsigned count = homeOf(argument).registers();
    if (ReduceOp reduce = runningSum(loop, i)) {
      deferredSums.insert(reduce);
      sums.push_back({Reduction(homeOf(reduce.getInput()), reduce.getAxes()),
                      first, homeOf(argument)});
      takePart(sums.back().reduction, flat.slice(first, count));
    }
    first += count;
  }
  return sums;
}

void ThreadEmitter::finishSums(scf::ForOp loop, ArrayRef<RunningSum> sums,
                               MutableArrayRef<Value> flat) {
  for (const RunningSum &sum : sums) {
    auto values = flat.slice(sum.first, sum.layout.registers());
    ThreadTile tile{sum.layout, SmallVector<Value>(values)};
    foldThreads(
        loop, sum.reduction, tile,
        [&](ArrayRef<Value> x, ArrayRef<Value> y) { return addFloats(x, y); });
    llvm::copy(tile.regs, values.begin());
  }
}

/// Whether `condition` holds for any, or all, threads of the block: one barrier
/// that combines what they say.
Value ThreadEmitter::blockTest(ReduceKind kind, Value condition) {
  StringRef name = kind == ReduceKind::any
                       ? "llvm.nvvm.barrier.cta.red.or.aligned.all"
                       : "llvm.nvvm.barrier.cta.red.and.aligned.all";
  Value result = callIntrinsic(b, name, b.getI1Type(), {i32(0), condition});
  noteBarrier();
  return result;
}

void ThreadEmitter::emitReduce(ReduceOp op) {
  ReduceKind kind = op.getKind();
  ThreadTile input = get(op.getInput());
  Type result = getElementTypeOrSelf(op.getResult().getType());
  bool pairs = kind == ReduceKind::argmin || kind == ReduceKind::argmax;
  Type half;
  if (!pairs)
    for (Value &value : input.regs) {
      value = accumulated(value, result);
      // Products, least and largest of 16-bit floats are taken in f32.
      if (result.isF16() || result.isBF16()) {
        half = result;
        value = arith::ExtFOp::create(b, b.getF32Type(), value);
      }
    }
  bool scalarResult = !isa<RankedTensorType>(op.getResult().getType());
  if (scalarResult && target.warps > 1 &&
      (kind == ReduceKind::any || kind == ReduceKind::all)) {
    Value sum = input.regs.front();
    for (Value value : ArrayRef(input.regs).drop_front())
      sum = combineValues(b, kind, sum, value);
    // That a warp's threads got the same answer is not known to `ptxas`, which
    // would have a slow copy of what follows for a warp that goes two ways.
    numbers.scalars[op.getResult()] =
        callIntrinsic(b, "llvm.nvvm.vote.any.sync", b.getI1Type(),
                      {i32(-1), blockTest(kind, sum)});
    return;
  }
  if (std::optional<ThreadTile> column = pickColumn(op))
    return setResult(op.getResult(), std::move(*column));
  if (deferredSums.contains(op)) {
    SmallVector<ThreadTile, 2> sums = foldRegisters(
        Reduction(input.layout, op.getAxes()), input,
        [&](ArrayRef<Value> x, ArrayRef<Value> y) { return addFloats(x, y); });
    return setResult(op.getResult(), std::move(sums.front()));
  }
  SmallVector<ThreadTile, 2> tiles{input};
  if (pairs)
    tiles.push_back(
        {input.layout, coordinates(input.layout, op.getAxes().front()).sums});
  SmallVector<ThreadTile, 2> sums = reduceTiles(
      op, tiles, op.getAxes(),
      [&](ArrayRef<Value> x, ArrayRef<Value> y) -> SmallVector<Value> {
        if (!pairs)
          return {combineValues(b, kind, x[0], y[0])};
        Value second = secondWins(b, kind == ReduceKind::argmax, x, y);
        return {arith::SelectOp::create(b, second, y[0], x[0]),
                arith::SelectOp::create(b, second, y[1], x[1])};
      });
  ThreadTile &sum = sums.back();
  if (half)
    for (Value &value : sum.regs)
      value = arith::TruncFOp::create(b, half, value);
  setResult(op.getResult(), std::move(sum));
}

} // namespace attn_grid::compiler::gpu
