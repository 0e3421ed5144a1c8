// Tiles as registers: who holds which element, and values computed again in the
// layout that a reader wants.

#include "compiler/Conversion/Gpu/ThreadEmitter.h"

#include "compiler/Conversion/Philox.h"
#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

Value ThreadEmitter::i32(int64_t value) {
  return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
}

Value ThreadEmitter::i64(int64_t value) {
  return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
}

Value ThreadEmitter::isTrue() {
  return arith::ConstantOp::create(b, b.getBoolAttr(true));
}

Value ThreadEmitter::zeroOf(Type type) {
  return arith::ConstantOp::create(b, cast<TypedAttr>(b.getZeroAttr(type)));
}

Value ThreadEmitter::scalar(Value value) {
  if (Value known = numbers.scalars.lookup(value))
    return known;
  fail(value.getDefiningOp() ? value.getDefiningOp() : kernel,
       "this scalar is not available on GPUs");
  return zeroOf(value.getType());
}

LinearLayout ThreadEmitter::homeOf(Value value) {
  if (!isa<RankedTensorType>(value.getType()))
    return layouts.ofScalars();
  if (const LinearLayout *layout = layouts.find(value))
    return *layout;
  return layouts.fallback(value.getType());
}

const ThreadTile &ThreadEmitter::remember(Value value, ThreadTile tile) {
  auto &tiles = memo.back()[value];
  tiles.push_back(std::make_unique<ThreadTile>(std::move(tile)));
  return *tiles.back();
}

void ThreadEmitter::setResult(Value result, ThreadTile tile) {
  if (isa<RankedTensorType>(result.getType()))
    remember(result, std::move(tile));
  else
    numbers.scalars[result] = tile.regs.front();
}

const ThreadTile &ThreadEmitter::get(Value value, const LinearLayout &layout) {
  const ThreadTile *other = nullptr;
  for (const Memo &scope : llvm::reverse(memo)) {
    auto it = scope.find(value);
    if (it == scope.end())
      continue;
    for (const auto &tile : it->second) {
      if (tile->layout == layout)
        return *tile;
      other = tile.get();
    }
  }
  if (!isa<RankedTensorType>(value.getType())) {
    ThreadTile tile{layout, {}};
    tile.regs.assign(layout.registers(), scalar(value));
    return remember(value, std::move(tile));
  }
  Operation *op = value.getDefiningOp();
  bool anyLayout = !layouts.find(value);
  if (isRecomputable(op) && (anyLayout || !other))
    return remember(value, evaluate(value, layout));
  if (const SharedTile *loaded = sharedTileOf(value))
    return remember(value, loadShared(*loaded, layout));
  if (!other) {
    fail(op ? op : kernel, "this tile is not available on GPUs");
    ThreadTile tile{layout, {}};
    tile.regs.assign(layout.registers(),
                     zeroOf(getElementTypeOrSelf(value.getType())));
    return remember(value, std::move(tile));
  }
  return remember(value, convert(op ? op : kernel, *other, layout));
}

ThreadTile ThreadEmitter::renamed(const ThreadTile &tile,
                                  ArrayRef<unsigned> from,
                                  const LinearLayout &layout) {
  ThreadTile result{layout, {}};
  for (unsigned reg : from)
    result.regs.push_back(tile.regs[reg]);
  return result;
}

ThreadTile ThreadEmitter::evaluate(Value value, const LinearLayout &layout) {
  Operation *op = value.getDefiningOp();
  OpBuilder::InsertionGuard guard(b);
  Location before = b.getLoc();
  b.setLoc(op->getLoc());
  auto restore = llvm::scope_exit([&] { b.setLoc(before); });
  ThreadTile result{layout, {}};
  auto fill = [&](Value scalar) {
    result.regs.assign(layout.registers(), scalar);
    return result;
  };
  if (auto splat = dyn_cast<tensor::SplatOp>(op))
    return fill(scalar(splat.getInput()));
  if (auto literal = dyn_cast<arith::ConstantOp>(op)) {
    auto splat = dyn_cast<SplatElementsAttr>(literal.getValue());
    if (splat)
      return fill(arith::ConstantOp::create(
          b, cast<TypedAttr>(splat.getSplatValue<Attribute>())));
    fail(op, "the elements of a constant tile must be equal: compute others "
             "from ag.iota");
    return fill(zeroOf(getElementTypeOrSelf(value.getType())));
  }
  if (isa<IotaOp>(op)) {
    result.regs = coordinates(layout, 0).sums;
    return result;
  }
  if (auto broadcast = dyn_cast<BroadcastOp>(op)) {
    LinearLayout full = layout.project(broadcast.getAxes(),
                                       shapeOf(broadcast.getInput().getType()));
    const ThreadTile &input = get(broadcast.getInput(), full.withoutCopies());
    for (unsigned reg = 0; reg < layout.registers(); ++reg)
      result.regs.push_back(input.regs[full.withoutCopies(reg)]);
    return result;
  }
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    SmallVector<int64_t> inverse(transpose.getPermutation().size());
    for (auto [to, from] : llvm::enumerate(transpose.getPermutation()))
      inverse[from] = to;
    result.regs = get(transpose.getInput(), layout.transpose(inverse)).regs;
    return result;
  }
  if (auto reshape = dyn_cast<ReshapeOp>(op)) {
    result.regs = get(reshape.getInput(),
                      layout.reshape(shapeOf(reshape.getInput().getType())))
                      .regs;
    return result;
  }
  SmallVector<const ThreadTile *> operands;
  for (Value operand : op->getOperands())
    operands.push_back(&get(operand, isa<RankedTensorType>(operand.getType())
                                         ? layout
                                         : layouts.ofScalars()));
  for (unsigned reg = 0; reg < layout.registers(); ++reg) {
    SmallVector<Value> inputs;
    for (const ThreadTile *tile : operands)
      inputs.push_back(tile->regs[tile->regs.size() == 1 ? 0 : reg]);
    result.regs.push_back(isa<PhiloxOp>(op) ? emitPhilox(b, inputs)
                                            : elementwise(op, inputs));
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

/// XORs the bases of the bits that are set in `number`, a run of neighbours at
/// a time.
static Value combineBits(ImplicitLocOpBuilder &b, Value number,
                         ArrayRef<uint32_t> bases, Value sum) {
  auto constant = [&](uint32_t value) {
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
  };
  for (unsigned bit = 0; bit < bases.size();) {
    unsigned end = bit + 1;
    while (end < bases.size() && bases[end] == bases[end - 1] << 1)
      ++end;
    // Only a single bit's place moves by a plain shift.
    if (!llvm::isPowerOf2_32(bases[bit]))
      end = bit + 1;
    if (bases[bit]) {
      Value part = bit ? Value(arith::ShRUIOp::create(b, number, constant(bit)))
                       : number;
      part = arith::AndIOp::create(b, part, constant((1u << (end - bit)) - 1));
      if (llvm::isPowerOf2_32(bases[bit])) {
        if (bases[bit] != 1)
          part = arith::ShLIOp::create(b, part,
                                       constant(llvm::Log2_32(bases[bit])));
      } else {
        part = arith::MulIOp::create(b, part, constant(bases[bit]));
      }
      sum = sum ? Value(arith::XOrIOp::create(b, sum, part)) : part;
    }
    bit = end;
  }
  return sum;
}

Value ThreadEmitter::laneId() { return numbers.lane; }
Value ThreadEmitter::warpId() { return numbers.warp; }

Value ThreadEmitter::threadOffset(const LinearLayout &layout) {
  for (auto &[known, value] : numbers.threadOffsets)
    if (known.lane() == layout.lane() && known.warp() == layout.warp())
      return value;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointAfterValue(numbers.warp); // so that it dominates all uses
  Value sum = combineBits(b, laneId(), layout.lane(), nullptr);
  sum = combineBits(b, warpId(), layout.warp(), sum);
  if (!sum)
    sum = i32(0);
  numbers.threadOffsets.push_back({layout, sum});
  return sum;
}

Coordinates ThreadEmitter::coordinates(const LinearLayout &layout,
                                       unsigned axis) {
  uint32_t threadBits = 0, registerBits = 0;
  LinearLayout::Bases lanes, warps;
  for (uint32_t basis : layout.lane())
    threadBits |= lanes.emplace_back(layout.coordinate(basis, axis));
  for (uint32_t basis : layout.warp())
    threadBits |= warps.emplace_back(layout.coordinate(basis, axis));
  Coordinates result;
  result.thread =
      threadOffset(LinearLayout({layout.shape()[axis]}, {}, lanes, warps));
  llvm::DenseMap<uint32_t, Value> known;
  for (unsigned reg = 0; reg < layout.registers(); ++reg) {
    uint32_t here = layout.coordinate(layout.apply({reg, 0, 0}), axis);
    registerBits |= here;
    Value &value = known[here];
    if (!value && !threadBits)
      value = i32(here);
    else if (!value && !here)
      value = result.thread;
    else if (!value) {
      if (here & threadBits)
        value = arith::XOrIOp::create(b, result.thread, i32(here));
      else // a sum is an address's offset
        value = arith::AddIOp::create(b, result.thread, i32(here));
    }
    result.regs.push_back(here);
    result.sums.push_back(value);
  }
  result.separate = (threadBits & registerBits) == 0;
  return result;
}

Value ThreadEmitter::isOwner(const LinearLayout &layout) {
  LinearLayout::FreeBits free = layout.freeBits();
  Value owner;
  auto require = [&](Value number, uint32_t mask) {
    if (!mask)
      return;
    Value bits = arith::AndIOp::create(b, number, i32(mask));
    Value zero =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, bits, i32(0));
    owner = owner ? Value(arith::AndIOp::create(b, owner, zero)) : zero;
  };
  require(laneId(), free.lane);
  require(warpId(), free.warp);
  return owner;
}

} // namespace attn_grid::compiler::gpu
