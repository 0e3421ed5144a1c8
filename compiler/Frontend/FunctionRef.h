#ifndef AG_COMPILER_FRONTEND_FUNCTIONREF_H
#define AG_COMPILER_FRONTEND_FUNCTIONREF_H
/// A function as a value: what `score` stands for in `score(s, i)`,
/// `reduce(x, axis = 0, f)`, `attend<score = relu>(...)` and `grad(f)`.

#include "compiler/Frontend/Scope.h"

namespace attn_grid::compiler {

struct FunctionRef {
  const ast::FnDecl *decl = nullptr;
  /// What it sees besides its file: the parameters and functions of its
  /// variant. Null if it stands for itself; owned by the lowering.
  const std::vector<Symbol> *surroundings = nullptr;
  /// How often `grad` was applied.
  int derivative = 0;

  /// As messages name it: `relu`, `grad(relu)`.
  std::string name() const {
    std::string text = decl->name.text;
    for (int i = 0; i < derivative; ++i)
      text = "grad(" + text + ")";
    return text;
  }
};

} // namespace attn_grid::compiler

#endif
