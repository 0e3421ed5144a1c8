// What goes along one axis, element after element: scans, reductions by a
// function, sorts.

#include "compiler/Reference/Interpreter.h"

#include <algorithm>
#include <numeric>

using namespace mlir;

namespace attn_grid::compiler::reference {

/// Calls `visit` with the places of each line along `axis`, in order.
static LogicalResult
forEachLine(ArrayRef<int64_t> shape, int64_t axis,
            llvm::function_ref<LogicalResult(ArrayRef<Place>)> visit) {
  Place others(shape);
  others[axis] = 1;
  LogicalResult result = success();
  forEachPlace(others, [&](const Place &first) {
    SmallVector<Place> line;
    for (int64_t i = 0; i < shape[axis]; ++i) {
      line.push_back(first);
      line.back()[axis] = i;
    }
    if (succeeded(result))
      result = visit(line);
  });
  return result;
}

static LogicalResult runKindScan(Interpreter &run, ir::ScanOp scan) {
  const Tile &input = run[scan.getInput()];
  Tile result(scan.getResult().getType());
  bool sum = scan.getKind() == ir::ScanKind::sum;
  auto combine = [&](Number x, Number y) {
    if (result.isFloat())
      return Number::of(
          roundResult(sum ? x.real + y.real : x.real * y.real, result.element));
    return Number::of(
        wrap(sum ? __int128(x.whole) + y.whole : __int128(x.whole) * y.whole,
             result.element));
  };
  (void)forEachLine(input.shape, scan.getAxis(), [&](ArrayRef<Place> line) {
    for (auto [i, place] : llvm::enumerate(line))
      result.at(place) = i ? combine(result.at(line[i - 1]), input.at(place))
                           : input.at(place);
    return success();
  });
  run.set(scan.getResult(), std::move(result));
  return success();
}

/// Reductions and scans by a function: what a reduction gives is the last
/// intermediate result of the scan.
template <typename Op>
static LogicalResult runWith(Interpreter &run, Op op, bool reduces) {
  const Tile input = run[op.getInput()];
  int64_t axis = op.getAxis();
  Block &block = op.getCombine().front();
  Tile result(op.getResult().getType());
  auto one = [&](Number number) {
    Tile scalar(input.element);
    scalar.elements.front() = number;
    return scalar;
  };
  auto along = [&](ArrayRef<Place> line) -> LogicalResult {
    Number sofar = input.at(line.front());
    for (auto [i, place] : llvm::enumerate(line)) {
      if (i) {
        run.set(block.getArgument(0), one(sofar));
        run.set(block.getArgument(1), one(input.at(place)));
        if (failed(run.runBlock(block)))
          return failure();
        sofar = run[block.getTerminator()->getOperand(0)].elements.front();
      }
      if (!reduces)
        result.at(place) = sofar;
    }
    if (reduces) {
      Place kept(line.front());
      kept.erase(kept.begin() + axis);
      result.at(kept) = sofar;
    }
    return success();
  };
  if (failed(forEachLine(input.shape, axis, along)))
    return failure();
  run.set(op.getResult(), std::move(result));
  return success();
}

/// Ascending and stable, NaN last.
static LogicalResult runSort(Interpreter &run, ir::SortOp sort) {
  const Tile &keys = run[sort.getInputs().front()];
  std::vector<Tile> results;
  for (Value result : sort.getResults())
    results.emplace_back(result.getType());
  bool isUnsigned = sort.getIsUnsigned();
  auto before = [&](Number x, Number y) {
    if (keys.isFloat())
      return x.real < y.real || (x.real == x.real && y.real != y.real);
    return isUnsigned ? asUnsigned(x.whole, keys.element) <
                            asUnsigned(y.whole, keys.element)
                      : x.whole < y.whole;
  };
  (void)forEachLine(keys.shape, sort.getAxis(), [&](ArrayRef<Place> line) {
    std::vector<size_t> order(line.size());
    std::iota(order.begin(), order.end(), 0);
    // Equal keys keep their order.
    llvm::sort(order, [&](size_t x, size_t y) {
      Number first = keys.at(line[x]), second = keys.at(line[y]);
      return before(first, second) || (!before(second, first) && x < y);
    });
    for (auto [input, result] : llvm::zip(sort.getInputs(), results))
      for (auto [i, from] : llvm::enumerate(order))
        result.at(line[i]) = run[input].at(line[from]);
    return success();
  });
  for (auto [value, result] : llvm::zip(sort.getResults(), results))
    run.set(value, std::move(result));
  return success();
}

Handled runScan(Interpreter &run, Operation *op) {
  if (auto scan = dyn_cast<ir::ScanOp>(op))
    return runKindScan(run, scan);
  if (auto scan = dyn_cast<ir::ScanWithOp>(op))
    return runWith(run, scan, /*reduces=*/false);
  if (auto reduce = dyn_cast<ir::ReduceWithOp>(op))
    return runWith(run, reduce, /*reduces=*/true);
  if (auto sort = dyn_cast<ir::SortOp>(op))
    return runSort(run, sort);
  return std::nullopt;
}

} // namespace attn_grid::compiler::reference
