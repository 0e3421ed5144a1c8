// Dots of bf16 factors by instructions that add several products to a sum.
//
// vdpbf16ps (AVX512_BF16) adds two in each lane: the loop of Dot.cpp with pairs
// of elements for elements. tdpbf16ps (AMX) adds 32 in each of 16 x 16 sums: a
// block of the result is 2 x 2 tiles. With the result's rows in lanes they are
//
//     acc^T[columns, rows] += rhs^T[columns, k] * lhs^T[k, rows]
//
// whose first factor has k adjacent, and whose second has pairs along k: both
// instructions read the same two packings (Packing.cpp).
//
// Both take subnormal bf16 for 0.

#include "compiler/Analysis/MaskedZeros.h"
#include "compiler/Conversion/Cpu/TileEmitter.h"

#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler::cpu {

/// Rows of a tile register, and 32-bit words of a row.
static constexpr int64_t tileSide = 16;

/// A mask must be one that the first factor follows already: then only values
/// that are no numbers need to be left out, which is seldom.
bool TileEmitter::isPaired(DotOp dot) {
  auto isBf16 = [](Value value) {
    return getElementTypeOrSelf(value.getType()).isBF16();
  };
  Value result = dot.getResult();
  int64_t lane = laneAxis.of(result);
  int64_t depth = shapeOf(dot.getLhs().getType())[1];
  bool tiles = target_.bf16Products == 32;
  return target_.bf16Products > 1 && target_.vectorBits == 512 &&
         isBf16(dot.getLhs()) && isBf16(dot.getRhs()) &&
         getElementTypeOrSelf(result.getType()).isF32() &&
         depth >= target_.bf16Products &&
         shapeOf(result.getType())[lane] >= tileSide &&
         (!tiles || shapeOf(result.getType())[1 - lane] >= tileSide) &&
         (!dot.getKeep() || isZeroOutside(dot.getLhs(), dot.getKeep()));
}

void TileEmitter::emitPairedDot(DotOp dot, const Buffer &buffer) {
  pairedDots = true;
  Window rows = packedWindow(dot.getLhs(), packingIn(dot, 0));
  Window columns = packedWindow(dot.getRhs(), packingIn(dot, 1));
  auto multiply = [&] {
    if (target_.bf16Products == 32)
      matrixTiles(dot, buffer, rows, columns);
    else
      dotTiles(dot, buffer, rows, columns, tilingOf(dot, buffer),
               /*pairs=*/true);
  };
  if (!dot.getKeep())
    return multiply();
  // What the mask leaves out has a weight of 0, but 0 times NaN is NaN.
  int64_t depth = demand.contracted(dot);
  int64_t free = std::max<int64_t>(demand.demanded(dot.getResult(), 1), 1);
  Value finite = packingIn(dot, 1).pairs
                     ? isFinite(columns, depth / 2, columns.kStride, 2 * free)
                     : isFinite(columns, free, columns.freeStride, depth);
  auto choice = scf::IfOp::create(b, TypeRange(), finite, true);
  OpBuilder::InsertionGuard guard(b);
  for (bool fast : {true, false}) {
    MemoScope scope(*this);
    Region &region = fast ? choice.getThenRegion() : choice.getElseRegion();
    b.setInsertionPoint(region.front().getTerminator());
    if (fast)
      multiply();
    else
      emitPlainDot(dot, buffer, /*isRare=*/true);
  }
}

/// Whether `rows` rows of `length` adjacent bf16 are all numbers.
Value TileEmitter::isFinite(const Window &window, int64_t rows, Value stride,
                            int64_t length) {
  int64_t lanes = std::min<int64_t>(32, length & -length);
  Type type = VectorType::get({lanes}, b.getIntegerType(16));
  auto all = [&](int64_t bits) {
    return arith::ConstantOp::create(
        b,
        cast<TypedAttr>(DenseElementsAttr::get(
            cast<ShapedType>(type), APInt(16, static_cast<uint64_t>(bits)))));
  };
  Value magnitude = all(0x7fff), largest = all(0);
  largest = loopCarrying(rows, 1, largest, [&](Value row, ValueRange outer) {
    Value at =
        elementPointer(window.pointer, window.element, mulIndex(row, stride));
    return loopCarrying(length, lanes, outer, [&](Value i, ValueRange inner) {
      Value raw = LLVM::LoadOp::create(
          b, type, elementPointer(at, window.element, i), 2);
      return SmallVector<Value>{arith::MaxUIOp::create(
          b, inner[0], arith::AndIOp::create(b, raw, magnitude))};
    });
  })[0];
  Value most =
      vector::ReductionOp::create(b, vector::CombiningKind::MAXUI, largest);
  Value infinity = constant(b.getIntegerType(16), b.getI16IntegerAttr(0x7f80));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, most, infinity);
}

Value TileEmitter::multiplyAddPairs(Value x, Value y, Value acc) {
  auto pairs = [&](Value words) -> Value {
    return vector::BitCastOp::create(
        b, VectorType::get({2 * lanesOf(words)}, b.getBF16Type()), words);
  };
  return LLVM::CallIntrinsicOp::create(
             b, acc.getType(),
             b.getStringAttr("llvm.x86.avx512bf16.dpbf16ps.512"),
             ValueRange{acc, pairs(x), pairs(y)})
      .getResult(0);
}

//===----------------------------------------------------------------------===//
// Tiles of the matrix unit
//===----------------------------------------------------------------------===//

namespace {
/// The instructions on tile registers. All tiles have 16 rows of 64 bytes, so
/// that a kernel needs one configuration, which LLVM writes.
class TileRegisters {
public:
  explicit TileRegisters(ImplicitLocOpBuilder &b)
      : b(b), type(LLVM::LLVMX86AMXType::get(b.getContext())),
        rows(short_(tileSide)), bytes(short_(4 * tileSide)) {}

  Value zero() { return call("llvm.x86.tilezero.internal", {rows, bytes}); }
  /// `stride` from row to row in bytes, an index.
  Value load(Value pointer, Value stride) {
    return call("llvm.x86.tileloadd64.internal",
                {rows, bytes, pointer, wide(stride)});
  }
  void store(Value tile, Value pointer, Value stride) {
    LLVM::CallIntrinsicOp::create(
        b, b.getStringAttr("llvm.x86.tilestored64.internal"),
        ValueRange{rows, bytes, pointer, wide(stride), tile});
  }
  Value multiplyAdd(Value x, Value y, Value acc) {
    return call("llvm.x86.tdpbf16ps.internal", {rows, bytes, bytes, acc, x, y});
  }

private:
  Value short_(int64_t value) {
    return arith::ConstantOp::create(b, b.getI16IntegerAttr(value));
  }
  Value wide(Value value) {
    return b.createOrFold<arith::IndexCastOp>(b.getI64Type(), value);
  }
  Value call(StringRef name, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name),
                                         operands)
        .getResult(0);
  }

  ImplicitLocOpBuilder &b;
  Type type;
  Value rows, bytes;
};
} // namespace

/// The sums pass through `buffer`: tile registers are read and written through
/// memory alone.
void TileEmitter::matrixTiles(DotOp dot, const Buffer &buffer,
                              const Window &rows, const Window &columns) {
  MemoScope scope(*this);
  Value result = dot.getResult();
  int64_t lane = buffer.laneAxis;
  const Window &vectorSide = lane == 0 ? rows : columns;
  const Window &scalarSide = lane == 0 ? columns : rows;
  auto tilesAlong = [&](int64_t axis) {
    return static_cast<int64_t>(llvm::divideCeil(
        std::max<int64_t>(demand.demanded(result, axis), 1), tileSide));
  };
  bool startsAtZero = matchPattern(dot.getAcc(), m_PosZeroFloat());
  auto sums = buffers.find(dot.getAcc());
  if (!startsAtZero &&
      (sums == buffers.end() || sums->second.pointer != buffer.pointer))
    overBuffer(buffer, result, [&](const Point &point) {
      storeBuffer(buffer, eval(dot.getAcc(), point), point);
    });

  TileRegisters tiles(b);
  Value sumStride = index(4 * buffer.shape[lane]);
  auto twice = [&](Value elements) { return mulIndex(elements, index(2)); };
  auto block = [&](Value first, Value other, int64_t width, int64_t height) {
    auto sumAt = [&](int64_t h, int64_t w) {
      Point point{SmallVector<Value, 4>(2), -1, 1};
      point.coords[lane] = addIndex(first, index(w * tileSide));
      point.coords[1 - lane] = addIndex(other, index(h * tileSide));
      return bufferPointer(buffer, point);
    };
    auto sideAt = [&](const Window &side, Value from, int64_t tile,
                      Value stride) {
      return elementPointer(
          side.pointer, side.element,
          mulIndex(addIndex(from, index(tile * tileSide)), stride));
    };
    SmallVector<Value> init;
    for (int64_t h = 0; h < height; ++h)
      for (int64_t w = 0; w < width; ++w)
        init.push_back(startsAtZero ? tiles.zero()
                                    : tiles.load(sumAt(h, w), sumStride));
    SmallVector<Value> sums = loopCarrying(
        demand.contracted(dot) / 2, tileSide, init,
        [&](Value pair, ValueRange carried) {
          auto step = [&](const Window &side, Value from, int64_t tile,
                          Value stride) {
            return elementPointer(sideAt(side, from, tile, stride),
                                  side.element, mulIndex(pair, side.kStride));
          };
          SmallVector<Value> x, y;
          for (int64_t h = 0; h < height; ++h)
            x.push_back(
                tiles.load(step(scalarSide, other, h, scalarSide.freeStride),
                           twice(scalarSide.freeStride)));
          for (int64_t w = 0; w < width; ++w)
            y.push_back(tiles.load(step(vectorSide, first, w, index(2)),
                                   twice(vectorSide.kStride)));
          SmallVector<Value> next;
          for (int64_t h = 0; h < height; ++h)
            for (int64_t w = 0; w < width; ++w)
              next.push_back(
                  tiles.multiplyAdd(x[h], y[w], carried[h * width + w]));
          return next;
        });
    for (int64_t h = 0; h < height; ++h)
      for (int64_t w = 0; w < width; ++w)
        tiles.store(sums[h * width + w], sumAt(h, w), sumStride);
  };
  // Blocks of 2 x 2, then what is left of an odd number.
  auto byTwo = [&](int64_t count,
                   llvm::function_ref<void(Value, int64_t)> visit) {
    loop(count / 2 * 2 * tileSide, 2 * tileSide,
         [&](Value at) { visit(at, 2); });
    if (count % 2)
      visit(index((count - 1) * tileSide), 1);
  };
  byTwo(tilesAlong(lane), [&](Value first, int64_t width) {
    byTwo(tilesAlong(1 - lane), [&](Value other, int64_t height) {
      block(first, other, width, height);
    });
  });
}

} // namespace attn_grid::compiler::cpu
