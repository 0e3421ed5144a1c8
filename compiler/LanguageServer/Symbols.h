#ifndef AG_COMPILER_LANGUAGESERVER_SYMBOLS_H
#define AG_COMPILER_LANGUAGESERVER_SYMBOLS_H
/// The names that a source declares, with the part of the text in which each
/// means something. No name hides another, so the declaration of a name is
/// found by its text and place alone, in a tree with holes too.

#include "compiler/Frontend/AstDecl.h"

#include <vector>

namespace attn_grid::compiler::lsp {

/// A declared name.
struct Symbol {
  /// As the protocol numbers them, for completion and for outlines.
  enum class Kind : uint8_t {
    constant,
    extent,
    field,
    function,
    kernel,
    parameter,
    structure,
    type,
    variable,
    variant,
  };
  Kind kind = Kind::variable;
  std::string name;
  SourceRange range;       // of the name
  SourceRange declaration; // what a hover shows
  SourceRange scope;       // invalid: all files that see it
  std::string doc;
  /// What follows what is shown, if that is not source: "an extent of `q`".
  std::string remark;
  /// The struct of a field, the function of a local name; may be empty.
  std::string owner;
};

/// All names of a tree, those of imported files too.
std::vector<Symbol> collectSymbols(const ast::Tree &tree);

/// The symbol that `name` means at a place, or null. Fields do not count.
const Symbol *findSymbol(const std::vector<Symbol> &symbols,
                         std::string_view name, SourceRange place);
/// A field of a struct.
const Symbol *findField(const std::vector<Symbol> &symbols,
                        std::string_view structure, std::string_view name);
/// Whether a symbol may be named at a place.
bool isVisible(const Symbol &symbol, SourceRange place);

} // namespace attn_grid::compiler::lsp

#endif
