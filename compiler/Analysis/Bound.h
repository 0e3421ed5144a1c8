#ifndef AG_COMPILER_ANALYSIS_BOUND_H
#define AG_COMPILER_ANALYSIS_BOUND_H
/// One end of an interval: minima and maxima of rounded-down fractions
/// `floor(polynomial / divisor)`.
///
///     // lower end of `min(n + iota, N) / 64`, where nothing is negative
///     Bound low = floorDivide(quantities, minOf(n, N), 64);
///     Condition sure = atLeast(quantities, low, other); // low >= other
///
/// A sum of two fractions is no such fraction; then the result is rounded away
/// from what the bound bounds, so `Side` says which end it is.

#include "compiler/Analysis/Condition.h"

namespace attn_grid::compiler {

/// Which end of an interval a bound is: a lower end may only get smaller by
/// rounding, an upper one only larger.
enum class Side { lower, upper };

/// An immutable bound, cheap to copy. May be unknown, as its polynomials may.
class Bound {
public:
  enum class Kind { fraction, minOf, maxOf };

  /// floor(polynomial / divisor); the divisor is at least 1.
  explicit Bound(Polynomial polynomial, int64_t divisor = 1);
  static Bound constant(int64_t value) {
    return Bound(Polynomial::constant(value));
  }
  static Bound unknown() { return Bound(Polynomial::unknown()); }

  Kind getKind() const { return node->kind; }
  bool isKnown() const { return node->leaves != 0; }
  const Polynomial &getPolynomial() const { return node->polynomial; }
  int64_t getDivisor() const { return node->divisor; }
  const Bound &getLeft() const { return node->parts[0]; }
  const Bound &getRight() const { return node->parts[1]; }
  /// True if it is a polynomial, undivided.
  bool isWhole() const {
    return getKind() == Kind::fraction && getDivisor() == 1 && isKnown();
  }

private:
  struct Node {
    Kind kind = Kind::fraction;
    Polynomial polynomial;
    int64_t divisor = 1;
    std::vector<Bound> parts;
    unsigned leaves = 1; // 0 if unknown
  };
  explicit Bound(std::shared_ptr<const Node> node) : node(std::move(node)) {}
  static Bound join(Kind kind, const Bound &a, const Bound &b);

  friend Bound minOf(const Bound &, const Bound &);
  friend Bound maxOf(const Bound &, const Bound &);

  std::shared_ptr<const Node> node;
};

/// The smaller one, the larger one.
Bound minOf(const Bound &a, const Bound &b);
Bound maxOf(const Bound &a, const Bound &b);
/// -a, exactly; a lower end becomes an upper one.
Bound negative(const Quantities &quantities, const Bound &a);
/// a + b.
Bound add(const Quantities &quantities, const Bound &a, const Bound &b,
          Side side);
/// a * factor, where the factor is >= 0 in every run.
Bound scale(const Quantities &quantities, const Bound &a,
            const Polynomial &factor, Side side);
/// floor(a / divisor) and ceil(a / divisor), exactly; the divisor is >= 1.
/// Quotients that a loop does not change become quantities: whole, they keep
/// sums and comparisons with other fractions exact.
Bound floorDivide(Quantities &quantities, const Bound &a, int64_t divisor);
Bound ceilDivide(Quantities &quantities, const Bound &a, int64_t divisor);
/// Suffices for a >= b.
Condition atLeast(const Quantities &quantities, const Bound &a, const Bound &b);
/// Contains the value of a known bound in every run.
Range rangeOf(const Quantities &quantities, const Bound &a);

} // namespace attn_grid::compiler

#endif
