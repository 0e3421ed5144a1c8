#ifndef AG_COMPILER_FRONTEND_BINDFUNCTIONS_H
#define AG_COMPILER_FRONTEND_BINDFUNCTIONS_H
/// What a lookup gives to a kernel's function parameters: texts become trees
/// of their own files, and a variant's parameters the kernel's.

#include "compiler/Frontend/AstDecl.h"

#include "attn_grid/signature.hpp"

namespace attn_grid::compiler {

struct ParsedProgram;

/// The functions bound to one kernel of a program.
struct BoundFunctions {
  /// One parameter's: a function written out, or an expression that names one.
  struct Given {
    std::string name;
    const ast::FnDecl *decl = nullptr;
    const ast::Expr *expr = nullptr;
  };
  const ast::KernelDecl *kernel = nullptr; // null: nothing is bound
  std::vector<Given> functions;
  const ast::VariantDecl *variant = nullptr; // its parameters are moved
  size_t ownParams = 0; // of the kernel, before those of the variant

  const Given *find(std::string_view name) const {
    for (const Given &given : functions)
      if (given.name == name)
        return &given;
    return nullptr;
  }
};

/// Binds `functions` to their kernel, whose signature is then the program's
/// only one. Mistakes are in the program's diagnostics. `program` has no
/// errors.
void bindFunctions(ParsedProgram &program, const FunctionBindings &functions);

} // namespace attn_grid::compiler

#endif
