// Loops that load the tiles of later iterations while they compute with those
// of an earlier one. The tiles lie in a ring of `stages` buffers:
//
//     copy iterations 0 .. stages - 2
//     for i ... {
//       wait until the tiles of i are there; barrier
//       copy those of i + stages - 1, over those of i - 1
//       compute with those of i
//     }
//
// The one barrier says both that all threads' copies have arrived and that
// nobody reads the buffer any more that is written next. (Of boxes it says the
// latter; that they have arrived, a barrier in memory does: TensorCopies.cpp.)
//
// A ring of one buffer, which the GPU fills, is filled tile by tile, in turns:
//
//     copy the tiles of iteration 0
//     for i ... {
//       wait for a tile of i; compute with it; barrier; copy that of i + 1
//       the same with the next tile
//     }

#include "compiler/Conversion/Gpu/LoadAhead.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

/// Adds to `chain`, operands first, the operations of the loop's body that
/// compute the scalar `value` from its variable and from values before the
/// loop. False if it depends on anything else.
static bool collectChain(Value value, scf::ForOp loop,
                         SetVector<Operation *> &chain) {
  if (value == loop.getInductionVar() || loop.isDefinedOutsideOfLoop(value))
    return true;
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumResults() != 1 || op->getNumRegions() != 0 ||
      isa<RankedTensorType>(value.getType()) ||
      op->getName().getDialectNamespace() != "arith")
    return false;
  for (Value operand : op->getOperands())
    if (!collectChain(operand, loop, chain))
      return false;
  chain.insert(op);
  return true;
}

/// Whether a condition follows from positions alone, not from what is in
/// memory or was computed before.
static bool isPositional(Value value, scf::ForOp loop) {
  SmallVector<Value> open{value};
  DenseSet<Value> seen;
  while (!open.empty()) {
    Value next = open.pop_back_val();
    if (!seen.insert(next).second || next == loop.getInductionVar())
      continue;
    Operation *op = next.getDefiningOp();
    if (!op) {
      if (!loop.isDefinedOutsideOfLoop(next))
        return false;
      continue;
    }
    if (isa<LoadOp, GatherOp, scf::ForOp, scf::WhileOp, scf::IfOp>(op))
      return false;
    llvm::append_range(open, op->getOperands());
  }
  return true;
}

/// Whether (nearly) every iteration does the load. Masks of positions are empty
/// in few of them: SplitMaskedLoops has left out those that it could.
static bool inMostIterations(LoadOp load, scf::ForOp loop) {
  Operation *parent = load->getParentOp();
  if (parent == loop)
    return true;
  auto branch = dyn_cast<scf::IfOp>(parent);
  return branch && branch->getParentOp() == loop &&
         load->getParentRegion() == &branch.getThenRegion() &&
         isPositional(branch.getCondition(), loop);
}

Ring ThreadEmitter::planRing(scf::ForOp loop) {
  Ring ring;
  ring.loop = loop;
  if (dotsAreSlow && !target.slowRings)
    return ring;
  loop.walk([&](LoadOp load) {
    if (load->getParentOfType<scf::ForOp>() != loop ||
        !inMostIterations(load, loop) ||
        !loop.isDefinedOutsideOfLoop(load.getTensor()) || !isAsync(load))
      return;
    SetVector<Operation *> chain = ring.chain;
    for (Value index : load.getIndices())
      if (isa<RankedTensorType>(index.getType()) ||
          !collectChain(index, loop, chain))
        return;
    ring.chain = std::move(chain);
    auto type = cast<RankedTensorType>(load.getResult().getType());
    SharedTile tile;
    tile.element = type.getElementType();
    tile.shape.assign(type.getShape().begin(), type.getShape().end());
    tile.block.begin = ring.stageBytes;
    ring.stageBytes += llvm::alignTo(
        type.getNumElements() * type.getElementTypeBitWidth() / 8, 1024);
    tile.block.end = ring.stageBytes;
    ring.tiles.push_back({load, std::move(tile)});
  });
  ring.stages = ring.tiles.empty() || dotsAreSlow ? 1 : target.stages;
  planBoxes(ring);
  ring.takesTurns = ring.copiesBoxes() && ring.stages == 1 &&
                    llvm::all_of(ring.tiles, [&](const auto &entry) {
                      return entry.first->getParentOp() == loop;
                    });
  return ring;
}

/// Copies the tiles of the iteration `induction`, if it is one, to the buffer
/// at `offset`.
void ThreadEmitter::copyAhead(Ring &ring, Value induction, Value upper,
                              Value offset, Value load) {
  Value exists =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, induction, upper);
  auto emit = [&] {
    MemoScope scope(*this);
    Value variable = ring.loop.getInductionVar();
    numbers.scalars[variable] = inductionAs(variable.getType(), induction);
    for (Operation *op : ring.chain)
      emitOp(op);
    if (ring.copiesBoxes())
      copyBoxes(ring, offset, load);
    else
      for (auto &[load, tile] : ring.tiles) {
        SharedTile buffer = tile;
        buffer.offset = offset;
        copyToShared(load, buffer);
      }
  };
  if (ring.copiesBoxes())
    return byOneThread(exists, emit);
  {
    auto branch = scf::IfOp::create(b, TypeRange{}, exists, false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(branch.getThenRegion().front().getTerminator());
    emit();
  }
  commitCopies();
}

Value ThreadEmitter::startRing(Ring &ring, Value lower, Value upper,
                               Value step) {
  ring.block = allocateShared(ring.loop, ring.stages * ring.stageBytes);
  for (auto &[load, tile] : ring.tiles) {
    tile.block.begin += ring.block.begin;
    tile.block.end += ring.block.begin;
  }
  if (ring.copiesBoxes())
    startBarriers(ring);
  else
    beforeSharedWrite(ring.block);
  if (ring.takesTurns) {
    for (auto &[load, tile] : ring.tiles)
      copyAhead(ring, lower, upper, i32(0), load);
    barrier(); // all see what they wait for
    return i32(0);
  }
  Value induction = lower;
  for (int64_t stage = 0; stage + 1 < ring.stages; ++stage) {
    if (stage)
      induction = arith::AddIOp::create(b, induction, step);
    copyAhead(ring, induction, upper, i32(stage * ring.stageBytes));
  }
  return i32(0);
}

void ThreadEmitter::advanceRing(Ring &ring, Value induction, Value upper,
                                Value step, Value offset, Value parity) {
  if (ring.takesTurns) {
    ring.next = arith::AddIOp::create(b, induction, step);
    ring.upper = upper;
    ring.parity = parity;
    for (auto &[load, tile] : ring.tiles) {
      AsyncTile here = asyncTile(load, tile);
      here.tile.block.isSettled = true;
      here.turns = &ring;
      asyncTiles[load.getResult()] = std::move(here);
    }
    return;
  }
  if (!ring.copiesBoxes())
    waitForCopies(ring.stages - 2);
  barrier();
  if (!ring.copiesBoxes())
    shared.noteUnfenced(ring.block);
  Value ahead = induction;
  for (int64_t stage = 1; stage < ring.stages; ++stage)
    ahead = arith::AddIOp::create(b, ahead, step);
  copyAhead(ring, ahead, upper, offsetBefore(ring, offset));
  if (ring.copiesBoxes())
    waitForBoxes(ring, offset, parity);
  for (auto &[load, tile] : ring.tiles) {
    AsyncTile here;
    here.tile = tile;
    here.tile.offset = offset;
    here.tile.block.isSettled = ring.copiesBoxes();
    here.arrived = true;
    asyncTiles[load.getResult()] = std::move(here);
  }
}

void ThreadEmitter::copyInTurn(Ring &ring, Value load) {
  barrier(); // all have read it
  copyAhead(ring, ring.next, ring.upper, i32(0), load);
}

/// The buffer that was read before the one at `offset`.
Value ThreadEmitter::offsetBefore(Ring &ring, Value offset) {
  Value last = i32((ring.stages - 1) * ring.stageBytes);
  if (ring.stages == 1)
    return last;
  if (ring.stages == 2)
    return arith::SubIOp::create(b, last, offset);
  Value isFirst =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, offset, i32(0));
  Value before = arith::SubIOp::create(b, offset, i32(ring.stageBytes));
  return arith::SelectOp::create(b, isFirst, last, before);
}

/// The buffer that is read after the one at `offset`.
Value ThreadEmitter::offsetAfter(Ring &ring, Value offset) {
  if (ring.stages <= 2)
    return offsetBefore(ring, offset);
  Value next = arith::AddIOp::create(b, offset, i32(ring.stageBytes));
  Value isLast =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, offset,
                            i32((ring.stages - 1) * ring.stageBytes));
  return arith::SelectOp::create(b, isLast, i32(0), next);
}

void ThreadEmitter::endRing(Ring &ring) {
  for (auto &[load, tile] : ring.tiles)
    asyncTiles.erase(load.getResult());
  if (ring.copiesBoxes())
    endBarriers(ring);
  shared.release(ring.block);
}

} // namespace attn_grid::compiler::gpu
