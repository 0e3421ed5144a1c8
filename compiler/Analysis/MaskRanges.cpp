#include "compiler/Analysis/MaskRanges.h"

#include "dialect/AgOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;

namespace attn_grid::compiler {

/// Values behind longer chains of operations are not followed.
static constexpr unsigned maxDepth = 200;

MaskRanges::MaskRanges(scf::ForOp loop, int64_t maskElements)
    : loop(loop), maskElements(maskElements) {
  if (!loop || loop.getUnsignedCmp())
    return;
  Value variable = loop.getInductionVar();
  unsigned id =
      quantities.intern({Quantity::Kind::scalar, variable,
                         staticRanges.of(variable), /*invariant=*/false});
  quantities.setLoopBounds(id, scalar(loop.getLowerBound()),
                           scalar(loop.getUpperBound()));
}

bool MaskRanges::isInvariant(Value value) const {
  scf::ForOp around = loop;
  return !around || around.isDefinedOutsideOfLoop(value);
}

/// The polynomial that is just the scalar `value`.
Polynomial MaskRanges::scalar(Value value) {
  Range range = staticRanges.of(value);
  if (range.min == range.max)
    return Polynomial::constant(range.min);
  return quantities.polynomial(quantities.intern(
      {Quantity::Kind::scalar, value, range, isInvariant(value)}));
}

/// The minimum and maximum of a tile as quantities, if they are cheap.
std::optional<std::pair<Polynomial, Polynomial>>
MaskRanges::extremes(Value value) {
  int64_t elements = cast<RankedTensorType>(value.getType()).getNumElements();
  bool once = loop && isInvariant(value);
  if (!once && elements > maskElements / 2)
    return std::nullopt;
  Range range = staticRanges.of(value);
  Polynomial min = quantities.polynomial(quantities.intern(
      {Quantity::Kind::tileMin, value, range, isInvariant(value)}));
  Polynomial max = quantities.polynomial(quantities.intern(
      {Quantity::Kind::tileMax, value, range, isInvariant(value)}));
  if (!min.isKnown() || !max.isKnown())
    return std::nullopt;
  return std::pair(min, max);
}

MaskFacts MaskRanges::ofMask(Value mask) {
  if (auto it = masks.find(mask); it != masks.end())
    return it->second;
  if (depth >= maxDepth)
    return {};
  llvm::SaveAndRestore deeper(depth, depth + 1);
  MaskFacts facts = computeMask(mask);
  masks.insert({mask, facts});
  return facts;
}

static MaskFacts opposite(const MaskFacts &a) {
  return {a.allFalse, a.allTrue};
}

static MaskFacts conjunction(const MaskFacts &a, const MaskFacts &b) {
  return {allOf(a.allTrue, b.allTrue), anyOf(a.allFalse, b.allFalse)};
}

static MaskFacts disjunction(const MaskFacts &a, const MaskFacts &b) {
  return opposite(conjunction(opposite(a), opposite(b)));
}

/// a != b, element by element.
static MaskFacts difference(const MaskFacts &a, const MaskFacts &b) {
  return disjunction(conjunction(a, opposite(b)), conjunction(opposite(a), b));
}

/// where(c, a, b): also known where c is not, if a and b agree.
static MaskFacts selection(const MaskFacts &c, const MaskFacts &a,
                           const MaskFacts &b) {
  auto part = [&](const Condition &ofA, const Condition &ofB) {
    return anyOf(allOf(ofA, ofB),
                 anyOf(allOf(c.allTrue, ofA), allOf(c.allFalse, ofB)));
  };
  return {part(a.allTrue, b.allTrue), part(a.allFalse, b.allFalse)};
}

MaskFacts MaskRanges::computeMask(Value mask) {
  Attribute constant;
  if (matchPattern(mask, m_Constant(&constant))) {
    Range range = staticRanges.of(mask);
    return {range.min == 1 ? Condition::yes() : Condition::no(),
            range.max == 0 ? Condition::yes() : Condition::no()};
  }
  Operation *op = mask.getDefiningOp();
  if (!op)
    return unknownMask(mask);
  if (isa<arith::CmpIOp>(op)) {
    // Before the loop a scalar comparison is decided; what it compares is moot.
    bool isScalar = !isa<RankedTensorType>(mask.getType());
    return isScalar && loop && isInvariant(mask) ? unknownMask(mask)
                                                 : ofComparison(op);
  }
  if (isa<arith::AndIOp, arith::OrIOp, arith::XOrIOp>(op)) {
    MaskFacts a = ofMask(op->getOperand(0)), b = ofMask(op->getOperand(1));
    return isa<arith::AndIOp>(op)  ? conjunction(a, b)
           : isa<arith::OrIOp>(op) ? disjunction(a, b)
                                   : difference(a, b);
  }
  if (auto select = dyn_cast<arith::SelectOp>(op))
    return selection(ofMask(select.getCondition()),
                     ofMask(select.getTrueValue()),
                     ofMask(select.getFalseValue()));
  if (isa<tensor::SplatOp, ir::BroadcastOp, ir::TransposeOp, ir::ReshapeOp>(op))
    return ofMask(op->getOperand(0));
  // A tile has elements: all true means any true, and so on.
  if (auto reduce = dyn_cast<ir::ReduceOp>(op))
    if (reduce.getKind() == ir::ReduceKind::any ||
        reduce.getKind() == ir::ReduceKind::all)
      return ofMask(reduce.getInput());
  return unknownMask(mask);
}

MaskFacts MaskRanges::ofComparison(Operation *op) {
  auto compare = cast<arith::CmpIOp>(op);
  using Predicate = arith::CmpIPredicate;
  Predicate predicate = compare.getPredicate();
  Value left = compare.getLhs(), right = compare.getRhs();
  unsigned width = integerWidth(left.getType());
  if (width == 1) {
    if (predicate != Predicate::eq && predicate != Predicate::ne)
      return unknownMask(compare.getResult());
    MaskFacts differ = difference(ofMask(left), ofMask(right));
    return predicate == Predicate::ne ? differ : opposite(differ);
  }
  if (width == 0)
    return unknownMask(compare.getResult());

  Interval a = ofInteger(left), b = ofInteger(right);
  Condition guard = allOf(a.guard, b.guard);
  auto less = [&](const Interval &x, const Interval &y) {
    Bound next = add(quantities, x.high, Bound::constant(1), Side::upper);
    return allOf(guard, atLeast(quantities, y.low, next));
  };
  auto lessEqual = [&](const Interval &x, const Interval &y) {
    return allOf(guard, atLeast(quantities, y.low, x.high));
  };
  // Numbers that are not negative compare alike as unsigned ones.
  auto unsignedGuard = [&] {
    Bound zero = Bound::constant(0);
    guard = allOf(guard, allOf(atLeast(quantities, a.low, zero),
                               atLeast(quantities, b.low, zero)));
  };
  switch (predicate) {
  case Predicate::eq:
    return {allOf(lessEqual(a, b), lessEqual(b, a)),
            anyOf(less(a, b), less(b, a))};
  case Predicate::ne:
    return {anyOf(less(a, b), less(b, a)),
            allOf(lessEqual(a, b), lessEqual(b, a))};
  case Predicate::ult:
    unsignedGuard();
    [[fallthrough]];
  case Predicate::slt:
    return {less(a, b), lessEqual(b, a)};
  case Predicate::ule:
    unsignedGuard();
    [[fallthrough]];
  case Predicate::sle:
    return {lessEqual(a, b), less(b, a)};
  case Predicate::ugt:
    unsignedGuard();
    [[fallthrough]];
  case Predicate::sgt:
    return {less(b, a), lessEqual(a, b)};
  case Predicate::uge:
    unsignedGuard();
    [[fallthrough]];
  case Predicate::sge:
    return {lessEqual(b, a), less(a, b)};
  }
  return {};
}

MaskFacts MaskRanges::unknownMask(Value mask) {
  Polynomial min, max;
  if (!isa<RankedTensorType>(mask.getType())) {
    min = max = scalar(mask);
  } else if (auto found = extremes(mask)) {
    std::tie(min, max) = *found;
  } else {
    return {};
  }
  // All are true if the least is at least 1, false if the largest is 0.
  return {atLeastZero(quantities,
                      quantities.subtract(min, Polynomial::constant(1))),
          atLeastZero(quantities, quantities.multiply(max, -1))};
}

} // namespace attn_grid::compiler
