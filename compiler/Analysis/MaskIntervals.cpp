// The half of MaskRanges that is about integers: one rule for each operation
// that mask expressions are made of.

#include "compiler/Analysis/MaskRanges.h"

#include "dialect/AgOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;

namespace attn_grid::compiler {

/// Values behind longer chains of operations are not followed.
static constexpr unsigned maxDepth = 200;

Interval MaskRanges::ofInteger(Value value) {
  if (auto it = intervals.find(value); it != intervals.end())
    return it->second;
  if (depth >= maxDepth)
    return unknownInteger(value);
  llvm::SaveAndRestore deeper(depth, depth + 1);
  Interval interval = computeInteger(value);
  intervals.insert({value, interval});
  return interval;
}

/// The interval whose ends are both `point`.
static Interval pointInterval(const Polynomial &point) {
  return {Bound(point), Bound(point)};
}

static bool isPoint(const Interval &a) {
  return a.low.isWhole() && a.high.isWhole() &&
         a.low.getPolynomial() == a.high.getPolynomial();
}

Interval MaskRanges::constantInterval(Range range) const {
  return {Bound::constant(range.min), Bound::constant(range.max)};
}

Interval MaskRanges::computeInteger(Value value) {
  Attribute constant;
  if (matchPattern(value, m_Constant(&constant)))
    return constantInterval(staticRanges.of(value));
  bool isScalar = !isa<RankedTensorType>(value.getType());
  Operation *op = value.getDefiningOp();
  if (!op || (isScalar && isInvariant(value)))
    return unknownInteger(value);
  std::optional<Interval> found = ofOperation(op);
  if (!found || !found->low.isKnown() || !found->high.isKnown())
    return unknownInteger(value);
  // The operation's result is this whole number unless that leaves the type.
  Range all = rangeOfWidth(integerWidth(value.getType()));
  found->guard = allOf(found->guard, fits(*found, all));
  return found->guard.isFalse() ? unknownInteger(value) : *found;
}

/// A scalar is a quantity itself; of a tile we have the extremes or the type.
Interval MaskRanges::unknownInteger(Value value) {
  if (!isa<RankedTensorType>(value.getType())) {
    Polynomial point = scalar(value);
    if (point.isKnown())
      return pointInterval(point);
  } else if (auto found = extremes(value)) {
    return {Bound(found->first), Bound(found->second)};
  }
  return constantInterval(staticRanges.of(value));
}

/// Suffices for the interval to lie in `range`.
Condition MaskRanges::fits(const Interval &interval, Range range) const {
  // Known bounds lie in 63 bits.
  if (range.min == INT64_MIN)
    return Condition::yes();
  return allOf(atLeast(quantities, interval.low, Bound::constant(range.min)),
               atLeast(quantities, Bound::constant(range.max), interval.high));
}

std::optional<Interval> MaskRanges::ofOperation(Operation *op) {
  Type type = op->getResult(0).getType();
  if (isa<ir::IotaOp>(op))
    return constantInterval(
        {0, cast<RankedTensorType>(type).getNumElements() - 1});
  if (isa<tensor::SplatOp, ir::BroadcastOp, ir::TransposeOp, ir::ReshapeOp>(op))
    return ofInteger(op->getOperand(0));
  if (auto reduce = dyn_cast<ir::ReduceOp>(op)) {
    if (reduce.getKind() == ir::ReduceKind::min ||
        reduce.getKind() == ir::ReduceKind::max)
      return ofInteger(reduce.getInput());
    return std::nullopt;
  }
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    Interval a = ofInteger(select.getTrueValue());
    Interval b = ofInteger(select.getFalseValue());
    return Interval{minOf(a.low, b.low), maxOf(a.high, b.high),
                    allOf(a.guard, b.guard)};
  }
  if (isa<arith::ExtSIOp, arith::ExtUIOp, arith::TruncIOp, arith::IndexCastOp,
          arith::IndexCastUIOp>(op))
    return ofCast(op);
  if (isa<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp,
          arith::CeilDivSIOp, arith::RemSIOp, arith::RemUIOp, arith::ShRSIOp,
          arith::ShRUIOp, arith::ShLIOp>(op))
    return ofDivision(op);
  return ofArithmetic(op);
}

std::optional<Interval> MaskRanges::ofCast(Operation *op) {
  Value source = op->getOperand(0);
  unsigned width = integerWidth(source.getType());
  if (width == 0)
    return std::nullopt;
  if (width == 1)
    return constantInterval(staticRanges.of(op->getResult(0)));
  // That a narrower result may not hold the number is the caller's guard.
  Interval a = ofInteger(source);
  if (isa<arith::ExtUIOp, arith::IndexCastUIOp>(op))
    a.guard = allOf(a.guard, atLeast(quantities, a.low, Bound::constant(0)));
  return a;
}

Interval MaskRanges::multiply(const Interval &a, const Interval &b) const {
  Condition guard = allOf(a.guard, b.guard);
  Interval unknown{Bound::unknown(), Bound::unknown(), guard};
  if (!isPoint(b)) {
    if (isPoint(a))
      return multiply(b, a);
    bool positive = a.low.isKnown() && b.low.isWhole() && b.high.isWhole() &&
                    rangeOf(quantities, a.low).min >= 0 &&
                    rangeOf(quantities, b.low).min >= 0;
    if (!positive)
      return unknown;
    return {scale(quantities, a.low, b.low.getPolynomial(), Side::lower),
            scale(quantities, a.high, b.high.getPolynomial(), Side::upper),
            guard};
  }
  if (!a.low.isKnown() || !a.high.isKnown())
    return unknown;
  const Polynomial &factor = b.low.getPolynomial();
  Range sign = quantities.range(factor);
  if (sign.min >= 0)
    return {scale(quantities, a.low, factor, Side::lower),
            scale(quantities, a.high, factor, Side::upper), guard};
  if (sign.max <= 0) {
    Polynomial opposite = quantities.multiply(factor, -1);
    return {
        scale(quantities, negative(quantities, a.high), opposite, Side::lower),
        scale(quantities, negative(quantities, a.low), opposite, Side::upper),
        guard};
  }
  if (!a.low.isWhole() || !a.high.isWhole())
    return unknown;
  Bound first(quantities.multiply(a.low.getPolynomial(), factor));
  Bound second(quantities.multiply(a.high.getPolynomial(), factor));
  return {minOf(first, second), maxOf(first, second), guard};
}

std::optional<Interval> MaskRanges::ofArithmetic(Operation *op) {
  Bound zero = Bound::constant(0);
  if (auto absolute = dyn_cast<math::AbsIOp>(op)) {
    Interval a = ofInteger(absolute.getOperand());
    return Interval{maxOf(zero, maxOf(a.low, negative(quantities, a.high))),
                    maxOf(a.high, negative(quantities, a.low)), a.guard};
  }
  if (!isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::MinSIOp,
           arith::MaxSIOp, arith::MinUIOp, arith::MaxUIOp>(op))
    return std::nullopt;
  Interval a = ofInteger(op->getOperand(0)), b = ofInteger(op->getOperand(1));
  Condition guard = allOf(a.guard, b.guard);
  auto sum = [&](const Interval &x, const Bound &low, const Bound &high) {
    return Interval{add(quantities, x.low, low, Side::lower),
                    add(quantities, x.high, high, Side::upper), guard};
  };
  if (isa<arith::AddIOp>(op))
    return sum(a, b.low, b.high);
  if (isa<arith::SubIOp>(op))
    return sum(a, negative(quantities, b.high), negative(quantities, b.low));
  if (isa<arith::MulIOp>(op))
    return multiply(a, b);
  // Numbers that are not negative are ordered alike as unsigned ones.
  if (isa<arith::MinUIOp, arith::MaxUIOp>(op))
    guard = allOf(guard, allOf(atLeast(quantities, a.low, zero),
                               atLeast(quantities, b.low, zero)));
  if (isa<arith::MinSIOp, arith::MinUIOp>(op))
    return Interval{minOf(a.low, b.low), minOf(a.high, b.high), guard};
  return Interval{maxOf(a.low, b.low), maxOf(a.high, b.high), guard};
}

/// Quotients and remainders by positive constants, and shifts by constants.
std::optional<Interval> MaskRanges::ofDivision(Operation *op) {
  Range range = staticRanges.of(op->getOperand(1));
  int64_t by = range.min;
  if (range.min != range.max)
    return std::nullopt;
  if (isa<arith::ShLIOp, arith::ShRSIOp, arith::ShRUIOp>(op)) {
    if (by < 0 || by > 30 || by >= integerWidth(op->getResult(0).getType()))
      return std::nullopt;
    by = int64_t(1) << by;
  }
  if (by <= 0)
    return std::nullopt;
  Interval a = ofInteger(op->getOperand(0));
  if (!a.low.isKnown() || !a.high.isKnown())
    return std::nullopt;
  if (isa<arith::ShLIOp>(op))
    return multiply(a, pointInterval(Polynomial::constant(by)));
  if (isa<arith::DivUIOp, arith::RemUIOp, arith::ShRUIOp>(op))
    a.guard = allOf(a.guard, atLeast(quantities, a.low, Bound::constant(0)));
  Range low = rangeOf(quantities, a.low), high = rangeOf(quantities, a.high);
  bool isUnsigned = isa<arith::RemUIOp, arith::DivUIOp, arith::ShRUIOp>(op);
  bool notNegative = low.min >= 0 || isUnsigned;
  if (isa<arith::RemSIOp, arith::RemUIOp>(op)) {
    Bound largest = Bound::constant(by - 1);
    if (notNegative)
      return Interval{Bound::constant(0), minOf(a.high, largest), a.guard};
    return Interval{Bound::constant(1 - by), largest};
  }
  auto floor = [&](const Bound &x) { return floorDivide(quantities, x, by); };
  auto ceil = [&](const Bound &x) { return ceilDivide(quantities, x, by); };
  if (isa<arith::CeilDivSIOp>(op))
    return Interval{ceil(a.low), ceil(a.high), a.guard};
  if (isa<arith::DivSIOp>(op)) {
    // Towards zero: up for negative numbers, of which the floor is below.
    Bound lower = low.max <= 0 ? ceil(a.low) : floor(a.low);
    Bound upper = high.min >= 0 ? floor(a.high) : ceil(a.high);
    return Interval{lower, upper, a.guard};
  }
  return Interval{floor(a.low), floor(a.high), a.guard};
}

} // namespace attn_grid::compiler
