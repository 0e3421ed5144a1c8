// Loads that go from global straight to shared memory by cp.async, 16 bytes at
// a time, while the program goes on: those that only the matrix unit reads.

#include "compiler/Conversion/Gpu/LoadAhead.h"

#include "compiler/Conversion/Gpu/Alignment.h"
#include "compiler/Conversion/Gpu/Intrinsics.h"
#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

static constexpr int64_t bytesPerCopy = 16;

/// The dots that a load is a factor of, transposed perhaps if it is the second;
/// none if it has other readers too.
static SmallVector<DotOp> readers(Value load) {
  SmallVector<DotOp> dots;
  SmallVector<Value> open{load};
  while (!open.empty()) {
    Value value = open.pop_back_val();
    for (OpOperand &use : value.getUses()) {
      if (auto transpose = dyn_cast<TransposeOp>(use.getOwner())) {
        open.push_back(transpose.getResult());
        continue;
      }
      auto dot = dyn_cast<DotOp>(use.getOwner());
      unsigned operand = use.getOperandNumber();
      bool isFirst = dot && operand == dot.getLhsMutable().getOperandNumber();
      bool isSecond = dot && operand == dot.getRhsMutable().getOperandNumber();
      // A first factor from before the dot's loop is better kept in registers.
      bool isNear =
          dot &&
          dot->getParentOfType<LoopLikeOpInterface>() ==
              load.getDefiningOp()->getParentOfType<LoopLikeOpInterface>();
      if (!isSecond && (!isFirst || value != load || !isNear))
        return {};
      dots.push_back(dot);
    }
  }
  return dots;
}

bool ThreadEmitter::isAsync(LoadOp op) {
  auto type = dyn_cast<RankedTensorType>(op.getResult().getType());
  if (!type || type.getRank() != 2 || op.getKeep() || !op.getSteps().empty() ||
      (op.getOther() && !matchPattern(op.getOther(), m_AnyZeroFloat()) &&
       !matchPattern(op.getOther(), m_Zero())))
    return false;
  int64_t unit = unitStrideAxis(op.getTensor(), op.getExtents(), op.getSteps());
  if (unit != 1 || !startsAligned(op, unit, bytesPerCopy))
    return false;
  const TensorInfo &info = tensor(op.getTensor());
  if (info.argument < 0 || kernel.isWritten(info.argument))
    return false;
  SmallVector<DotOp> dots = readers(op.getResult());
  return !dots.empty() && llvm::all_of(dots, [&](DotOp dot) {
    return usesMatrixUnit(dot, target) &&
           (target.slowRings || !dotsAreSlow || !hasMaskedDots(dot));
  });
}

LinearLayout ThreadEmitter::copyLayout(LoadOp op) {
  auto type = cast<RankedTensorType>(op.getResult().getType());
  return blockedLayout(type.getShape(), 1,
                       bytesPerCopy * 8 / type.getElementTypeBitWidth(),
                       llvm::Log2_64(target.warps));
}

/// For each register how many bytes there are from its element to the end of
/// the row; empty if copies end where rows do.
SmallVector<Value> ThreadEmitter::bytesLeft(LoadOp op,
                                            const LinearLayout &layout) {
  size_t d = op.getExtents().size() - 1;
  while (op.getExtents()[d] == 0)
    --d;
  if (isKnownInside(op, d))
    return {};
  auto type = cast<MemRefType>(op.getTensor().getType());
  int64_t bytes = type.getElementTypeBitWidth() / 8;
  if (!type.isDynamicDim(d) && type.getDimSize(d) * bytes % bytesPerCopy == 0)
    return {};
  Value size = b.createOrFold<arith::TruncIOp>(
      b.getI32Type(), indexOf(tensor(op.getTensor()).sizes[d]));
  Value rest = arith::SubIOp::create(b, size, scalar(op.getIndices()[d]));
  SmallVector<Value> left = coordinates(layout, 1).sums;
  llvm::DenseMap<Value, Value> known;
  for (Value &value : left) {
    Value &sum = known[value];
    if (!sum)
      sum = arith::MulIOp::create(b, arith::SubIOp::create(b, rest, value),
                                  i32(bytes));
    value = sum;
  }
  return left;
}

/// A copy that reads nothing, and writes zeros, where `mask` is false. With a
/// number of bytes in a register there would be up to five instructions more:
/// `ptxas` makes a predicate of it, and moves the address. But there are only
/// seven predicates: this is for masks that stay the same in a loop.
static void copyWhere(ImplicitLocOpBuilder &b, Value to, Value from,
                      Value mask) {
  Value ignored = arith::XOrIOp::create(
      b, mask, arith::ConstantOp::create(b, b.getBoolAttr(true)));
  inlinePtx(b, "cp.async.cg.shared.global [$0], [$1], 16, $2;",
            "r,l,b,~{memory}", nullptr,
            {LLVM::PtrToIntOp::create(b, b.getI32Type(), to), from, ignored},
            /*sideEffects=*/true);
}

void ThreadEmitter::copyToShared(LoadOp op, const SharedTile &tile) {
  LinearLayout layout = copyLayout(op);
  Access from = access(op, layout, /*apart=*/true);
  SmallVector<Value> to = sharedPointers(tile, layout, 0);
  unsigned perCopy = bytesPerCopy * 8 / tile.element.getIntOrFloatBitWidth();
  SmallVector<Value> left = bytesLeft(op, layout);
  auto emit = [&] {
    for (unsigned reg = 0; reg < layout.registers(); reg += perCopy) {
      // What is not read is 0.
      Value mask = from.masks[reg];
      if (mask && left.empty() && op->hasAttr(insideAttr)) {
        copyWhere(b, to[reg], from.pointers[reg], mask);
      } else if (mask) {
        Value most = i32(bytesPerCopy);
        if (!left.empty())
          most = arith::MinSIOp::create(b, most, left[reg]);
        Value bytes = arith::SelectOp::create(b, mask, most, i32(0));
        callIntrinsic(b, "llvm.nvvm.cp.async.cg.shared.global.16.s", nullptr,
                      {to[reg], from.pointers[reg], bytes});
      } else {
        callIntrinsic(b, "llvm.nvvm.cp.async.cg.shared.global.16", nullptr,
                      {to[reg], from.pointers[reg]});
      }
    }
  };
  Value owner = isOwner(layout);
  if (!owner)
    return emit();
  auto branch = scf::IfOp::create(b, TypeRange{}, owner, false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.getThenRegion().front().getTerminator());
  emit();
}

void ThreadEmitter::commitCopies() {
  callIntrinsic(b, "llvm.nvvm.cp.async.commit.group", nullptr, {});
  ++copyGroups;
}

void ThreadEmitter::waitForCopies(unsigned pending) {
  callIntrinsic(b, "llvm.nvvm.cp.async.wait.group", nullptr, {i32(pending)});
}

AsyncTile ThreadEmitter::asyncTile(LoadOp op, const SharedTile &tile) {
  AsyncTile copy;
  copy.tile = tile;
  for (DotOp dot : readers(op.getResult())) {
    Operation *user = op->getBlock()->findAncestorOpInBlock(*dot);
    if (!copy.first || user->isBeforeInBlock(copy.first))
      copy.first = user;
    if (!copy.last || copy.last->isBeforeInBlock(user))
      copy.last = user;
  }
  return copy;
}

void ThreadEmitter::emitAsyncLoad(LoadOp op) {
  auto type = cast<RankedTensorType>(op.getResult().getType());
  SharedTile tile;
  tile.element = type.getElementType();
  tile.shape.assign(type.getShape().begin(), type.getShape().end());
  tile.block = allocateShared(op, type.getNumElements() *
                                      type.getElementTypeBitWidth() / 8);
  beforeSharedWrite(tile.block);
  copyToShared(op, tile);
  commitCopies();
  AsyncTile copy = asyncTile(op, tile);
  copy.group = copyGroups;
  asyncTiles[op.getResult()] = std::move(copy);
}

/// Waits for what `op` reads, or an operation in it.
void ThreadEmitter::beforeUses(Operation *op) {
  for (auto &[load, copy] : asyncTiles) {
    if (copy.arrived || copy.first != op)
      continue;
    copy.arrived = true;
    if (copy.turns) {
      waitForBoxes(*copy.turns, i32(0), copy.turns->parity, load);
      continue;
    }
    waitForCopies(copyGroups - copy.group);
    shared.noteWrite(copy.tile.block);
  }
}

void ThreadEmitter::afterUses(Operation *op) {
  asyncTiles.remove_if([&](auto &entry) {
    auto &[load, copy] = entry;
    if (copy.last != op)
      return false;
    if (copy.turns)
      copyInTurn(*copy.turns, load);
    else
      shared.release(copy.tile.block);
    return true;
  });
}

const SharedTile *ThreadEmitter::sharedTileOf(Value load) {
  if (auto held = heldFactors.find(load); held != heldFactors.end())
    return &held->second;
  auto it = asyncTiles.find(load);
  return it == asyncTiles.end() ? nullptr : &it->second.tile;
}

} // namespace attn_grid::compiler::gpu
