#include "compiler/Analysis/Condition.h"

namespace attn_grid::compiler {

/// A condition of more comparisons than this is no longer cheap.
static constexpr unsigned maxLeaves = 48;

Condition Condition::no() { return Condition(Kind::no); }
Condition Condition::yes() { return Condition(Kind::yes); }

/// not (p >= 0) is -p - 1 >= 0.
static Polynomial opposite(const Quantities &quantities,
                           const Polynomial &polynomial) {
  return quantities.subtract(Polynomial::constant(-1), polynomial);
}

Condition atLeastZero(const Quantities &quantities,
                      const Polynomial &polynomial) {
  // A comparison whose negation has no 64-bit form is not made: `negate` must
  // never take refuge in false.
  if (!opposite(quantities, polynomial).isKnown())
    return Condition::no();
  Range range = quantities.range(polynomial);
  if (range.min >= 0)
    return Condition::yes();
  if (range.max < 0)
    return Condition::no();
  auto node = std::make_shared<Condition::Node>();
  node->polynomial = polynomial;
  return Condition(Condition::Kind::atLeastZero, std::move(node));
}

Condition Condition::join(Kind kind, const Condition &a, const Condition &b) {
  unsigned leaves = a.countLeaves() + b.countLeaves();
  if (leaves > maxLeaves)
    return no();
  auto node = std::make_shared<Node>();
  node->parts = {a, b};
  node->leaves = leaves;
  return Condition(kind, std::move(node));
}

/// True if both are the same comparison.
static bool same(const Condition &a, const Condition &b) {
  return a.getKind() == Condition::Kind::atLeastZero &&
         b.getKind() == Condition::Kind::atLeastZero &&
         a.getPolynomial() == b.getPolynomial();
}

Condition allOf(const Condition &a, const Condition &b) {
  if (a.isFalse() || b.isTrue())
    return a;
  if (b.isFalse() || a.isTrue() || same(a, b))
    return b;
  return Condition::join(Condition::Kind::allOf, a, b);
}

Condition anyOf(const Condition &a, const Condition &b) {
  if (a.isTrue() || b.isFalse())
    return a;
  if (b.isTrue() || a.isFalse() || same(a, b))
    return b;
  return Condition::join(Condition::Kind::anyOf, a, b);
}

/// Here the opposite is known, and its own opposite is what we came from.
static Condition negatedLeaf(const Quantities &quantities,
                             const Polynomial &polynomial) {
  return atLeastZero(quantities, opposite(quantities, polynomial));
}

Condition negate(const Quantities &quantities, const Condition &condition) {
  switch (condition.getKind()) {
  case Condition::Kind::no:
    return Condition::yes();
  case Condition::Kind::yes:
    return Condition::no();
  case Condition::Kind::atLeastZero:
    return negatedLeaf(quantities, condition.getPolynomial());
  case Condition::Kind::allOf:
    return anyOf(negate(quantities, condition.getLeft()),
                 negate(quantities, condition.getRight()));
  case Condition::Kind::anyOf:
    return allOf(negate(quantities, condition.getLeft()),
                 negate(quantities, condition.getRight()));
  }
  return Condition::no();
}

} // namespace attn_grid::compiler
