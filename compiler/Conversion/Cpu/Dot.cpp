// Dots: a block of the result is held in registers over the whole contraction.
//
// With the result's rows in lanes, one step k of the innermost loop is
//
//     for each of 4 columns c: x = broadcast(rhs[k, c])
//       for each of 4 vectors v: acc[c][v] += lhs[v's rows, k] * x
//
// 4 vector loads and 4 broadcasts feed 16 multiply-adds, and nothing but the
// result is stored. The broadcast side is read where it lies, in any strides;
// the vector side lies with its lanes adjacent. With the result's columns in
// lanes, the two sides change roles. (cpu.md: this shape reached 0.9 of the
// peak by hand, others less.)

#include "compiler/Conversion/Cpu/TileEmitter.h"

#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler::cpu {

/// Where a dot reads its operand, whose axis `freeAxis` is not contracted. If
/// `lanesAreFree`, elements along that axis are adjacent.
///
/// A load that is read where it lies must be inside its tensor; at the border
/// a copy, filled with zeros, takes its place. That is decided once per dot, at
/// run time, so that the inner loop never asks.
///
/// The vector side of a dot is gone through `passes` times. If its steps along
/// the contraction are so far apart in memory that they meet in few sets of the
/// first-level cache, every pass would fetch it from the next one: then the
/// copy pays for itself.
Window TileEmitter::window(Value operand, int64_t freeAxis, bool lanesAreFree,
                           int64_t passes) {
  constexpr int64_t worthCopying = 8, farApart = 1024;
  while (auto transpose = operand.getDefiningOp<TransposeOp>()) {
    freeAxis = transpose.getPermutation()[freeAxis];
    operand = transpose.getInput();
  }
  auto ofBuffer = [&](const Buffer &buffer) {
    return Window{buffer.pointer, index(buffer.strides[freeAxis]),
                  index(buffer.strides[1 - freeAxis]), buffer.element};
  };
  auto known = buffers.find(operand);
  if (known != buffers.end() && !known->second.isPacked() &&
      (!lanesAreFree || known->second.laneAxis == freeAxis))
    return ofBuffer(known->second);

  auto load = operand.getDefiningOp<LoadOp>();
  bool always = false;
  Value inside, close;
  Window direct;
  if (load && known == buffers.end() && isDirect(load)) {
    TensorInfo info = tensor(load.getTensor());
    OpFoldResult strides[2];
    Value offset = boxOffset(load, info, strides);
    if (!lanesAreFree || isConstantIntValue(strides[freeAxis], 1)) {
      // Only what the dot reads has to be inside, not the padding.
      SmallVector<int64_t> needed;
      for (int64_t a : {0, 1}) {
        needed.push_back(demand.demanded(operand, a));
        if (lanesAreFree && a == freeAxis)
          needed.back() =
              llvm::alignTo(needed.back(), lanesFor(operand, freeAxis));
      }
      inside = inBounds(load, always, needed);
      direct = Window{elementPointer(info.pointer, info.element, offset),
                      indexOf(strides[freeAxis]),
                      indexOf(strides[1 - freeAxis]), info.element};
      bool mayCopy = lanesAreFree && passes >= worthCopying &&
                     !isConstantIntValue(strides[1 - freeAxis],
                                         shapeOf(operand.getType())[freeAxis]);
      if (always && !mayCopy)
        return direct;
      if (mayCopy && (always || inside)) {
        int64_t bytes =
            llvm::divideCeil(info.element.getIntOrFloatBitWidth(), 8);
        close = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                      direct.kStride, index(farApart / bytes));
      }
    }
  }
  int64_t lane = lanesAreFree ? freeAxis : laneAxis.of(operand);
  Buffer copy = makeBuffer(operand, lane);
  Window copied = ofBuffer(copy);
  if (!inside && !close) {
    materializeInto(copy, operand);
    return copied;
  }
  auto values = [](const Window &window) {
    return SmallVector<Value>{window.pointer, window.freeStride,
                              window.kStride};
  };
  auto choose = [&](Value condition, auto then, auto otherwise) {
    SmallVector<Type> types{direct.pointer.getType(), b.getIndexType(),
                            b.getIndexType()};
    auto choice = scf::IfOp::create(b, types, condition, true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&choice.getThenRegion().front());
    scf::YieldOp::create(b, then());
    b.setInsertionPointToStart(&choice.getElseRegion().front());
    scf::YieldOp::create(b, otherwise());
    return SmallVector<Value>(choice.getResults());
  };
  auto copyAll = [&] {
    materializeInto(copy, operand);
    return values(copied);
  };
  auto whereInside = [&] {
    if (!close)
      return values(direct);
    return choose(
        close, [&] { return values(direct); },
        [&] {
          bool added = provenInBounds.insert(load).second;
          SmallVector<Value> result = copyAll();
          if (added)
            provenInBounds.erase(load);
          return result;
        });
  };
  SmallVector<Value> chosen =
      inside ? choose(inside, whereInside, copyAll) : whereInside();
  return {chosen[0], chosen[1], chosen[2], direct.element};
}

void TileEmitter::emitDot(DotOp dot) {
  flush();
  Value result = dot.getResult();
  std::optional<Destination> target = destination(result);
  Buffer buffer = target && mayOverwrite(target->carried, dot)
                      ? target->buffer
                      : makeBuffer(result, laneAxis.of(result));
  if (isPaired(dot))
    emitPairedDot(dot, buffer);
  else
    emitPlainDot(dot, buffer, /*isRare=*/false);
  buffers[result] = buffer;
}

/// `isRare`: little code matters more than speed.
void TileEmitter::emitPlainDot(DotOp dot, const Buffer &buffer, bool isRare) {
  bool rowsInLanes = buffer.laneAxis == 0;
  DotTiling tiling = tilingOf(dot, buffer);
  if (isRare)
    tiling.wide = tiling.tall = 1;
  int64_t passes = tiling.others / tiling.tall;
  Window rows = window(dot.getLhs(), 0, rowsInLanes, passes);
  Window columns = window(dot.getRhs(), 1, !rowsInLanes, passes);
  dotTiles(dot, buffer, rows, columns, tiling, /*pairs=*/false);
}

DotTiling TileEmitter::tilingOf(DotOp dot, const Buffer &buffer) {
  Value result = dot.getResult();
  int64_t lane = buffer.laneAxis;
  DotTiling tiling;
  tiling.lanes = lanesFor(result, lane);
  tiling.vectors = llvm::divideCeil(
      std::max<int64_t>(demand.demanded(result, lane), 1), tiling.lanes);
  tiling.others = std::max<int64_t>(demand.demanded(result, 1 - lane), 1);
  // As many accumulators as hide the latency of a multiply-add, and fit.
  bool many = target_.registers >= 32;
  tiling.wide = std::min<int64_t>(tiling.vectors, many ? 4 : 2);
  if (tiling.wide == 3)
    tiling.wide = 2;
  tiling.tall = tiling.wide == 4 ? 4 : tiling.wide == 2 && !many ? 4 : 8;
  return tiling;
}

void TileEmitter::dotTiles(DotOp dot, const Buffer &buffer, const Window &rows,
                           const Window &columns, const DotTiling &tiling,
                           bool pairs) {
  MemoScope scope(*this);
  auto [lanes, vectors, others, wide, tall] = tiling;
  auto tiles = [&, others = others, tall = tall, lanes = lanes](Value first,
                                                                int64_t width) {
    int64_t whole = others / tall * tall;
    loop(whole, tall, [&](Value other) {
      dotTile(dot, buffer, rows, columns, first, other, width, tall, lanes,
              pairs);
    });
    if (others > whole)
      dotTile(dot, buffer, rows, columns, first, index(whole), width,
              others - whole, lanes, pairs);
  };
  int64_t whole = vectors / wide * wide;
  loop(whole * lanes, wide * lanes,
       [&, wide = wide](Value first) { tiles(first, wide); });
  if (vectors > whole)
    tiles(index(whole * lanes), vectors - whole);
}

/// One register tile: `width` vectors of lanes from `first` on, times `height`
/// of the other axis from `other` on.
void TileEmitter::dotTile(DotOp dot, const Buffer &buffer, const Window &rows,
                          const Window &columns, Value first, Value other,
                          int64_t width, int64_t height, int64_t lanes,
                          bool pairs) {
  MemoScope scope(*this);
  bool rowsInLanes = buffer.laneAxis == 0;
  const Window &vectorSide = rowsInLanes ? rows : columns;
  const Window &scalarSide = rowsInLanes ? columns : rows;
  Type element = buffer.element;
  auto pointOf = [&](int64_t h, int64_t w) {
    Point point{SmallVector<Value, 4>(2), buffer.laneAxis, lanes};
    point.coords[buffer.laneAxis] = addIndex(first, index(w * lanes));
    point.coords[1 - buffer.laneAxis] = addIndex(other, index(h));
    return point;
  };
  SmallVector<Value> init;
  for (int64_t h = 0; h < height; ++h)
    for (int64_t w = 0; w < width; ++w)
      init.push_back(widen(eval(dot.getAcc(), pointOf(h, w)), lanes));

  SmallVector<Value> scalarRows;
  for (int64_t h = 0; h < height; ++h)
    scalarRows.push_back(elementPointer(
        scalarSide.pointer, scalarSide.element,
        mulIndex(addIndex(other, index(h)), scalarSide.freeStride)));
  // A lane of the vector side is one element, or one pair.
  int64_t perLane = pairs ? 2 : 1;
  Value vectorBase = elementPointer(vectorSide.pointer, vectorSide.element,
                                    mulIndex(first, index(perLane)));

  auto extended = [&](Value value) {
    Type have = getElementTypeOrSelf(value.getType());
    if (have == element || !isa<IntegerType>(element))
      return value;
    Type type = element;
    if (auto vector = dyn_cast<VectorType>(value.getType()))
      type = vector.clone(element);
    return Value(arith::ExtSIOp::create(b, type, value));
  };
  auto read = [&](Type type, Value pointer, Type memory) {
    return extended(LLVM::LoadOp::create(
        b, type, pointer, memory.getIntOrFloatBitWidth() / 8 / perLane));
  };
  auto typeRead = [&](const Window &window) {
    return pairs ? b.getI32Type() : memoryType(window.element);
  };
  int64_t depth = demand.contracted(dot) / perLane;
  SmallVector<Value> sums =
      loopCarrying(depth, 1, init, [&](Value k, ValueRange carried) {
        SmallVector<Value> factors;
        Value at = elementPointer(vectorBase, vectorSide.element,
                                  mulIndex(k, vectorSide.kStride));
        Type vectorMemory = typeRead(vectorSide);
        Type type = lanes == 1 ? vectorMemory
                               : Type(VectorType::get({lanes}, vectorMemory));
        for (int64_t w = 0; w < width; ++w)
          factors.push_back(read(type,
                                 elementPointer(at, vectorSide.element,
                                                index(w * lanes * perLane)),
                                 vectorMemory));
        Value step = mulIndex(k, scalarSide.kStride);
        Type scalarMemory = typeRead(scalarSide);
        SmallVector<Value> next;
        for (int64_t h = 0; h < height; ++h) {
          Value x = widen(
              read(scalarMemory,
                   elementPointer(scalarRows[h], scalarSide.element, step),
                   scalarMemory),
              lanes);
          for (int64_t w = 0; w < width; ++w) {
            Value acc = carried[h * width + w];
            Value sum = pairs ? multiplyAddPairs(factors[w], x, acc)
                              : multiplyAdd(factors[w], x, acc);
            if (dot.getKeep() && !pairs)
              sum = arith::SelectOp::create(b, keepAt(dot, pointOf(h, w), k),
                                            sum, acc);
            next.push_back(sum);
          }
        }
        return next;
      });
  for (int64_t h = 0; h < height; ++h)
    for (int64_t w = 0; w < width; ++w)
      storeBuffer(buffer, sums[h * width + w], pointOf(h, w));
}

/// Whether the product of step `k` counts, at a point of the result.
Value TileEmitter::keepAt(DotOp dot, const Point &result, Value k) {
  Point point{{result.coords[0], k}, -1, 1};
  if (result.laneAxis == 0) {
    point.laneAxis = 0;
    point.lanes = result.lanes;
  }
  return eval(dot.getKeep(), point);
}

Value TileEmitter::multiplyAdd(Value x, Value y, Value acc) {
  if (!isa<FloatType>(getElementTypeOrSelf(acc.getType())))
    return arith::AddIOp::create(b, acc, arith::MulIOp::create(b, x, y));
  if (target_.fma)
    return math::FmaOp::create(b, x, y, acc);
  return arith::AddFOp::create(b, acc, arith::MulFOp::create(b, x, y));
}

} // namespace attn_grid::compiler::cpu
