// Reductions: where they start, how two partial results combine, and how the
// lanes of one become a scalar.

#include "compiler/Conversion/Cpu/TileEmitter.h"

#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler::cpu {

Value TileEmitter::identity(ReduceOp op, int64_t lanes) {
  Type input = getElementTypeOrSelf(op.getInput().getType());
  Type type = registerType(op.getKind() == ReduceKind::sum
                               ? getElementTypeOrSelf(op.getResult().getType())
                               : input);
  auto number = [&]() -> TypedAttr {
    if (auto floats = dyn_cast<FloatType>(type)) {
      const llvm::fltSemantics &semantics = floats.getFloatSemantics();
      switch (op.getKind()) {
      case ReduceKind::prod:
        return FloatAttr::get(type, 1.0);
      case ReduceKind::min:
      case ReduceKind::argmin:
        return FloatAttr::get(type, APFloat::getInf(semantics));
      case ReduceKind::max:
      case ReduceKind::argmax:
        return FloatAttr::get(type, APFloat::getInf(semantics, true));
      default:
        return FloatAttr::get(type, 0.0);
      }
    }
    unsigned bits = type.getIntOrFloatBitWidth();
    if (type.isInteger(1)) // 0 or 1, without a sign
      return IntegerAttr::get(
          type, llvm::is_contained({ReduceKind::prod, ReduceKind::min,
                                    ReduceKind::umin, ReduceKind::argmin,
                                    ReduceKind::all},
                                   op.getKind()));
    switch (op.getKind()) {
    case ReduceKind::prod:
      return IntegerAttr::get(type, 1);
    case ReduceKind::min:
    case ReduceKind::argmin:
      return IntegerAttr::get(type, APInt::getSignedMaxValue(bits));
    case ReduceKind::max:
    case ReduceKind::argmax:
      return IntegerAttr::get(type, APInt::getSignedMinValue(bits));
    case ReduceKind::umin:
      return IntegerAttr::get(type, APInt::getMaxValue(bits));
    case ReduceKind::all:
      return IntegerAttr::get(type, APInt::getAllOnes(bits));
    default:
      return IntegerAttr::get(type, 0);
    }
  }();
  return widen(arith::ConstantOp::create(b, number), lanes);
}

/// An element as the sum of its kind adds it: integers are widened first.
Value TileEmitter::sumElement(Value value, Type element, int64_t lanes) {
  Type want = registerType(element);
  Type have = getElementTypeOrSelf(value.getType());
  if (have == want || !isa<IntegerType>(want))
    return value;
  Type type = lanes == 1 ? want : Type(VectorType::get({lanes}, want));
  // A sum of bools counts them.
  if (have.isInteger(1))
    return arith::ExtUIOp::create(b, type, value);
  return arith::ExtSIOp::create(b, type, value);
}

Value TileEmitter::combine(ReduceKind kind, Value x, Value y) {
  bool floats = isa<FloatType>(getElementTypeOrSelf(x.getType()));
  bool masks = getElementTypeOrSelf(x.getType()).isInteger(1);
  auto choose = [&](arith::CmpFPredicate predicate) -> Value {
    Value first = arith::CmpFOp::create(b, predicate, x, y);
    return arith::SelectOp::create(b, first, x, y);
  };
  switch (kind) {
  case ReduceKind::sum:
    return floats ? Value(arith::AddFOp::create(b, x, y,
                                                arith::FastMathFlags::contract))
                  : Value(arith::AddIOp::create(b, x, y));
  case ReduceKind::prod:
    return floats ? Value(arith::MulFOp::create(b, x, y))
                  : Value(arith::MulIOp::create(b, x, y));
  case ReduceKind::min:
  case ReduceKind::argmin:
    return floats  ? choose(arith::CmpFPredicate::OLT)
           : masks ? Value(arith::MinUIOp::create(b, x, y))
                   : Value(arith::MinSIOp::create(b, x, y));
  case ReduceKind::max:
  case ReduceKind::argmax:
    return floats  ? choose(arith::CmpFPredicate::OGT)
           : masks ? Value(arith::MaxUIOp::create(b, x, y))
                   : Value(arith::MaxSIOp::create(b, x, y));
  case ReduceKind::umin:
    return arith::MinUIOp::create(b, x, y);
  case ReduceKind::umax:
    return arith::MaxUIOp::create(b, x, y);
  case ReduceKind::any:
    return arith::OrIOp::create(b, x, y);
  case ReduceKind::all:
    return arith::AndIOp::create(b, x, y);
  }
  return x;
}

/// Halves the vector until one lane is left.
Value TileEmitter::horizontal(ReduceKind kind, Value value) {
  auto type = dyn_cast<VectorType>(value.getType());
  if (!type)
    return value;
  for (int64_t lanes = type.getDimSize(0); lanes > 1; lanes /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t lane = 0; lane < lanes / 2; ++lane) {
      low.push_back(lane);
      high.push_back(lane + lanes / 2);
    }
    value = combine(kind, vector::ShuffleOp::create(b, value, value, low),
                    vector::ShuffleOp::create(b, value, value, high));
  }
  return vector::ExtractOp::create(b, value, 0);
}

/// Partial results to the reduction's own: stored at the kept coordinates, or
/// appended to `results` if it is a scalar.
void TileEmitter::finishReduction(ReduceOp op, const Buffer &target,
                                  ArrayRef<Value> partial,
                                  ArrayRef<Value> coords, int64_t lanes,
                                  bool overLanes,
                                  SmallVectorImpl<Value> &results) {
  ReduceKind kind = op.getKind();
  bool pairs = kind == ReduceKind::argmin || kind == ReduceKind::argmax;
  Type element = getElementTypeOrSelf(op.getResult().getType());
  int64_t lane = laneAxis.of(op.getInput());
  Point point;
  for (auto [axis, coord] : llvm::enumerate(coords)) {
    if (llvm::is_contained(op.getAxes(), static_cast<int64_t>(axis)))
      continue;
    if (static_cast<int64_t>(axis) == lane) {
      point.laneAxis = point.coords.size();
      point.lanes = lanes;
    }
    point.coords.push_back(coord);
  }
  auto put = [&](Value value, const Point &where) {
    // A product of 16-bit floats rounds once, here.
    if (!pairs)
      value = roundTo(value, element);
    if (!target.pointer)
      results.push_back(value);
    else
      storeBuffer(target, value, where);
  };
  if (!overLanes) {
    size_t width = pairs ? 2 : 1;
    for (size_t u = 0; u < partial.size() / width; ++u) {
      Point where = point;
      where.coords[point.laneAxis] =
          addIndex(point.coords[point.laneAxis], index(u * lanes));
      put(partial[u * width + width - 1], where);
    }
    return;
  }
  if (pairs) {
    // The best value of all lanes; of the lanes that have it, the first place.
    Value best = widen(horizontal(kind, partial[0]), lanes);
    bool floats = isa<FloatType>(getElementTypeOrSelf(best.getType()));
    Value has = floats
                    ? Value(arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                                  partial[0], best))
                    : Value(arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                                  partial[0], best));
    Value far =
        widen(constant(b.getI32Type(), b.getI32IntegerAttr(INT32_MAX)), lanes);
    Value place = horizontal(ReduceKind::umin,
                             arith::SelectOp::create(b, has, partial[1], far));
    Value none = constant(b.getI32Type(), b.getI32IntegerAttr(INT32_MAX));
    Value missing =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, place, none);
    Value zero = constant(b.getI32Type(), b.getI32IntegerAttr(0));
    put(arith::SelectOp::create(b, missing, zero, place), point);
    return;
  }
  Value all = partial[0];
  for (Value other : partial.drop_front())
    all = combine(kind, all, other);
  put(horizontal(kind, all), point);
}

/// Takes the value of a point into the best so far, and its place on the axis.
void TileEmitter::takeBest(ReduceOp op, Value value, const Point &point,
                           Value &best, Value &bestPlace) {
  int64_t axis = op.getAxes().front();
  bool isLane = axis == point.laneAxis;
  Value place = widen(evalIota(Point{{point.coords[axis]},
                                     isLane ? 0 : -1,
                                     isLane ? point.lanes : 1}),
                      point.lanes);
  Type element = getElementTypeOrSelf(value.getType());
  bool max = op.getKind() == ReduceKind::argmax;
  // Strictly better: the first of equals stays.
  Value better;
  if (isa<FloatType>(element)) {
    auto predicate =
        max ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT;
    better = arith::CmpFOp::create(b, predicate, value, best);
  } else {
    bool isMask = element.isInteger(1);
    auto predicate =
        max ? (isMask ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::sgt)
            : (isMask ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt);
    better = arith::CmpIOp::create(b, predicate, value, best);
  }
  best = arith::SelectOp::create(b, better, value, best);
  bestPlace = arith::SelectOp::create(b, better, place, bestPlace);
}

} // namespace attn_grid::compiler::cpu
