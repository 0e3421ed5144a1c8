// Tensors in memory: where elements lie, and what is read and written. Outside
// a tensor there is nothing: 0 (or `other`) is read, and nothing is written.

#include "compiler/Reference/Interpreter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace attn_grid::compiler::reference {

/// A size, stride or offset that is a constant or a value.
static int64_t numberOf(Interpreter &run, OpFoldResult value) {
  if (auto attribute = dyn_cast<Attribute>(value))
    return cast<IntegerAttr>(attribute).getInt();
  return run[cast<Value>(value)].whole();
}

static LogicalResult runView(Interpreter &run, memref::ReinterpretCastOp view) {
  Tensor tensor = run.tensor(view.getSource());
  tensor.pointer +=
      numberOf(run, view.getMixedOffsets().front()) * bytesOf(tensor.element);
  tensor.sizes.clear();
  tensor.strides.clear();
  for (OpFoldResult size : view.getMixedSizes())
    tensor.sizes.push_back(numberOf(run, size));
  for (OpFoldResult stride : view.getMixedStrides())
    tensor.strides.push_back(numberOf(run, stride));
  run.setTensor(view.getResult(), std::move(tensor));
  return success();
}

static LogicalResult runView(Interpreter &run, memref::SubViewOp view) {
  const Tensor source = run.tensor(view.getSource());
  Tensor tensor{source.element, source.pointer, {}, {}};
  llvm::SmallBitVector dropped = view.getDroppedDims();
  for (size_t d = 0; d < source.sizes.size(); ++d) {
    tensor.pointer += numberOf(run, view.getMixedOffsets()[d]) *
                      source.strides[d] * bytesOf(source.element);
    if (dropped.test(d))
      continue;
    tensor.sizes.push_back(numberOf(run, view.getMixedSizes()[d]));
    tensor.strides.push_back(numberOf(run, view.getMixedStrides()[d]) *
                             source.strides[d]);
  }
  run.setTensor(view.getResult(), std::move(tensor));
  return success();
}

/// The element of a load's, store's or atomic's tensor that `place` of its
/// tile names; null if it is outside or not kept. Indices are added in 64 bits.
template <typename Op>
static char *elementOf(Interpreter &run, Op op, const Place &place) {
  Place indices;
  size_t axis = 0;
  for (auto [d, index] : llvm::enumerate(op.getIndices())) {
    const Tile &at = run[index];
    if (op.getExtents()[d] == 0) {
      indices.push_back(at.whole());
      continue;
    }
    int64_t along = place[axis++];
    int64_t step = op.getSteps().empty() ? 1 : run[op.getSteps()[d]].whole();
    indices.push_back(at.shape.empty() ? at.whole() + along * step
                                       : at.elements[along].whole);
  }
  if (op.getKeep() && !run[op.getKeep()].at(place).whole)
    return nullptr;
  return run.tensor(op.getTensor()).find(indices);
}

/// The same for a gather or scatter, whose indices are tiles of one shape.
template <typename Op>
static char *pointOf(Interpreter &run, Op op, const Place &place) {
  Place indices;
  for (Value index : op.getIndices()) {
    const Tile &at = run[index];
    indices.push_back(at.shape.empty() ? at.whole() : at.at(place).whole);
  }
  if (op.getKeep() && !run[op.getKeep()].at(place).whole)
    return nullptr;
  return run.tensor(op.getTensor()).find(indices);
}

using Locate = llvm::function_ref<char *(const Place &)>;

static LogicalResult read(Interpreter &run, Value result, Value other,
                          Locate locate) {
  Tile tile(result.getType());
  forEachPlace(tile.shape, [&](const Place &place) {
    if (char *pointer = locate(place))
      tile.at(place) = readNumber(pointer, tile.element);
    else if (other)
      tile.at(place) = run[other].at(place);
  });
  run.set(result, std::move(tile));
  return success();
}

static LogicalResult write(Interpreter &run, Value value, Locate locate) {
  const Tile &tile = run[value];
  forEachPlace(tile.shape, [&](const Place &place) {
    if (char *pointer = locate(place))
      writeNumber(pointer, tile.at(place), tile.element);
  });
  return success();
}

static Number update(ir::AtomicKind kind, Number old, Number with,
                     Type element) {
  bool floats = isa<FloatType>(element);
  switch (kind) {
  case ir::AtomicKind::add:
    return floats ? Number::of(roundTo(old.real + with.real, element))
                  : Number::of(wrap(__int128(old.whole) + with.whole, element));
  case ir::AtomicKind::min:
    return (floats ? with.real < old.real : with.whole < old.whole) ? with
                                                                    : old;
  case ir::AtomicKind::max:
    return (floats ? with.real > old.real : with.whole > old.whole) ? with
                                                                    : old;
  case ir::AtomicKind::umin:
    return asUnsigned(with.whole, element) < asUnsigned(old.whole, element)
               ? with
               : old;
  case ir::AtomicKind::umax:
    return asUnsigned(with.whole, element) > asUnsigned(old.whole, element)
               ? with
               : old;
  }
  return old;
}

static LogicalResult runAtomic(Interpreter &run, ir::AtomicOp atomic) {
  const Tile value = run[atomic.getValue()];
  Tile old(atomic.getOld().getType());
  forEachPlace(value.shape, [&](const Place &place) {
    char *pointer = elementOf(run, atomic, place);
    if (!pointer)
      return;
    Number before = readNumber(pointer, value.element);
    old.at(place) = before;
    writeNumber(
        pointer,
        update(atomic.getKind(), before, value.at(place), value.element),
        value.element);
  });
  run.set(atomic.getOld(), std::move(old));
  return success();
}

Handled runMemory(Interpreter &run, Operation *op) {
  if (auto view = dyn_cast<memref::ReinterpretCastOp>(op))
    return runView(run, view);
  if (auto view = dyn_cast<memref::SubViewOp>(op))
    return runView(run, view);
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    const Place &sizes = run.tensor(dim.getSource()).sizes;
    int64_t d = run[dim.getIndex()].whole();
    if (d < 0 || d >= static_cast<int64_t>(sizes.size()))
      return op->emitError("the tensor has no dimension ") << d;
    Tile size(dim.getType());
    size.elements.front() = Number::of(sizes[d]);
    run.set(dim.getResult(), std::move(size));
    return success();
  }
  if (auto load = dyn_cast<ir::LoadOp>(op))
    return read(
        run, load.getResult(), load.getOther(),
        [&](const Place &place) { return elementOf(run, load, place); });
  if (auto store = dyn_cast<ir::StoreOp>(op))
    return write(run, store.getValue(), [&](const Place &place) {
      return elementOf(run, store, place);
    });
  if (auto gather = dyn_cast<ir::GatherOp>(op))
    return read(
        run, gather.getResult(), gather.getOther(),
        [&](const Place &place) { return pointOf(run, gather, place); });
  if (auto scatter = dyn_cast<ir::ScatterOp>(op))
    return write(run, scatter.getValue(), [&](const Place &place) {
      return pointOf(run, scatter, place);
    });
  if (auto atomic = dyn_cast<ir::AtomicOp>(op))
    return runAtomic(run, atomic);
  return std::nullopt;
}

} // namespace attn_grid::compiler::reference
