// Sorting: a stable bottom-up merge sort of positions, then one pass that moves
// keys and payloads to their places. Scalar code: comparisons are the cost.

#include "compiler/Conversion/Cpu/TileEmitter.h"

#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler::cpu {

/// Whether `right` must come before `left`, which stands before it. NaN goes
/// last: it comes before nothing, and all else comes before it.
static Value comesFirst(ImplicitLocOpBuilder &b, Value right, Value left,
                        bool isUnsigned) {
  if (!isa<FloatType>(right.getType()))
    return arith::CmpIOp::create(b,
                                 isUnsigned || right.getType().isInteger(1)
                                     ? arith::CmpIPredicate::ult
                                     : arith::CmpIPredicate::slt,
                                 right, left);
  Value less = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, right, left);
  Value leftNaN =
      arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, left, left);
  Value rightNumber =
      arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, right, right);
  return arith::OrIOp::create(b, less,
                              arith::AndIOp::create(b, leftNaN, rightNumber));
}

void TileEmitter::emitSort(SortOp sort) {
  flush();
  int64_t axis = sort.getAxis();
  Value keys = sort.getInputs().front();
  ArrayRef<int64_t> shape = shapeOf(keys.getType());
  int64_t count = shape[axis];
  SmallVector<Buffer> inputs, results;
  for (auto [input, result] : llvm::zip(sort.getInputs(), sort.getResults())) {
    auto known = buffers.find(input);
    if (known == buffers.end()) {
      Buffer copy = makeBuffer(input, axis);
      materializeInto(copy, input);
      inputs.push_back(copy);
    } else {
      inputs.push_back(known->second);
    }
    results.push_back(makeBuffer(result, laneAxis.of(result)));
  }
  // Two lists of positions that take turns.
  auto listType = RankedTensorType::get({count}, b.getI32Type());
  Buffer lists[2] = {makeBufferOfType(listType, 0),
                     makeBufferOfType(listType, 0)};
  SmallVector<Value, 4> coords(shape.size());
  auto at = [&](Value i) {
    Point point{coords, -1, 1};
    point.coords[axis] = i;
    return point;
  };
  auto position = [&](Value i) { return Point{{i}, -1, 1}; };
  auto keyOf = [&](const Buffer &list, Value i) {
    Value place = toIndex(loadBuffer(list, position(i)));
    return loadBuffer(inputs.front(), at(place));
  };

  auto line = [&] {
    loop(count, 1, [&](Value i) {
      storeBuffer(lists[0], evalIota(position(i)), position(i));
    });
    int from = 0;
    for (int64_t width = 1; width < count; width *= 2, from = 1 - from) {
      const Buffer &source = lists[from], &target = lists[1 - from];
      loop(count, 2 * width, [&](Value start) {
        Value middle = addIndex(start, index(width));
        Value end = addIndex(start, index(2 * width));
        auto merge = scf::ForOp::create(b, start, end, index(1),
                                        ValueRange{start, middle});
        OpBuilder::InsertionGuard guard(b);
        MemoScope scope(*this);
        b.setInsertionPointToStart(merge.getBody());
        Value left = merge.getRegionIterArg(0);
        Value right = merge.getRegionIterArg(1);
        auto below = [&](Value x, Value y) -> Value {
          return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, x, y);
        };
        // Reading one past a run stays inside the list.
        Value leftSafe = arith::MinUIOp::create(b, left, index(count - 1));
        Value rightSafe = arith::MinUIOp::create(b, right, index(count - 1));
        Value leftLeft = below(left, middle), rightLeft = below(right, end);
        Value first = comesFirst(b, keyOf(source, rightSafe),
                                 keyOf(source, leftSafe), sort.getIsUnsigned());
        Value none = arith::XOrIOp::create(
            b, leftLeft, constant(b.getI1Type(), b.getBoolAttr(true)));
        Value takeRight = arith::AndIOp::create(
            b, rightLeft, arith::OrIOp::create(b, none, first));
        Value taken =
            arith::SelectOp::create(b, takeRight, rightSafe, leftSafe);
        storeBuffer(target, loadBuffer(source, position(taken)),
                    position(merge.getInductionVar()));
        Value nextLeft = arith::SelectOp::create(b, takeRight, left,
                                                 addIndex(left, index(1)));
        Value nextRight = arith::SelectOp::create(
            b, takeRight, addIndex(right, index(1)), right);
        scf::YieldOp::create(b, ValueRange{nextLeft, nextRight});
      });
    }
    loop(count, 1, [&](Value i) {
      Value place = toIndex(loadBuffer(lists[from], position(i)));
      for (auto [input, result] : llvm::zip(inputs, results))
        storeBuffer(result, loadBuffer(input, at(place)), at(i));
    });
  };
  std::function<void(int64_t)> nest = [&](int64_t a) {
    if (a == static_cast<int64_t>(shape.size()))
      return line();
    if (a == axis)
      return nest(a + 1);
    loop(shape[a], 1, [&](Value i) {
      coords[a] = i;
      nest(a + 1);
    });
  };
  {
    MemoScope scope(*this);
    nest(0);
  }
  for (auto [result, buffer] : llvm::zip(sort.getResults(), results))
    buffers[result] = buffer;
}

} // namespace attn_grid::compiler::cpu
