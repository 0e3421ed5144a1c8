// Scans and reductions by a function, in the order of the axis: a thread's
// registers hold neighbours, then come lanes, then warps. Each step combines
// what lies before with what lies after.

#include "compiler/Conversion/Gpu/ThreadEmitter.h"

#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

Value ThreadEmitter::combineElements(Operation *op, Value before, Value after) {
  if (auto scan = dyn_cast<ScanOp>(op)) {
    bool sum = scan.getKind() == ScanKind::sum;
    Type type = before.getType();
    if (!isa<FloatType>(type))
      return sum ? Value(arith::AddIOp::create(b, before, after))
                 : Value(arith::MulIOp::create(b, before, after));
    if (type.getIntOrFloatBitWidth() >= 32)
      return sum ? Value(arith::AddFOp::create(b, before, after))
                 : Value(arith::MulFOp::create(b, before, after));
    // Sums of 16-bit floats are f32: this is a product.
    Value x = arith::ExtFOp::create(b, b.getF32Type(), before);
    Value y = arith::ExtFOp::create(b, b.getF32Type(), after);
    return arith::TruncFOp::create(b, type, arith::MulFOp::create(b, x, y));
  }
  Block &block = op->getRegion(0).front();
  numbers.scalars[block.getArgument(0)] = before;
  numbers.scalars[block.getArgument(1)] = after;
  emitBlock(block);
  return scalar(block.getTerminator()->getOperand(0));
}

/// How many bits of `bases` belong to `axis`; they come first.
static unsigned bitsAlong(const LinearLayout &layout, ArrayRef<uint32_t> bases,
                          unsigned axis) {
  unsigned count = 0;
  while (count < bases.size() && layout.coordinate(bases[count], axis))
    ++count;
  return count;
}

void ThreadEmitter::emitScan(Operation *op, Value input, unsigned axis) {
  LinearLayout layout = layouts.along(input.getType(), axis);
  ThreadTile tile = get(input, layout);
  Type type = getElementTypeOrSelf(op->getResult(0).getType());
  for (Value &value : tile.regs)
    value = accumulated(value, type);
  unsigned run = 1u << bitsAlong(layout, layout.reg(), axis);
  unsigned lanes = 1u << bitsAlong(layout, layout.lane(), axis);
  unsigned warps = 1u << bitsAlong(layout, layout.warp(), axis);
  auto choose = [&](Value condition, Value prefix, Value value) -> Value {
    Value both = combineElements(op, prefix, value);
    return arith::SelectOp::create(b, condition, both, value);
  };
  auto atLeast = [&](Value number, unsigned least) -> Value {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::uge, number,
                                 i32(least));
  };

  // One line per group of `run` registers.
  unsigned lines = layout.registers() / run;
  for (unsigned reg = 0; reg < layout.registers(); ++reg)
    if (reg % run)
      tile.regs[reg] = combineElements(op, tile.regs[reg - 1], tile.regs[reg]);
  SmallVector<Value> totals;
  for (unsigned line = 0; line < lines; ++line)
    totals.push_back(tile.regs[line * run + run - 1]);
  if (lanes > 1) {
    Value position = arith::AndIOp::create(b, laneId(), i32(lanes - 1));
    for (unsigned distance = 1; distance < lanes; distance *= 2) {
      Value from = arith::SubIOp::create(b, laneId(), i32(distance));
      Value has = atLeast(position, distance);
      for (Value &total : totals)
        total = choose(has, shuffleIndex(total, from), total);
    }
    Value from = arith::SubIOp::create(b, laneId(), i32(1));
    Value last = arith::OrIOp::create(b, laneId(), i32(lanes - 1));
    Value has = atLeast(position, 1);
    for (auto [line, total] : llvm::enumerate(totals)) {
      Value prefix = shuffleIndex(total, from);
      for (unsigned i = 0; i < run; ++i) {
        Value &value = tile.regs[line * run + i];
        value = choose(has, prefix, value);
      }
      total = shuffleIndex(total, last);
    }
  }
  SmallVector<int64_t> kept, shape;
  for (auto [a, extent] : llvm::enumerate(layout.shape()))
    if (a != axis) {
      kept.push_back(a);
      shape.push_back(extent);
    }
  LinearLayout home = layout.project(kept, shape).withoutCopies();
  if (warps > 1) {
    LinearLayout apart = stackWarps(home, warps - 1, /*inRegisters=*/false);
    LinearLayout together = stackWarps(home, warps - 1, /*inRegisters=*/true);
    SharedTile place = makeShared(op, ThreadTile{apart, totals});
    ThreadTile parts = loadShared(place, together);
    shared.release(place.block);
    Value position = arith::AndIOp::create(b, warpId(), i32(warps - 1));
    for (unsigned line = 0; line < lines; ++line) {
      Value sum = parts.regs[line], prefix = sum;
      for (unsigned w = 1; w < warps; ++w) {
        Value next = combineElements(op, sum, parts.regs[line + w * lines]);
        prefix =
            arith::SelectOp::create(b, atLeast(position, w + 1), next, prefix);
        sum = next;
      }
      totals[line] = sum;
      Value has = atLeast(position, 1);
      for (unsigned i = 0; i < run; ++i) {
        Value &value = tile.regs[line * run + i];
        value = choose(has, prefix, value);
      }
    }
  }
  if (isa<ReduceWithOp>(op))
    return setResult(op->getResult(0), ThreadTile{home, totals});
  setResult(op->getResult(0), std::move(tile));
}

} // namespace attn_grid::compiler::gpu
