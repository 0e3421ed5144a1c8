// Factors of bf16 as dots of pairs read them (PairedDot.cpp). One dot reads
//
//     the side in lanes    as pairs: lane i holds elements (i, 2k), (i, 2k + 1)
//     the other side       by rows:  elements (j, 0), (j, 1), ... are adjacent
//
// Rows that lie so in memory are read there. All else is packed: where the
// value is computed if dots are all that read it, in the loop nest that
// computes it if that gives the lanes; else before the dot.

#include "compiler/Conversion/Cpu/TileEmitter.h"

#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler::cpu {

//===----------------------------------------------------------------------===//
// Which packing
//===----------------------------------------------------------------------===//

/// Which axis of a tile has elements side by side, where it lies now.
int64_t TileEmitter::adjacentAxis(Value tile) {
  if (auto known = buffers.find(tile); known != buffers.end())
    return known->second.laneAxis;
  if (auto load = tile.getDefiningOp<LoadOp>())
    if (int64_t axis = unitStrideAxis(load.getTensor(), load.getExtents(),
                                      load.getSteps());
        axis >= 0)
      return axis;
  return laneAxis.of(tile);
}

/// How `dot` reads its operand number `operand`, 0 or 1. vdpbf16ps reads the
/// side that is not in lanes word by word: either packing will do, the one that
/// turns nothing is made.
Packing TileEmitter::packingIn(DotOp dot, unsigned operand) {
  int64_t free = operand;
  if (laneAxis.of(dot.getResult()) == free)
    return {free, /*pairs=*/true};
  Value tile = dot->getOperand(operand);
  while (auto transpose = tile.getDefiningOp<TransposeOp>()) {
    free = transpose.getPermutation()[free];
    tile = transpose.getInput();
  }
  return {operand,
          /*pairs=*/target_.bf16Products == 2 && adjacentAxis(tile) == free};
}

/// Adds how each user of `value` reads it. False if one is no dot of pairs.
bool TileEmitter::collectPackings(Value value, bool transposed,
                                  SmallVectorImpl<Packing> &packings) {
  for (OpOperand &use : value.getUses()) {
    if (auto transpose = dyn_cast<TransposeOp>(use.getOwner())) {
      bool swaps = transpose.getPermutation()[0] == 1;
      if (!collectPackings(transpose.getResult(), transposed != swaps,
                           packings))
        return false;
      continue;
    }
    auto dot = dyn_cast<DotOp>(use.getOwner());
    if (!dot || use.getOperandNumber() > 1 || !isPaired(dot))
      return false;
    Packing packing = packingIn(dot, use.getOperandNumber());
    if (transposed)
      packing.freeAxis = 1 - packing.freeAxis;
    packings.push_back(packing);
  }
  return true;
}

/// The packing in which all readers of `value` want it, if there is one.
std::optional<Packing> TileEmitter::packingOf(Value value) {
  SmallVector<Packing> packings;
  if (target_.bf16Products == 1 || value.getDefiningOp<TransposeOp>() ||
      !collectPackings(value, false, packings) || packings.empty() ||
      !llvm::all_equal(packings))
    return std::nullopt;
  return packings.front();
}

/// The axis along which a root of a loop nest is filled by pairs, or -1.
int64_t TileEmitter::pairAxisOf(const Root &root) {
  if (root.kind != Root::Kind::materialize)
    return -1;
  std::optional<Packing> packing = packingOf(root.op->getResult(0));
  return packing && packing->pairs ? packing->contractedAxis() : -1;
}

Buffer TileEmitter::makePacked(Value like, const Packing &packing) {
  auto type = cast<RankedTensorType>(like.getType());
  int64_t contracted = packing.contractedAxis();
  if (!packing.pairs)
    return makeBufferOfType(type, contracted, type.getElementType());
  Buffer buffer =
      makeBufferOfType(type, packing.freeAxis, type.getElementType());
  buffer.strides[packing.freeAxis] = 2;
  buffer.pairAxis = contracted;
  return buffer;
}

//===----------------------------------------------------------------------===//
// Words of two elements
//===----------------------------------------------------------------------===//

/// An f32 that rounds to `value`, a bf16: what is packed is rounded then.
Value TileEmitter::evalUnrounded(Value value, const Point &point) {
  auto round = value.getDefiningOp<arith::TruncFOp>();
  bool inRegisters = round && !buffers.count(value) &&
                     getElementTypeOrSelf(round.getIn().getType()).isF32();
  return widen(eval(inRegisters ? round.getIn() : value, point), point.lanes);
}

/// The bf16 of two vectors, `low` before `high`.
static Value narrow(ImplicitLocOpBuilder &b, Value low, Value high) {
  auto type = VectorType::get({2 * lanesOf(low)}, b.getBF16Type());
  return LLVM::CallIntrinsicOp::create(
             b, type, b.getStringAttr("llvm.x86.avx512bf16.cvtne2ps2bf16.512"),
             ValueRange{high, low})
      .getResult(0);
}

/// Words whose halves are the f32 `low` and `high`, each rounded.
Value TileEmitter::joinPairs(Value low, Value high) {
  int64_t lanes = lanesOf(low);
  Type words = vectorOf(b.getI32Type(), lanes);
  if (lanes == 16) {
    SmallVector<int64_t> alternately;
    for (int64_t lane = 0; lane < lanes; ++lane)
      alternately.append({lane, lanes + lane});
    Value both = narrow(b, low, high);
    return vector::BitCastOp::create(
        b, words, vector::ShuffleOp::create(b, both, both, alternately));
  }
  auto bits = [&](Value value) {
    return arith::ShRUIOp::create(
        b, arith::BitcastOp::create(b, words, roundTo(value, b.getBF16Type())),
        widen(constant(b.getI32Type(), b.getI32IntegerAttr(16)), lanes));
  };
  Value upper = arith::ShLIOp::create(
      b, bits(high),
      widen(constant(b.getI32Type(), b.getI32IntegerAttr(16)), lanes));
  return arith::OrIOp::create(b, bits(low), upper);
}

/// The elements at `first` and `second` as words.
Value TileEmitter::pairOf(Value value, const Point &first,
                          const Point &second) {
  return joinPairs(evalUnrounded(value, first), evalUnrounded(value, second));
}

/// The 2 n elements from `point`, of n lanes, on along its lane axis as n
/// words.
Value TileEmitter::pairsAlong(Value value, const Point &point) {
  int64_t words = point.lanes;
  Type type = vectorOf(b.getI32Type(), words);
  if (words == 16) {
    Point second = point;
    second.coords[point.laneAxis] =
        addIndex(point.coords[point.laneAxis], index(words));
    return vector::BitCastOp::create(
        b, type,
        narrow(b, evalUnrounded(value, point), evalUnrounded(value, second)));
  }
  SmallVector<Value> elements;
  for (int64_t word = 0; word < words; ++word) {
    Value halves[2];
    for (int64_t half : {0, 1}) {
      Point one{point.coords, -1, 1};
      one.coords[point.laneAxis] =
          addIndex(point.coords[point.laneAxis], index(2 * word + half));
      halves[half] = evalUnrounded(value, one);
    }
    elements.push_back(joinPairs(halves[0], halves[1]));
  }
  return words == 1 ? elements.front()
                    : Value(vector::FromElementsOp::create(b, type, elements));
}

/// Where a packed buffer holds element (i, k), k even, as pairs or in rows.
Value TileEmitter::packedPointer(const Buffer &buffer, Value i, Value k) {
  Value offset =
      buffer.pairAxis >= 0
          ? addIndex(mulIndex(k, index(buffer.shape[buffer.laneAxis])),
                     mulIndex(i, index(2)))
          : addIndex(mulIndex(i, index(buffer.shape[buffer.laneAxis])), k);
  return elementPointer(buffer.pointer, buffer.element, offset);
}

void TileEmitter::storePair(const Buffer &buffer, Value words,
                            const Point &first) {
  Value pointer = packedPointer(buffer, first.coords[buffer.laneAxis],
                                first.coords[buffer.pairAxis]);
  LLVM::StoreOp::create(b, words, pointer, 4);
}

/// A point of a buffer of pairs, as f32.
Value TileEmitter::loadPacked(const Buffer &buffer, const Point &point) {
  int64_t lane = buffer.laneAxis;
  if (point.lanes > 1 && point.laneAxis != lane) {
    SmallVector<Value> elements;
    for (int64_t i = 0; i < point.lanes; ++i) {
      Point one{point.coords, -1, 1};
      one.coords[point.laneAxis] =
          addIndex(point.coords[point.laneAxis], index(i));
      elements.push_back(loadPacked(buffer, one));
    }
    return vector::FromElementsOp::create(
        b, VectorType::get({point.lanes}, b.getF32Type()), elements);
  }
  Value k = point.coords[buffer.pairAxis];
  Value pair = b.createOrFold<arith::DivUIOp>(k, index(2));
  Value words = LLVM::LoadOp::create(
      b, vectorOf(b.getI32Type(), point.lanes),
      packedPointer(buffer, point.coords[lane], mulIndex(pair, index(2))), 4);
  Value half = b.createOrFold<arith::IndexCastOp>(
      b.getI32Type(), b.createOrFold<arith::RemUIOp>(k, index(2)));
  Value sixteen = constant(b.getI32Type(), b.getI32IntegerAttr(16));
  Value shift = widen(arith::MulIOp::create(b, half, sixteen), point.lanes);
  Value low = arith::ShRUIOp::create(b, words, shift);
  return arith::BitcastOp::create(
      b, vectorOf(b.getF32Type(), point.lanes),
      arith::ShLIOp::create(b, low, widen(sixteen, point.lanes)));
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

/// Where the elements of `load` lie, those of `adjacent` side by side; where it
/// sticks out of its tensor, a copy filled with zeros takes their place. No
/// pointer if they do not lie so.
Window TileEmitter::rawWindow(LoadOp load, int64_t free, int64_t adjacent,
                              ArrayRef<int64_t> extents) {
  if (!isPlain(load))
    return {};
  TensorInfo info = tensor(load.getTensor());
  int64_t other = 1 - adjacent;
  OpFoldResult strides[2];
  Value offset = boxOffset(load, info, strides);
  if (!isConstantIntValue(strides[adjacent], 1))
    return {};
  Type element = info.element;
  auto window = [&](Value pointer, Value stride) {
    Value one = index(1);
    return free == adjacent ? Window{pointer, one, stride, element}
                            : Window{pointer, stride, one, element};
  };
  Value direct = elementPointer(info.pointer, element, offset);
  Value stride = indexOf(strides[other]);
  bool always = false;
  Value inside = inBounds(load, always, extents);
  if (always)
    return window(direct, stride);
  Buffer copy = makeBufferOfType(cast<RankedTensorType>(load.getType()),
                                 adjacent, element);
  auto fill = [&] {
    MemoScope scope(*this);
    int64_t lanes = std::min<int64_t>(32, copy.shape[adjacent]);
    Point point{SmallVector<Value, 4>(2), adjacent, lanes};
    loop(extents[other], 1, [&](Value row) {
      loop(extents[adjacent], lanes, [&](Value i) {
        point.coords[other] = row;
        point.coords[adjacent] = i;
        Value raw =
            readAt(address(load, point), b.getIntegerType(16), lanes, {});
        LLVM::StoreOp::create(b, widen(raw, lanes), bufferPointer(copy, point),
                              2);
      });
    });
  };
  Value copied = index(copy.strides[other]);
  if (!inside) {
    fill();
    return window(copy.pointer, copied);
  }
  auto choice = scf::IfOp::create(
      b, TypeRange{direct.getType(), b.getIndexType()}, inside, true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&choice.getThenRegion().front());
  scf::YieldOp::create(b, ValueRange{direct, stride});
  b.setInsertionPointToStart(&choice.getElseRegion().front());
  fill();
  scf::YieldOp::create(b, ValueRange{copy.pointer, copied});
  b.setInsertionPointAfter(choice);
  return window(choice.getResult(0), choice.getResult(1));
}

/// How much of a tile is packed: what is demanded, by whole steps.
static SmallVector<int64_t> packedExtents(const Demand &demand, Value value,
                                          int64_t free, int64_t freeStep,
                                          int64_t contractedStep) {
  SmallVector<int64_t> extents(2);
  auto upTo = [&](int64_t axis, int64_t step) {
    extents[axis] =
        llvm::alignTo(std::max<int64_t>(demand.demanded(value, axis), 1), step);
  };
  upTo(free, freeStep);
  upTo(1 - free, contractedStep);
  return extents;
}

/// Fills `buffer`, a packed one, with `value`.
void TileEmitter::packInto(const Buffer &buffer, Value value) {
  flush();
  bool pairs = buffer.pairAxis >= 0;
  int64_t free = pairs ? buffer.laneAxis : 1 - buffer.laneAxis;
  int64_t contracted = 1 - free;
  ArrayRef<int64_t> shape = buffer.shape;
  int64_t adjacent = adjacentAxis(value);
  // Words are read along the adjacent axis. Where they are wanted along the
  // other one, square blocks are turned.
  bool lanesAreFree = adjacent == free;
  bool turned = lanesAreFree != pairs;
  int64_t alongFree = shape[free], alongPairs = shape[contracted] / 2;
  int64_t side = std::min<int64_t>(16, turned  ? std::min(alongFree, alongPairs)
                                       : pairs ? alongFree
                                               : alongPairs);
  int64_t freeStep = turned || pairs ? side : 1;
  int64_t pairStep = turned || !pairs ? side : 1;
  SmallVector<int64_t> extents =
      packedExtents(demand, value, free, freeStep, 2 * pairStep);
  Window raw;
  if (auto load = value.getDefiningOp<LoadOp>(); load && !buffers.count(value))
    raw = rawWindow(load, free, adjacent, extents);

  MemoScope scope(*this);
  auto at = [&](Value i, Value k, int64_t lane) {
    Point point{SmallVector<Value, 4>(2), lane, side};
    point.coords[free] = i;
    point.coords[contracted] = k;
    return point;
  };
  auto plus = [&](Value value, int64_t more) {
    return addIndex(value, index(more));
  };
  auto rawAt = [&](Value i, Value k, Type type) -> Value {
    Value offset =
        addIndex(mulIndex(i, raw.freeStride), mulIndex(k, raw.kStride));
    return LLVM::LoadOp::create(
        b, vectorOf(type, side),
        elementPointer(raw.pointer, raw.element, offset), 2);
  };
  // Words from elements (i, k) on, along the adjacent axis.
  auto read = [&](Value i, Value k) -> Value {
    if (!raw.pointer)
      return lanesAreFree
                 ? pairOf(value, at(i, k, free), at(i, plus(k, 1), free))
                 : pairsAlong(value, at(i, k, contracted));
    if (!lanesAreFree)
      return rawAt(i, k, b.getI32Type());
    auto word = [&](Value k) -> Value {
      return arith::ExtUIOp::create(b, vectorOf(b.getI32Type(), side),
                                    rawAt(i, k, b.getIntegerType(16)));
    };
    Value sixteen =
        widen(constant(b.getI32Type(), b.getI32IntegerAttr(16)), side);
    return arith::OrIOp::create(
        b, word(k), arith::ShLIOp::create(b, word(plus(k, 1)), sixteen));
  };
  auto write = [&](Value words, Value i, Value k) {
    LLVM::StoreOp::create(b, words, packedPointer(buffer, i, k), 4);
  };
  loop(extents[contracted], 2 * pairStep, [&](Value k) {
    loop(extents[free], freeStep, [&](Value i) {
      if (!turned)
        return write(read(i, k), i, k);
      SmallVector<Value> rows;
      for (int64_t row = 0; row < side; ++row)
        rows.push_back(lanesAreFree ? read(i, plus(k, 2 * row))
                                    : read(plus(i, row), k));
      transpose(rows);
      for (int64_t row = 0; row < side; ++row)
        if (lanesAreFree)
          write(rows[row], plus(i, row), k);
        else
          write(rows[row], i, plus(k, 2 * row));
    });
  });
}

/// Where a dot of pairs reads `operand`.
Window TileEmitter::packedWindow(Value operand, Packing packing) {
  while (auto transpose = operand.getDefiningOp<TransposeOp>()) {
    packing.freeAxis = transpose.getPermutation()[packing.freeAxis];
    operand = transpose.getInput();
  }
  int64_t free = packing.freeAxis, contracted = packing.contractedAxis();
  auto ofBuffer = [&](const Buffer &buffer) {
    int64_t row = 2 * buffer.shape[free];
    return packing.pairs
               ? Window{buffer.pointer, index(2), index(row), buffer.element}
               : Window{buffer.pointer, index(buffer.shape[contracted]),
                        index(2), buffer.element};
  };
  auto known = buffers.find(operand);
  if (known != buffers.end() && known->second.isPacked() &&
      (known->second.pairAxis >= 0) == packing.pairs &&
      known->second.laneAxis == (packing.pairs ? free : contracted))
    return ofBuffer(known->second);

  auto load = operand.getDefiningOp<LoadOp>();
  if (!packing.pairs && load && known == buffers.end()) {
    // Rows by whole tiles of the matrix unit.
    int64_t rows = std::min<int64_t>(shapeOf(operand.getType())[free],
                                     target_.bf16Products / 2);
    Window raw = rawWindow(load, free, contracted,
                           packedExtents(demand, operand, free, rows, 2));
    if (raw.pointer)
      return {raw.pointer, raw.freeStride, index(2), raw.element};
  }
  Buffer copy = makePacked(operand, packing);
  packInto(copy, operand);
  return ofBuffer(copy);
}

} // namespace attn_grid::compiler::cpu
