// What becomes a buffer, and what stays an expression.

#include "compiler/Conversion/Cpu/TileEmitter.h"

#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler::cpu {

/// Rough cost of one operation, in plain vector instructions.
static int costOf(Operation *op) {
  if (isa<math::AbsFOp, math::FmaOp, math::FloorOp, math::CeilOp,
          math::RoundEvenOp>(op))
    return 1;
  if (op->getName().getDialectNamespace() == "math")
    return 12;
  if (isa<arith::DivFOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp,
          arith::RemUIOp, arith::RemFOp>(op))
    return 12;
  Type element = getElementTypeOrSelf(op->getResult(0).getType());
  if (isa<FloatType>(element) && element.getIntOrFloatBitWidth() < 32)
    return 6; // rounds
  return 1;
}

/// Values that cost nothing to compute again.
static bool isFree(Operation *op) {
  return isa<arith::ConstantOp, tensor::SplatOp, IotaOp, BroadcastOp,
             TransposeOp, ReshapeOp>(op);
}

int TileEmitter::inlinedCost(Value value, int limit) {
  Operation *op = value.getDefiningOp();
  if (limit <= 0 || !op || buffers.count(value) ||
      !isa<RankedTensorType>(value.getType()))
    return 0;
  if (isa<LoadOp>(op))
    return 1;
  if (isa<GatherOp, PhiloxOp>(op))
    return 20;
  int cost = isFree(op) ? 0 : costOf(op);
  for (Value operand : op->getOperands()) {
    if (cost >= limit)
      break;
    cost += inlinedCost(operand, limit - cost);
  }
  return cost;
}

/// Whether a load or gather reads a tensor that the kernel writes: then it
/// happens where it stands, not where it is used.
bool TileEmitter::readsWritten(Operation *op) {
  Value base = isa<LoadOp>(op) ? cast<LoadOp>(op).getTensor()
                               : cast<GatherOp>(op).getTensor();
  while (Operation *view = base.getDefiningOp())
    base = view->getOperand(0);
  auto argument = dyn_cast<BlockArgument>(base);
  return !argument || argument.getOwner()->getParentOp() != kernel ||
         kernel.isWritten(argument.getArgNumber());
}

/// All elements of such a load are a box in memory, at any time.
bool TileEmitter::isPlain(LoadOp load) {
  if (load.getKeep() || load.getOther() || readsWritten(load))
    return false;
  for (Value step : load.getSteps())
    if (!matchPattern(step, m_One()))
      return false;
  return llvm::none_of(load.getIndices().getTypes(),
                       [](Type type) { return isa<RankedTensorType>(type); });
}

/// A dot can read such a load's elements where they lie.
bool TileEmitter::isDirect(LoadOp load) {
  Type element = getElementTypeOrSelf(load.getResult().getType());
  return element == registerType(element) && !element.isInteger(1) &&
         isPlain(load);
}

/// The dots that read `value` as a factor or as a mask, through transposes.
static bool feedsDot(Value value, Block *&deepest) {
  bool found = false;
  for (OpOperand &use : value.getUses()) {
    if (auto transpose = dyn_cast<TransposeOp>(use.getOwner()))
      found |= feedsDot(transpose.getResult(), deepest);
    auto dot = dyn_cast<DotOp>(use.getOwner());
    if (dot && use.getOperandNumber() != 2) {
      deepest = dot->getBlock();
      found = true;
    }
  }
  return found;
}

bool TileEmitter::shouldMaterialize(Value value) {
  Operation *op = value.getDefiningOp();
  if (isa<DotOp, ReduceOp>(op))
    return true;
  if (isa<GatherOp>(op) && readsWritten(op))
    return true;
  bool usedDeeper = false, broadcast = false;
  llvm::SmallPtrSet<Operation *, 4> users(value.user_begin(), value.user_end());
  for (Operation *user : users) {
    usedDeeper |=
        user->getBlock() != op->getBlock() && !isa<scf::YieldOp>(user);
    broadcast |= isa<BroadcastOp>(user);
  }
  int uses = users.size();
  Block *dotBlock = nullptr;
  bool factor = feedsDot(value, dotBlock);
  if (auto load = dyn_cast<LoadOp>(op)) {
    if (readsWritten(load))
      return true;
    // Dots of pairs read it where it lies, or pack what they need.
    SmallVector<Packing> packings;
    if (factor && collectPackings(value, false, packings))
      return dotBlock != op->getBlock();
    if (factor)
      return uses > 1 || dotBlock != op->getBlock() || !isDirect(load);
    // Lanes that lie apart in memory: better a block at a time than a gather.
    bool turned = transposedAxis({Root::Kind::materialize, op, value}) >= 0;
    return uses > 1 || usedDeeper || broadcast || turned;
  }
  if (isa<TransposeOp>(op))
    return false; // read through
  if (factor)
    return true;
  if (isFree(op))
    return false;
  int cost = inlinedCost(value, 12);
  if (broadcast && isa<FloatType>(getElementTypeOrSelf(value.getType())))
    return true;
  if (uses > 1 && cost >= 10)
    return true;
  return usedDeeper && cost > 2;
}

/// Fills a buffer with `value`, here or in a nest with others.
void TileEmitter::materialize(Value value) {
  std::optional<Packing> packing = packingOf(value);
  bool inNest =
      !packing || (packing->pairs && !isa<LoadOp>(value.getDefiningOp()) &&
                   laneAxis.of(value) == packing->freeAxis);
  if (inNest)
    return addRoot({Root::Kind::materialize, value.getDefiningOp(), value});
  Buffer buffer = makePacked(value, *packing);
  packInto(buffer, value);
  buffers[value] = buffer;
}

Buffer TileEmitter::makeBuffer(Value like, int64_t lane) {
  return makeBufferOfType(cast<RankedTensorType>(like.getType()), lane);
}

/// `element` is what memory holds, else that of registers.
Buffer TileEmitter::makeBufferOfType(RankedTensorType tile, int64_t lane,
                                     Type element) {
  Buffer buffer;
  buffer.element = element ? element : registerType(tile.getElementType());
  buffer.shape.assign(tile.getShape().begin(), tile.getShape().end());
  buffer.laneAxis = lane;
  buffer.strides.resize(tile.getRank());
  int64_t stride = 1;
  buffer.strides[lane] = stride;
  stride *= buffer.shape[lane];
  for (int64_t axis = tile.getRank() - 1; axis >= 0; --axis)
    if (axis != lane) {
      buffer.strides[axis] = stride;
      stride *= buffer.shape[axis];
    }
  int64_t bits = memoryType(buffer.element).getIntOrFloatBitWidth();
  // A vector beyond the end is never read: extents and lanes are powers of two.
  bufferBytes.push_back(stride * bits / 8);
  buffer.pointer = bodyBlock->addArgument(
      LLVM::LLVMPointerType::get(b.getContext()), b.getLoc());
  return buffer;
}

} // namespace attn_grid::compiler::cpu
