// erf: x + x * P(x^2) near zero, 1 - 2^R(|x|) beyond, both of odd symmetry.
// R fits log2(erfc), weighted with what an error of it does to erf, so that one
// polynomial reaches to where erf rounds to 1.

#include "compiler/Conversion/ElementaryFunctions.h"

using namespace mlir;

namespace attn_grid::compiler {

// erf(x) / x - 1 as a function of x^2, |x| <= 0.92 and 1; relative errors of
// erf 1.6e-8 and 3.9e-16.
static const double nearSingle[] = {0.128379151,   -0.376125008,
                                    0.11281877,    -0.0267685801,
                                    0.00499585317, -0.000600379426};
static const double nearDouble[] = {
    0.12837916709551214,     -0.37612638903173512,    0.1128379167055162,
    -0.026866170582863291,   0.0052239771307713281,   -0.00085483040095003305,
    0.0001205466249081806,   -1.4913029677798733e-05, 1.6308065969814256e-06,
    -1.5177562985666477e-07, 9.4072664542771698e-09};

// log2(1 - erf(x)), 0.92 <= x <= 4 and 1 <= x <= 6; relative errors of erf
// 1.6e-9 and 1.3e-16.
static const double farSingle[] = {-0.000282299792, -1.62689209,  -0.919259429,
                                   -0.149941996,    0.0320669822, -0.0043905545,
                                   0.00028269543};
static const double farDouble[] = {
    -2.6201716655694704e-06, -1.6278820070360176,     -0.91855923560335129,
    -0.14796548364948062,    0.027021836432334218,    0.0010962386956382569,
    -0.0032760594955705763,  0.0015136876279025098,   -0.00044150148906007381,
    8.9755629732077448e-05,  -1.2172600717029605e-05, 8.4135773194311559e-07,
    3.7051537608547103e-08,  -1.4885681523487312e-08, 1.4051673337323503e-09,
    -5.0100208517834435e-11};

Value emitErf(FloatEmitter &e, Value x) {
  Value t = e.atMost(e.abs(x), e.pick(4, 6));
  Value near = e.fma(t, e.polynomial({nearSingle, nearDouble}, e.mul(t, t)), t);
  Value exponent = e.polynomial({farSingle, farDouble}, t);
  BinaryExponent n = splitExponent(e, exponent);
  Value fraction = emitExp2Fraction(e, e.sub(exponent, n.whole));
  Value far = e.sub(e.constant(1), e.mul(fraction, n.power));
  Value isNear =
      e.compare(arith::CmpFPredicate::OLT, t, e.constant(e.pick(0.92, 1)));
  return e.copySign(e.select(isNear, near, far), x);
}

} // namespace attn_grid::compiler
