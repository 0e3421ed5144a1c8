#ifndef AG_COMPILER_LANGUAGESERVER_DOCUMENT_H
#define AG_COMPILER_LANGUAGESERVER_DOCUMENT_H
/// A source that an editor has open, and all that is known of it: its tree, the
/// names it declares, their types under representative bindings, its mistakes.
/// Made anew with every change; what a half-written text does not tell is
/// remembered from the text before.

#include "compiler/Frontend/Frontend.h"
#include "compiler/LanguageServer/Symbols.h"

#include <map>

namespace attn_grid::compiler::lsp {

/// Makes a context in which kernels can be lowered.
using ContextMaker = std::function<std::unique_ptr<mlir::MLIRContext>()>;

/// A word of the source at a place.
struct Word {
  SourceRange range;
  std::string text;
  /// The name before the `.` that stands before it: `state` of `state.acc`.
  /// Nothing if there is no `.`; empty if none stands before it.
  std::optional<std::string> base;
};

class Document {
public:
  explicit Document(std::string path) : path(std::move(path)) {}

  void update(std::string text, const ContextMaker &makeContext);

  const SourceManager &sources() const { return program->sources; }
  FileId file() const { return program->root; }
  const ast::Tree &tree() const { return program->tree; }
  const std::vector<Symbol> &symbols() const { return names; }
  /// In the order of their places.
  const std::vector<Diagnostic> &diagnostics() const { return mistakes; }

  /// The name, or the beginning of one, that ends at or contains a byte. Its
  /// text is empty if there is none.
  Word wordAt(uint32_t offset) const;
  /// What a word names, or null: a name in scope, or a field.
  const Symbol *symbolOf(const Word &word) const;
  /// The struct that a name's value is, or empty.
  std::string structOf(const std::string &name, SourceRange place) const;
  /// The type of a symbol's value, or empty if it is not known.
  std::string typeOf(const Symbol &symbol) const;

private:
  std::string path;
  std::unique_ptr<ParsedProgram> program;
  std::vector<Symbol> names;
  std::vector<Diagnostic> mistakes;
  std::map<std::pair<FileId, uint32_t>, std::string> types; // by declaration
  std::map<std::string, std::string> remembered;            // `owner.name`

  void addMistakes(const Diagnostics &diags);
};

} // namespace attn_grid::compiler::lsp

#endif
