// Matrix products by mma.sync, m16n8k16 of 16-bit floats and m16n8k32 of 8-bit
// integers. The first factor lies in registers; of floats in the layout of an
// accumulator (so what a dot gave needs no move), of bytes in the same with two
// neighbours for one. The second is read from shared memory by ldmatrix, a step
// of 32 bytes at a time.

#include "compiler/Conversion/Gpu/ThreadEmitter.h"

#include "compiler/Conversion/Gpu/Intrinsics.h"
#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

LinearLayout ThreadEmitter::firstFactorLayout(DotOp op) {
  // Each warp has the rows of its part of the result.
  LinearLayout result = homeOf(op.getResult());
  auto rowBits = llvm::count_if(result.warp(), [&](uint32_t basis) {
    return result.coordinate(basis, 0) != 0;
  });
  ArrayRef<int64_t> shape = shapeOf(op.getLhs().getType());
  unsigned warpBits = llvm::Log2_64(target.warps);
  if (!getElementTypeOrSelf(op.getLhs().getType()).isInteger(8))
    return mmaLayout(shape, warpBits, /*alongColumns=*/false, rowBits);
  LinearLayout pairs = mmaLayout({shape[0], shape[1] / 2}, warpBits,
                                 /*alongColumns=*/false, rowBits);
  auto widened = [&](ArrayRef<uint32_t> bases) {
    LinearLayout::Bases wide;
    for (uint32_t basis : bases)
      wide.push_back(basis * 2); // row-major, with rows twice as long
    return wide;
  };
  LinearLayout::Bases regs = widened(pairs.reg());
  regs.insert(regs.begin(), 1);
  return LinearLayout(shape, regs, widened(pairs.lane()),
                      widened(pairs.warp()));
}

RegisterFinder::RegisterFinder(const LinearLayout &layout) : layout(layout) {
  for (unsigned reg = 0; reg < layout.registers(); ++reg)
    number[layout.apply({reg, 0, 0})] = reg;
}

unsigned RegisterFinder::at(uint32_t row, uint32_t column) const {
  uint32_t rows = layout.shape()[0], columns = layout.shape()[1];
  return number.lookup((row & (rows - 1)) * columns + (column & (columns - 1)));
}

SmallVector<uint32_t> steps(const LinearLayout &layout, unsigned axis,
                            uint32_t step) {
  SmallVector<uint32_t> sums{0};
  for (uint32_t basis : layout.reg()) {
    uint32_t at = layout.coordinate(basis, axis);
    if (at < step)
      continue;
    for (size_t i = 0, e = sums.size(); i < e; ++i)
      sums.push_back(sums[i] + at);
  }
  llvm::sort(sums);
  return sums;
}

Value untransposed(Value tile, bool *isOdd) {
  while (auto transpose = tile.getDefiningOp<TransposeOp>()) {
    // Of rank 2, it can only exchange the two.
    if (isOdd && transpose.getPermutation()[0] != 0)
      *isOdd = !*isOdd;
    tile = transpose.getInput();
  }
  return tile;
}

/// What is not kept is 0, which is exact as there is neither NaN nor infinity;
/// and ldmatrix transposes no bytes: the second factor is stored with its
/// columns as rows.
ThreadTile ThreadEmitter::integerDot(DotOp op) {
  LinearLayout layout = firstFactorLayout(op);
  const SharedTile *first = op.getKeep() ? nullptr : sharedTileOf(op.getLhs());
  ThreadTile lhs;
  if (!first)
    lhs = get(op.getLhs(), layout);
  if (op.getKeep()) {
    const ThreadTile &keep = get(op.getKeep(), layout);
    for (auto [value, kept] : llvm::zip(lhs.regs, keep.regs))
      value = arith::SelectOp::create(b, kept, value, zeroOf(value.getType()));
  }
  const ThreadTile &acc = get(op.getAcc(), homeOf(op.getResult()));
  bool transposed = false;
  Value stored = untransposed(op.getRhs(), &transposed);
  const SharedTile *loaded = transposed ? sharedTileOf(stored) : nullptr;
  SharedTile tile;
  if (loaded) {
    tile = *loaded;
  } else {
    const ThreadTile &rhs = get(op.getRhs());
    tile = makeShared(op, {rhs.layout.transpose({1, 0}), rhs.regs});
  }
  ThreadTile result = first ? productOfShared(*first, acc, tile, true)
                            : matrixProduct(lhs, acc, tile, true);
  if (!loaded)
    shared.release(tile.block);
  return result;
}

ThreadTile ThreadEmitter::matrixDot(DotOp op) {
  if (getElementTypeOrSelf(op.getLhs().getType()).isF32())
    return tensorFloatDot(op);
  LinearLayout layout = homeOf(op.getResult());
  bool transposed = false;
  Value stored = untransposed(op.getRhs(), &transposed);
  const SharedTile *loaded = sharedTileOf(stored);
  const SharedTile *first = sharedTileOf(op.getLhs());
  const ThreadTile *lhs =
      first ? nullptr : &get(op.getLhs(), firstFactorLayout(op));
  const ThreadTile &acc = get(op.getAcc(), layout);
  SharedTile tile = loaded ? *loaded : makeShared(op, get(stored));
  ThreadTile result = first ? productOfShared(*first, acc, tile, transposed)
                            : matrixProduct(*lhs, acc, tile, transposed);
  if (!loaded)
    shared.release(tile.block);
  return result;
}

/// 32 bits of values as the matrix unit takes them.
static Type wordType(MLIRContext *context, Type element) {
  return element.isF16() ? Type(VectorType::get({2}, element))
                         : Type(IntegerType::get(context, 32));
}

ThreadTile ThreadEmitter::matrixProduct(const ThreadTile &lhs,
                                        const ThreadTile &acc,
                                        const SharedTile &rhs,
                                        bool transposed) {
  if (rhs.element.isFloat() &&
      isWarpgroupProduct(acc.layout, lhs.layout.shape()[1], transposed))
    return warpgroupProduct(&lhs, nullptr, acc, rhs, transposed);
  RegisterFinder first(lhs.layout);
  Type operand = wordType(b.getContext(), rhs.element);
  uint32_t perWord = 32 / rhs.element.getIntOrFloatBitWidth();
  auto word = [&](uint32_t row, uint32_t k) -> Value {
    SmallVector<Value> values;
    for (uint32_t i = 0; i < perWord; ++i)
      values.push_back(lhs.regs[first.at(row, k + i)]);
    return bitcastTo(b, packVector(b, values), operand);
  };
  auto factor = [&](uint32_t row, uint32_t k) -> SmallVector<Value> {
    uint32_t half = 4 * perWord;
    return {word(row, k), word(row + 8, k), word(row, k + half),
            word(row + 8, k + half)};
  };
  return matrixProduct(factor, lhs.layout.shape()[1], acc, rhs, transposed);
}

/// So much of k is in one matrix of ldmatrix, and twice as much in a product.
static uint32_t elementsInLine(Type element) {
  return 128 / element.getIntOrFloatBitWidth();
}

/// The first factor comes from shared memory too, 16 x 32 bytes a time.
ThreadTile ThreadEmitter::productOfShared(const SharedTile &lhs,
                                          const ThreadTile &acc,
                                          const SharedTile &rhs,
                                          bool transposed) {
  if (lhs.element.isFloat() &&
      isWarpgroupProduct(acc.layout, lhs.shape[1], transposed))
    return warpgroupProduct(nullptr, &lhs, acc, rhs, transposed);
  uint32_t rows = lhs.shape[0], inner = lhs.shape[1];
  uint32_t half = elementsInLine(lhs.element);
  auto place = [&](uint32_t row, uint32_t k) -> uint32_t {
    return row < rows && k < inner ? row * inner + k : 0;
  };
  // The rows of four 8 x 8 blocks: below each other, then to the right.
  LinearLayout::Bases lanes, warps, regs;
  for (uint32_t bit : {1, 2, 4, 8})
    lanes.push_back(place(bit, 0));
  lanes.push_back(place(0, half));
  for (uint32_t basis : acc.layout.warp())
    warps.push_back(place(acc.layout.coordinate(basis, 0), 0));
  for (uint32_t k = 2 * half; k < inner; k *= 2)
    regs.push_back(place(0, k));
  for (uint32_t basis : acc.layout.reg())
    if (uint32_t row = acc.layout.coordinate(basis, 0); row >= 16)
      regs.push_back(place(row, 0));
  beforeSharedRead(lhs.block);
  LinearLayout addresses(lhs.shape, regs, lanes, warps);
  SmallVector<Value> pointers = sharedPointers(lhs, addresses, 0);
  llvm::DenseMap<uint32_t, Value> pointerAt;
  for (unsigned reg = 0; reg < addresses.registers(); ++reg)
    pointerAt[addresses.apply({reg, 0, 0})] = pointers[reg];
  Type operand = wordType(b.getContext(), lhs.element);
  auto factor = [&](uint32_t row, uint32_t k) {
    Value loaded = callIntrinsic(
        b, "llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3",
        structOf(b.getI32Type(), 4), {pointerAt.lookup(place(row, k))});
    SmallVector<Value> parts;
    for (int i = 0; i < 4; ++i)
      parts.push_back(bitcastTo(b, member(b, loaded, i), operand));
    return parts;
  };
  ThreadTile result = matrixProduct(factor, inner, acc, rhs, transposed);
  shared.noteRead(lhs.block);
  return result;
}

ThreadTile ThreadEmitter::matrixProduct(FirstFactor lhs, unsigned inner,
                                        const ThreadTile &acc,
                                        const SharedTile &tile,
                                        bool transposed) {
  const LinearLayout &layout = acc.layout;
  ThreadTile result = acc;
  Type i32Type = b.getI32Type();
  uint32_t half = elementsInLine(tile.element), step = 2 * half;
  unsigned columns = layout.shape()[1];
  beforeSharedRead(tile.block);

  // Which row of which 8x8 block a lane gives the address of: rows of the
  // stored tile in the three low bits, then the second half of k, then of n.
  auto place = [&](uint32_t k, uint32_t n) -> uint32_t {
    if (k >= inner || n >= columns)
      return 0;
    return transposed ? n * inner + k : k * columns + n;
  };
  LinearLayout::Bases lanes, warps, regs;
  for (uint32_t bit : {1, 2, 4})
    lanes.push_back(transposed ? place(0, bit) : place(bit, 0));
  lanes.push_back(place(half, 0));
  lanes.push_back(place(0, 8));
  for (uint32_t basis : layout.warp())
    warps.push_back(place(0, layout.coordinate(basis, 1)));
  SmallVector<uint32_t> rowSteps = steps(layout, 0, 16);
  SmallVector<uint32_t> columnSteps = steps(layout, 1, 16);
  for (uint32_t k = step; k < inner; k *= 2)
    regs.push_back(place(k, 0));
  for (uint32_t basis : layout.reg())
    if (uint32_t n = layout.coordinate(basis, 1); n >= 16)
      regs.push_back(place(0, n));
  LinearLayout addresses(tile.shape, regs, lanes, warps);
  SmallVector<Value> pointers = sharedPointers(tile, addresses, 0);
  llvm::DenseMap<uint32_t, Value> pointerAt;
  for (unsigned reg = 0; reg < addresses.registers(); ++reg)
    pointerAt[addresses.apply({reg, 0, 0})] = pointers[reg];

  RegisterFinder sums(layout);
  Type operand = wordType(b.getContext(), tile.element);
  StringRef load = transposed
                       ? "llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3"
                       : "llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.trans.b16.p3";
  StringRef multiply =
      tile.element.isInteger() ? "llvm.nvvm.mma.m16n8k32.row.col.s8"
      : tile.element.isBF16()  ? "llvm.nvvm.mma.m16n8k16.row.col.bf16"
                               : "llvm.nvvm.mma.m16n8k16.row.col.f32.f32";
  Type four = structOf(i32Type, 4);
  Type sum = structOf(acc.regs.front().getType(), 4);
  for (uint32_t k = 0; k < inner; k += step) {
    SmallVector<SmallVector<Value>> rows;
    for (uint32_t row : rowSteps)
      rows.push_back(lhs(row, k));
    for (uint32_t n : columnSteps) {
      Value loaded =
          callIntrinsic(b, load, four, {pointerAt.lookup(place(k, n))});
      for (uint32_t right = 0; right < 16 && n + right < columns; right += 8) {
        uint32_t column = n + right;
        Value second[2];
        for (int i = 0; i < 2; ++i)
          second[i] = bitcastTo(b, member(b, loaded, right / 4 + i), operand);
        for (auto [row, factors] : llvm::zip(rowSteps, rows)) {
          unsigned places[4] = {sums.at(row, column), sums.at(row, column + 1),
                                sums.at(row + 8, column),
                                sums.at(row + 8, column + 1)};
          SmallVector<Value> operands(factors);
          operands.append({second[0], second[1]});
          for (unsigned at : places)
            operands.push_back(result.regs[at]);
          Value product = callIntrinsic(b, multiply, sum, operands);
          for (auto [i, at] : llvm::enumerate(places))
            result.regs[at] = member(b, product, i);
        }
      }
    }
  }
  shared.noteRead(tile.block);
  return result;
}

} // namespace attn_grid::compiler::gpu
