// log and log2: x = 2^n (1 + f), 1 + f in [sqrt(1/2), sqrt(2)). Around x = 1
// n is 0, and f is exact, so that the relative error stays small there too.

#include "compiler/Conversion/ElementaryFunctions.h"
#include <limits>

using namespace mlir;

namespace attn_grid::compiler {

// f32: (log(1 + f) - f) / f^2; relative error of log 3.1e-8.
static const double singleTable[] = {-0.499999911, 0.333339542,  -0.250018269,
                                     0.199619621,  -0.165684342, 0.149168611,
                                     -0.143237576, 0.0875993744};
// f64: with s = f / (2 + f), (log(1 + f) - 2 s) / s^3 as a function of s^2:
// a division, but six terms in place of eighteen. Relative error 1.9e-16.
static const double doubleTable[] = {0.66666666666587204, 0.40000000052276419,
                                     0.28571417129309773, 0.2222337171990299,
                                     0.18123641326000037, 0.16819837308462354};

namespace {
/// log(x) = exponent * log(2) + fraction + rest.
struct Parts {
  Value exponent;
  Value fraction;
  Value rest;
};
} // namespace

/// log(1 + f) - f.
static Value logRest(FloatEmitter &e, Value f) {
  Value square = e.mul(f, f);
  if (!e.isDouble())
    return e.mul(square, e.polynomial({singleTable, {}}, f));
  // 2 s is f - s f, and s f is f^2/2 - s f^2/2: all but f itself is small, and
  // f is exact.
  Value s = e.div(f, e.add(f, e.constant(2)));
  Value half = e.mul(square, e.constant(0.5));
  Value series = e.polynomial({{}, doubleTable}, e.mul(s, s));
  Value sum = e.fma(e.mul(s, s), series, half);
  return e.sub(e.mul(s, sum), half);
}

static Parts split(FloatEmitter &e, Value x) {
  int width = e.significandBits();
  uint64_t one = uint64_t(e.bias()) << width;
  uint64_t rootHalf = e.isDouble() ? 0x3FE6A09E667F3BCD : 0x3F3504F3;
  Value shifted = e.addBits(e.toBits(x), e.bits(one - rootHalf));
  Value significand = e.andBits(shifted, e.bits((uint64_t(1) << width) - 1));
  Value fraction = e.sub(e.fromBits(e.addBits(significand, e.bits(rootHalf))),
                         e.constant(1));
  // The exponent becomes a number by standing in for a significand's low bits:
  // few machines convert 64-bit integers in vectors.
  double implicitOne = std::ldexp(1.0, width);
  uint64_t implicitBits = uint64_t(e.bias() + width) << width;
  Value biased =
      e.fromBits(e.addBits(e.shiftRight(shifted, width), e.bits(implicitBits)));
  Value exponent = e.sub(biased, e.constant(implicitOne + e.bias()));
  return {exponent, fraction, logRest(e, fraction)};
}

/// log(0) = -inf, log(x < 0) = NaN, log(inf) = inf. Subnormals count as 0.
static Value withSpecialValues(FloatEmitter &e, Value x, Value result) {
  using arith::CmpFPredicate;
  Value smallest = e.constant(e.pick(std::numeric_limits<float>::min(),
                                     std::numeric_limits<double>::min()));
  Value isTiny = e.compare(CmpFPredicate::OLT, e.abs(x), smallest);
  Value special = e.select(isTiny, e.negativeInfinity(), e.quietNaN());
  Value isRegular = e.compare(CmpFPredicate::OGE, x, smallest);
  Value finite = e.select(isRegular, result, special);
  Value isInfinite = e.compare(CmpFPredicate::OEQ, x, e.infinity());
  return e.select(isInfinite, x, finite);
}

Value emitLog(FloatEmitter &e, Value x) {
  Value high = e.constant(e.pick(0.693147182, 0.69314718055994529));
  Value low = e.constant(e.pick(-1.90465421e-09, 2.3190468138462996e-17));
  auto [n, f, rest] = split(e, x);
  Value fraction = e.add(f, e.fma(n, low, rest));
  return withSpecialValues(e, x, e.fma(n, high, fraction));
}

Value emitLog2(FloatEmitter &e, Value x) {
  Value log2e = e.constant(e.pick(1.44269502, 1.4426950408889634));
  auto [n, f, rest] = split(e, x);
  Value fraction = e.fma(rest, log2e, e.mul(f, log2e));
  return withSpecialValues(e, x, e.add(fraction, n));
}

} // namespace attn_grid::compiler
