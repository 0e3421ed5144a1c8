#ifndef AG_COMPILER_FRONTEND_LEXER_H
#define AG_COMPILER_FRONTEND_LEXER_H
/// `.ag` text to tokens. All tokens of a file are made at once, so the parser
/// can look ahead as far as it wants. Words that mean something only in one
/// place (`out`, `step`, `where`, `grid`, `tile`, ...) are plain names here.

#include "compiler/Frontend/Diagnostics.h"
#include <string>
#include <vector>

namespace attn_grid::compiler {

/// A token of the language. Its text is that of its range.
struct Token {
  enum class Kind : uint8_t {
    End,
    Error, // something already reported
    Name,
    Integer, // `64`, `0xff`, `0b1010`, `1_000`
    Float,   // `1.0`, `1e-5`
    String,  // with its quotes and escapes
    // Reserved words.
    KwAnd,
    KwBreak,
    KwConst,
    KwContinue,
    KwElse,
    KwFalse,
    KwFn,
    KwFor,
    KwIf,
    KwImport,
    KwIn,
    KwKernel,
    KwLet,
    KwNone,
    KwNot,
    KwOr,
    KwReturn,
    KwStruct,
    KwTrue,
    KwVar,
    KwVariant,
    KwWhile,
    // Brackets.
    LParen,
    RParen,
    LSquare,
    RSquare,
    LBrace,
    RBrace,
    // Punctuation.
    Comma,
    Semicolon,
    Colon,
    Dot,
    DotDot,
    PlusColon,
    Question,
    Arrow,
    Assign,
    // Operators.
    Plus,
    Minus,
    Star,
    StarStar,
    Slash,
    Percent,
    Amp,
    Pipe,
    Caret,
    Tilde,
    LessLess,
    GreaterGreater,
    EqualEqual,
    BangEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    // `+=` and its like.
    PlusAssign,
    MinusAssign,
    StarAssign,
    SlashAssign,
    PercentAssign,
    AmpAssign,
    PipeAssign,
    CaretAssign,
    LessLessAssign,
    GreaterGreaterAssign,
  };
  Kind kind = Kind::End;
  bool lineStart = false; // the first of its line
  uint32_t begin = 0, end = 0;
  int32_t doc = -1; // position in `TokenList::docs`
};

/// As a message names it: "`;`", "a name".
std::string describe(Token::Kind kind);

/// A comment, with its marker; a `//` comment without the line break.
struct Comment {
  uint32_t begin = 0, end = 0;
  uint32_t token = 0; // position of the token that follows
};

/// The tokens of a file. The last one is `End`, and only that.
struct TokenList {
  std::vector<Token> tokens;
  std::vector<std::string> docs; // text of `///` comments
  std::vector<Comment> comments; // in the order of the source
};

/// Reports what is not a token; in the place of such there is an `Error`, or
/// the token that was meant.
TokenList lex(const SourceManager &sources, FileId file, Diagnostics &diags);

} // namespace attn_grid::compiler

#endif
