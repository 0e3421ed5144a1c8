#ifndef AG_COMPILER_ANALYSIS_CONDITION_H
#define AG_COMPILER_ANALYSIS_CONDITION_H
/// What must hold for something to be sure: `and` and `or` over comparisons of
/// polynomials with 0.
///
///     Condition c = allOf(atLeastZero(q, p), atLeastZero(q, r));
///     if (c.isFalse()) ... // never sure
///
/// Conditions only ever *suffice*. One that would grow too large to be cheap
/// becomes false, which is as sound as it is useless. `negate` is exact, so
/// the negation of a condition that suffices for X is necessary for not X.

#include "compiler/Analysis/Polynomial.h"

#include <memory>
#include <vector>

namespace attn_grid::compiler {

/// An immutable condition, cheap to copy.
class Condition {
public:
  enum class Kind { no, yes, atLeastZero, allOf, anyOf };

  /// False and true.
  static Condition no();
  static Condition yes();

  Kind getKind() const { return kind; }
  bool isFalse() const { return kind == Kind::no; }
  bool isTrue() const { return kind == Kind::yes; }
  /// The polynomial of an `atLeastZero`.
  const Polynomial &getPolynomial() const { return node->polynomial; }
  /// The two parts of an `allOf` or `anyOf`.
  const Condition &getLeft() const { return node->parts[0]; }
  const Condition &getRight() const { return node->parts[1]; }

private:
  struct Node {
    Polynomial polynomial;
    std::vector<Condition> parts;
    unsigned leaves = 1;
  };

  explicit Condition(Kind kind, std::shared_ptr<const Node> node = nullptr)
      : kind(kind), node(std::move(node)) {}
  static Condition join(Kind kind, const Condition &a, const Condition &b);
  unsigned countLeaves() const { return node ? node->leaves : 0; }

  friend Condition atLeastZero(const Quantities &, const Polynomial &);
  friend Condition allOf(const Condition &, const Condition &);
  friend Condition anyOf(const Condition &, const Condition &);

  Kind kind;
  std::shared_ptr<const Node> node;
};

/// `polynomial >= 0`; false if it is unknown. Decided where the ranges of the
/// quantities decide it.
Condition atLeastZero(const Quantities &quantities,
                      const Polynomial &polynomial);
/// `a and b`.
Condition allOf(const Condition &a, const Condition &b);
/// `a or b`.
Condition anyOf(const Condition &a, const Condition &b);
/// `not condition`. Nothing is lost: it has as many comparisons.
Condition negate(const Quantities &quantities, const Condition &condition);

} // namespace attn_grid::compiler

#endif
