// Factors of bf16 as dots of pairs read them (PairedDot.cpp). One dot reads
//
//     the side in lanes    by words: lane i holds elements (i, 2k), (i, 2k + 1)
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

/// How `dot` reads its operand number `operand`, 0 or 1.
Packing TileEmitter::packingIn(DotOp dot, unsigned operand) {
  int64_t lane = laneAxis.of(dot.getResult());
  return {/*freeAxis=*/operand, /*pairs=*/lane == operand};
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

/// The load whose elements may be taken as they are, if `value` is one.
LoadOp TileEmitter::rawLoad(Value value) {
  auto load = value.getDefiningOp<LoadOp>();
  return load && !load.getOther() && !buffers.count(value) ? load : LoadOp();
}

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
  LoadOp load = rawLoad(value);
  if (!load)
    return joinPairs(evalUnrounded(value, first), evalUnrounded(value, second));
  int64_t lanes = first.lanes;
  Type words = vectorOf(b.getI32Type(), lanes);
  auto word = [&](const Point &point) -> Value {
    Value half = readAt(address(load, point), b.getIntegerType(16), lanes, {});
    return arith::ExtUIOp::create(b, words, widen(half, lanes));
  };
  Value upper = arith::ShLIOp::create(
      b, word(second),
      widen(constant(b.getI32Type(), b.getI32IntegerAttr(16)), lanes));
  return arith::OrIOp::create(b, word(first), upper);
}

/// The 2 n elements from `point`, of n lanes, on along its lane axis as n
/// words.
Value TileEmitter::pairsAlong(Value value, const Point &point) {
  int64_t words = point.lanes;
  Type type = vectorOf(b.getI32Type(), words);
  if (LoadOp load = rawLoad(value)) {
    Point all = point;
    all.lanes = 2 * words;
    Value halves =
        widen(readAt(address(load, all), b.getIntegerType(16), all.lanes, {}),
              all.lanes);
    Value asWords = vector::BitCastOp::create(
        b, VectorType::get({words}, b.getI32Type()), halves);
    return words == 1 ? Value(vector::ExtractOp::create(b, asWords, 0))
                      : asWords;
  }
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

/// Fills `buffer`, a packed one, with `value`.
void TileEmitter::packInto(const Buffer &buffer, Value value) {
  flush();
  bool pairs = buffer.pairAxis >= 0;
  int64_t free = pairs ? buffer.laneAxis : 1 - buffer.laneAxis;
  int64_t contracted = 1 - free;
  ArrayRef<int64_t> shape = buffer.shape;
  LoadOp load = rawLoad(value);
  int64_t adjacent = laneAxis.of(value);
  if (auto known = buffers.find(value); known != buffers.end())
    adjacent = known->second.laneAxis;
  else if (load)
    adjacent =
        unitStrideAxis(load.getTensor(), load.getExtents(), load.getSteps());
  bool lanesAreFree = adjacent != contracted;
  // Blocks are square where words are turned.
  int64_t side = std::min<int64_t>(
      16, lanesAreFree == pairs
              ? (lanesAreFree ? shape[free] : shape[contracted] / 2)
              : std::min(shape[free], shape[contracted] / 2));
  bool turned = lanesAreFree != pairs;
  SmallVector<int64_t> extents(2);
  extents[free] =
      llvm::alignTo(std::max<int64_t>(demand.demanded(value, free), 1),
                    turned || lanesAreFree ? side : 1);
  extents[contracted] =
      llvm::alignTo(std::max<int64_t>(demand.demanded(value, contracted), 1),
                    turned || !lanesAreFree ? 2 * side : 2);
  bool always = false;
  Value inside = load ? inBounds(load, always, extents) : Value();
  auto pack = [&](bool proven) {
    MemoScope scope(*this);
    bool added = proven && provenInBounds.insert(load).second;
    packBlocks(buffer, value, lanesAreFree, extents, side);
    if (added)
      provenInBounds.erase(load);
  };
  if (!inside)
    return pack(load && always);
  auto choice = scf::IfOp::create(b, TypeRange(), inside, true);
  OpBuilder::InsertionGuard guard(b);
  for (bool proven : {true, false}) {
    Region &region = proven ? choice.getThenRegion() : choice.getElseRegion();
    b.setInsertionPoint(region.front().getTerminator());
    pack(proven);
  }
}

/// Words along one axis, from elements whose lanes lie along the same or the
/// other.
void TileEmitter::packBlocks(const Buffer &buffer, Value value,
                             bool lanesAreFree, ArrayRef<int64_t> extents,
                             int64_t side) {
  bool pairs = buffer.pairAxis >= 0;
  int64_t free = pairs ? buffer.laneAxis : 1 - buffer.laneAxis;
  int64_t contracted = 1 - free;
  bool turned = lanesAreFree != pairs;
  auto at = [&](Value i, Value k, int64_t lane) {
    Point point{SmallVector<Value, 4>(2), lane, side};
    point.coords[free] = i;
    point.coords[contracted] = k;
    return point;
  };
  // Words from elements (i, k) on, along the axis of the lanes.
  auto read = [&](Value i, Value k) {
    return lanesAreFree ? pairOf(value, at(i, k, free),
                                 at(i, addIndex(k, index(1)), free))
                        : pairsAlong(value, at(i, k, contracted));
  };
  auto write = [&](Value words, Value i, Value k) {
    LLVM::StoreOp::create(b, words, packedPointer(buffer, i, k), 4);
  };
  int64_t freeStep = turned || lanesAreFree ? side : 1;
  int64_t pairStep = turned || !lanesAreFree ? side : 1;
  loop(extents[contracted], 2 * pairStep, [&](Value k) {
    loop(extents[free], freeStep, [&](Value i) {
      if (!turned)
        return write(read(i, k), i, k);
      auto plus = [&](Value value, int64_t more) {
        return addIndex(value, index(more));
      };
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

  LoadOp load = rawLoad(operand);
  Value inside;
  Window direct;
  bool always = false;
  if (!packing.pairs && load && isPlain(load)) {
    const TensorInfo &info = tensor(load.getTensor());
    int64_t axis = 0;
    OpFoldResult strides[2];
    Value offset = index(0);
    for (auto [d, i] : llvm::enumerate(load.getIndices())) {
      if (load.getExtents()[d])
        strides[axis++] = info.strides[d];
      offset = addIndex(offset,
                        mulIndex(toIndex(scalar(i)), indexOf(info.strides[d])));
    }
    if (isConstantIntValue(strides[contracted], 1)) {
      SmallVector<int64_t> needed(2);
      // Rows by whole tiles of the matrix unit.
      needed[free] = std::min<int64_t>(
          llvm::alignTo(std::max<int64_t>(demand.demanded(operand, free), 1),
                        target_.bf16Products / 2),
          shapeOf(operand.getType())[free]);
      needed[contracted] = demand.demanded(operand, contracted);
      inside = inBounds(load, always, needed);
      direct = Window{elementPointer(info.pointer, info.element, offset),
                      indexOf(strides[free]), index(2), info.element};
      if (always)
        return direct;
    }
  }
  Buffer copy = makePacked(operand, packing);
  Window copied = ofBuffer(copy);
  if (!inside) {
    packInto(copy, operand);
    return copied;
  }
  auto choice = scf::IfOp::create(
      b, TypeRange{direct.pointer.getType(), b.getIndexType()}, inside, true);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&choice.getThenRegion().front());
    scf::YieldOp::create(b, ValueRange{direct.pointer, direct.freeStride});
    b.setInsertionPointToStart(&choice.getElseRegion().front());
    packInto(copy, operand);
    scf::YieldOp::create(b, ValueRange{copied.pointer, copied.freeStride});
  }
  return {choice.getResult(0), choice.getResult(1), index(2), direct.element};
}

} // namespace attn_grid::compiler::cpu
