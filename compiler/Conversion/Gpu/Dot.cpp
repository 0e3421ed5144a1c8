// Matrix products without the matrix unit: IEEE f32, f64, integers, and factors
// too small for it. Both factors lie in shared memory; a thread's block of the
// result stays in registers.

#include "compiler/Conversion/Gpu/ThreadEmitter.h"

#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

void ThreadEmitter::emitDot(DotOp op) {
  bool ofIntegers =
      !isa<FloatType>(getElementTypeOrSelf(op.getLhs().getType()));
  ThreadTile result = !usesMatrixUnit(op, target) ? scalarDot(op)
                      : ofIntegers                ? integerDot(op)
                      : op.getKeep()              ? maskedDot(op)
                                                  : matrixDot(op);
  setResult(op.getResult(), std::move(result));
}

/// Row-major, without a swizzle: the loop below walks it with a stride.
SharedTile ThreadEmitter::makeFlatShared(Operation *op,
                                         const ThreadTile &value) {
  ThreadTile flat{value.layout.reshape({value.layout.elements()}), value.regs};
  SharedTile tile = makeShared(op, flat);
  return tile;
}

ThreadTile ThreadEmitter::scalarDot(DotOp op) {
  LinearLayout layout = homeOf(op.getResult());
  ThreadTile sum = get(op.getAcc(), layout);
  Type accumulator = getElementTypeOrSelf(op.getResult().getType());
  int64_t inner = shapeOf(op.getLhs().getType())[1];
  int64_t columns = layout.shape()[1];
  SharedTile lhs = makeFlatShared(op, get(op.getLhs()));
  SharedTile rhs = makeFlatShared(op, get(op.getRhs()));
  SharedTile keep;
  if (op.getKeep())
    keep = makeFlatShared(op, get(op.getKeep()));
  beforeSharedRead(lhs.block);
  beforeSharedRead(rhs.block);
  if (op.getKeep())
    beforeSharedRead(keep.block);

  SmallVector<Value> row = coordinates(layout, 0).sums;
  SmallVector<Value> column = coordinates(layout, 1).sums;
  // Where an element of a row or column lies for k = 0.
  auto start = [&](Value index, int64_t stride) -> Value {
    return arith::MulIOp::create(b, index, i32(stride));
  };
  auto pointer = LLVM::LLVMPointerType::get(b.getContext(), 3);
  Value zero = i64(0), one = i64(1), end = i64(inner);
  auto loop = scf::ForOp::create(b, zero, end, one, sum.regs);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value k =
        arith::TruncIOp::create(b, b.getI32Type(), loop.getInductionVar());
    llvm::DenseMap<std::pair<Value, int>, Value> known;
    auto load = [&](const SharedTile &tile, int which, Value index,
                    int64_t stride, int64_t step) -> Value {
      Value &value = known[{index, which}];
      if (value)
        return value;
      bool mask = tile.element.isInteger(1);
      Type memory = mask ? Type(b.getI8Type()) : tile.element;
      Value offset = arith::AddIOp::create(
          b, start(index, stride), arith::MulIOp::create(b, k, i32(step)));
      Value block = LLVM::GEPOp::create(
          b, pointer, b.getI8Type(), sharedBase,
          ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(tile.block.begin)});
      Value at =
          LLVM::GEPOp::create(b, pointer, memory, block, ValueRange{offset});
      value = LLVM::LoadOp::create(b, memory, at,
                                   memory.getIntOrFloatBitWidth() / 8);
      if (mask)
        value = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, value,
                                      zeroOf(memory));
      else
        value = accumulated(value, accumulator);
      return value;
    };
    SmallVector<Value> next;
    for (unsigned reg = 0; reg < layout.registers(); ++reg) {
      Value x = load(lhs, 0, row[reg], inner, 1);
      Value y = load(rhs, 1, column[reg], 1, columns);
      Value before = loop.getRegionIterArg(reg), after;
      if (isa<FloatType>(accumulator))
        after = math::FmaOp::create(b, x, y, before);
      else
        after =
            arith::AddIOp::create(b, before, arith::MulIOp::create(b, x, y));
      if (op.getKeep())
        after = arith::SelectOp::create(b, load(keep, 2, row[reg], inner, 1),
                                        after, before);
      next.push_back(after);
    }
    scf::YieldOp::create(b, next);
  }
  for (const SharedTile *tile : {&lhs, &rhs, &keep})
    if (tile->block.end > tile->block.begin) {
      shared.noteRead(tile->block);
      shared.release(tile->block);
    }
  return ThreadTile{layout, SmallVector<Value>(loop.getResults())};
}

} // namespace attn_grid::compiler::gpu
