// Reductions by a kind.

#include "compiler/Reference/Interpreter.h"

#include <limits>

using namespace mlir;

namespace attn_grid::compiler::reference {

/// How two elements of type `element` combine; the first came first.
static Number combine(ir::ReduceKind kind, Number x, Number y, Type element) {
  bool floats = isa<FloatType>(element);
  uint64_t ux = floats ? 0 : asUnsigned(x.whole, element);
  uint64_t uy = floats ? 0 : asUnsigned(y.whole, element);
  switch (kind) {
  case ir::ReduceKind::sum:
    return floats ? Number::of(roundResult(x.real + y.real, element))
                  : Number::of(wrap(__int128(x.whole) + y.whole, element));
  case ir::ReduceKind::prod:
    return floats ? Number::of(roundResult(x.real * y.real, element))
                  : Number::of(wrap(__int128(x.whole) * y.whole, element));
  case ir::ReduceKind::min:
    return (floats ? x.real < y.real : x.whole < y.whole) ? x : y;
  case ir::ReduceKind::max:
    return (floats ? x.real > y.real : x.whole > y.whole) ? x : y;
  case ir::ReduceKind::umin:
    return ux < uy ? x : y;
  case ir::ReduceKind::umax:
    return ux > uy ? x : y;
  case ir::ReduceKind::any:
    return Number::of(x.whole | y.whole);
  case ir::ReduceKind::all:
    return Number::of(x.whole & y.whole);
  case ir::ReduceKind::argmin:
  case ir::ReduceKind::argmax:
    break; // they combine places: see `better`
  }
  return x;
}

/// Whether `x` wins over the best so far, for `argmin` and `argmax`.
static bool better(ir::ReduceKind kind, Number x, Number best, bool floats) {
  bool max = kind == ir::ReduceKind::argmax;
  if (floats)
    return max ? x.real > best.real : x.real < best.real;
  return max ? x.whole > best.whole : x.whole < best.whole;
}

/// The places of the first of the best along one axis. A NaN is no candidate;
/// where nothing is above the worst of all numbers, the place is 0.
static void runArg(const Tile &input, ir::ReduceKind kind, int64_t axis,
                   Tile &result) {
  forEachPlace(result.shape, [&](const Place &kept) {
    Place place(kept);
    place.insert(place.begin() + axis, 0);
    std::optional<Number> best;
    for (int64_t i = 0; i < input.shape[axis]; ++i) {
      place[axis] = i;
      Number x = input.at(place);
      if (input.isFloat() && x.real != x.real)
        continue;
      if (best && !better(kind, x, *best, input.isFloat()))
        continue;
      best = x;
      result.at(kept) = Number::of(i);
    }
  });
}

Handled runReduce(Interpreter &run, Operation *op) {
  auto reduce = dyn_cast<ir::ReduceOp>(op);
  if (!reduce)
    return std::nullopt;
  const Tile &input = run[reduce.getInput()];
  Tile result(reduce.getResult().getType());
  ir::ReduceKind kind = reduce.getKind();
  if (kind == ir::ReduceKind::argmin || kind == ir::ReduceKind::argmax) {
    runArg(input, kind, reduce.getAxes().front(), result);
  } else {
    std::vector<bool> begun(result.elements.size());
    forEachPlace(input.shape, [&](const Place &place) {
      Place kept;
      for (auto [axis, at] : llvm::enumerate(place))
        if (!llvm::is_contained(reduce.getAxes(), static_cast<int64_t>(axis)))
          kept.push_back(at);
      Number &into = result.at(kept);
      size_t which = &into - result.elements.data();
      // The numbers of the input are numbers of the result's type, too.
      into = begun[which] ? combine(kind, into, input.at(place), result.element)
                          : input.at(place);
      begun[which] = true;
    });
  }
  run.set(reduce.getResult(), std::move(result));
  return success();
}

} // namespace attn_grid::compiler::reference
