// exp2, exp and tanh.
//
// All three take t = n + f, n an integer and f in [0, 1], and multiply a
// polynomial for 2^f with 2^n. The fraction starts at an integer, not half
// below it, for three reasons: 2^f stays in [1, 2], so that 2^n alone decides
// about overflow and underflow and its end values 0 and infinity come out of
// the shift that makes it; exp2 of an integer is exact, for the polynomial is
// exactly 1 at 0; and it is the form of AVX-512, where `vreduce` gives
// x - floor(x) and `vscalef` multiplies with 2^floor(x): eight instructions
// for f32, infinities included and subnormals flushed.
//
// Polynomials are minimax fits, refitted after each coefficient was rounded.

#include "compiler/Conversion/ElementaryFunctions.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace attn_grid::compiler {

// 2^f on [0, 1], relative errors 8.3e-8 and 2.3e-16.
static const double exp2Single[] = {1.0,          0.693151295,   0.240164593,
                                    0.0557995141, 0.00901748054, 0.00186695263};
static const double exp2Double[] = {1.0,
                                    0.69314718055990898,
                                    0.24022650696094749,
                                    0.055504108632574593,
                                    0.0096181293845377085,
                                    0.0013333544567166477,
                                    0.00015403939801619175,
                                    1.5244894923547082e-05,
                                    1.3310807954017017e-06,
                                    9.4696187815408145e-08,
                                    9.9353911731403999e-09};

// (2^f - 1) / f on [0, 1], relative errors 1.4e-8 and 3.4e-17.
static const double expm1Single[] = {0.693147182,   0.240226895,
                                     0.0554980412,  0.00964710675,
                                     0.00127467397, 0.000206087163};
static const double expm1Double[] = {
    0.69314718055994529,    0.24022650695910308,    0.055504108664795743,
    0.0096181291073271918,  0.0013333558210969708,  0.00015403525955312388,
    1.5252895183174762e-05, 1.3211999083472984e-06, 1.0224287053729281e-07,
    6.6885334123253837e-09, 6.0168309833382394e-10};

// log2(e) in two parts.
static const double log2eHighSingle = 1.44269502;
static const double log2eLowSingle = 1.92596303e-08;
static const double log2eHighDouble = 1.4426950408889634;
static const double log2eLowDouble = 2.0355273740931033e-17;

static const double ln2 = 0.69314718055994529;

namespace {
/// The AVX-512 intrinsics for one type, if there are any.
class ScaleInstructions {
public:
  /// Exact only for what `options` allow and registers hold; else `usable` is
  /// false and the other members must not be called.
  ScaleInstructions(FloatEmitter &e, const ApproximateMathOptions &options);

  bool usable() const { return !suffix.empty(); }
  /// x - floor(x); 0 for infinities.
  Value fraction(Value x);
  /// x * 2^floor(n) for x in [1, 2), right for all n, infinities and NaN
  /// included; 0 where that is subnormal.
  Value scale(Value x, Value n);

private:
  Value integer(int width, int64_t value);
  /// Calls `name` on each register's part of the operands.
  Value call(StringRef name, ValueRange operands, std::optional<int> immediate);

  FloatEmitter &e;
  VectorType part;    // one register
  std::string suffix; // "ps.512"
};
} // namespace

ScaleInstructions::ScaleInstructions(FloatEmitter &e,
                                     const ApproximateMathOptions &options)
    : e(e) {
  auto vector = dyn_cast<VectorType>(e.type());
  if (!options.avx512 || !vector || vector.getRank() != 1 ||
      vector.isScalable())
    return;
  int64_t elementBits = e.isDouble() ? 64 : 32;
  int64_t bits = vector.getNumElements() * elementBits;
  int64_t registerBits = std::min<int64_t>(bits, 512);
  if (registerBits != 128 && registerBits != 256 && bits % 512 != 0)
    return;
  part = VectorType::get(registerBits / elementBits, vector.getElementType());
  suffix = (e.isDouble() ? "pd." : "ps.") + std::to_string(registerBits);
}

Value ScaleInstructions::integer(int width, int64_t value) {
  IntegerType type = e.builder().getIntegerType(width);
  return LLVM::ConstantOp::create(e.builder(), e.loc(), type,
                                  IntegerAttr::get(type, value));
}

Value ScaleInstructions::call(StringRef name, ValueRange operands,
                              std::optional<int> immediate) {
  OpBuilder &b = e.builder();
  int64_t lanes = part.getNumElements();
  int64_t allLanes = cast<VectorType>(e.type()).getNumElements();
  bool whole = lanes == allLanes;
  bool full = StringRef(suffix).ends_with("512");
  StringAttr intrinsic =
      b.getStringAttr("llvm.x86.avx512.mask." + name.str() + "." + suffix);
  Value result;
  if (!whole)
    result = e.constant(0);
  for (int64_t first = 0; first < allLanes; first += lanes) {
    SmallVector<Value> args;
    for (Value operand : operands)
      args.push_back(whole ? operand
                           : vector::ExtractStridedSliceOp::create(
                                 b, e.loc(), operand, first, lanes, 1));
    Value unmasked = args.front(); // what masked lanes would keep: none are
    if (immediate)
      args.push_back(integer(32, *immediate));
    args.push_back(unmasked);
    args.push_back(integer(std::max<int>(lanes, 8), -1));
    if (full)
      args.push_back(integer(32, 4)); // round as the thread does
    Value value =
        LLVM::CallIntrinsicOp::create(b, e.loc(), part, intrinsic, args)
            .getResult(0);
    result = whole ? value
                   : vector::InsertStridedSliceOp::create(b, e.loc(), value,
                                                          result, first, 1);
  }
  return result;
}

Value ScaleInstructions::fraction(Value x) {
  return call("reduce", x, 9); // towards minus infinity, no exception
}

Value ScaleInstructions::scale(Value x, Value n) {
  // The instruction underflows gradually. What reads a subnormal pays a hundred
  // cycles or more, and softmax makes many of them: 0 in their place.
  Value scaled = call("scalef", {x, n}, std::nullopt);
  Value normal =
      e.compare(arith::CmpFPredicate::UGE, n, e.constant(1 - e.bias()));
  return e.select(normal, scaled, e.constant(0));
}

/// The constant whose sum with a small number holds that number's integer part,
/// biased as an exponent, in its low bits.
static double exponentShifter(FloatEmitter &e) {
  return 1.5 * std::ldexp(1.0, e.significandBits()) + e.bias();
}

BinaryExponent splitExponent(FloatEmitter &e, Value x) {
  // Rounding x - 1/2 to nearest is floor(x), but ties at integers x go to the
  // even neighbour. A shift by one unit in the last place of the largest x
  // keeps integers clear of ties.
  Value below = e.sub(x, e.constant(0.5 - std::ldexp(1.0, e.pick(-17, -43))));
  Value shifter = e.constant(exponentShifter(e));
  Value shifted = e.add(below, shifter);
  Value whole = e.sub(shifted, shifter);
  Value power = e.fromBits(e.shiftLeft(e.toBits(shifted), e.significandBits()));
  return {whole, power};
}

Value emitExp2Fraction(FloatEmitter &e, Value x) {
  return e.polynomial({exp2Single, exp2Double}, x);
}

Value emitExp2(FloatEmitter &e, Value x,
               const ApproximateMathOptions &options) {
  ScaleInstructions scale(e, options);
  if (scale.usable())
    return scale.scale(emitExp2Fraction(e, scale.fraction(x)), x);
  Value t = e.atMost(e.atLeast(x, -e.bias()), e.bias() + 1);
  BinaryExponent n = splitExponent(e, t);
  return e.mul(emitExp2Fraction(e, e.sub(t, n.whole)), n.power);
}

/// x * log2(e) * factor - whole, as if computed without rounding the product.
static Value reduceExponent(FloatEmitter &e, Value x, Value whole,
                            double factor) {
  Value high = e.constant(factor * e.pick(log2eHighSingle, log2eHighDouble));
  Value low = e.constant(factor * e.pick(log2eLowSingle, log2eLowDouble));
  Value negated = e.sub(e.constant(-0.0), whole);
  return e.fma(x, low, e.fma(x, high, negated));
}

Value emitExp(FloatEmitter &e, Value x, const ApproximateMathOptions &options) {
  ScaleInstructions scale(e, options);
  // Beyond these limits the result is 0 or infinity, within them the exponent
  // is one that the last step handles.
  double low = scale.usable() ? -(e.bias() + e.significandBits() + 3) * ln2
                              : -(e.bias() - 0.5) * ln2;
  Value t = e.atMost(e.atLeast(x, low), (e.bias() + 1.5) * ln2);
  Value binary = e.mul(t, e.constant(e.pick(log2eHighSingle, log2eHighDouble)));
  if (scale.usable()) {
    Value whole = math::FloorOp::create(e.builder(), e.loc(), binary);
    Value fraction = reduceExponent(e, t, whole, 1);
    return scale.scale(emitExp2Fraction(e, fraction), whole);
  }
  // Just below the limit the product may round up to bias + 1, whose power is
  // infinite; with the power below it, 2^f overflows when it must.
  BinaryExponent n = splitExponent(e, e.atMost(binary, e.bias() + 0.75));
  return e.mul(emitExp2Fraction(e, reduceExponent(e, t, n.whole, 1)), n.power);
}

// tanh |x| = w / (w + 2) with w = exp(2 |x|) - 1. With n = 0 nothing of w is
// lost for small x; with n > 0 it is at least 2^n - 1. Past the limit, w + 2
// is w.
Value emitTanh(FloatEmitter &e, Value x) {
  Value t = e.atMost(e.abs(x), e.pick(10, 20));
  Value binary =
      e.mul(t, e.constant(2 * e.pick(log2eHighSingle, log2eHighDouble)));
  BinaryExponent n = splitExponent(e, binary);
  Value fraction = reduceExponent(e, t, n.whole, 2);
  Value rest =
      e.mul(fraction, e.polynomial({expm1Single, expm1Double}, fraction));
  Value expm1 = e.fma(n.power, rest, e.sub(n.power, e.constant(1)));
  return e.copySign(e.div(expm1, e.add(expm1, e.constant(2))), x);
}

} // namespace attn_grid::compiler
