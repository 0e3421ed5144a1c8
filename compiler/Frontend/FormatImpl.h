#ifndef AG_COMPILER_FRONTEND_FORMATIMPL_H
#define AG_COMPILER_FRONTEND_FORMATIMPL_H
/// The formatter's inside: from pieces to documents, in a file per family:
/// FormatDecl, FormatStmt, FormatExpr.

#include "compiler/Frontend/FormatDoc.h"
#include <optional>

namespace attn_grid::compiler::formatting {

class Formatter {
public:
  explicit Formatter(const std::vector<Piece> &pieces)
      : pieces(pieces), docs(pieces) {}
  std::string run();

private:
  using Kind = Token::Kind;
  /// Pieces [begin, end).
  struct Span {
    size_t begin, end;
    bool empty() const { return begin >= end; }
  };

  const std::vector<Piece> &pieces;
  Docs docs;

  // ------------------------------------------- declarations, FormatDecl.cpp
  DocId declaration(Span span);
  DocId kernel(Span span);
  DocId structDecl(Span span);
  DocId function(Span span);
  DocId variant(Span span);
  /// A kernel's parameters, one to a line, their types below each other.
  DocId kernelParams(size_t open);
  /// A function's parameters: beside its name, or filled below it.
  DocId functionParams(size_t open);
  size_t endOfDeclaration(size_t begin) const;
  std::vector<Span> clausesOf(Span span) const;

  // ---------------------------------------------- statements, FormatStmt.cpp
  /// Statements in the braces from `open` on; `oneLine` leaves it to the group
  /// around them whether they stand on a line of their own.
  DocId block(size_t open, bool oneLine);
  DocId statements(Span span);
  DocId statement(Span span, std::optional<size_t> padBeforeAssign);
  DocId paddedLet(Span span, size_t pad);
  size_t endOfStatement(size_t begin, size_t limit) const;
  bool mayStandOnOneLine(size_t open) const;
  bool isSimpleLet(Span span) const;
  /// For a row of `let` and `var` whose `=` stand below each other, the blanks
  /// before each.
  std::vector<std::optional<size_t>>
  alignment(const std::vector<Span> &stmts) const;
  /// A new line before piece `next`, and an empty one if the author left one.
  DocId separator(size_t next);

  // --------------------------------------------------- the rest,
  // FormatExpr.cpp
  /// An expression, a type, a parameter: whatever has no statements.
  DocId expr(Span span);
  DocId splitAt(Span span, const std::vector<size_t> &operators, int level);
  DocId atoms(Span span);
  /// A bracket with its items.
  DocId list(size_t open);
  /// The items of a bracket, as many as fit on each line; where they take
  /// several lines, the author's line breaks stay.
  DocId filled(size_t open);
  std::vector<DocId> items(size_t open);
  std::vector<Span> itemSpans(size_t open) const;
  bool blankBetween(size_t before, size_t piece) const;
  int levelOf(size_t i) const;
  /// The first piece of that kind outside of brackets, or the end.
  size_t find(Span span, Kind kind) const;
};

} // namespace attn_grid::compiler::formatting

#endif
