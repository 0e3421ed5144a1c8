#include "test/support/DialectEdits.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <sstream>
#include <utility>

namespace attn_grid::compiler::test {

std::vector<std::string> splitFunctions(const std::string &text) {
  std::vector<std::string> functions;
  std::string current;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (current.empty() && !line.starts_with("func.func") &&
        !line.starts_with("ag.kernel"))
      continue;
    current += line.substr(0, line.find("//")) + "\n";
    if (line.starts_with("}"))
      functions.push_back(std::exchange(current, {}));
  }
  return functions;
}

namespace {
enum class Kind { word, value, number, other };

struct Token {
  Kind kind;
  std::string text;
};

/// Reads choices off the input; all are 0 behind its end.
class Choices {
public:
  explicit Choices(std::span<const uint8_t> bytes) : bytes(bytes) {}
  bool done() const { return bytes.empty(); }
  size_t below(size_t count) {
    size_t value = byte();
    if (count > 256)
      value = value << 8 | byte();
    return count ? value % count : 0;
  }

private:
  size_t byte() {
    if (bytes.empty())
      return 0;
    size_t value = bytes.front();
    bytes = bytes.subspan(1);
    return value;
  }
  std::span<const uint8_t> bytes;
};
} // namespace

/// Extents and elements of a type (`64x32xf32`) become tokens of their own.
static std::vector<Token> splitTokens(const std::string &text) {
  std::vector<Token> tokens;
  for (size_t at = 0; at < text.size();) {
    auto isWord = [&](size_t i) {
      return i < text.size() &&
             (std::isalnum(static_cast<unsigned char>(text[i])) ||
              text[i] == '_' || text[i] == '.');
    };
    size_t end = at + 1;
    Kind kind = Kind::other;
    if (text[at] == '%' || text[at] == '#') {
      kind = Kind::value;
      while (isWord(end))
        ++end;
    } else if (std::isdigit(static_cast<unsigned char>(text[at]))) {
      kind = Kind::number;
      while (end < text.size() &&
             std::isdigit(static_cast<unsigned char>(text[end])))
        ++end;
    } else if (text[at] != 'x' && isWord(at)) {
      kind = Kind::word;
      while (isWord(end))
        ++end;
    }
    tokens.push_back({kind, text.substr(at, end - at)});
    at = end;
  }
  return tokens;
}

static std::string join(const std::vector<Token> &tokens) {
  std::string text;
  for (const Token &token : tokens)
    text += token.text;
  return text;
}

static constexpr std::array numbers{
    "0",     "1",       "2",          "3",          "4",
    "7",     "16",      "64",         "128",        "255",
    "65536", "1048576", "2147483647", "4294967296", "9223372036854775807"};
static constexpr std::array types{"i1",  "i8",  "i16", "i32",  "i64",
                                  "f16", "f32", "f64", "bf16", "index"};

/// Another token of the same kind, where the text or the tables have one.
static void replaceToken(std::vector<Token> &tokens, Choices &choices) {
  Token &token = tokens[choices.below(tokens.size())];
  bool isType = false;
  for (const char *type : types)
    isType |= token.text == type;
  if (token.kind == Kind::number) {
    token.text = numbers[choices.below(numbers.size())];
  } else if (isType) {
    token.text = types[choices.below(types.size())];
  } else {
    // The next one of its kind from some place on.
    size_t from = choices.below(tokens.size());
    for (size_t i = 0; i < tokens.size(); ++i) {
      const Token &other = tokens[(from + i) % tokens.size()];
      if (other.kind == token.kind && other.text != token.text) {
        token.text = other.text;
        break;
      }
    }
  }
}

static void moveLine(std::string &text, Choices &choices) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  size_t from = choices.below(lines.size()), to = choices.below(lines.size());
  std::string line = lines[from];
  size_t how = choices.below(3);
  if (how != 0) // not twice
    lines.erase(lines.begin() + static_cast<ptrdiff_t>(from));
  if (how != 1) // not away
    lines.insert(lines.begin() +
                     static_cast<ptrdiff_t>(std::min(to, lines.size())),
                 line);
  text.clear();
  for (const std::string &each : lines)
    text += each + "\n";
}

/// Replaces all of one type by another.
static void replaceType(std::string &text, Choices &choices) {
  std::string from = types[choices.below(types.size())];
  std::string to = types[choices.below(types.size())];
  for (size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
    text.replace(at, from.size(), to);
}

/// Replaces all of one number, which mostly is an extent, by another.
static void replaceNumber(std::string &text, Choices &choices) {
  std::vector<Token> tokens = splitTokens(text);
  size_t from = choices.below(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    const Token &found = tokens[(from + i) % tokens.size()];
    if (found.kind != Kind::number)
      continue;
    std::string old = found.text, by = numbers[choices.below(numbers.size())];
    for (Token &token : tokens)
      if (token.kind == Kind::number && token.text == old)
        token.text = by;
    text = join(tokens);
    return;
  }
}

std::string editDialectText(const std::vector<std::string> &seeds,
                            std::span<const uint8_t> bytes) {
  Choices choices(bytes);
  std::string text = seeds[choices.below(seeds.size())];
  while (!choices.done() && !text.empty()) {
    switch (choices.below(8)) {
    case 0:
      moveLine(text, choices);
      break;
    case 1:
      replaceType(text, choices);
      break;
    case 2:
    case 3:
      replaceNumber(text, choices);
      break;
    default: {
      std::vector<Token> tokens = splitTokens(text);
      replaceToken(tokens, choices);
      text = join(tokens);
    }
    }
  }
  return text;
}

} // namespace attn_grid::compiler::test
