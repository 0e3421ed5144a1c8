// sin and cos: x = n * pi/2 + r, |r| <= pi/4, both polynomials of r, and the
// low bits of n say which of them, with which sign. pi/2 is taken off in three
// parts. The first step is exact (n * pi/2 and x are multiples of one small
// power of 2, their difference is less than 1), the others round relative to
// what is left; so r has a small relative error however near x is to a multiple
// of pi/2.

#include "compiler/Conversion/ElementaryFunctions.h"

using namespace mlir;

namespace attn_grid::compiler {

// (sin(r) / r - 1) / r^2 as a function of r^2; errors of sin 4e-9, 4e-18.
static const double sinSingle[] = {-0.166666552, 0.00833218917,
                                   -0.000195182918};
static const double sinDouble[] = {
    -0.1666666666666663,    0.0083333333333218407,   -0.00019841269829358528,
    2.7557313538514628e-06, -2.5050734389406915e-08, 1.5895433306429222e-10};
// (cos(r) - 1) / r^2 as a function of r^2; errors of cos 3.9e-8, 6e-20.
static const double cosSingle[] = {-0.499998838, 0.0416557156, -0.00135910173};
static const double cosDouble[] = {-0.5,
                                   0.041666666666666595,
                                   -0.0013888888888873342,
                                   2.4801587289002079e-05,
                                   -2.7557314217038289e-07,
                                   2.0875705395800644e-09,
                                   -1.1358749217502617e-11};

/// sin(x + quarters * pi/2).
static Value emitWave(FloatEmitter &e, Value x, int quarters) {
  // The sum holds n in its low bits.
  Value shifter = e.constant(1.5 * std::ldexp(1.0, e.significandBits()));
  Value shifted =
      e.fma(x, e.constant(e.pick(0.636619747, 0.63661977236758138)), shifter);
  Value n = e.sub(shifted, shifter);
  // Each part is rounded down, so that all are positive: -0 stays -0.
  double parts[] = {e.pick(1.57079625, 1.5707963267948966),
                    e.pick(7.54978942e-08, 6.1232339957367648e-17),
                    e.pick(5.39030253e-15, 1.0828566739219139e-32)};
  Value r = x;
  for (double part : parts)
    r = e.fma(n, e.constant(-part), r);
  // Where n no longer fits, the result still lies in [-1, 1].
  r = e.atMost(e.atLeast(r, -0.8), 0.8);

  Value square = e.mul(r, r);
  Value one = e.constant(1);
  Value sin = e.mul(
      r, e.fma(square, e.polynomial({sinSingle, sinDouble}, square), one));
  Value cos = e.fma(square, e.polynomial({cosSingle, cosDouble}, square), one);

  Value quadrant = e.addBits(e.toBits(shifted), e.bits(quarters));
  Value odd = e.andBits(quadrant, e.bits(1));
  Value isEven = arith::CmpIOp::create(
      e.builder(), e.loc(), arith::CmpIPredicate::eq, odd, e.bits(0));
  Value magnitude = e.select(isEven, sin, cos);
  int toSign = (e.isDouble() ? 64 : 32) - 2;
  Value sign = e.shiftLeft(e.andBits(quadrant, e.bits(2)), toSign);
  return e.fromBits(e.xorBits(e.toBits(magnitude), sign));
}

Value emitSin(FloatEmitter &e, Value x) { return emitWave(e, x, 0); }

Value emitCos(FloatEmitter &e, Value x) { return emitWave(e, x, 1); }

} // namespace attn_grid::compiler
