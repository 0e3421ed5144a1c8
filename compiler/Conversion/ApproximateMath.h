#ifndef AG_COMPILER_CONVERSION_APPROXIMATEMATH_H
#define AG_COMPILER_CONVERSION_APPROXIMATEMATH_H
/// Elementary functions as arithmetic, so that a kernel calls no library and
/// a vector of any length costs one instruction per step.

#include "compiler/Conversion/Passes.h"
#include "mlir/IR/PatternMatch.h"

namespace attn_grid::compiler {

/// Rewrites `math` ops that LLVM would turn into library calls: exp exp2 log
/// log2 tanh erf sin cos rsqrt round, on f64, f32 and narrower floats (which
/// compute in f32), scalars and vectors. Accuracy: within 4 ulp in f32, 1e-14
/// in f64; `sin cos` up to 1e5. Subnormal inputs and results may become 0.
/// `options` are the pass's (Passes.td). Patterns match once: what they create,
/// they do not match again.
void populateApproximateMathPatterns(mlir::RewritePatternSet &patterns,
                                     const ApproximateMathOptions &options);

} // namespace attn_grid::compiler

#endif
