// Tensors in global memory: where the elements of an access lie, which of them
// may be touched, and the loads and stores that do it.

#include "compiler/Conversion/Gpu/ThreadEmitter.h"

#include "compiler/Analysis/StaticRanges.h"
#include "compiler/Conversion/Gpu/AccessBuilder.h"
#include "compiler/Conversion/Gpu/Alignment.h"
#include "compiler/Conversion/Gpu/GlobalMemory.h"
#include "compiler/Conversion/Places.h"
#include "dialect/Verify.h"
#include "dialect/Views.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

Value ThreadEmitter::toI64(Value value) {
  if (value.getType().isInteger(64))
    return value;
  if (value.getType().isIndex())
    return b.createOrFold<arith::IndexCastOp>(b.getI64Type(), value);
  return b.createOrFold<arith::ExtSIOp>(b.getI64Type(), value);
}

/// An i64.
Value ThreadEmitter::indexOf(OpFoldResult value) {
  if (auto constant = getConstantIntValue(value))
    return i64(*constant);
  return toI64(cast<Value>(value));
}

const TensorInfo &ThreadEmitter::tensor(Value memref) {
  auto it = numbers.tensors.find(memref);
  if (it != numbers.tensors.end())
    return it->second;
  TensorInfo info;
  auto keepConstant = [&](OpFoldResult value) -> OpFoldResult {
    if (auto constant = getConstantIntValue(value))
      return b.getIndexAttr(*constant);
    return toI64(scalar(cast<Value>(value)));
  };
  auto advance = [&](Value pointer, Value offset) -> Value {
    if (matchPattern(offset, m_Zero()))
      return pointer;
    Type memory = info.element.isInteger(1) ? b.getI8Type() : info.element;
    return LLVM::GEPOp::create(b, pointer.getType(), memory, pointer,
                               ValueRange{offset});
  };
  info.element = cast<MemRefType>(memref.getType()).getElementType();
  if (auto cast = memref.getDefiningOp<memref::ReinterpretCastOp>()) {
    info.argument = llvm::cast<BlockArgument>(cast.getSource()).getArgNumber();
    info.pointer =
        advance(scalar(cast.getSource()),
                indexOf(keepConstant(cast.getMixedOffsets().front())));
    for (OpFoldResult size : cast.getMixedSizes())
      info.sizes.push_back(keepConstant(size));
    for (OpFoldResult stride : cast.getMixedStrides())
      info.strides.push_back(keepConstant(stride));
  } else if (auto view = memref.getDefiningOp<memref::SubViewOp>()) {
    TensorInfo source = tensor(view.getSource());
    info.argument = source.argument;
    Value offset = i64(0);
    llvm::SmallBitVector dropped = droppedDims(view);
    for (size_t d = 0; d < source.sizes.size(); ++d) {
      Value stride = indexOf(source.strides[d]);
      Value at = indexOf(keepConstant(view.getMixedOffsets()[d]));
      offset = b.createOrFold<arith::AddIOp>(
          offset, b.createOrFold<arith::MulIOp>(at, stride));
      if (dropped.test(d))
        continue;
      info.sizes.push_back(keepConstant(view.getMixedSizes()[d]));
      OpFoldResult step = keepConstant(view.getMixedStrides()[d]);
      if (isConstantIntValue(step, 1))
        info.strides.push_back(source.strides[d]);
      else
        info.strides.push_back(
            Value(arith::MulIOp::create(b, stride, indexOf(step))));
    }
    info.pointer = advance(source.pointer, offset);
  } else {
    fail(memref.getDefiningOp() ? memref.getDefiningOp() : kernel,
         "a tensor must come from memref.reinterpret_cast or memref.subview");
    info.pointer =
        LLVM::ZeroOp::create(b, LLVM::LLVMPointerType::get(b.getContext(), 1));
  }
  return numbers.tensors[memref] = info;
}

/// A kernel's accesses to what it also writes happen in the program's order,
/// whichever thread does them.
void ThreadEmitter::touchGlobal(const TensorInfo &info, bool isWrite) {
  if (info.argument < 0 || !kernel.isWritten(info.argument))
    return;
  // What is only written needs an order too: a later store wins.
  unsigned &touched = globalTouched[info.argument];
  if ((isWrite && touched) || (!isWrite && (touched & 2)))
    barrier();
  globalTouched[info.argument] |= isWrite ? 2 : 1;
}

static Type memoryType(Type element) {
  return element.isInteger(1) ? IntegerType::get(element.getContext(), 8)
                              : element;
}

template <typename Op>
Access ThreadEmitter::access(Op op, const LinearLayout &layout, bool apart) {
  TensorInfo info = tensor(op.getTensor());
  AccessBuilder builder(b, layout.registers(), isRegular(info));
  int64_t axis = -1;
  for (auto [d, extent] : llvm::enumerate(op.getExtents())) {
    axis += extent != 0;
    Value i = op.getIndices()[d];
    Value stride = indexOf(info.strides[d]);
    bool dense =
        op.getSteps().empty() || matchPattern(op.getSteps()[d], m_One());
    bool inside =
        dense && (isKnownInside(op, d) ||
                  provablyInside(op.getTensor(), d, i, extent, info.sizes[d]));
    SmallVector<Value> at;
    if (isa<RankedTensorType>(i.getType())) {
      LinearLayout full = layout.project({axis}, {extent});
      const ThreadTile &list = get(i, full.withoutCopies());
      for (unsigned reg = 0; reg < layout.registers(); ++reg)
        at.push_back(list.regs[full.withoutCopies(reg)]);
      builder.addDimension(at, stride);
    } else if (!extent) {
      at.push_back(scalar(i));
      builder.addUniform(at.front(), stride);
    } else if (!dense) {
      at = coordinates(layout, axis).sums;
      Value start = toI64(scalar(i)), step = toI64(scalar(op.getSteps()[d]));
      for (Value &coordinate : at)
        coordinate = arith::AddIOp::create(
            b, start, arith::MulIOp::create(b, toI64(coordinate), step));
      builder.addDimension(at, stride);
    } else {
      Coordinates places = coordinates(layout, axis);
      at = places.sums;
      Value start = matchPattern(i, m_Zero()) ? Value() : scalar(i);
      bool mayBeNegative = start && StaticRanges().of(i).min < 0;
      builder.addDimension(places, stride, start, mayBeNegative, apart);
      if (!inside && places.separate && !mayBeNegative) {
        builder.requireBelow(places, start, indexOf(info.sizes[d]));
        continue;
      }
      if (start && !inside)
        shift(at, start);
    }
    if (!inside)
      builder.requireBelow(at, indexOf(info.sizes[d]));
  }
  if (op.getKeep()) {
    const ThreadTile &keep = get(op.getKeep(), layout);
    for (unsigned reg = 0; reg < layout.registers(); ++reg)
      builder.require(reg, keep.regs[reg]);
  }
  Access result = builder.finish(info.pointer, memoryType(info.element), apart);
  result.invariant = info.argument >= 0 && !kernel.isWritten(info.argument);
  return result;
}

/// Adds `start` to each of the values `at`, to equal ones once.
void ThreadEmitter::shift(MutableArrayRef<Value> at, Value start) {
  llvm::DenseMap<Value, Value> known;
  for (Value &value : at) {
    Value &sum = known[value];
    if (!sum)
      sum = arith::AddIOp::create(b, start, value);
    value = sum;
  }
}

template <typename Op>
Access ThreadEmitter::indexedAccess(Op op, const LinearLayout &layout) {
  TensorInfo info = tensor(op.getTensor());
  AccessBuilder builder(b, layout.registers(), isRegular(info));
  for (auto [d, i] : llvm::enumerate(op.getIndices())) {
    const ThreadTile &at = get(i, layout);
    builder.addDimension(at.regs, indexOf(info.strides[d]));
    builder.requireBelow(at.regs, indexOf(info.sizes[d]));
  }
  if (op.getKeep())
    for (auto [reg, keep] : llvm::enumerate(get(op.getKeep(), layout).regs))
      builder.require(reg, keep);
  Access result = builder.finish(info.pointer, memoryType(info.element));
  result.invariant = info.argument >= 0 && !kernel.isWritten(info.argument);
  return result;
}

/// How many registers in a row lie along the axis where elements are adjacent.
static unsigned contiguousRegisters(const LinearLayout &layout, int64_t unit) {
  if (unit < 0)
    return 1;
  unsigned bits = 0;
  while (bits < layout.reg().size() &&
         layout.reg()[bits] == layout.flat(1u << bits, unit) &&
         (1 << bits) < layout.shape()[unit])
    ++bits;
  return 1u << bits;
}

/// Whether a mask is surely the same all along an axis of its tile.
static bool isSameAlong(Value mask, int64_t axis, unsigned depth = 8) {
  Operation *op = mask.getDefiningOp();
  if (!op || depth-- == 0)
    return false;
  if (auto broadcast = dyn_cast<BroadcastOp>(op)) {
    ArrayRef<int64_t> shape = shapeOf(broadcast.getInput().getType());
    for (auto [from, to] : llvm::enumerate(broadcast.getAxes()))
      if (static_cast<int64_t>(to) == axis && shape[from] != 1)
        return isSameAlong(broadcast.getInput(), from, depth);
    return true;
  }
  if (isa<arith::AndIOp, arith::OrIOp>(op))
    return isSameAlong(op->getOperand(0), axis, depth) &&
           isSameAlong(op->getOperand(1), axis, depth);
  return isa<tensor::SplatOp>(op) || matchPattern(mask, m_Constant());
}

/// How many elements at a time an access has in memory: those that are masked
/// each on their own one by one.
template <typename Op> static int64_t vectorOf(Op op, int64_t unit) {
  Value keep = op.getKeep();
  return !keep || (unit >= 0 && isSameAlong(keep, unit))
             ? vectorElements(op, unit)
             : 1;
}

ThreadTile ThreadEmitter::read(Operation *op, const Access &at, Type element,
                               Value other, const LinearLayout &layout) {
  ThreadTile result{layout, {}};
  for (unsigned reg = 0; reg < layout.registers(); reg += at.vector) {
    SmallVector<Value> values =
        readGlobal(b, at.pointers[reg], at.masks[reg], memoryType(element),
                   at.vector, at.invariant);
    result.regs.append(values);
  }
  if (element.isInteger(1))
    for (Value &value : result.regs)
      value = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, value,
                                    zeroOf(b.getI8Type()));
  if (other) {
    const ThreadTile &instead = get(other, layout);
    for (unsigned reg = 0; reg < layout.registers(); ++reg)
      if (Value mask = at.masks[reg])
        result.regs[reg] = arith::SelectOp::create(b, mask, result.regs[reg],
                                                   instead.regs[reg]);
  }
  return result;
}

void ThreadEmitter::write(const Access &at, const ThreadTile &value,
                          Type element) {
  Value owner = isOwner(value.layout);
  for (unsigned reg = 0; reg < value.layout.registers(); reg += at.vector) {
    Value mask = at.masks[reg];
    if (owner)
      mask = mask ? Value(arith::AndIOp::create(b, mask, owner)) : owner;
    SmallVector<Value> elements(value.regs.begin() + reg,
                                value.regs.begin() + reg + at.vector);
    if (element.isInteger(1))
      for (Value &bit : elements)
        bit = arith::ExtUIOp::create(b, b.getI8Type(), bit);
    writeGlobal(b, at.pointers[reg], mask, elements);
  }
}

ThreadTile ThreadEmitter::emitLoad(LoadOp op, const LinearLayout &layout) {
  touchGlobal(tensor(op.getTensor()), /*isWrite=*/false);
  Access at = access(op, layout);
  int64_t unit = unitStrideAxis(op.getTensor(), op.getExtents(), op.getSteps());
  at.vector =
      std::min<unsigned>(vectorOf(op, unit), contiguousRegisters(layout, unit));
  return read(op, at, getElementTypeOrSelf(op.getResult().getType()),
              op.getOther(), layout);
}

ThreadTile ThreadEmitter::emitGather(GatherOp op, const LinearLayout &layout) {
  touchGlobal(tensor(op.getTensor()), /*isWrite=*/false);
  return read(op, indexedAccess(op, layout),
              getElementTypeOrSelf(op.getResult().getType()), op.getOther(),
              layout);
}

void ThreadEmitter::emitStore(StoreOp op) {
  Value value = op.getValue();
  Type element = getElementTypeOrSelf(value.getType());
  LinearLayout layout = homeOf(value);
  int64_t unit = unitStrideAxis(op.getTensor(), op.getExtents(), op.getSteps());
  unsigned vector = vectorOf(op, unit);
  int64_t perThread = layout.elements() / (32 * target.warps);
  // Through shared memory, if that makes wide stores of narrow ones.
  if (vector > 1 && perThread >= vector &&
      contiguousRegisters(layout, unit) < vector) {
    layout = blockedLayout(layout.shape(), unit, vector, layout.warp().size());
  } else if (!layouts.find(value) && isa<RankedTensorType>(value.getType())) {
    layout = blockedLayout(
        layout.shape(), unit < 0 ? layout.shape().size() - 1 : unit,
        std::max<int64_t>(1, std::min<int64_t>(vector, perThread)),
        layout.warp().size());
  }
  ThreadTile tile = get(value, layout);
  Access at = access(op, layout);
  at.vector = std::min<unsigned>(vector, contiguousRegisters(layout, unit));
  touchGlobal(tensor(op.getTensor()), /*isWrite=*/true);
  write(at, tile, element);
}

void ThreadEmitter::emitScatter(ScatterOp op) {
  LinearLayout layout = homeOf(op.getValue());
  ThreadTile tile = get(op.getValue(), layout);
  Access at = indexedAccess(op, layout);
  touchGlobal(tensor(op.getTensor()), /*isWrite=*/true);
  write(at, tile, getElementTypeOrSelf(op.getValue().getType()));
}

static LLVM::AtomicBinOp atomicKind(AtomicKind kind, bool floats) {
  switch (kind) {
  case AtomicKind::add:
    return floats ? LLVM::AtomicBinOp::fadd : LLVM::AtomicBinOp::add;
  case AtomicKind::min:
    return floats ? LLVM::AtomicBinOp::fmin : LLVM::AtomicBinOp::min;
  case AtomicKind::max:
    return floats ? LLVM::AtomicBinOp::fmax : LLVM::AtomicBinOp::max;
  case AtomicKind::umin:
    return LLVM::AtomicBinOp::umin;
  case AtomicKind::umax:
    return LLVM::AtomicBinOp::umax;
  }
  return LLVM::AtomicBinOp::add;
}

void ThreadEmitter::emitAtomic(AtomicOp op) {
  Value value = op.getValue();
  Type element = getElementTypeOrSelf(value.getType());
  LinearLayout layout = homeOf(op.getOld());
  ThreadTile tile = get(value, layout), old{layout, {}};
  Access at = access(op, layout);
  touchGlobal(tensor(op.getTensor()), /*isWrite=*/true);
  Value owner = isOwner(layout);
  auto kind = atomicKind(op.getKind(), isa<FloatType>(element));
  for (unsigned reg = 0; reg < layout.registers(); ++reg) {
    Value mask = at.masks[reg];
    if (owner)
      mask = mask ? Value(arith::AndIOp::create(b, mask, owner)) : owner;
    auto update = [&] {
      return LLVM::AtomicRMWOp::create(b, kind, at.pointers[reg],
                                       tile.regs[reg],
                                       LLVM::AtomicOrdering::monotonic);
    };
    if (!mask) {
      old.regs.push_back(update());
      continue;
    }
    Value zero = zeroOf(element);
    auto branch = scf::IfOp::create(b, TypeRange{element}, mask,
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&branch.getThenRegion().front());
    scf::YieldOp::create(b, ValueRange{update()});
    b.setInsertionPointToStart(&branch.getElseRegion().front());
    scf::YieldOp::create(b, ValueRange{zero});
    old.regs.push_back(branch.getResult(0));
  }
  // The thread that acted tells those that hold copies.
  if (owner && !op.getOld().use_empty()) {
    SharedTile place = makeShared(op, old);
    old = loadShared(place, layout);
    shared.release(place.block);
  }
  setResult(op.getOld(), std::move(old));
}

template Access ThreadEmitter::access(LoadOp op, const LinearLayout &layout,
                                      bool apart);

} // namespace attn_grid::compiler::gpu
