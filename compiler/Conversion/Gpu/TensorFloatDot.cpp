// Products of f32 for which a kernel allows TF32, by mma.sync.m16n8k8. `tf32`
// rounds the factors to 11 bits; `tf32x3` takes each as the sum of two such
// numbers, and three of the four products of these ("3xTF32": Ootomo & Yokota,
// "Recovering single precision accuracy from Tensor Cores while surpassing the
// FP32 theoretical peak performance", 2022).
//
// The unit wants columns t and t + 4 of the first factor in a thread, an
// accumulator has 2 t and 2 t + 1. The order of what is summed is free: the
// latter are taken for the former, and the rows of the second factor alike.

#include "compiler/Conversion/Gpu/ThreadEmitter.h"

#include "compiler/Conversion/Gpu/Intrinsics.h"
#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

static constexpr uint32_t depth = 8; // of a product

/// A factor as the unit takes it.
namespace {
struct Parts {
  Value large, small; // i32; `tf32` has no small part
};
} // namespace

static Value rounded(ImplicitLocOpBuilder &b, Value value) {
  return callIntrinsic(b, "llvm.nvvm.f2tf32.rna", b.getI32Type(), {value});
}

static Parts partsOf(ImplicitLocOpBuilder &b, Value value, bool isThree) {
  if (!isThree)
    return {rounded(b, value), nullptr};
  // The upper bits, and what they leave of it; of an infinity nothing, not NaN.
  constexpr int32_t upperBits = int32_t(0xffffe000);
  Value large = arith::AndIOp::create(
      b, bitcastTo(b, value, b.getI32Type()),
      arith::ConstantOp::create(b, b.getI32IntegerAttr(upperBits)));
  Value upper = bitcastTo(b, large, b.getF32Type());
  Value isAll =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, upper, value);
  Value rest = arith::SelectOp::create(
      b, isAll, arith::ConstantOp::create(b, b.getF32FloatAttr(0)),
      arith::SubFOp::create(b, value, upper));
  return {large, rounded(b, rest)};
}

ThreadTile ThreadEmitter::tensorFloatDot(DotOp op) {
  bool isThree = *op.getPrecision() == Precision::tf32x3;
  LinearLayout layout = homeOf(op.getResult());
  const ThreadTile &lhs = get(op.getLhs(), firstFactorLayout(op));
  ThreadTile result = get(op.getAcc(), layout);
  bool transposed = false;
  Value stored = untransposed(op.getRhs(), &transposed);
  const SharedTile *loaded = sharedTileOf(stored);
  SharedTile tile = loaded ? *loaded : makeShared(op, get(stored));

  // A thread's elements of the second factor: rows 2 t and 2 t + 1 of each
  // step, a column of each block of 8 columns.
  uint32_t inner = lhs.layout.shape()[1], columns = layout.shape()[1];
  auto place = [&](uint32_t k, uint32_t n) -> uint32_t {
    return transposed ? n * inner + k : k * columns + n;
  };
  LinearLayout::Bases regs{place(1, 0)}, warps;
  LinearLayout::Bases lanes{place(2, 0), place(4, 0), place(0, 1), place(0, 2),
                            place(0, 4)};
  for (uint32_t k = depth; k < inner; k *= 2)
    regs.push_back(place(k, 0));
  for (uint32_t basis : layout.reg())
    if (uint32_t n = layout.coordinate(basis, 1); n >= 8)
      regs.push_back(place(0, n));
  for (uint32_t basis : layout.warp()) {
    uint32_t n = layout.coordinate(basis, 1);
    warps.push_back(n ? place(0, n) : 0);
  }
  LinearLayout wanted(tile.shape, regs, lanes, warps);
  ThreadTile rhs = loadShared(tile, wanted);
  llvm::DenseMap<uint32_t, unsigned> registerAt;
  for (unsigned reg = 0; reg < wanted.registers(); ++reg)
    registerAt[wanted.apply({reg, 0, 0})] = reg;
  auto second = [&](uint32_t k, uint32_t n) {
    return partsOf(b, rhs.regs[registerAt.lookup(place(k, n))], isThree);
  };

  RegisterFinder first(lhs.layout), sums(layout);
  SmallVector<uint32_t> rowSteps = steps(layout, 0, 16);
  Type sum = structOf(b.getF32Type(), 4);
  for (uint32_t k = 0; k < inner; k += depth) {
    SmallVector<SmallVector<Parts, 4>> rows;
    for (uint32_t row : rowSteps) {
      auto &parts = rows.emplace_back();
      for (auto [down, right] : {std::pair(0, 0), {8, 0}, {0, 1}, {8, 1}})
        parts.push_back(
            partsOf(b, lhs.regs[first.at(row + down, k + right)], isThree));
    }
    for (uint32_t n : steps(layout, 1, 8)) {
      Parts below[2] = {second(k, n), second(k + 1, n)};
      for (auto [row, parts] : llvm::zip(rowSteps, rows)) {
        unsigned places[4] = {sums.at(row, n), sums.at(row, n + 1),
                              sums.at(row + 8, n), sums.at(row + 8, n + 1)};
        auto multiply = [&](bool smallFirst, bool smallSecond) {
          SmallVector<Value> operands;
          for (const Parts &part : parts)
            operands.push_back(smallFirst ? part.small : part.large);
          for (const Parts &part : below)
            operands.push_back(smallSecond ? part.small : part.large);
          for (unsigned at : places)
            operands.push_back(result.regs[at]);
          Value product = callIntrinsic(b, "llvm.nvvm.mma.m16n8k8.row.col.tf32",
                                        sum, operands);
          for (auto [i, at] : llvm::enumerate(places))
            result.regs[at] = member(b, product, i);
        };
        if (isThree) { // the least first
          multiply(true, false);
          multiply(false, true);
        }
        multiply(false, false);
      }
    }
  }
  if (!loaded)
    shared.release(tile.block);
  return result;
}

} // namespace attn_grid::compiler::gpu
