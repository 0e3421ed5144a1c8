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

SmallVector<ThreadTile, 2>
ThreadEmitter::reduceTiles(Operation *op, ArrayRef<ThreadTile> tiles,
                           ArrayRef<int64_t> axes, Combine combine) {
  const LinearLayout layout = tiles.front().layout;
  SmallVector<int64_t> kept, shape;
  for (auto [axis, extent] : llvm::enumerate(layout.shape()))
    if (!llvm::is_contained(axes, static_cast<int64_t>(axis))) {
      kept.push_back(axis);
      shape.push_back(extent);
    }
  LinearLayout full = layout.project(kept, shape);
  LinearLayout home = full.withoutCopies();
  unsigned parts = tiles.size();

  // Registers.
  std::vector<SmallVector<Value>> sums(home.registers());
  for (unsigned reg = 0; reg < layout.registers(); ++reg) {
    SmallVector<Value> values;
    for (const ThreadTile &tile : tiles)
      values.push_back(tile.regs[reg]);
    SmallVector<Value> &sum = sums[full.withoutCopies(reg)];
    sum = sum.empty() ? values : combine(sum, values);
  }
  // Lanes.
  for (unsigned bit = 0; bit < 5; ++bit) {
    if (!layout.lane()[bit] || full.lane()[bit])
      continue;
    for (SmallVector<Value> &sum : sums) {
      SmallVector<Value> others;
      for (Value value : sum)
        others.push_back(shuffleXor(value, 1u << bit));
      sum = combine(sum, others);
    }
  }
  // Warps.
  uint32_t warpBits = 0;
  for (unsigned bit = 0; bit < layout.warp().size(); ++bit)
    if (layout.warp()[bit] && !full.warp()[bit])
      warpBits |= 1u << bit;
  SmallVector<ThreadTile, 2> results(parts, ThreadTile{home, {}});
  for (unsigned part = 0; part < parts; ++part)
    for (const SmallVector<Value> &sum : sums)
      results[part].regs.push_back(sum[part]);
  if (!warpBits)
    return results;
  LinearLayout apart = stackWarps(home, warpBits, /*inRegisters=*/false);
  LinearLayout together = stackWarps(home, warpBits, /*inRegisters=*/true);
  SmallVector<SharedTile> places;
  for (const ThreadTile &result : results)
    places.push_back(makeShared(op, ThreadTile{apart, result.regs}));
  SmallVector<ThreadTile, 2> loaded;
  for (const SharedTile &place : places)
    loaded.push_back(loadShared(place, together));
  for (const SharedTile &place : places)
    shared.release(place.block);
  for (unsigned reg = 0; reg < home.registers(); ++reg) {
    SmallVector<Value> sum;
    for (unsigned from = reg; from < together.registers();
         from += home.registers()) {
      SmallVector<Value> values;
      for (const ThreadTile &tile : loaded)
        values.push_back(tile.regs[from]);
      sum = sum.empty() ? values : combine(sum, values);
    }
    for (unsigned part = 0; part < parts; ++part)
      results[part].regs[reg] = sum[part];
  }
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

static Value combineValues(ImplicitLocOpBuilder &b, ReduceKind kind, Value x,
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
    // One barrier that combines what the threads say.
    Value sum = input.regs.front();
    for (Value value : ArrayRef(input.regs).drop_front())
      sum = combineValues(b, kind, sum, value);
    StringRef name = kind == ReduceKind::any
                         ? "llvm.nvvm.barrier.cta.red.or.aligned.all"
                         : "llvm.nvvm.barrier.cta.red.and.aligned.all";
    scalars[op.getResult()] =
        callIntrinsic(b, name, b.getI1Type(), {i32(0), sum});
    return noteBarrier();
  }
  SmallVector<ThreadTile, 2> tiles{input};
  if (pairs)
    tiles.push_back(
        {input.layout, coordinates(input.layout, op.getAxes().front())});
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
