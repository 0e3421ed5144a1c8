#ifndef AG_COMPILER_FRONTEND_NAMES_H
#define AG_COMPILER_FRONTEND_NAMES_H
/// Checks names once per program, before anything is lowered: every name that
/// is used is declared, no name is declared twice or hides a visible one
/// (builtins excepted). Covers what no specialization reaches, such as the
/// branch of a `const if` that is not taken.

#include "compiler/Frontend/Diagnostics.h"
#include "compiler/Frontend/Globals.h"
#include "compiler/Frontend/Parser.h"

namespace attn_grid::compiler {

/// The same for a text that is no file of the tree.
void checkGivenNames(const GivenText &given, FileId file,
                     const Globals &globals, Diagnostics &diags);

void checkNames(const ast::Tree &tree, const Globals &globals,
                Diagnostics &diags);

/// True for what the language itself calls so: a type, a builtin constant or
/// function.
bool isBuiltinName(llvm::StringRef name);

} // namespace attn_grid::compiler

#endif
