// Loop nests. Roots over the same axes are collected into a group and share
// one nest: filling a buffer, reducing, storing.

#include "compiler/Conversion/Cpu/TileEmitter.h"

#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler::cpu {

//===----------------------------------------------------------------------===//
// Building a group
//===----------------------------------------------------------------------===//

/// The axes that a root reduces; none for other kinds.
static ArrayRef<int64_t> reducedAxes(const Root &root) {
  if (root.kind != Root::Kind::reduce)
    return {};
  return cast<ReduceOp>(root.op).getAxes();
}

/// Whether a reduction keeps a place beside each value.
static bool tracksPosition(ReduceKind kind) {
  return kind == ReduceKind::argmin || kind == ReduceKind::argmax;
}

/// Whether the root reads or writes memory that the kernel writes.
bool TileEmitter::touchesWritten(const Root &root) {
  return root.kind == Root::Kind::store ||
         (isa<LoadOp, GatherOp>(root.op) && readsWritten(root.op));
}

/// Whether computing `value` needs something that the open group makes in a
/// way that one pass over its axes cannot give: the result of a reduction, or
/// another element than the one at hand.
bool TileEmitter::dependsOnGroup(Value value, bool sameElement) {
  if (buffers.count(value))
    return false;
  for (const Root &root : group)
    if (root.kind != Root::Kind::store && root.op->getResult(0) == value)
      return root.kind == Root::Kind::reduce || !sameElement;
  Operation *op = value.getDefiningOp();
  if (!op || scalars.count(value))
    return false;
  bool keeps = sameElement && !isa<BroadcastOp, TransposeOp, ReshapeOp>(op);
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    return dependsOnGroup(operand, keeps);
  });
}

bool TileEmitter::canJoin(const Root &root) {
  if (group.empty())
    return true;
  const Root &first = group.front();
  int64_t pairAxis = pairAxisOf(root);
  if (pairAxis >= 0 && llvm::any_of(group, [&](const Root &other) {
        int64_t axis = pairAxisOf(other);
        return axis >= 0 && axis != pairAxis;
      }))
    return false;
  if (shapeOf(first.input.getType()) != shapeOf(root.input.getType()) ||
      laneAxis.of(first.input) != laneAxis.of(root.input))
    return false;
  for (int64_t a = 0, e = shapeOf(root.input.getType()).size(); a < e; ++a)
    if (demand.demanded(first.input, a) != demand.demanded(root.input, a))
      return false;
  for (const Root &other : group) {
    if (other.kind == Root::Kind::reduce && root.kind == Root::Kind::reduce &&
        reducedAxes(other) != reducedAxes(root))
      return false;
    // Reads and writes of memory stay in the order of the program.
    if (touchesWritten(other) && touchesWritten(root))
      return false;
  }
  if (root.kind != Root::Kind::materialize)
    return !dependsOnGroup(root.input, true) &&
           (root.kind != Root::Kind::store ||
            llvm::none_of(
                root.op->getOperands().drop_front(),
                [&](Value operand) { return dependsOnGroup(operand, false); }));
  return llvm::none_of(root.op->getOperands(), [&](Value operand) {
    bool same = !isa<BroadcastOp, TransposeOp, ReshapeOp, LoadOp>(root.op);
    return dependsOnGroup(operand, same);
  });
}

void TileEmitter::addRoot(Root root) {
  bool alone = transposedAxis(root) >= 0;
  if (alone || !canJoin(root))
    flush();
  group.push_back(root);
  if (alone)
    flush();
}

//===----------------------------------------------------------------------===//
// Emitting loops
//===----------------------------------------------------------------------===//

void TileEmitter::loop(int64_t upper, int64_t step, Body body) {
  loopCarrying(upper, step, {}, [&](Value i, ValueRange) {
    body(i);
    return SmallVector<Value>();
  });
}

SmallVector<Value> TileEmitter::loopCarrying(int64_t upper, int64_t step,
                                             ValueRange init, CarryBody body) {
  if (upper <= step) { // one pass, or none
    if (upper <= 0)
      return SmallVector<Value>(init);
    return body(index(0), init);
  }
  auto op = scf::ForOp::create(b, index(0), index(upper), index(step), init);
  OpBuilder::InsertionGuard guard(b);
  MemoScope scope(*this);
  b.setInsertionPointToStart(op.getBody());
  SmallVector<Value> next = body(op.getInductionVar(), op.getRegionIterArgs());
  if (!init.empty())
    scf::YieldOp::create(b, next);
  return SmallVector<Value>(op.getResults());
}

int64_t TileEmitter::lanesFor(Value tile, int64_t lane) {
  Type element = getElementTypeOrSelf(tile.getType());
  Type inRegister = registerType(element);
  // Masks and small integers go with the 32-bit values they belong to.
  int64_t bits = std::max<int64_t>(32, inRegister.getIntOrFloatBitWidth());
  return std::min(target_.vectorBits / bits, shapeOf(tile.getType())[lane]);
}

/// A buffer that computing the root reads for the last time, element by
/// element: the result may take its place. The probabilities thus overwrite
/// the scores, and stay in the first-level cache.
std::optional<Buffer> TileEmitter::deadOperand(const Root &root,
                                               ArrayRef<Root> roots) {
  if (root.kind != Root::Kind::materialize)
    return std::nullopt;
  Value result = root.op->getResult(0);
  auto fits = [&](Value value) {
    const Buffer &buffer = buffers.find(value)->second;
    return value.getDefiningOp() &&
           value.getDefiningOp()->getBlock() == root.op->getBlock() &&
           !value.getDefiningOp()->getNumRegions() &&
           buffer.element ==
               registerType(getElementTypeOrSelf(result.getType())) &&
           ArrayRef<int64_t>(buffer.shape) == shapeOf(result.getType()) &&
           buffer.laneAxis == laneAxis.of(result) && !isLoopCarried(buffer) &&
           mayOverwrite(value, root.op);
  };
  // Only this root may need what it overwrites.
  if (llvm::any_of(roots, [&](const Root &other) {
        return other.op != root.op && !buffers.count(other.input) &&
               other.input != result;
      }))
    return std::nullopt;
  std::function<std::optional<Buffer>(Value)> find =
      [&](Value value) -> std::optional<Buffer> {
    if (buffers.count(value))
      return fits(value) ? std::optional(buffers[value]) : std::nullopt;
    Operation *op = value.getDefiningOp();
    if (!op || !isa<RankedTensorType>(value.getType()) ||
        isa<BroadcastOp, TransposeOp, ReshapeOp, LoadOp, GatherOp>(op))
      return std::nullopt;
    for (Value operand : op->getOperands())
      if (auto found = find(operand))
        return found;
    return std::nullopt;
  };
  return find(result);
}

/// Whether a loop or a branch hands the buffer on.
bool TileEmitter::isLoopCarried(const Buffer &buffer) {
  return handedOn.contains(buffer.pointer);
}

void TileEmitter::flush() {
  if (group.empty() || emitting)
    return;
  SmallVector<Root> roots;
  std::swap(roots, group);

  // All accesses inside: masks are needed only where the tile sticks out of
  // its tensor, so emit the nest twice and choose once.
  SmallVector<Operation *> accesses;
  llvm::SmallDenseSet<Value> seen;
  std::function<void(Value)> collect = [&](Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || buffers.count(value) || !seen.insert(value).second ||
        !isa<RankedTensorType>(value.getType()))
      return;
    if (isa<LoadOp>(op))
      accesses.push_back(op);
    for (Value operand : op->getOperands())
      collect(operand);
  };
  for (const Root &root : roots) {
    if (root.kind == Root::Kind::store)
      accesses.push_back(root.op);
    collect(root.input);
    for (Value operand : root.op->getOperands())
      collect(operand);
  }
  Value all;
  bool worthIt = true;
  SmallVector<Operation *> proving;
  for (Operation *op : accesses) {
    if (provenInBounds.contains(op))
      continue;
    bool always;
    Value inside = isa<LoadOp>(op) ? inBounds(cast<LoadOp>(op), always)
                                   : inBounds(cast<StoreOp>(op), always);
    if (!always && !inside)
      worthIt = false;
    if (!inside)
      continue;
    all = all ? Value(arith::AndIOp::create(b, all, inside)) : inside;
    proving.push_back(op);
  }

  SmallVector<Operation *> results;
  SmallVector<Type> types;
  for (const Root &root : roots)
    if (root.kind == Root::Kind::reduce &&
        !isa<RankedTensorType>(root.op->getResult(0).getType())) {
      results.push_back(root.op);
      types.push_back(registerType(root.op->getResult(0).getType()));
    }
  // Buffers exist before the nest: both versions fill the same.
  SmallVector<Buffer> filled;
  for (const Root &root : roots) {
    filled.emplace_back();
    if (root.kind == Root::Kind::store ||
        !isa<RankedTensorType>(root.op->getResult(0).getType()))
      continue;
    Value result = root.op->getResult(0);
    if (pairAxisOf(root) >= 0) {
      filled.back() = makePacked(result, *packingOf(result));
      continue;
    }
    std::optional<Buffer> dead = deadOperand(root, roots);
    filled.back() = dead ? *dead : makeBuffer(result, laneAxis.of(result));
  }
  auto nest = [&] {
    MemoScope scope(*this);
    std::swap(group, roots);
    groupBuffers = filled;
    emitting = true;
    SmallVector<Value> values = emitGroup();
    emitting = false;
    std::swap(group, roots);
    return values;
  };
  SmallVector<Value> values;
  if (all && worthIt) {
    auto choice = scf::IfOp::create(b, types, all, /*withElseRegion=*/true);
    for (bool inside : {true, false}) {
      OpBuilder::InsertionGuard guard(b);
      MemoScope scope(*this);
      Region &region = inside ? choice.getThenRegion() : choice.getElseRegion();
      // An scf.if without results comes with its terminators.
      if (types.empty())
        b.setInsertionPoint(region.front().getTerminator());
      else
        b.setInsertionPointToStart(&region.front());
      if (inside)
        provenInBounds.insert(proving.begin(), proving.end());
      SmallVector<Value> inner = nest();
      for (Operation *op : proving)
        provenInBounds.erase(op);
      if (!types.empty())
        scf::YieldOp::create(b, inner);
    }
    values.assign(choice.result_begin(), choice.result_end());
  } else {
    values = nest();
  }
  for (auto [op, value] : llvm::zip(results, values))
    scalars[op->getResult(0)] = value;
  for (auto [root, buffer] : llvm::zip(roots, filled))
    if (buffer.pointer)
      buffers[root.op->getResult(0)] = buffer;
}

/// The nest over the group's axes: kept axes outside, then the reduced ones;
/// lanes innermost within their part, several vectors at a time.
SmallVector<Value> TileEmitter::emitGroup() {
  const Root &first = group.front();
  if (transposedAxis(first) >= 0) {
    emitTransposed(first, groupBuffers.front());
    return {};
  }
  ArrayRef<int64_t> shape = shapeOf(first.input.getType());
  int64_t lane = laneAxis.of(first.input);
  int64_t lanes = INT64_MAX;
  ArrayRef<int64_t> reduced;
  bool anyPosition = false;
  int64_t pairAxis = -1;
  for (const Root &root : group) {
    pairAxis = std::max(pairAxis, pairAxisOf(root));
    lanes = std::min(lanes, lanesFor(root.input, lane));
    if (root.kind != Root::Kind::reduce)
      continue;
    reduced = reducedAxes(root);
    anyPosition |= tracksPosition(cast<ReduceOp>(root.op).getKind());
  }
  auto extent = [&](int64_t axis) {
    int64_t need = std::max<int64_t>(demand.demanded(first.input, axis), 1);
    return axis == lane       ? llvm::alignTo(need, lanes)
           : axis == pairAxis ? llvm::alignTo(need, 2)
                              : need;
  };
  int64_t vectors = extent(lane) / lanes;
  int64_t unroll = vectors % 4 == 0 ? 4 : vectors % 2 == 0 ? 2 : 1;
  bool overLanes = llvm::is_contained(reduced, lane);
  if (anyPosition && overLanes)
    unroll = 1;

  SmallVector<int64_t> outer, inner;
  for (int64_t axis = 0, e = shape.size(); axis < e; ++axis)
    if (axis != lane)
      (llvm::is_contained(reduced, axis) ? inner : outer).push_back(axis);
  (overLanes ? inner : outer).push_back(lane);
  auto step = [&](int64_t axis) {
    return axis == lane ? lanes * unroll : axis == pairAxis ? 2 : 1;
  };

  SmallVector<Value> coords(shape.size());
  SmallVector<Value> scalarResults;
  std::function<SmallVector<Value>(size_t, SmallVector<Value>)> reduceLoops =
      [&](size_t depth, SmallVector<Value> partial) -> SmallVector<Value> {
    if (depth == inner.size()) {
      emitBody(coords, lanes, unroll, pairAxis, partial);
      return partial;
    }
    int64_t axis = inner[depth];
    return loopCarrying(
        extent(axis), step(axis), partial, [&](Value i, ValueRange carried) {
          coords[axis] = i;
          return reduceLoops(depth + 1, SmallVector<Value>(carried));
        });
  };
  std::function<void(size_t)> keptLoops = [&](size_t depth) {
    if (depth < outer.size()) {
      int64_t axis = outer[depth];
      return loop(extent(axis), step(axis), [&](Value i) {
        coords[axis] = i;
        keptLoops(depth + 1);
      });
    }
    SmallVector<Value> partial;
    for (const Root &root : group)
      if (root.kind == Root::Kind::reduce)
        for (int64_t u = 0; u < unroll; ++u) {
          auto op = cast<ReduceOp>(root.op);
          partial.push_back(identity(op, lanes));
          if (tracksPosition(op.getKind()))
            partial.push_back(
                widen(constant(b.getI32Type(), b.getI32IntegerAttr(0)), lanes));
        }
    partial = reduceLoops(0, partial);
    size_t at = 0;
    for (auto [i, root] : llvm::enumerate(group)) {
      if (root.kind != Root::Kind::reduce)
        continue;
      auto op = cast<ReduceOp>(root.op);
      size_t count = unroll * (tracksPosition(op.getKind()) ? 2 : 1);
      finishReduction(op, groupBuffers[i], ArrayRef(partial).slice(at, count),
                      coords, lanes, overLanes, scalarResults);
      at += count;
    }
  };
  keptLoops(0);
  return scalarResults;
}

/// One point of every root and its `unroll` - 1 neighbours along the lanes; and
/// the same again one further along `pairAxis`, if there is one.
void TileEmitter::emitBody(const SmallVector<Value> &coords, int64_t lanes,
                           int64_t unroll, int64_t pairAxis,
                           SmallVectorImpl<Value> &partial) {
  int64_t lane = laneAxis.of(group.front().input);
  SmallVector<Point> points;
  for (int64_t half = 0; half < (pairAxis >= 0 ? 2 : 1); ++half)
    for (int64_t u = 0; u < unroll; ++u) {
      Point point{SmallVector<Value, 4>(coords.begin(), coords.end()), lane,
                  lanes};
      point.coords[lane] = addIndex(coords[lane], index(u * lanes));
      if (half)
        point.coords[pairAxis] = addIndex(coords[pairAxis], index(half));
      points.push_back(point);
    }
  MutableArrayRef<Value> sums(partial);
  for (auto [i, root] : llvm::enumerate(SmallVector<Root>(group))) {
    const Buffer &buffer = groupBuffers[i];
    switch (root.kind) {
    case Root::Kind::materialize:
      if (buffer.pairAxis >= 0) {
        for (int64_t u = 0; u < unroll; ++u)
          storePair(buffer, pairOf(root.input, points[u], points[unroll + u]),
                    points[u]);
        break;
      }
      for (const Point &point : points) {
        Value value = widen(evalDefinition(root.input, point), lanes);
        remember(root.input, point, value);
        storeBuffer(buffer, value, point);
      }
      break;
    case Root::Kind::store:
      for (const Point &point : points)
        storePoint(cast<StoreOp>(root.op), eval(root.input, point), point);
      break;
    case Root::Kind::reduce: {
      auto op = cast<ReduceOp>(root.op);
      int64_t each = tracksPosition(op.getKind()) ? 2 : 1;
      for (auto [p, point] : llvm::enumerate(points)) {
        Value value = widen(eval(root.input, point), lanes);
        Value &sum = sums[p % unroll * each];
        if (each == 2) {
          takeBest(op, value, point, sum, sums[p % unroll * each + 1]);
          continue;
        }
        if (op.getKind() == ReduceKind::sum)
          value = sumElement(
              value, getElementTypeOrSelf(op.getResult().getType()), lanes);
        sum = combine(op.getKind(), sum, value);
      }
      sums = sums.drop_front(unroll * each);
      break;
    }
    }
  }
}

/// Calls `move` for every point of `buffer` that is demanded of `value`.
void TileEmitter::overBuffer(const Buffer &buffer, Value value,
                             llvm::function_ref<void(const Point &)> move) {
  int64_t lanes = lanesFor(value, buffer.laneAxis);
  int64_t rank = buffer.shape.size();
  SmallVector<Value, 4> coords(rank);
  std::function<void(int64_t)> nest = [&](int64_t axis) {
    if (axis == rank) {
      move(Point{coords, buffer.laneAxis, lanes});
      return;
    }
    int64_t need = std::max<int64_t>(demand.demanded(value, axis), 1);
    bool lane = axis == buffer.laneAxis;
    loop(lane ? llvm::alignTo(need, lanes) : need, lane ? lanes : 1,
         [&](Value i) {
           coords[axis] = i;
           nest(axis + 1);
         });
  };
  MemoScope scope(*this);
  nest(0);
}

/// Fills `buffer` with `value`, whatever it is.
void TileEmitter::materializeInto(const Buffer &buffer, Value value) {
  flush();
  overBuffer(buffer, value, [&](const Point &point) {
    storeBuffer(buffer, eval(value, point), point);
  });
}

/// Copies a buffer that holds `value` to another of its shape.
void TileEmitter::copyBuffer(const Buffer &from, const Buffer &to,
                             Value value) {
  overBuffer(to, value, [&](const Point &point) {
    storeBuffer(to, loadBuffer(from, point), point);
  });
}

} // namespace attn_grid::compiler::cpu
