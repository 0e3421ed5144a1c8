#ifndef AG_COMPILER_CONVERSION_ELEMENTARYFUNCTIONS_H
#define AG_COMPILER_CONVERSION_ELEMENTARYFUNCTIONS_H
/// One function per approximated function: emits its value at `x`, which has
/// the emitter's type. Errors and special values: ApproximateMath.h.

#include "compiler/Conversion/ApproximateMath.h"
#include "compiler/Conversion/FloatEmitter.h"

namespace attn_grid::compiler {

/// A number split into an integer `whole`, the power 2^whole, and the rest,
/// which stays with the caller.
struct BinaryExponent {
  mlir::Value whole;
  mlir::Value power;
};

/// Takes the largest integer not above `x`; where `x` is less than 2^-17
/// (f64: 2^-43) below an integer, that one. `x` in [-bias, bias + 1] or NaN;
/// the ends have the powers 0 and infinity.
BinaryExponent splitExponent(FloatEmitter &e, mlir::Value x);
/// 2^x for x in [0, 1]; exactly 1 at 0.
mlir::Value emitExp2Fraction(FloatEmitter &e, mlir::Value x);

mlir::Value emitExp2(FloatEmitter &e, mlir::Value x,
                     const ApproximateMathOptions &options);
mlir::Value emitExp(FloatEmitter &e, mlir::Value x,
                    const ApproximateMathOptions &options);
mlir::Value emitTanh(FloatEmitter &e, mlir::Value x);
mlir::Value emitErf(FloatEmitter &e, mlir::Value x);
mlir::Value emitLog(FloatEmitter &e, mlir::Value x);
mlir::Value emitLog2(FloatEmitter &e, mlir::Value x);
mlir::Value emitSin(FloatEmitter &e, mlir::Value x);
mlir::Value emitCos(FloatEmitter &e, mlir::Value x);
/// 1 / sqrt(x): two correctly rounded steps.
mlir::Value emitRsqrt(FloatEmitter &e, mlir::Value x);
/// To the nearest integer, halves away from zero.
mlir::Value emitRound(FloatEmitter &e, mlir::Value x);

} // namespace attn_grid::compiler

#endif
