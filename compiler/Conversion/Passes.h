#ifndef AG_COMPILER_CONVERSION_PASSES_H
#define AG_COMPILER_CONVERSION_PASSES_H
/// The passes of this folder: constructors and registration, as generated from
/// `Passes.td`.

#include "dialect/AgOps.h"

#include "mlir/Pass/Pass.h"

namespace attn_grid::compiler {

#define GEN_PASS_DECL
#include "compiler/Conversion/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "compiler/Conversion/Passes.h.inc"

} // namespace attn_grid::compiler

#endif
