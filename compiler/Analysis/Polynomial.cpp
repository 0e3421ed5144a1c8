#include "compiler/Analysis/Polynomial.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace mlir;

namespace attn_grid::compiler {

/// More terms, or factors in one, are no longer cheap scalar code.
static constexpr size_t maxTerms = 16;
static constexpr size_t maxFactors = 3;
/// Sums of magnitudes stay below this, so no partial sum leaves 64 bits.
static constexpr int64_t maxMagnitude = int64_t(1) << 62;

Polynomial Polynomial::constant(int64_t value) {
  Polynomial result;
  if (value == INT64_MIN) // has no magnitude
    return unknown();
  if (value != 0)
    result.terms.push_back(Term{{}, value});
  return result;
}

Polynomial Polynomial::unknown() {
  Polynomial result;
  result.known = false;
  return result;
}

unsigned Quantities::intern(Quantity quantity) {
  for (auto [id, old] : llvm::enumerate(quantities))
    if (old.kind == quantity.kind && old.value == quantity.value &&
        old.numerator == quantity.numerator && old.divisor == quantity.divisor)
      return id;
  quantities.push_back(quantity);
  return quantities.size() - 1;
}

void Quantities::setLoopBounds(unsigned variable, Polynomial lower,
                               Polynomial upper) {
  loopVariable = variable;
  loopLower = std::move(lower);
  loopUpper = std::move(upper);
}

Polynomial Quantities::polynomial(unsigned id) const {
  return polynomial(Term{{id}, 1});
}

Polynomial Quantities::polynomial(const Term &term) const {
  Polynomial result;
  result.terms.push_back(term);
  return checked(std::move(result));
}

Polynomial Quantities::quotient(const Polynomial &numerator, int64_t divisor) {
  if (!numerator.known || divisor == 1)
    return numerator;
  Range whole = range(numerator);
  Range range{llvm::divideFloorSigned(whole.min, divisor),
              llvm::divideFloorSigned(whole.max, divisor)};
  if (range.min == range.max)
    return Polynomial::constant(range.min);
  return polynomial(intern({Quantity::Kind::quotient, Value(), range,
                            /*invariant=*/true, numerator, divisor}));
}

/// The largest magnitude of a number in `range`; saturates.
static int64_t magnitude(Range range) {
  if (range.min == INT64_MIN)
    return INT64_MAX;
  return std::max(std::abs(range.min), std::abs(range.max));
}

/// `polynomial`, or unknown if it is too large.
Polynomial Quantities::checked(Polynomial polynomial) const {
  if (!polynomial.known || polynomial.terms.size() > maxTerms)
    return Polynomial::unknown();
  int64_t total = 0;
  for (const Term &term : polynomial.terms) {
    if (term.factors.size() > maxFactors || term.coefficient == INT64_MIN)
      return Polynomial::unknown();
    int64_t product = std::abs(term.coefficient);
    for (unsigned id : term.factors) {
      // A factor that is always 0 must not hide what the others multiply to.
      int64_t size = std::max<int64_t>(magnitude(quantities[id].range), 1);
      if (llvm::MulOverflow(product, size, product))
        return Polynomial::unknown();
    }
    if (llvm::AddOverflow(total, product, total) || total > maxMagnitude)
      return Polynomial::unknown();
  }
  return polynomial;
}

Polynomial Quantities::add(const Polynomial &a, const Polynomial &b) const {
  if (!a.known || !b.known)
    return Polynomial::unknown();
  Polynomial result;
  const Term *left = a.terms.begin(), *right = b.terms.begin();
  while (left != a.terms.end() || right != b.terms.end()) {
    if (right == b.terms.end() ||
        (left != a.terms.end() && left->factors < right->factors)) {
      result.terms.push_back(*left++);
    } else if (left == a.terms.end() || right->factors < left->factors) {
      result.terms.push_back(*right++);
    } else {
      // Both are below 2^62 in magnitude.
      int64_t sum = left->coefficient + right->coefficient;
      if (sum != 0)
        result.terms.push_back(Term{left->factors, sum});
      ++left, ++right;
    }
  }
  return checked(std::move(result));
}

Polynomial Quantities::subtract(const Polynomial &a,
                                const Polynomial &b) const {
  return add(a, multiply(b, -1));
}

Polynomial Quantities::multiply(const Polynomial &a,
                                const Polynomial &b) const {
  if (!a.known || !b.known)
    return Polynomial::unknown();
  Polynomial result;
  for (const Term &left : a.terms) {
    for (const Term &right : b.terms) {
      Term product{left.factors, 0};
      product.factors.append(right.factors);
      llvm::sort(product.factors);
      if (llvm::MulOverflow(left.coefficient, right.coefficient,
                            product.coefficient))
        return Polynomial::unknown();
      result = add(result, polynomial(product));
    }
  }
  return result;
}

Polynomial Quantities::multiply(const Polynomial &a, int64_t factor) const {
  return multiply(a, Polynomial::constant(factor));
}

static Range times(Range a, Range b) {
  auto [min, max] =
      std::minmax({a.min * b.min, a.min * b.max, a.max * b.min, a.max * b.max});
  return {min, max};
}

/// `checked` has bounded every product and partial sum.
Range Quantities::termwiseRange(const Polynomial &polynomial) const {
  Range total{0, 0};
  for (const Term &term : polynomial.terms) {
    Range product{term.coefficient, term.coefficient};
    for (unsigned id : term.factors)
      product = times(product, quantities[id].range);
    total = {total.min + product.min, total.max + product.max};
  }
  return total;
}

Range Quantities::range(const Polynomial &polynomial) const {
  Range found = termwiseRange(polynomial);
  if (!loopVariable)
    return found;
  std::optional<LinearForm> form = linearIn(*loopVariable, polynomial);
  if (!form || form->slope.terms.empty())
    return found;
  Range slope = termwiseRange(form->slope);
  if (slope.min < 0 && slope.max > 0)
    return found;
  // The form takes its extremes at the loop's first and last iteration.
  Polynomial last = subtract(loopUpper, Polynomial::constant(1));
  bool ascends = slope.min >= 0;
  Polynomial low =
      add(multiply(form->slope, ascends ? loopLower : last), form->offset);
  Polynomial high =
      add(multiply(form->slope, ascends ? last : loopLower), form->offset);
  Range sharper = found;
  if (low.known)
    sharper.min = std::max(sharper.min, termwiseRange(low).min);
  if (high.known)
    sharper.max = std::min(sharper.max, termwiseRange(high).max);
  // They cross only for a body that never runs.
  return sharper.min <= sharper.max ? sharper : found;
}

bool Quantities::isInvariant(const Polynomial &polynomial) const {
  return llvm::all_of(polynomial.terms, [&](const Term &term) {
    return llvm::all_of(term.factors,
                        [&](unsigned id) { return quantities[id].invariant; });
  });
}

std::optional<LinearForm>
Quantities::linearIn(unsigned id, const Polynomial &polynomial) const {
  if (!polynomial.known)
    return std::nullopt;
  LinearForm form;
  for (const Term &term : polynomial.terms) {
    unsigned degree = llvm::count(term.factors, id);
    if (degree > 1)
      return std::nullopt;
    Term rest = term;
    llvm::erase(rest.factors, id);
    // Not in order once a factor is gone, so by `add`.
    Polynomial &part = degree == 1 ? form.slope : form.offset;
    part = add(part, this->polynomial(rest));
  }
  return form;
}

} // namespace attn_grid::compiler
