#ifndef AG_COMPILER_TRANSFORMS_PASSES_H
#define AG_COMPILER_TRANSFORMS_PASSES_H
/// Passes from the ag dialect to the ag dialect. Passes.td describes them.

#include "dialect/AgOps.h"

#include "mlir/Pass/Pass.h"

#include <memory>

namespace attn_grid::compiler {

#define GEN_PASS_DECL
#include "compiler/Transforms/Passes.h.inc"

/// Makes every pass of this folder known to textual pipelines.
void registerTransformPasses();

} // namespace attn_grid::compiler

#endif
