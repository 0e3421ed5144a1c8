// Pointwise access (gather, scatter) and atomics.

#include "compiler/Conversion/Cpu/TileEmitter.h"

#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler::cpu {

/// Where the element that every lane names lies, and whether it is inside.
template <typename Op>
Address TileEmitter::indexedAddress(Op op, const Point &point) {
  TensorInfo info = tensor(op.getTensor());
  Address result;
  Value offset = index(0);
  auto lanes64 = [&](Value value) -> Value {
    if (isa<VectorType>(value.getType()))
      return arith::ExtSIOp::create(
          b, VectorType::get({point.lanes}, b.getI64Type()), value);
    return widen(
        b.createOrFold<arith::IndexCastOp>(b.getI64Type(), toIndex(value)),
        point.lanes);
  };
  Value laneMask, uniformMask;
  auto require = [&](Value &mask, Value condition) {
    mask = mask ? Value(arith::AndIOp::create(b, mask, condition)) : condition;
  };
  for (auto [d, i] : llvm::enumerate(op.getIndices())) {
    Value at = eval(i, point);
    Value stride = indexOf(info.strides[d]), size = indexOf(info.sizes[d]);
    if (!isa<VectorType>(at.getType())) {
      at = toIndex(at);
      require(uniformMask,
              arith::CmpIOp::create(b, arith::CmpIPredicate::ult, at, size));
      offset = addIndex(offset, mulIndex(at, stride));
      continue;
    }
    Value wide = lanes64(at);
    require(laneMask, arith::CmpIOp::create(b, arith::CmpIPredicate::ult, wide,
                                            lanes64(size)));
    Value elements = arith::MulIOp::create(b, wide, lanes64(stride));
    result.offsets =
        result.offsets
            ? Value(arith::AddIOp::create(b, result.offsets, elements))
            : elements;
    result.uniform = false;
  }
  if (op.getKeep()) {
    Value keep = eval(op.getKeep(), point);
    bool varies = isa<VectorType>(keep.getType());
    require(varies ? laneMask : uniformMask, keep);
    if (varies && result.uniform) { // one element, which some lanes want
      result.uniform = false;
      result.offsets =
          widen(constant(b.getI64Type(), b.getI64IntegerAttr(0)), point.lanes);
    }
  }
  if (laneMask && uniformMask)
    require(laneMask, widen(uniformMask, point.lanes));
  result.mask = laneMask ? laneMask : uniformMask;
  result.pointer = elementPointer(info.pointer, info.element, offset);
  return result;
}

Value TileEmitter::evalGather(GatherOp gather, const Point &point) {
  auto other = [&] { return eval(gather.getOther(), point); };
  Address at = indexedAddress(gather, point);
  Type element = getElementTypeOrSelf(gather.getResult().getType());
  if (gather.getOther())
    return readAt(at, element, point.lanes, other);
  return readAt(at, element, point.lanes, nullptr);
}

/// Calls `visit` for every point of a tile of `like`'s shape, `lanes` at a
/// time; once, without coordinates, for a scalar.
void TileEmitter::overTile(Value like, int64_t lane, int64_t lanes,
                           llvm::function_ref<void(const Point &)> visit) {
  flush();
  ArrayRef<int64_t> shape = shapeOf(like.getType());
  MemoScope scope(*this);
  if (shape.empty())
    return visit(Point());
  SmallVector<Value, 4> coords(shape.size());
  std::function<void(size_t)> nest = [&](size_t axis) {
    if (axis == shape.size())
      return visit(Point{coords, lane, lanes});
    bool wide = static_cast<int64_t>(axis) == lane;
    loop(shape[axis], wide ? lanes : 1, [&](Value i) {
      coords[axis] = i;
      nest(axis + 1);
    });
  };
  nest(0);
}

void TileEmitter::emitScatter(ScatterOp scatter) {
  Value value = scatter.getValue();
  bool tile = isa<RankedTensorType>(value.getType());
  int64_t lane = tile ? laneAxis.of(value) : -1;
  int64_t lanes = tile ? lanesFor(value, lane) : 1;
  overTile(value, lane, lanes, [&](const Point &point) {
    writeAt(indexedAddress(scatter, point), eval(value, point),
            getElementTypeOrSelf(value.getType()), lanes);
  });
}

/// One element at a time: no machine updates a vector of places atomically.
void TileEmitter::emitAtomic(AtomicOp atomic) {
  flush();
  Value value = atomic.getValue();
  Type element = getElementTypeOrSelf(value.getType());
  bool tile = isa<RankedTensorType>(value.getType());
  Buffer old;
  if (tile)
    old = makeBuffer(atomic.getOld(), laneAxis.of(atomic.getOld()));
  overTile(value, -1, 1, [&](const Point &point) {
    Address at = address(atomic, point);
    Value inside = at.mask;
    Value zero = constant(element, b.getZeroAttr(element));
    auto update = [&] {
      return atomicUpdate(atomic, at.pointer, eval(value, point));
    };
    Value before;
    if (!inside) {
      before = update();
    } else {
      auto branch = scf::IfOp::create(b, TypeRange{element}, inside,
                                      /*withElseRegion=*/true);
      before = branch.getResult(0);
      OpBuilder::InsertionGuard guard(b);
      MemoScope scope(*this);
      b.setInsertionPointToStart(&branch.getThenRegion().front());
      scf::YieldOp::create(b, update());
      b.setInsertionPointToStart(&branch.getElseRegion().front());
      scf::YieldOp::create(b, zero);
    }
    if (tile)
      storeBuffer(old, before, point);
    else
      scalars[atomic.getOld()] = before;
  });
  if (tile)
    buffers[atomic.getOld()] = old;
}

Value TileEmitter::atomicUpdate(AtomicOp atomic, Value pointer, Value value) {
  bool floats = isa<FloatType>(value.getType());
  auto kind = [&] {
    switch (atomic.getKind()) {
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
  }();
  return LLVM::AtomicRMWOp::create(b, kind, pointer, value,
                                   LLVM::AtomicOrdering::monotonic);
}

} // namespace attn_grid::compiler::cpu
