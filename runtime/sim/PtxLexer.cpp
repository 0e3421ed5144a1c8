#include "runtime/sim/PtxLexer.h"

#include <bit>
#include <charconv>
#include <fmt/format.h>

namespace attn_grid::sim {

static bool isNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '$' || c == '%';
}
static bool isDigit(char c) { return c >= '0' && c <= '9'; }

Lexer::Lexer(std::string_view text) : text(text) { next = scan(); }

Token Lexer::take() {
  taken = next;
  next = scan();
  return taken;
}

void Lexer::skipBlanks() {
  while (at < text.size()) {
    char c = text[at];
    if (c == '\n')
      ++line;
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0') {
      ++at;
    } else if (text.substr(at, 2) == "//") {
      at = std::min(text.find('\n', at), text.size());
    } else if (text.substr(at, 2) == "/*") {
      size_t end = text.find("*/", at + 2);
      if (end == std::string_view::npos)
        throw LoadError(line, "this comment is not closed");
      for (; at < end + 2; ++at)
        line += text[at] == '\n';
    } else {
      return;
    }
  }
}

Token Lexer::scan() {
  skipBlanks();
  size_t begin = at;
  if (at == text.size())
    return {Token::Kind::end, {}, line};
  auto take = [&](Token::Kind kind) {
    return Token{kind, text.substr(begin, at - begin), line};
  };
  auto skipName = [&] {
    while (at < text.size() && (isNameStart(text[at]) || isDigit(text[at])))
      ++at;
  };
  char c = text[at];
  bool directive =
      c == '.' && at + 1 < text.size() && isNameStart(text[at + 1]);
  if (isNameStart(c) || directive) {
    ++at;
    skipName();
    if (directive)
      return take(Token::Kind::directive);
    // The parts of an opcode: `.b32`, `::cta`.
    while (at + 1 < text.size() &&
           ((text[at] == '.' &&
             (isNameStart(text[at + 1]) || isDigit(text[at + 1]))) ||
            (text[at] == ':' && text[at + 1] == ':'))) {
      at += text[at] == ':' ? 2 : 1;
      skipName();
    }
    return take(Token::Kind::word);
  }
  if (isDigit(c)) {
    while (at < text.size() &&
           (isNameStart(text[at]) || isDigit(text[at]) || text[at] == '.' ||
            ((text[at] == '+' || text[at] == '-') &&
             (text[at - 1] == 'e' || text[at - 1] == 'E') &&
             text.substr(begin, 2) != "0x" && text.substr(begin, 2) != "0f" &&
             text.substr(begin, 2) != "0d" && text.substr(begin, 2) != "0F" &&
             text.substr(begin, 2) != "0D" && text.substr(begin, 2) != "0X")))
      ++at;
    return take(Token::Kind::number);
  }
  if (c == '"') {
    size_t end = text.find('"', at + 1);
    if (end == std::string_view::npos)
      throw LoadError(line, "this string is not closed");
    at = end + 1;
    return {Token::Kind::string, text.substr(begin + 1, end - begin - 1), line};
  }
  constexpr std::string_view marks = "{}[]()<>,;:@!|+-=.";
  if (marks.find(c) == std::string_view::npos)
    throw LoadError(line, fmt::format("the character with code {} is no part "
                                      "of PTX",
                                      static_cast<unsigned char>(c)));
  ++at;
  return take(Token::Kind::mark);
}

uint64_t parseInteger(const Token &token) {
  std::string_view digits = token.text;
  if (!digits.empty() && (digits.back() == 'U' || digits.back() == 'u'))
    digits.remove_suffix(1);
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.starts_with("0b") || digits.starts_with("0B")) {
    base = 2;
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
    digits.remove_prefix(1);
  }
  uint64_t value = 0;
  auto [end, error] = std::from_chars(
      digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size())
    throw LoadError(token.line,
                    fmt::format("expected an integer, found `{}`", token.text));
  return value;
}

std::optional<double> parseReal(const Token &token) {
  std::string_view text = token.text;
  auto bits = [&](std::string_view digits, size_t count) {
    uint64_t value = 0;
    auto [end, error] = std::from_chars(
        digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc() || end != digits.data() + digits.size() ||
        digits.size() != count)
      throw LoadError(token.line,
                      fmt::format("expected {} hexadecimal digits, found `{}`",
                                  count, text));
    return value;
  };
  if (text.starts_with("0f") || text.starts_with("0F"))
    return std::bit_cast<float>(static_cast<uint32_t>(bits(text.substr(2), 8)));
  if (text.starts_with("0d") || text.starts_with("0D"))
    return std::bit_cast<double>(bits(text.substr(2), 16));
  bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  if (hexadecimal || text.find_first_of(".eE") == std::string_view::npos)
    return std::nullopt;
  double value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw LoadError(token.line,
                    fmt::format("expected a number, found `{}`", text));
  return value;
}

} // namespace attn_grid::sim
