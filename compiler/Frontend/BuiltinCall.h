#ifndef AG_COMPILER_FRONTEND_BUILTINCALL_H
#define AG_COMPILER_FRONTEND_BUILTINCALL_H
/// Builtin functions: the table of their names and parameters, and one call
/// with its arguments in their places.

#include "compiler/Frontend/Lowering.h"

namespace attn_grid::compiler {

/// A row of the table of builtins.
struct BuiltinEntry {
  llvm::StringLiteral name;
  Datum (Lowering::*lower)(Lowering::BuiltinCall &);
  /// The parameters, in order: `a b acc? keep?`. A `?` marks what may be left
  /// away, and can only be given by name.
  llvm::StringLiteral params;
  int kind = 0; // which operation, where one method lowers several
};

/// A call of a builtin. Arguments are evaluated when asked for, in order.
struct Lowering::BuiltinCall {
  Lowering &lowering;
  const BuiltinEntry &entry;
  const ast::CallExpr &call;
  llvm::SmallVector<const ast::Arg *> args; // one per parameter, may be null

  /// Where messages about the call point: its name.
  SourceRange at() const { return call.callee->range; }
  std::string what() const { return entry.name.str(); }
  bool has(size_t index) const { return args[index]; }
  const ast::Expr &expr(size_t index) const { return *args[index]->value; }
  Operand operand(size_t index) const {
    return {lowering.eval(expr(index)), expr(index).range};
  }
};

/// The arguments of a builtin that takes any number of them.
struct Lowering::Arguments {
  llvm::SmallVector<const ast::Arg *> positional;
  llvm::SmallVector<const ast::Arg *> named; // one per name, may be null
};

} // namespace attn_grid::compiler

#endif
