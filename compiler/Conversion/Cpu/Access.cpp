// Tensors in memory, and buffers: where a point's elements lie, which of them
// may be touched, and the loads and stores that do it.

#include "compiler/Conversion/Cpu/TileEmitter.h"

#include "compiler/Conversion/Places.h"

#include "dialect/Verify.h"
#include "dialect/Views.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler::cpu {

static unsigned bytesOf(Type memoryElement) {
  return (memoryElement.getIntOrFloatBitWidth() + 7) / 8;
}

Value TileEmitter::indexOf(OpFoldResult value) {
  if (auto constant = getConstantIntValue(value))
    return index(*constant);
  return cast<Value>(value);
}

const TensorInfo &TileEmitter::tensor(Value memref) {
  auto it = tensors.find(memref);
  if (it != tensors.end())
    return it->second;
  TensorInfo info;
  auto keepConstant = [&](OpFoldResult value) -> OpFoldResult {
    if (auto constant = getConstantIntValue(value))
      return b.getIndexAttr(*constant);
    return scalar(cast<Value>(value));
  };
  info.element = cast<MemRefType>(memref.getType()).getElementType();
  if (auto cast = memref.getDefiningOp<memref::ReinterpretCastOp>()) {
    info.pointer = scalar(cast.getSource());
    if (!isConstantIntValue(cast.getMixedOffsets().front(), 0))
      info.pointer =
          elementPointer(info.pointer, info.element,
                         indexOf(keepConstant(cast.getMixedOffsets().front())));
    for (OpFoldResult size : cast.getMixedSizes())
      info.sizes.push_back(keepConstant(size));
    for (OpFoldResult stride : cast.getMixedStrides())
      info.strides.push_back(keepConstant(stride));
  } else if (auto view = memref.getDefiningOp<memref::SubViewOp>()) {
    TensorInfo source = tensor(view.getSource());
    Value offset = index(0);
    llvm::SmallBitVector dropped = droppedDims(view);
    for (size_t d = 0; d < source.sizes.size(); ++d) {
      Value stride = indexOf(source.strides[d]);
      offset = addIndex(
          offset,
          mulIndex(indexOf(keepConstant(view.getMixedOffsets()[d])), stride));
      if (dropped.test(d))
        continue;
      info.sizes.push_back(keepConstant(view.getMixedSizes()[d]));
      OpFoldResult step = keepConstant(view.getMixedStrides()[d]);
      if (isConstantIntValue(step, 1))
        info.strides.push_back(source.strides[d]);
      else
        info.strides.push_back(mulIndex(stride, indexOf(step)));
    }
    info.pointer = elementPointer(source.pointer, info.element, offset);
  } else {
    fail(memref.getDefiningOp() ? memref.getDefiningOp() : kernel,
         "a tensor must come from memref.reinterpret_cast or memref.subview");
  }
  return tensors[memref] = info;
}

Value TileEmitter::elementPointer(Value pointer, Type element, Value offset) {
  if (matchPattern(offset, m_Zero()))
    return pointer;
  Value wide = b.createOrFold<arith::IndexCastOp>(b.getI64Type(), offset);
  return LLVM::GEPOp::create(b, pointer.getType(), memoryType(element), pointer,
                             ValueRange{wide});
}

/// Where the tile of a plain load begins, in elements; and the strides of its
/// axes, one of `strides` for each.
Value TileEmitter::boxOffset(LoadOp load, const TensorInfo &info,
                             MutableArrayRef<OpFoldResult> strides) {
  size_t axis = 0;
  Value offset = index(0);
  for (auto [d, i] : llvm::enumerate(load.getIndices())) {
    if (load.getExtents()[d])
      strides[axis++] = info.strides[d];
    offset = addIndex(offset,
                      mulIndex(toIndex(scalar(i)), indexOf(info.strides[d])));
  }
  return offset;
}

/// Which axis of the result has elements that are adjacent in memory, or -1.
int64_t TileEmitter::unitStrideAxis(Value memref, ArrayRef<int64_t> extents,
                                    OperandRange steps) {
  const TensorInfo &info = tensor(memref);
  int64_t axis = 0;
  for (auto [d, extent] : llvm::enumerate(extents)) {
    if (extent == 0)
      continue;
    if (d < info.strides.size() && isConstantIntValue(info.strides[d], 1) &&
        (steps.empty() || matchPattern(steps[d], m_One())))
      return axis;
    ++axis;
  }
  return -1;
}

/// Whether the elements of an access lie inside its tensor, as one i1 that is
/// cheap to compute; null if that cannot be said. `always`: known while
/// compiling. `needed`, if given, says for each axis of the tile how many of
/// its elements matter.
template <typename Op>
Value TileEmitter::inBounds(Op op, bool &always, ArrayRef<int64_t> needed) {
  TensorInfo info = tensor(op.getTensor());
  always = true;
  Value all;
  size_t axis = 0;
  for (auto [d, i] : llvm::enumerate(op.getIndices())) {
    int64_t extent = op.getExtents()[d];
    if (extent && axis < needed.size())
      extent = std::max<int64_t>(needed[axis], 1);
    axis += op.getExtents()[d] != 0;
    bool dense =
        op.getSteps().empty() || matchPattern(op.getSteps()[d], m_One());
    if (dense && provablyInside(op.getTensor(), d, i, extent, info.sizes[d]))
      continue;
    always = false;
    if (isa<RankedTensorType>(i.getType()) || (!dense && extent))
      return nullptr;
    // 0 <= i and i + extent <= size, as one unsigned comparison.
    Value first = toIndex(scalar(i));
    Value size = indexOf(info.sizes[d]);
    Value room = extent > 1
                     ? Value(arith::SubIOp::create(b, size, index(extent - 1)))
                     : size;
    Value inside = arith::CmpIOp::create(
        b, arith::CmpIPredicate::ult, first,
        extent > 1 ? Value(arith::MaxSIOp::create(b, room, index(0))) : room);
    all = all ? Value(arith::AndIOp::create(b, all, inside)) : inside;
  }
  return all;
}
template Value TileEmitter::inBounds(LoadOp, bool &, ArrayRef<int64_t>);
template Value TileEmitter::inBounds(StoreOp, bool &, ArrayRef<int64_t>);

template <typename Op> Address TileEmitter::address(Op op, const Point &point) {
  TensorInfo info = tensor(op.getTensor());
  bool proven = provenInBounds.contains(op);
  Address result;
  Value offset = index(0);
  Value uniformMask, laneMask;
  auto require = [&](Value &mask, Value condition) {
    mask = mask ? Value(arith::AndIOp::create(b, mask, condition)) : condition;
  };
  auto i64Vector = [&] {
    return VectorType::get({point.lanes}, b.getI64Type());
  };
  auto splat64 = [&](Value value) {
    return widen(
        b.createOrFold<arith::IndexCastOp>(b.getI64Type(), toIndex(value)),
        point.lanes);
  };
  int64_t axis = 0;
  for (auto [d, i] : llvm::enumerate(op.getIndices())) {
    int64_t extent = op.getExtents()[d];
    Value stride = indexOf(info.strides[d]);
    Value size = indexOf(info.sizes[d]);
    bool inside =
        proven ||
        ((op.getSteps().empty() || matchPattern(op.getSteps()[d], m_One())) &&
         provablyInside(op.getTensor(), d, i, extent, info.sizes[d]));
    Value step;
    if (!op.getSteps().empty() && extent &&
        !matchPattern(op.getSteps()[d], m_One()))
      step = toIndex(scalar(op.getSteps()[d]));
    bool list = isa<RankedTensorType>(i.getType());
    bool varies = extent && point.variesAlong(axis);
    if (!varies) {
      Value at;
      if (list) {
        at = toIndex(eval(i, Point{{point.coords[axis]}, -1, 1}));
      } else {
        at = toIndex(scalar(i));
        if (extent) {
          Value along = point.coords[axis];
          at = addIndex(at, step ? mulIndex(along, step) : along);
        }
      }
      if (!inside)
        require(uniformMask,
                arith::CmpIOp::create(b, arith::CmpIPredicate::ult, at, size));
      offset = addIndex(offset, mulIndex(at, stride));
    } else if (list || step) {
      // Each lane has its own element.
      Value at;
      if (list) {
        at = arith::ExtSIOp::create(
            b, i64Vector(),
            eval(i, Point{{point.coords[axis]}, 0, point.lanes}));
      } else {
        Value lanes = arith::ExtSIOp::create(
            b, i64Vector(),
            evalIota(Point{{point.coords[axis]}, 0, point.lanes}));
        at = arith::AddIOp::create(
            b, arith::MulIOp::create(b, lanes, splat64(step)),
            splat64(scalar(i)));
      }
      if (!inside)
        require(laneMask, arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                                at, splat64(size)));
      Value elements = arith::MulIOp::create(b, at, splat64(stride));
      result.offsets =
          result.offsets
              ? Value(arith::AddIOp::create(b, result.offsets, elements))
              : elements;
      result.uniform = false;
    } else {
      Value at = addIndex(toIndex(scalar(i)), point.coords[axis]);
      if (!inside) {
        // Lanes from -at up to size - at are inside.
        auto clamp = [&](Value value) -> Value {
          Value low = arith::MaxSIOp::create(b, value, index(0));
          Value cut = arith::MinSIOp::create(b, low, index(point.lanes));
          return widen(arith::IndexCastOp::create(b, b.getI32Type(), cut),
                       point.lanes);
        };
        Value lanes = evalIota(Point{{index(0)}, 0, point.lanes});
        Value first = clamp(arith::SubIOp::create(b, index(0), at));
        Value end = clamp(arith::SubIOp::create(b, size, at));
        require(laneMask, arith::CmpIOp::create(b, arith::CmpIPredicate::sge,
                                                lanes, first));
        require(laneMask, arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                                lanes, end));
      }
      offset = addIndex(offset, mulIndex(at, stride));
      result.uniform = false;
      if (!isConstantIntValue(info.strides[d], 1)) {
        Value lanes = arith::ExtSIOp::create(
            b, i64Vector(), evalIota(Point{{index(0)}, 0, point.lanes}));
        Value elements = arith::MulIOp::create(b, lanes, splat64(stride));
        result.offsets =
            result.offsets
                ? Value(arith::AddIOp::create(b, result.offsets, elements))
                : elements;
      }
    }
    if (extent)
      ++axis;
  }
  if (op.getKeep()) {
    Value keep = eval(op.getKeep(), point);
    if (isa<VectorType>(keep.getType())) {
      require(laneMask, keep);
      if (result.uniform) { // one element, of which some lanes want none
        result.uniform = false;
        result.offsets = widen(constant(b.getI64Type(), b.getI64IntegerAttr(0)),
                               point.lanes);
      }
    } else {
      require(uniformMask, keep);
    }
  }
  if (laneMask && uniformMask)
    require(laneMask, widen(uniformMask, point.lanes));
  result.mask = laneMask ? laneMask : uniformMask;
  result.pointer = elementPointer(info.pointer, info.element, offset);
  return result;
}

/// The pointers of lanes that are `offsets` elements from `pointer`.
static Value lanePointers(ImplicitLocOpBuilder &b, const Address &at,
                          Type memory) {
  auto lanes = cast<VectorType>(at.offsets.getType()).getDimSize(0);
  return LLVM::GEPOp::create(b, VectorType::get({lanes}, at.pointer.getType()),
                             memory, at.pointer, ValueRange{at.offsets});
}

/// The mask of an address as a vector of `lanes`.
static Value maskVector(ImplicitLocOpBuilder &b, Value mask, int64_t lanes) {
  if (!mask)
    mask = arith::ConstantOp::create(b, b.getBoolAttr(true));
  if (isa<VectorType>(mask.getType()))
    return mask;
  return vector::BroadcastOp::create(b, VectorType::get({lanes}, b.getI1Type()),
                                     mask);
}

Value TileEmitter::readAt(const Address &at, Type element, int64_t lanes,
                          llvm::function_ref<Value()> other) {
  Type memory = memoryType(element);
  unsigned align = bytesOf(memory);
  if (!at.mask && at.uniform)
    return fromMemory(LLVM::LoadOp::create(b, memory, at.pointer, align),
                      element);
  lanes = at.uniform ? 1 : lanes;
  auto type = VectorType::get({lanes}, memory);
  if (!at.mask && !at.offsets)
    return fromMemory(LLVM::LoadOp::create(b, type, at.pointer, align),
                      element);
  Value mask = maskVector(b, at.mask, lanes);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  Value raw;
  if (at.offsets)
    raw = LLVM::masked_gather::create(b, type, lanePointers(b, at, memory),
                                      mask, ValueRange{zero}, align);
  else
    raw = LLVM::MaskedLoadOp::create(b, type, at.pointer, mask, zero, align);
  if (lanes == 1)
    raw = vector::ExtractOp::create(b, raw, 0);
  Value result = fromMemory(raw, element);
  if (!other)
    return result;
  Value condition =
      lanes == 1 ? Value(vector::ExtractOp::create(b, mask, 0)) : mask;
  // One element for all lanes may still have a replacement for each.
  Value replacement = other();
  if (auto vector = dyn_cast<VectorType>(replacement.getType()))
    lanes = vector.getDimSize(0);
  return arith::SelectOp::create(b, widen(condition, lanes),
                                 widen(result, lanes),
                                 widen(replacement, lanes));
}

void TileEmitter::writeAt(const Address &at, Value value, Type element,
                          int64_t lanes) {
  Type memory = memoryType(element);
  unsigned align = bytesOf(memory);
  lanes = at.uniform ? 1 : lanes;
  if (lanes == 1 && isa<VectorType>(value.getType()))
    // Every lane names the same element: one write wins.
    value = vector::ExtractOp::create(
        b, value, cast<VectorType>(value.getType()).getDimSize(0) - 1);
  Value raw = toMemory(widen(value, lanes), element);
  if (!at.mask && !at.offsets) {
    LLVM::StoreOp::create(b, raw, at.pointer, align);
    return;
  }
  if (lanes == 1)
    raw = vector::BroadcastOp::create(b, VectorType::get({1}, memory), raw);
  Value mask = maskVector(b, at.mask, lanes);
  if (at.offsets)
    LLVM::masked_scatter::create(b, raw, lanePointers(b, at, memory), mask,
                                 align);
  else
    LLVM::MaskedStoreOp::create(b, raw, at.pointer, mask, align);
}

template Address TileEmitter::address(AtomicOp, const Point &);

Value TileEmitter::evalLoad(LoadOp load, const Point &point) {
  auto other = [&] { return eval(load.getOther(), point); };
  Type element = getElementTypeOrSelf(load.getResult().getType());
  Address at = address(load, point);
  if (load.getOther())
    return readAt(at, element, point.lanes, other);
  return readAt(at, element, point.lanes, nullptr);
}

void TileEmitter::storePoint(StoreOp store, Value value, const Point &point) {
  writeAt(address(store, point), value,
          getElementTypeOrSelf(store.getValue().getType()), point.lanes);
}

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

Value TileEmitter::bufferPointer(const Buffer &buffer, const Point &point) {
  Value offset = index(0);
  for (auto [stride, coord] : llvm::zip(buffer.strides, point.coords))
    offset = addIndex(offset, mulIndex(coord, index(stride)));
  return elementPointer(buffer.pointer, buffer.element, offset);
}

/// What a buffer's element is in a register: masks come back as i1.
static bool isMask(const Buffer &buffer) { return buffer.element.isInteger(1); }

Value TileEmitter::loadBuffer(const Buffer &buffer, const Point &point) {
  if (buffer.pairAxis >= 0)
    return loadPacked(buffer, point);
  bool varies = point.lanes > 1;
  Type memory = memoryType(buffer.element);
  Value pointer = bufferPointer(buffer, point);
  Type type = memory;
  Value raw;
  if (!varies || point.laneAxis == buffer.laneAxis) {
    if (varies)
      type = VectorType::get({point.lanes}, memory);
    raw = LLVM::LoadOp::create(b, type, pointer, bytesOf(memory));
  } else {
    SmallVector<Value> elements;
    for (int64_t lane = 0; lane < point.lanes; ++lane)
      elements.push_back(LLVM::LoadOp::create(
          b, memory,
          elementPointer(pointer, buffer.element,
                         index(lane * buffer.strides[point.laneAxis])),
          bytesOf(memory)));
    raw = vector::FromElementsOp::create(
        b, VectorType::get({point.lanes}, memory), elements);
  }
  if (buffer.isPacked())
    return fromMemory(raw, buffer.element);
  if (!isMask(buffer))
    return raw;
  // Ours are 0 or 1. Asked this way round, the mask of a multiply-add is one
  // comparison, with nothing to invert.
  Value one =
      widen(constant(b.getI8Type(), b.getI8IntegerAttr(1)), point.lanes);
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, raw, one);
}

void TileEmitter::storeBuffer(const Buffer &buffer, Value value,
                              const Point &point) {
  value = widen(value, point.lanes);
  if (isMask(buffer))
    value = toMemory(value, buffer.element);
  Type memory = memoryType(buffer.element);
  Value pointer = bufferPointer(buffer, point);
  if (point.lanes == 1 || point.laneAxis == buffer.laneAxis) {
    LLVM::StoreOp::create(b, value, pointer, bytesOf(memory));
    return;
  }
  for (int64_t lane = 0; lane < point.lanes; ++lane)
    LLVM::StoreOp::create(
        b, vector::ExtractOp::create(b, value, lane),
        elementPointer(pointer, buffer.element,
                       index(lane * buffer.strides[point.laneAxis])),
        bytesOf(memory));
}

} // namespace attn_grid::compiler::cpu
