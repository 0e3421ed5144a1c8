#ifndef AG_TOOLS_AGC_COMPILERFUNCTIONS_H
#define AG_TOOLS_AGC_COMPILERFUNCTIONS_H
/// The compiler, loaded by those commands that need it: `agc run` of a kernel
/// that is in the cache does without.

#include "compiler/Compiler.h"

namespace attn_grid::agc {

/// Loads the compiler's library first. Throws `Unsupported` if it is not there.
const compiler::Functions &compilerFunctions();

} // namespace attn_grid::agc

#endif
