#ifndef AG_COMPILER_LANGUAGESERVER_BUILTINS_H
#define AG_COMPILER_LANGUAGESERVER_BUILTINS_H
/// What the language itself calls so, for people.

#include <string_view>
#include <vector>

namespace attn_grid::compiler::lsp {

/// A builtin function, constant or type, or a reserved word.
struct Builtin {
  enum class Kind : uint8_t { function, constant, type, word };
  Kind kind;
  std::string_view name;
  std::string_view signature; // `dot(a, b, acc =, keep =, precision =)`
  std::string_view doc;       // one sentence
};

/// All of them, sorted by name.
const std::vector<Builtin> &builtins();
/// The builtin of that name, or null.
const Builtin *findBuiltin(std::string_view name);

} // namespace attn_grid::compiler::lsp

#endif
