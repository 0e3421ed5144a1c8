// math: functions of the C library, in f64 and rounded.

#include "compiler/Reference/Interpreter.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;

namespace attn_grid::compiler::reference {

using Function = double (*)(double);

/// The function of one float that `op` computes, or null.
static Function functionOf(Operation *op) {
  return llvm::StringSwitch<Function>(op->getName().getStringRef())
      .Case("math.absf", std::fabs)
      .Case("math.floor", std::floor)
      .Case("math.ceil", std::ceil)
      .Case("math.roundeven", std::nearbyint) // ties to even, by default
      .Case("math.sqrt", std::sqrt)
      .Case("math.rsqrt", [](double x) { return 1.0 / std::sqrt(x); })
      .Case("math.exp", std::exp)
      .Case("math.exp2", std::exp2)
      .Case("math.log", std::log)
      .Case("math.log2", std::log2)
      .Case("math.tanh", std::tanh)
      .Case("math.erf", std::erf)
      .Case("math.sin", std::sin)
      .Case("math.cos", std::cos)
      .Default(nullptr);
}

Handled runMath(Interpreter &run, Operation *op) {
  if (op->getNumResults() != 1)
    return std::nullopt;
  Type type = getElementTypeOrSelf(op->getResult(0).getType());
  if (isa<math::AbsIOp>(op)) {
    elementwise(run, op, [&](ArrayRef<Number> x) {
      __int128 n = x[0].whole;
      return Number::of(wrap(n < 0 ? -n : n, type));
    });
    return success();
  }
  if (isa<math::FmaOp>(op)) { // rounds once, but for 16-bit floats
    elementwise(run, op, [&](ArrayRef<Number> x) {
      double a = x[0].real, b = x[1].real, c = x[2].real;
      if (type.isF64())
        return Number::of(std::fma(a, b, c));
      return Number::of(roundTo(std::fmaf(float(a), float(b), float(c)), type));
    });
    return success();
  }
  Function function = functionOf(op);
  if (!function)
    return std::nullopt;
  elementwise(run, op, [&](ArrayRef<Number> x) {
    return Number::of(roundResult(function(x[0].real), type));
  });
  return success();
}

} // namespace attn_grid::compiler::reference
