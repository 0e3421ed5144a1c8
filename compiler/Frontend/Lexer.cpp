#include "compiler/Frontend/Lexer.h"
#include "compiler/Frontend/Snippet.h"
#include "compiler/Frontend/Utf8.h"

#include <algorithm>

namespace attn_grid::compiler {

namespace {
using Kind = Token::Kind;

struct Spelling {
  std::string_view text;
  Kind kind;
};

constexpr Spelling keywords[] = {
    {"and", Kind::KwAnd},         {"break", Kind::KwBreak},
    {"const", Kind::KwConst},     {"continue", Kind::KwContinue},
    {"else", Kind::KwElse},       {"false", Kind::KwFalse},
    {"fn", Kind::KwFn},           {"for", Kind::KwFor},
    {"if", Kind::KwIf},           {"import", Kind::KwImport},
    {"in", Kind::KwIn},           {"kernel", Kind::KwKernel},
    {"let", Kind::KwLet},         {"None", Kind::KwNone},
    {"not", Kind::KwNot},         {"or", Kind::KwOr},
    {"return", Kind::KwReturn},   {"struct", Kind::KwStruct},
    {"true", Kind::KwTrue},       {"var", Kind::KwVar},
    {"variant", Kind::KwVariant}, {"while", Kind::KwWhile},
};

/// Longest first, so that the first that fits is the token.
constexpr Spelling punctuation[] = {
    {"<<=", Kind::LessLessAssign},
    {">>=", Kind::GreaterGreaterAssign},
    {"**", Kind::StarStar},
    {"..", Kind::DotDot},
    {"+:", Kind::PlusColon},
    {"->", Kind::Arrow},
    {"<<", Kind::LessLess},
    {">>", Kind::GreaterGreater},
    {"==", Kind::EqualEqual},
    {"!=", Kind::BangEqual},
    {"<=", Kind::LessEqual},
    {">=", Kind::GreaterEqual},
    {"+=", Kind::PlusAssign},
    {"-=", Kind::MinusAssign},
    {"*=", Kind::StarAssign},
    {"/=", Kind::SlashAssign},
    {"%=", Kind::PercentAssign},
    {"&=", Kind::AmpAssign},
    {"|=", Kind::PipeAssign},
    {"^=", Kind::CaretAssign},
    {"(", Kind::LParen},
    {")", Kind::RParen},
    {"[", Kind::LSquare},
    {"]", Kind::RSquare},
    {"{", Kind::LBrace},
    {"}", Kind::RBrace},
    {",", Kind::Comma},
    {";", Kind::Semicolon},
    {":", Kind::Colon},
    {".", Kind::Dot},
    {"?", Kind::Question},
    {"=", Kind::Assign},
    {"+", Kind::Plus},
    {"-", Kind::Minus},
    {"*", Kind::Star},
    {"/", Kind::Slash},
    {"%", Kind::Percent},
    {"&", Kind::Amp},
    {"|", Kind::Pipe},
    {"^", Kind::Caret},
    {"~", Kind::Tilde},
    {"<", Kind::Less},
    {">", Kind::Greater},
};

/// Operators of other languages, and what stands for them here.
constexpr Spelling foreign[] = {
    {"&&", Kind::KwAnd}, {"||", Kind::KwOr}, {"!", Kind::KwNot}};

bool isNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isNameChar(char c) { return isNameStart(c) || isDigit(c); }

class Lexer {
public:
  Lexer(const SourceManager &sources, FileId file, Diagnostics &diags)
      : text(sources.text(file)), file(file), diags(diags) {}

  TokenList run();

private:
  std::string_view text;
  FileId file;
  Diagnostics &diags;
  TokenList list;
  uint32_t at = 0;
  bool lineStart = true;
  int32_t doc = -1; // of the next token

  char peek(uint32_t ahead = 0) const {
    return at + ahead < text.size() ? text[at + ahead] : '\0';
  }
  bool startsWith(std::string_view s) const {
    return text.substr(at, s.size()) == s;
  }
  SourceRange rangeFrom(uint32_t begin) const { return {file, begin, at}; }
  void addComment(uint32_t begin) {
    list.comments.push_back(
        {begin, at, static_cast<uint32_t>(list.tokens.size())});
  }

  void skipBlanks();
  void lineComment();
  void blockComment();
  Kind token();
  Kind number();
  Kind string();
  Kind operatorOrStrange();
};
} // namespace

/// `//` to the end of the line. `///` lines are kept for the next token.
void Lexer::lineComment() {
  uint32_t begin = at;
  while (at < text.size() && text[at] != '\n')
    ++at;
  addComment(begin);
  std::string_view comment = text.substr(begin, at - begin);
  if (!comment.starts_with("///") || comment.starts_with("////"))
    return;
  comment.remove_prefix(3);
  if (comment.ends_with('\r'))
    comment.remove_suffix(1);
  if (comment.starts_with(' '))
    comment.remove_prefix(1);
  if (doc < 0) {
    doc = static_cast<int32_t>(list.docs.size());
    list.docs.emplace_back(comment);
  } else {
    list.docs[doc] += "\n" + std::string(comment);
  }
}

void Lexer::blockComment() {
  uint32_t begin = at;
  size_t end = text.find("*/", at + 2);
  if (end == std::string_view::npos) {
    diags.error({file, begin, begin + 2}, "this comment is not closed")
        .note("a comment that begins with `/*` ends with `*/`");
    // As if it ended with its line: the rest is likely meant.
    at = static_cast<uint32_t>(std::min(text.find('\n', at), text.size()));
    return;
  }
  for (; at < end + 2; ++at)
    lineStart |= text[at] == '\n';
  addComment(begin);
}

void Lexer::skipBlanks() {
  if (at == 0 && startsWith("\xef\xbb\xbf")) // a byte order mark
    at = 3;
  while (at < text.size()) {
    char c = text[at];
    if (c == '\n')
      lineStart = true;
    if (c == '\n' || c == ' ' || c == '\t' || c == '\r')
      ++at;
    else if (startsWith("//"))
      lineComment();
    else if (startsWith("/*"))
      blockComment();
    else
      return;
  }
}

TokenList Lexer::run() {
  while (true) {
    doc = -1;
    skipBlanks();
    Token token;
    token.begin = at;
    token.lineStart = lineStart;
    token.doc = doc;
    lineStart = false;
    // After very many mistakes the rest is not worth reading.
    if (at < text.size() && !diags.full())
      token.kind = this->token();
    token.end = at;
    list.tokens.push_back(token);
    if (token.kind == Kind::End)
      return std::move(list);
  }
}

/// One token, which begins at `at`; there is at least one character.
Kind Lexer::token() {
  char c = peek();
  if (isNameStart(c)) {
    uint32_t begin = at;
    while (isNameChar(peek()))
      ++at;
    std::string_view word = text.substr(begin, at - begin);
    for (const Spelling &keyword : keywords)
      if (keyword.text == word)
        return keyword.kind;
    return Kind::Name;
  }
  if (isDigit(c) || (c == '.' && isDigit(peek(1))))
    return number();
  if (c == '"')
    return string();
  return operatorOrStrange();
}

/// Whether `digits` are digits of the base with single `_` between them.
static bool wellFormedDigits(std::string_view digits, int base) {
  if (digits.empty() || digits.front() == '_' || digits.back() == '_' ||
      digits.find("__") != std::string_view::npos)
    return false;
  return std::all_of(digits.begin(), digits.end(), [&](char c) {
    int value = isDigit(c)               ? c - '0'
                : (c >= 'a' && c <= 'f') ? c - 'a' + 10
                : (c >= 'A' && c <= 'F') ? c - 'A' + 10
                                         : 99;
    return c == '_' || value < base;
  });
}

/// `64`, `0xff`, `0b1010`, `1.5`, `1e-5`. Everything that looks like one number
/// is taken, so that a mistake in it is one mistake.
Kind Lexer::number() {
  uint32_t begin = at;
  bool prefixed = peek() == '0' && (peek(1) == 'x' || peek(1) == 'X' ||
                                    peek(1) == 'b' || peek(1) == 'B');
  while (true) {
    char c = peek();
    bool sign = (c == '+' || c == '-') && !prefixed && at > begin &&
                (text[at - 1] == 'e' || text[at - 1] == 'E') &&
                isDigit(peek(1));
    bool point = c == '.' && peek(1) != '.' && !isNameStart(peek(1));
    if (!isNameChar(c) && !sign && !point)
      break;
    ++at;
  }
  std::string_view number = text.substr(begin, at - begin);
  if (prefixed) {
    int base = number[1] == 'x' || number[1] == 'X' ? 16 : 2;
    if (wellFormedDigits(number.substr(2), base))
      return Kind::Integer;
  } else if (wellFormedDigits(number, 10)) {
    // A zero in front means base 8 elsewhere.
    if (number.size() == 1 || number[0] != '0')
      return Kind::Integer;
  } else {
    size_t exponent = std::min(number.find_first_of("eE"), number.size());
    std::string_view mantissa = number.substr(0, exponent);
    std::string_view power = number.substr(exponent);
    size_t dot = mantissa.find('.');
    bool good = wellFormedDigits(mantissa.substr(0, dot), 10) &&
                (dot == std::string_view::npos ||
                 wellFormedDigits(mantissa.substr(dot + 1), 10));
    if (!power.empty()) {
      power.remove_prefix(power.size() > 1 && !isDigit(power[1]) ? 2 : 1);
      good &= wellFormedDigits(power, 10);
    }
    if (good)
      return Kind::Float;
  }
  DiagnosticBuilder error =
      diags.error(rangeFrom(begin), "this is not a number");
  if (number.front() == '.')
    error.note("write a digit before the point, as in `0.5`");
  else if (number.back() == '.')
    error.note("write a digit after the point, as in `1.0`");
  else
    error.note("numbers are written `64`, `0xff`, `0b1010`, `1_000`, `1.0` or "
               "`1e-5`, without a suffix");
  return Kind::Error;
}

Kind Lexer::string() {
  uint32_t begin = at++;
  bool good = true;
  while (at < text.size() && text[at] != '"' && text[at] != '\n') {
    bool last = at + 1 == text.size() || text[at + 1] == '\n';
    if (text[at] != '\\' || last) {
      ++at;
      continue;
    }
    constexpr std::string_view escapes = "nt\\\"";
    if (escapes.find(peek(1)) == std::string_view::npos) {
      diags.error({file, at, at + 1}, "this is not an escape of a string")
          .note("the escapes are `\\n`, `\\t`, `\\\\` and `\\\"`");
      good = false;
      ++at;
      continue;
    }
    at += 2;
  }
  if (peek() != '"') {
    diags.error({file, begin, begin + 1}, "this string is not closed")
        .note("a string ends with `\"` on the same line");
    return Kind::Error;
  }
  ++at;
  return good ? Kind::String : Kind::Error;
}

Kind Lexer::operatorOrStrange() {
  uint32_t begin = at;
  if (!startsWith("!="))
    for (const Spelling &op : foreign)
      if (startsWith(op.text)) {
        at += op.text.size();
        std::string meant = describe(op.kind);
        diags.error(rangeFrom(begin), "`" + std::string(op.text) +
                                          "` is not an operator: write " +
                                          meant);
        return op.kind;
      }
  for (const Spelling &p : punctuation)
    if (startsWith(p.text)) {
      at += p.text.size();
      return p.kind;
    }
  // A run of strange characters is one mistake.
  auto strange = [&] {
    unsigned char c = static_cast<unsigned char>(peek());
    return at < text.size() &&
           (c >= 0x7f || c < 0x20 || c == '@' || c == '$' || c == '#' ||
            c == '`' || c == '\'' || c == '\\') &&
           c != '\n' && c != '\t' && c != '\r';
  };
  Utf8Char first = decodeUtf8(text.substr(at));
  std::string shown = escapeForMessage(text.substr(at, first.length));
  at += first.length;
  while (strange())
    at += decodeUtf8(text.substr(at)).length;
  DiagnosticBuilder error = diags.error(
      rangeFrom(begin), first.valid ? "`" + shown + "` has no meaning here"
                                    : "this is not UTF-8 text");
  if (shown == "#")
    error.note("a comment begins with `//`");
  else if (shown == "'")
    error.note("a string stands in double quotes");
  return Kind::Error;
}

std::string describe(Kind kind) {
  switch (kind) {
  case Kind::End:
    return "the end of the file";
  case Kind::Error:
    return "something else";
  case Kind::Name:
    return "a name";
  case Kind::Integer:
  case Kind::Float:
    return "a number";
  case Kind::String:
    return "a string";
  default:
    break;
  }
  for (const Spelling &s : keywords)
    if (s.kind == kind)
      return "`" + std::string(s.text) + "`";
  for (const Spelling &s : punctuation)
    if (s.kind == kind)
      return "`" + std::string(s.text) + "`";
  return "something else";
}

TokenList lex(const SourceManager &sources, FileId file, Diagnostics &diags) {
  return Lexer(sources, file, diags).run();
}

} // namespace attn_grid::compiler
