// Tiles in shared memory: row-major, swizzled so that rows that are read
// together lie in different banks; and the way from one layout to another.

#include "compiler/Conversion/Gpu/ThreadEmitter.h"

#include "compiler/Conversion/Gpu/Intrinsics.h"
#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

static int64_t bytesOf(Type element) {
  return std::max<int64_t>(element.getIntOrFloatBitWidth() / 8, 1);
}

void ThreadEmitter::barrier() {
  callIntrinsic(b, "llvm.nvvm.barrier.cta.sync.aligned.all", nullptr, {i32(0)});
  noteBarrier();
}

void ThreadEmitter::noteBarrier() {
  shared.noteBarrier();
  globalTouched.clear();
}

void ThreadEmitter::restoreTouched(const Touched &earlier) {
  shared.restoreTouched(earlier.shared);
  globalTouched = earlier.global;
}

void ThreadEmitter::joinTouched(const Touched &other) {
  shared.joinTouched(other.shared);
  for (auto [argument, how] : other.global)
    globalTouched[argument] |= how;
}

/// The tensor that an operation accesses, and whether it writes.
static std::pair<Value, bool> accessOf(Operation *op) {
  if (auto load = dyn_cast<LoadOp>(op))
    return {load.getTensor(), false};
  if (auto gather = dyn_cast<GatherOp>(op))
    return {gather.getTensor(), false};
  if (auto store = dyn_cast<StoreOp>(op))
    return {store.getTensor(), true};
  if (auto scatter = dyn_cast<ScatterOp>(op))
    return {scatter.getTensor(), true};
  if (auto atomic = dyn_cast<AtomicOp>(op))
    return {atomic.getTensor(), true};
  return {};
}

/// The number of the kernel's argument whose memory a tensor is, or -1.
static int argumentOf(Value tensor) {
  while (auto view = tensor.getDefiningOp<memref::SubViewOp>())
    tensor = view.getSource();
  auto cast = tensor.getDefiningOp<memref::ReinterpretCastOp>();
  auto argument =
      cast ? dyn_cast<BlockArgument>(cast.getSource()) : BlockArgument();
  return argument ? static_cast<int>(argument.getArgNumber()) : -1;
}

/// Whether each iteration of `loop` writes other elements.
static bool writesApart(Operation *op, Operation *loop) {
  auto store = dyn_cast<StoreOp>(op);
  auto around = dyn_cast<scf::ForOp>(loop);
  APInt step;
  if (!store || !around || !store.getSteps().empty() ||
      !around.isDefinedOutsideOfLoop(store.getTensor()) ||
      !matchPattern(around.getStep(), m_ConstantInt(&step)))
    return false;
  for (auto [i, extent] : llvm::zip(store.getIndices(), store.getExtents()))
    if (i == around.getInductionVar() &&
        step.getSExtValue() >= std::max<int64_t>(extent, 1))
      return true;
  return false;
}

void ThreadEmitter::noteUnknown(Operation *loop) {
  shared.noteUnknown();
  llvm::DenseMap<int, SmallVector<Operation *, 2>> accesses;
  loop->walk([&](Operation *op) {
    if (Value tensor = accessOf(op).first)
      accesses[argumentOf(tensor)].push_back(op);
  });
  for (auto &[argument, ops] : accesses)
    if (ops.size() > 1 || !writesApart(ops.front(), loop))
      for (Operation *op : ops)
        globalTouched[argument] |= accessOf(op).second ? 2 : 1;
}

void ThreadEmitter::beforeSharedWrite(const SharedBlock &block) {
  if (shared.writeNeedsBarrier(block))
    barrier();
}

void ThreadEmitter::beforeSharedRead(const SharedBlock &block) {
  if (shared.readNeedsBarrier(block))
    barrier();
}

SharedBlock ThreadEmitter::allocateShared(Operation *op, int64_t bytes) {
  SharedBlock block = shared.allocate(bytes);
  if (block.end > target.sharedLimit && (target.stages > 1 || target.boxes))
    failed = tooManyStages = true;
  else if (block.end > target.sharedLimit)
    fail(op, "this needs " + Twine(block.end) +
                 " bytes of shared memory at once, but a program may have " +
                 Twine(target.sharedLimit) + ": make its tiles smaller");
  return block;
}

/// Where a byte of a row-major tile lies. Rows of more than 128 bytes, all
/// banks, are cut into panels, one behind the other. The bits 4 to 6, which
/// choose a group of four banks, are XORed with the number of the line of 128
/// bytes, as many bits as a row has groups: so rows that are read together
/// begin in different banks. This is how `wgmma` wants its factors, too.
static uint32_t placeInShared(const SharedTile &tile, uint32_t offset) {
  constexpr uint32_t line = 128;
  if (tile.shape.size() < 2)
    return offset;
  uint32_t rowBytes = tile.shape.back() * bytesOf(tile.element);
  if (rowBytes < 32)
    return offset;
  uint32_t bytes = bytesOf(tile.element);
  for (int64_t extent : tile.shape)
    bytes *= extent;
  if (rowBytes > line) {
    uint32_t row = offset / rowBytes, column = offset % rowBytes;
    offset =
        column / line * (bytes / rowBytes * line) + row * line + column % line;
    rowBytes = line;
  }
  return offset ^ (offset / line & (rowBytes / 16 - 1)) << 4;
}

SmallVector<Value> ThreadEmitter::sharedPointers(const SharedTile &tile,
                                                 const LinearLayout &layout,
                                                 uint32_t flip) {
  uint32_t bytes = bytesOf(tile.element);
  auto place = [&](uint32_t flat) { return placeInShared(tile, flat * bytes); };
  // The map from flat index to byte is linear too: so is what a lane adds.
  SmallVector<uint32_t> lanes, warps;
  uint32_t threadBits = 0;
  for (uint32_t basis : layout.lane())
    threadBits |= lanes.emplace_back(place(basis));
  for (uint32_t basis : layout.warp())
    threadBits |= warps.emplace_back(place(basis));
  int64_t size = llvm::PowerOf2Ceil(tile.block.end - tile.block.begin);
  Value thread = threadOffset(LinearLayout({size}, {}, lanes, warps));
  auto advance = [&](Value base, Value offset) -> Value {
    return LLVM::GEPOp::create(b, base.getType(), b.getI8Type(), base,
                               ValueRange{offset});
  };
  auto pointer = LLVM::LLVMPointerType::get(b.getContext(), 3);
  llvm::DenseMap<uint32_t, Value> bases;
  SmallVector<Value> result;
  for (unsigned reg = 0; reg < layout.registers(); ++reg) {
    uint32_t here = place(layout.apply({reg, 0, 0}) ^ flip);
    Value &base = bases[here & threadBits];
    if (!base) {
      Value offset = thread;
      if (here & threadBits)
        offset = arith::XOrIOp::create(b, thread, i32(here & threadBits));
      // What a loop changes comes last: the rest is computed before it.
      base = advance(sharedBase, offset);
      if (tile.offset)
        base = advance(base, tile.offset);
    }
    // The rest is part of the instruction.
    result.push_back(
        LLVM::GEPOp::create(b, pointer, b.getI8Type(), base,
                            ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(
                                tile.block.begin + (here & ~threadBits))}));
  }
  return result;
}

/// Registers in groups whose elements lie side by side: the bits of a
/// register's number that run through a group, lowest element first.
static SmallVector<unsigned> groupBits(const LinearLayout &layout,
                                       int64_t bytes) {
  SmallVector<unsigned> bits;
  int64_t last = layout.shape().empty() ? 1 : layout.shape().back();
  for (uint32_t flat = 1; flat * bytes < 16 && flat < last; flat <<= 1) {
    const auto *found = llvm::find(layout.reg(), flat);
    if (found == layout.reg().end())
      break;
    bits.push_back(found - layout.reg().begin());
  }
  return bits;
}

/// Calls `visit` with the registers of each group.
static void overGroups(const LinearLayout &layout, ArrayRef<unsigned> bits,
                       llvm::function_ref<void(ArrayRef<unsigned>)> visit) {
  unsigned mask = 0;
  for (unsigned bit : bits)
    mask |= 1u << bit;
  for (unsigned reg = 0; reg < layout.registers(); ++reg) {
    if (reg & mask)
      continue;
    SmallVector<unsigned> group;
    for (unsigned i = 0; i < 1u << bits.size(); ++i) {
      unsigned member = reg;
      for (auto [k, bit] : llvm::enumerate(bits))
        member |= (i >> k & 1) << bit;
      group.push_back(member);
    }
    visit(group);
  }
}

void ThreadEmitter::storeShared(const SharedTile &to, const ThreadTile &value) {
  beforeSharedWrite(to.block);
  SmallVector<Value> pointers = sharedPointers(to, value.layout, 0);
  int64_t bytes = bytesOf(to.element);
  auto emit = [&] {
    overGroups(
        value.layout, groupBits(value.layout, bytes),
        [&](ArrayRef<unsigned> group) {
          SmallVector<Value> elements;
          for (unsigned reg : group) {
            Value element = value.regs[reg];
            if (element.getType().isInteger(1))
              element = arith::ExtUIOp::create(b, b.getI8Type(), element);
            elements.push_back(element);
          }
          LLVM::StoreOp::create(
              b, elements.size() == 1 ? elements[0] : packVector(b, elements),
              pointers[group.front()], bytes * group.size());
        });
  };
  if (Value owner = isOwner(value.layout)) {
    auto branch = scf::IfOp::create(b, TypeRange{}, owner, false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(branch.getThenRegion().front().getTerminator());
    emit();
  } else {
    emit();
  }
  shared.noteWrite(to.block);
}

ThreadTile ThreadEmitter::loadShared(const SharedTile &from,
                                     const LinearLayout &layout,
                                     uint32_t flip) {
  beforeSharedRead(from.block);
  SmallVector<Value> pointers = sharedPointers(from, layout, flip);
  int64_t bytes = bytesOf(from.element);
  bool mask = from.element.isInteger(1);
  Type memory = mask ? Type(b.getI8Type()) : from.element;
  ThreadTile result{layout, SmallVector<Value>(layout.registers())};
  SmallVector<unsigned> bits;
  if (!flip)
    bits = groupBits(layout, bytes);
  overGroups(layout, bits, [&](ArrayRef<unsigned> group) {
    Type type =
        group.size() == 1
            ? memory
            : VectorType::get({static_cast<int64_t>(group.size())}, memory);
    Value loaded = LLVM::LoadOp::create(b, type, pointers[group.front()],
                                        bytes * group.size());
    for (auto [reg, value] : llvm::zip(group, unpackVector(b, loaded)))
      result.regs[reg] =
          mask ? Value(arith::CmpIOp::create(b, arith::CmpIPredicate::ne, value,
                                             zeroOf(memory)))
               : value;
  });
  shared.noteRead(from.block);
  return result;
}

SharedTile ThreadEmitter::makeShared(Operation *op, const ThreadTile &value) {
  SharedTile tile;
  tile.element = value.regs.front().getType();
  tile.shape.assign(value.layout.shape().begin(), value.layout.shape().end());
  tile.block =
      allocateShared(op, value.layout.elements() * bytesOf(tile.element));
  storeShared(tile, value);
  return tile;
}

ThreadTile ThreadEmitter::convert(Operation *op, const ThreadTile &tile,
                                  const LinearLayout &layout) {
  if (auto from = tile.layout.divide(layout))
    return renamed(tile, *from, layout);
  SharedTile place = makeShared(op, tile);
  ThreadTile result = loadShared(place, layout);
  shared.release(place.block);
  return result;
}

} // namespace attn_grid::compiler::gpu
