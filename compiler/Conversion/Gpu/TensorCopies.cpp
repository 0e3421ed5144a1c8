// Rings of tiles that the GPU copies by itself: one thread asks for the boxes
// of an iteration, cp.async.bulk.tensor; a barrier in shared memory, one for
// each stage, counts the bytes that have arrived, and all threads wait for
// them. What lies beyond the tensor's ends is 0, as a load of a tile has it.

#include "compiler/Conversion/Gpu/LoadAhead.h"

#include "compiler/Conversion/Gpu/Intrinsics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

static constexpr int64_t mapBytes = 128, barrierBytes = 8;

void ThreadEmitter::planBoxes(Ring &ring) {
  if (!target.boxes)
    return;
  for (auto &[load, tile] : ring.tiles) {
    std::optional<BoxLoad> box = asBoxLoad(load);
    if (!box)
      return ring.boxes.clear();
    ring.boxes.push_back(std::move(*box));
  }
}

void ThreadEmitter::byOneThread(Value condition,
                                llvm::function_ref<void()> emit) {
  // The same for all threads of a warp, as the assembler can see: so it need
  // not look for the threads of which each would do it.
  Value number = shuffleIndex(warpId(), i32(0));
  Value isFirst =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, number, i32(0));
  if (condition)
    isFirst = arith::AndIOp::create(b, isFirst, condition);
  auto warp = scf::IfOp::create(b, TypeRange{}, isFirst, false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(warp.getThenRegion().front().getTerminator());
  Type elected = LLVM::LLVMStructType::getLiteral(
      b.getContext(), {b.getI32Type(), b.getI1Type()});
  Value one = member(
      b, callIntrinsic(b, "llvm.nvvm.elect.sync", elected, {i32(-1)}), 1);
  auto thread = scf::IfOp::create(b, TypeRange{}, one, false);
  b.setInsertionPoint(thread.getThenRegion().front().getTerminator());
  emit();
}

/// The address, an i32, of byte `at` of shared memory.
static Value sharedAddress(ImplicitLocOpBuilder &b, Value base, int64_t at) {
  Value start = LLVM::PtrToIntOp::create(b, b.getI32Type(), base);
  return arith::AddIOp::create(
      b, start, arith::ConstantOp::create(b, b.getI32IntegerAttr(at)));
}

void ThreadEmitter::startBarriers(Ring &ring) {
  ring.barriers = allocateShared(ring.loop, ring.barrierCount() * barrierBytes);
  beforeSharedWrite(ring.block);
  beforeSharedWrite(ring.barriers);
  // The GPU writes after threads did.
  bool isUnfenced = shared.isUnfenced(ring.block, /*inLoop=*/true);
  byOneThread(nullptr, [&] {
    if (isUnfenced)
      inlinePtx(b, "fence.proxy.async.shared::cta;", "~{memory}", nullptr, {},
                /*sideEffects=*/true);
    for (int64_t number = 0; number < ring.barrierCount(); ++number)
      inlinePtx(b, "mbarrier.init.shared::cta.b64 [$0], 1;", "r,~{memory}",
                nullptr,
                {sharedAddress(b, sharedBase,
                               ring.barriers.begin + number * barrierBytes)},
                /*sideEffects=*/true);
    inlinePtx(b, "fence.mbarrier_init.release.cluster;", "~{memory}", nullptr,
              {}, /*sideEffects=*/true);
  });
  shared.noteWrite(ring.barriers);
}

/// The address of the barrier of the stage at `offset`, or of a tile.
Value ThreadEmitter::barrierAt(Ring &ring, Value offset, Value load) {
  if (load) {
    auto *entry = llvm::find_if(ring.tiles, [&](const auto &tile) {
      return tile.first->getResult(0) == load;
    });
    return sharedAddress(b, sharedBase,
                         ring.barriers.begin +
                             (entry - ring.tiles.begin()) * barrierBytes);
  }
  Value stage = b.createOrFold<arith::DivUIOp>(offset, i32(ring.stageBytes));
  Value bytes = b.createOrFold<arith::MulIOp>(stage, i32(barrierBytes));
  return arith::AddIOp::create(
      b, sharedAddress(b, sharedBase, ring.barriers.begin), bytes);
}

/// Asks for the tiles of an iteration; one thread does.
void ThreadEmitter::copyBoxes(Ring &ring, Value offset, Value only) {
  Value arrived = barrierAt(ring, offset, only);
  int64_t bytes = 0;
  for (auto [load, entry] : llvm::zip(ring.boxes, ring.tiles))
    if (!only || entry.first->getResult(0) == only)
      bytes += load.tileRows * load.tileColumns * load.box.elementBytes;
  inlinePtx(b, "mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;",
            "r,r,~{memory}", nullptr, {arrived, i32(bytes)},
            /*sideEffects=*/true);
  for (auto [load, entry] : llvm::zip(ring.boxes, ring.tiles)) {
    if (only && entry.first->getResult(0) != only)
      continue;
    const TensorBox &box = load.box;
    size_t number = llvm::find(maps, box) - maps.begin();
    if (number == maps.size())
      maps.push_back(box);
    Value map = LLVM::GEPOp::create(
        b, mapsPointer.getType(), b.getI8Type(), mapsPointer,
        ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(number * mapBytes)});
    size_t rank = box.dims.size();
    SmallVector<Value> start;
    for (auto [first, second] : load.at) {
      Value at = i32(0);
      for (OpFoldResult part : {first, second})
        if (part)
          at = b.createOrFold<arith::AddIOp>(at, coordinateOf(part));
      start.push_back(at);
    }
    // The program's own memory, by the name that the first version of PTX for
    // the GPU has. (Later GPUs take the other one only by a call.)
    const char *space =
        target.capability >= 100 ? "shared::cta" : "shared::cluster";
    std::string text = "cp.async.bulk.tensor." + std::to_string(rank) + "d." +
                       space +
                       ".global.tile.mbarrier::complete_tx::bytes [$0], [$1, {";
    std::string constraints = "r,l";
    for (size_t d = 0; d < rank; ++d) {
      text += (d ? ", $" : "$") + std::to_string(2 + d);
      constraints += ",r";
    }
    text += "}], [$" + std::to_string(2 + rank) + "];";
    // Panels as wide as a line, one behind the other.
    int64_t columns = box.dims[load.columns].box * load.panels;
    int64_t rows = box.dims[load.rows].box;
    for (int64_t column = 0; column < load.tileColumns; column += columns)
      for (int64_t row = 0; row < load.tileRows; row += rows) {
        int64_t place =
            entry.second.block.begin +
            column / columns * load.panels * load.tileRows * box.lineBytes +
            row * box.lineBytes;
        SmallVector<Value> operands{
            arith::AddIOp::create(b, sharedAddress(b, sharedBase, place),
                                  offset),
            map};
        llvm::append_range(operands, start);
        for (auto [d, by] : {std::pair(load.columns, column), {load.rows, row}})
          operands[2 + d] =
              b.createOrFold<arith::AddIOp>(operands[2 + d], i32(by));
        operands.push_back(arrived);
        inlinePtx(b, text, constraints + ",r,~{memory}", nullptr, operands,
                  /*sideEffects=*/true);
      }
  }
}

/// An index, or part of one, in 32 bits.
Value ThreadEmitter::coordinateOf(OpFoldResult value) {
  if (auto constant = getConstantIntValue(value))
    return i32(*constant);
  Value own = scalar(cast<Value>(value));
  if (own.getType().isInteger(32))
    return own;
  if (own.getType().isIndex())
    return arith::IndexCastOp::create(b, b.getI32Type(), own);
  return b.createOrFold<arith::TruncIOp>(b.getI32Type(), own);
}

void ThreadEmitter::waitForBoxes(Ring &ring, Value offset, Value parity,
                                 Value load) {
  inlinePtx(b,
            "{\n.reg .pred arrived;\nagain:\n"
            "mbarrier.try_wait.parity.shared::cta.b64 arrived, [$0], $1;\n"
            "@!arrived bra again;\n}",
            "r,r,~{memory}", nullptr, {barrierAt(ring, offset, load), parity},
            /*sideEffects=*/true);
}

/// The parity of the stage at `offset`: it changes where the ring begins again.
Value ThreadEmitter::parityAfter(Value offset, Value parity) {
  Value begins =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, offset, i32(0));
  return arith::XOrIOp::create(
      b, parity, arith::ExtUIOp::create(b, b.getI32Type(), begins));
}

/// Where they are initialised again, all must have waited before.
void ThreadEmitter::endBarriers(Ring &ring) {
  if (!ring.loop->getParentOfType<LoopLikeOpInterface>())
    return; // their bytes stay theirs
  barrier();
  byOneThread(nullptr, [&] {
    for (int64_t number = 0; number < ring.barrierCount(); ++number)
      inlinePtx(b, "mbarrier.inval.shared::cta.b64 [$0];", "r,~{memory}",
                nullptr,
                {sharedAddress(b, sharedBase,
                               ring.barriers.begin + number * barrierBytes)},
                /*sideEffects=*/true);
  });
  shared.noteWrite(ring.barriers);
  shared.release(ring.barriers);
}

} // namespace attn_grid::compiler::gpu
