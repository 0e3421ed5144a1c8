#include "compiler/Analysis/Bound.h"

#include "llvm/Support/MathExtras.h"

namespace attn_grid::compiler {

/// A bound of more fractions than this is no longer cheap.
static constexpr unsigned maxLeaves = 8;
/// Divisors stay in 32 bits, so that products of two stay in 64.
static constexpr int64_t maxDivisor = int64_t(1) << 31;

Bound::Bound(Polynomial polynomial, int64_t divisor) {
  auto made = std::make_shared<Node>();
  if (divisor > maxDivisor)
    polynomial = Polynomial::unknown();
  made->leaves = polynomial.isKnown() ? 1 : 0;
  made->polynomial = std::move(polynomial);
  made->divisor = divisor;
  node = std::move(made);
}

Bound Bound::join(Kind kind, const Bound &a, const Bound &b) {
  unsigned leaves = a.node->leaves + b.node->leaves;
  if (!a.isKnown() || !b.isKnown() || leaves > maxLeaves)
    return unknown();
  if (a.getKind() == Kind::fraction && b.getKind() == Kind::fraction &&
      a.getDivisor() == b.getDivisor() &&
      a.getPolynomial() == b.getPolynomial())
    return a;
  auto made = std::make_shared<Node>();
  made->kind = kind;
  made->parts = {a, b};
  made->leaves = leaves;
  return Bound(std::move(made));
}

Bound minOf(const Bound &a, const Bound &b) {
  return Bound::join(Bound::Kind::minOf, a, b);
}

Bound maxOf(const Bound &a, const Bound &b) {
  return Bound::join(Bound::Kind::maxOf, a, b);
}

/// Applies `change`, which must not descend anywhere, to every fraction of `a`;
/// it ascends if it keeps the order of numbers, else it reverses it.
template <typename Fn>
static Bound mapFractions(const Bound &a, bool ascends, Fn change) {
  if (a.getKind() == Bound::Kind::fraction)
    return change(a);
  Bound left = mapFractions(a.getLeft(), ascends, change);
  Bound right = mapFractions(a.getRight(), ascends, change);
  bool isMin = (a.getKind() == Bound::Kind::minOf) == ascends;
  return isMin ? minOf(left, right) : maxOf(left, right);
}

Bound negative(const Quantities &quantities, const Bound &a) {
  // -floor(p / d) = ceil(-p / d) = floor((d - 1 - p) / d)
  return mapFractions(a, /*ascends=*/false, [&](const Bound &leaf) {
    Polynomial top = quantities.subtract(
        Polynomial::constant(leaf.getDivisor() - 1), leaf.getPolynomial());
    return Bound(top, leaf.getDivisor());
  });
}

/// The polynomial q for which q / d is a real bound of floor(p / d) on `side`:
/// p itself from above, p - d + 1 from below.
static Polynomial realBound(const Quantities &quantities, const Bound &leaf,
                            Side side) {
  if (side == Side::upper)
    return leaf.getPolynomial();
  return quantities.subtract(leaf.getPolynomial(),
                             Polynomial::constant(leaf.getDivisor() - 1));
}

static Bound addFractions(const Quantities &quantities, const Bound &a,
                          const Bound &b, Side side) {
  int64_t d = a.getDivisor(), e = b.getDivisor();
  // floor(p / d) + q = floor((p + d * q) / d)
  if (e == 1)
    return Bound(quantities.add(a.getPolynomial(),
                                quantities.multiply(b.getPolynomial(), d)),
                 d);
  if (d == 1)
    return addFractions(quantities, b, a, side);
  // The sum is a whole number, so rounding the real bound down keeps it below
  // from below; from above, a whole number below a real one is below its floor.
  Polynomial p = realBound(quantities, a, side);
  Polynomial q = realBound(quantities, b, side);
  return Bound(
      quantities.add(quantities.multiply(p, e), quantities.multiply(q, d)),
      d * e);
}

Bound add(const Quantities &quantities, const Bound &a, const Bound &b,
          Side side) {
  return mapFractions(a, /*ascends=*/true, [&](const Bound &left) {
    return mapFractions(b, /*ascends=*/true, [&](const Bound &right) {
      return addFractions(quantities, left, right, side);
    });
  });
}

Bound scale(const Quantities &quantities, const Bound &a,
            const Polynomial &factor, Side side) {
  return mapFractions(a, /*ascends=*/true, [&](const Bound &leaf) {
    Polynomial p = realBound(quantities, leaf, side);
    return Bound(quantities.multiply(p, factor), leaf.getDivisor());
  });
}

Bound floorDivide(Quantities &quantities, const Bound &a, int64_t divisor) {
  return mapFractions(a, /*ascends=*/true, [&](const Bound &leaf) {
    if (divisor > maxDivisor || leaf.getDivisor() * divisor > maxDivisor)
      return Bound::unknown();
    int64_t by = leaf.getDivisor() * divisor;
    const Polynomial &top = leaf.getPolynomial();
    if (quantities.isInvariant(top))
      return Bound(quantities.quotient(top, by));
    return Bound(top, by);
  });
}

Bound ceilDivide(Quantities &quantities, const Bound &a, int64_t divisor) {
  Bound opposite = floorDivide(quantities, negative(quantities, a), divisor);
  return negative(quantities, opposite);
}

/// Suffices for floor(p / d) >= floor(q / e).
static Condition atLeastFraction(const Quantities &quantities, const Bound &a,
                                 const Bound &b) {
  int64_t d = a.getDivisor(), e = b.getDivisor();
  const Polynomial &p = a.getPolynomial(), &q = b.getPolynomial();
  Polynomial difference =
      quantities.subtract(quantities.multiply(p, e), quantities.multiply(q, d));
  // If d = 1, p >= floor(q / e) is p > q / e - 1, that is e p - q + e - 1 >= 0.
  // If e = 1, floor(p / d) >= q is p - d q >= 0. Else e p >= d q suffices.
  if (d == 1)
    difference = quantities.add(difference, Polynomial::constant(e - 1));
  return atLeastZero(quantities, difference);
}

Condition atLeast(const Quantities &quantities, const Bound &a,
                  const Bound &b) {
  auto split = [&](const Bound &node, bool isAll, auto with) {
    Condition left = with(node.getLeft()), right = with(node.getRight());
    return isAll ? allOf(left, right) : anyOf(left, right);
  };
  if (a.getKind() != Bound::Kind::fraction)
    return split(a, a.getKind() == Bound::Kind::minOf,
                 [&](const Bound &x) { return atLeast(quantities, x, b); });
  if (b.getKind() != Bound::Kind::fraction)
    return split(b, b.getKind() == Bound::Kind::maxOf,
                 [&](const Bound &x) { return atLeast(quantities, a, x); });
  return atLeastFraction(quantities, a, b);
}

Range rangeOf(const Quantities &quantities, const Bound &a) {
  if (a.getKind() == Bound::Kind::fraction) {
    Range range = quantities.range(a.getPolynomial());
    return {llvm::divideFloorSigned(range.min, a.getDivisor()),
            llvm::divideFloorSigned(range.max, a.getDivisor())};
  }
  Range left = rangeOf(quantities, a.getLeft());
  Range right = rangeOf(quantities, a.getRight());
  if (a.getKind() == Bound::Kind::minOf)
    return {std::min(left.min, right.min), std::min(left.max, right.max)};
  return {std::max(left.min, right.min), std::max(left.max, right.max)};
}

} // namespace attn_grid::compiler
