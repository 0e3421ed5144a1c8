#include "compiler/Transforms/ConditionCode.h"

#include "dialect/AgOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace attn_grid::compiler {

using arith::CmpIPredicate;

/// Below and above every value of an i32 loop and every limit of it, and far
/// enough from the ends of an i64 that sums of limits stay inside.
static constexpr int64_t infinity = int64_t(1) << 62;

Value ConditionCode::constant(int64_t value) {
  return arith::ConstantOp::create(builder, loc,
                                   builder.getI64IntegerAttr(value));
}

Value ConditionCode::extend(Value integer) {
  Type i64 = builder.getI64Type();
  if (integer.getType() == i64)
    return integer;
  if (isa<IndexType>(integer.getType()))
    return builder.createOrFold<arith::IndexCastOp>(loc, i64, integer);
  if (integer.getType().isInteger(1))
    return builder.createOrFold<arith::ExtUIOp>(loc, i64, integer);
  return builder.createOrFold<arith::ExtSIOp>(loc, i64, integer);
}

Value ConditionCode::compare(CmpIPredicate predicate, Value a, Value b) {
  return builder.createOrFold<arith::CmpIOp>(loc, predicate, a, b);
}

Value ConditionCode::quantity(unsigned id) {
  if (Value value = made.lookup(id))
    return value;
  const Quantity &source = quantities[id];
  if (source.kind == Quantity::Kind::quotient)
    return made[id] =
               floorDivide(number(source.numerator), constant(source.divisor));
  Value value = source.value;
  if (source.kind != Quantity::Kind::scalar) {
    auto tile = cast<RankedTensorType>(value.getType());
    bool isMin = source.kind == Quantity::Kind::tileMin;
    ir::ReduceKind kind = isMin ? ir::ReduceKind::min : ir::ReduceKind::max;
    if (tile.getElementType().isInteger(1))
      kind = isMin ? ir::ReduceKind::all : ir::ReduceKind::any;
    auto axes = llvm::to_vector(llvm::seq<int64_t>(tile.getRank()));
    value = ir::ReduceOp::create(builder, loc, tile.getElementType(), kind,
                                 value, axes);
  }
  return made[id] = extend(value);
}

Value ConditionCode::number(const Polynomial &polynomial) {
  Value sum;
  for (const Term &term : polynomial.getTerms()) {
    Value product;
    for (unsigned id : term.factors)
      product =
          product ? make<arith::MulIOp>(product, quantity(id)) : quantity(id);
    if (!product)
      product = constant(term.coefficient);
    else if (term.coefficient == -1 && sum) {
      sum = make<arith::SubIOp>(sum, product);
      continue;
    } else if (term.coefficient != 1)
      product = make<arith::MulIOp>(product, constant(term.coefficient));
    sum = sum ? make<arith::AddIOp>(sum, product) : product;
  }
  return sum ? sum : constant(0);
}

/// What varies goes to one side, so that the other can leave the loop.
Value ConditionCode::testAtLeastZero(const Polynomial &polynomial) {
  Polynomial varying, fixed;
  bool ascends = true;
  for (const Term &term : polynomial.getTerms()) {
    Polynomial single = quantities.polynomial(term);
    if (quantities.isInvariant(single)) {
      fixed = quantities.add(fixed, single);
    } else {
      ascends = term.coefficient > 0;
      varying = quantities.add(varying, single);
    }
  }
  if (varying.getTerms().empty())
    return compare(CmpIPredicate::sge, number(fixed), constant(0));
  if (ascends) // varying >= -fixed
    return compare(CmpIPredicate::sge, number(varying),
                   number(quantities.multiply(fixed, -1)));
  // -varying <= fixed
  return compare(CmpIPredicate::sle, number(quantities.multiply(varying, -1)),
                 number(fixed));
}

Value ConditionCode::test(const Condition &condition) {
  switch (condition.getKind()) {
  case Condition::Kind::no:
  case Condition::Kind::yes:
    return arith::ConstantOp::create(builder, loc,
                                     builder.getBoolAttr(condition.isTrue()));
  case Condition::Kind::atLeastZero:
    return testAtLeastZero(condition.getPolynomial());
  case Condition::Kind::allOf:
  case Condition::Kind::anyOf:
    break;
  }
  Value left = test(condition.getLeft()), right = test(condition.getRight());
  return condition.getKind() == Condition::Kind::allOf
             ? make<arith::AndIOp>(left, right)
             : make<arith::OrIOp>(left, right);
}

/// For b > 0. Spelled out: no lowering of arith.floordivsi is asked for.
Value ConditionCode::floorDivide(Value a, Value b) {
  APInt by;
  if (matchPattern(b, m_ConstantInt(&by)) && by.isPowerOf2())
    return by.isOne() ? a : make<arith::ShRSIOp>(a, constant(by.logBase2()));
  Value quotient = make<arith::DivSIOp>(a, b);
  Value rest = make<arith::RemSIOp>(a, b);
  Value negative = compare(CmpIPredicate::slt, rest, constant(0));
  return make<arith::SubIOp>(quotient, extend(negative));
}

/// All values or none, as the condition says when the program runs. One limit
/// does: the loop then still begins where it did, which tells how what it loads
/// is aligned.
LoopLimits ConditionCode::limitsOfInvariant(const Polynomial &polynomial) {
  Value holds = testAtLeastZero(polynomial);
  return {Value(), builder.createOrFold<arith::SelectOp>(
                       loc, holds, constant(infinity), constant(-infinity))};
}

/// The n for which slope * n + offset >= 0.
LoopLimits ConditionCode::limitsOfComparison(const Polynomial &polynomial) {
  LoopLimits none{Value(), Value(), /*exact=*/false};
  if (!quantities.getLoopVariable())
    return none;
  std::optional<LinearForm> form =
      quantities.linearIn(*quantities.getLoopVariable(), polynomial);
  if (!form || !quantities.isInvariant(form->slope) ||
      !quantities.isInvariant(form->offset))
    return none;
  if (form->slope.getTerms().empty())
    return limitsOfInvariant(polynomial);
  Range sign = quantities.range(form->slope);
  if (sign.min < 0 && sign.max > 0)
    return none;

  // n >= ceil(-offset / slope) = -floor(offset / slope) if the slope is
  // positive, n <= floor(offset / -slope) if negative.
  bool ascends = sign.max > 0;
  Value slope =
      number(ascends ? form->slope : quantities.multiply(form->slope, -1));
  Value offset = number(form->offset);
  bool maybeZero = sign.min <= 0 && sign.max >= 0;
  Value by = maybeZero ? make<arith::MaxSIOp>(slope, constant(1)) : slope;
  Value limit = floorDivide(offset, by);
  if (ascends)
    limit = make<arith::SubIOp>(constant(0), limit);
  if (!maybeZero)
    return ascends ? LoopLimits{limit, Value()} : LoopLimits{Value(), limit};

  // With a slope of 0 it holds for all values or for none.
  LoopLimits flat = limitsOfInvariant(form->offset);
  Value isFlat = compare(CmpIPredicate::eq, slope, constant(0));
  auto choose = [&](Value ifFlat, Value otherwise) {
    return builder.createOrFold<arith::SelectOp>(loc, isFlat, ifFlat,
                                                 otherwise);
  };
  return {choose(constant(-infinity), ascends ? limit : constant(-infinity)),
          choose(flat.high, ascends ? constant(infinity) : limit)};
}

/// From the lower of two lower limits to the higher of two upper ones, where
/// one that leaves nothing of the loop does not count.
LoopLimits ConditionCode::hull(const LoopLimits &a, const LoopLimits &b,
                               Value first, Value last) {
  auto trim = [&](const LoopLimits &limits) -> std::pair<Value, Value> {
    Value low = limits.low ? make<arith::MaxSIOp>(limits.low, first) : first;
    Value high = limits.high ? make<arith::MinSIOp>(limits.high, last) : last;
    Value empty = compare(CmpIPredicate::sgt, low, high);
    return {builder.createOrFold<arith::SelectOp>(loc, empty,
                                                  constant(infinity), low),
            builder.createOrFold<arith::SelectOp>(loc, empty,
                                                  constant(-infinity), high)};
  };
  bool unlimited = (!a.low && !a.high) || (!b.low && !b.high);
  if (unlimited)
    return {Value(), Value(), /*exact=*/false};
  // Limited on one side, both on the same: what leaves less is within the
  // other.
  bool exact = a.exact && b.exact;
  if (!a.low && !b.low)
    return {Value(), make<arith::MaxSIOp>(a.high, b.high), exact};
  if (!a.high && !b.high)
    return {make<arith::MinSIOp>(a.low, b.low), Value(), exact};
  auto [lowA, highA] = trim(a);
  auto [lowB, highB] = trim(b);
  return {make<arith::MinSIOp>(lowA, lowB), make<arith::MaxSIOp>(highA, highB),
          /*exact=*/false};
}

LoopLimits ConditionCode::limits(const Condition &condition, Value first,
                                 Value last) {
  switch (condition.getKind()) {
  case Condition::Kind::yes:
    return {};
  case Condition::Kind::no:
    return {constant(infinity), constant(-infinity)};
  case Condition::Kind::atLeastZero:
    return limitsOfComparison(condition.getPolynomial());
  case Condition::Kind::allOf:
  case Condition::Kind::anyOf:
    break;
  }
  LoopLimits a = limits(condition.getLeft(), first, last);
  LoopLimits b = limits(condition.getRight(), first, last);
  if (condition.getKind() == Condition::Kind::anyOf)
    return hull(a, b, first, last);
  LoopLimits both{a.low, a.high, a.exact && b.exact};
  if (b.low)
    both.low = a.low ? make<arith::MaxSIOp>(a.low, b.low) : b.low;
  if (b.high)
    both.high = a.high ? make<arith::MinSIOp>(a.high, b.high) : b.high;
  return both;
}

} // namespace attn_grid::compiler
