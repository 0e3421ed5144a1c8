#ifndef AG_COMPILER_ANALYSIS_POLYNOMIAL_H
#define AG_COMPILER_ANALYSIS_POLYNOMIAL_H
/// 64-bit sums of products of the program's integers, with exact arithmetic.
///
///     Quantities quantities;
///     Polynomial n = quantities.polynomial(id);             // a quantity
///     Polynomial p = quantities.add(n, Polynomial::constant(63));
///     Range r = quantities.range(p);                        // for every run
///
/// A *quantity* is an integer that exists while the kernel runs: a scalar, the
/// minimum or maximum of a tile, or a quotient of such. Whatever a `Polynomial`
/// says also holds when its value is computed by 64-bit instructions, term by
/// term in any order: one that could leave 64 bits, or that has too many terms
/// to be cheap, becomes *unknown*, and every operation on an unknown one is
/// unknown.

#include "compiler/Analysis/StaticRanges.h"

#include "llvm/ADT/SmallVector.h"

namespace attn_grid::compiler {

/// A product of quantities, `factors` in ascending order, times a number.
struct Term {
  llvm::SmallVector<unsigned, 2> factors;
  int64_t coefficient;

  bool operator==(const Term &) const = default;
};

/// A sum of terms, in the order of their factors. See above for *unknown*.
class Polynomial {
public:
  Polynomial() = default;
  static Polynomial constant(int64_t value);
  static Polynomial unknown();

  bool isKnown() const { return known; }
  llvm::ArrayRef<Term> getTerms() const { return terms; }
  bool operator==(const Polynomial &) const = default;

private:
  friend class Quantities;
  llvm::SmallVector<Term, 4> terms;
  bool known = true;
};

/// An integer of the running program.
struct Quantity {
  enum class Kind {
    scalar,   ///< `value` itself, sign extended; an i1 is 0 or 1
    tileMin,  ///< the smallest element of `value`
    tileMax,  ///< the largest element of `value`
    quotient, ///< floor(numerator / divisor), of other quantities
  };
  Kind kind;
  mlir::Value value; ///< null for a quotient
  Range range;       ///< holds in every run
  bool invariant;    ///< known before the loop in question
  Polynomial numerator = {};
  int64_t divisor = 1;
};

/// A polynomial in one quantity x, of degree 1: `slope * x + offset`.
struct LinearForm {
  Polynomial slope;
  Polynomial offset;
};

/// The quantities of one analysis, and arithmetic on polynomials of them.
class Quantities {
public:
  /// The number of this quantity, which is made if it is new.
  unsigned intern(Quantity quantity);
  const Quantity &operator[](unsigned id) const { return quantities[id]; }
  size_t size() const { return quantities.size(); }

  /// Says that `lower <= x < upper` for the quantity x in question. At most
  /// one quantity, the loop's variable, has such bounds.
  void setLoopBounds(unsigned variable, Polynomial lower, Polynomial upper);
  /// The quantity with loop bounds.
  std::optional<unsigned> getLoopVariable() const { return loopVariable; }

  Polynomial polynomial(unsigned id) const;
  /// One term of a known polynomial, as a polynomial.
  Polynomial polynomial(const Term &term) const;
  Polynomial add(const Polynomial &a, const Polynomial &b) const;
  Polynomial subtract(const Polynomial &a, const Polynomial &b) const;
  Polynomial multiply(const Polynomial &a, const Polynomial &b) const;
  Polynomial multiply(const Polynomial &a, int64_t factor) const;

  /// floor(p / divisor) of an invariant polynomial, as a quantity of its own.
  Polynomial quotient(const Polynomial &numerator, int64_t divisor);

  /// Contains the value of a known polynomial in every run. Uses that the loop
  /// variable lies within its bounds, so `n - N` is negative if n ends at N.
  Range range(const Polynomial &polynomial) const;
  /// True if every quantity in it is invariant.
  bool isInvariant(const Polynomial &polynomial) const;
  /// `polynomial` as a form in quantity `id`; nothing if its degree is higher.
  std::optional<LinearForm> linearIn(unsigned id,
                                     const Polynomial &polynomial) const;

private:
  Polynomial checked(Polynomial polynomial) const;
  Range termwiseRange(const Polynomial &polynomial) const;

  llvm::SmallVector<Quantity> quantities;
  std::optional<unsigned> loopVariable;
  Polynomial loopLower, loopUpper;
};

} // namespace attn_grid::compiler

#endif
