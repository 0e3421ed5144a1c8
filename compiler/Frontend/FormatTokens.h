#ifndef AG_COMPILER_FRONTEND_FORMATTOKENS_H
#define AG_COMPILER_FRONTEND_FORMATTOKENS_H
/// The tokens of a file as the formatter sees them: a `>>` that closes two
/// lists is two pieces, each piece has the comments that belong to it, and what
/// the author's line breaks say is a flag.

#include "compiler/Frontend/Lexer.h"
#include "compiler/Frontend/Parser.h"

namespace attn_grid::compiler::formatting {

/// A comment beside a piece. A `//` comment is always followed by a line break.
struct PieceComment {
  std::string text;         // without blanks at the end
  bool lineBefore = false;  // begins its line
  bool blankBefore = false; // an empty line stands before it
  bool lineAfter = false;   // ends its line
  size_t blanks = 2;        // before one behind code: two or more
};

/// A token, or a part of one, with its surroundings.
struct Piece {
  Token::Kind kind = Token::Kind::End;
  std::string_view text;
  bool angleOpen = false;   // the `<` of `<...>`
  bool angleClose = false;  // the `>` of it
  bool blockOpen = false;   // the `{` of statements
  bool endsOperand = false; // a value, name or type may end here
  bool unary = false;       // an operator without a left side
  bool word = false;        // `step`, `unless`, ... where they are no names
  bool lineBefore = false;  // begins its line, comments aside
  bool blankBefore = false; // an empty line stands before it
  bool wideBefore = false;  // more than one blank stands before it
  /// Those before it that are not behind the piece before.
  std::vector<PieceComment> before;
  /// Those on its line, where nothing else follows.
  std::vector<PieceComment> behind;
  size_t match = 0; // of a bracket: its counterpart

  bool is(Token::Kind k) const { return kind == k && !angleOpen; }
  bool opens() const;
  bool closes() const;
};

/// The pieces of a file without mistakes; the last one is `End`.
std::vector<Piece> makePieces(std::string_view text, const TokenList &list,
                              const TokenRoles &roles);

/// The texts of pieces and comments in their order, each on a line: equal for
/// two texts that differ in layout only.
std::string contentOf(const std::vector<Piece> &pieces);

} // namespace attn_grid::compiler::formatting

#endif
