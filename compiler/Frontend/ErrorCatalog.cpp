#include "compiler/Frontend/ErrorCatalog.h"

#include <algorithm>
#include <charconv>

namespace attn_grid::compiler {

std::string Mistake::code() const {
  std::string digits = std::to_string(number);
  return "AG" + std::string(4 - std::min<size_t>(digits.size(), 4), '0') +
         digits;
}

const std::vector<Mistake> &allMistakes() {
  static const std::vector<Mistake> list = {
#define AG_MISTAKE(CODE, TITLE, MESSAGES, EXPLANATION, WRONG, MENDED)          \
  {CODE, TITLE, MESSAGES, EXPLANATION, WRONG, MENDED},
#include "compiler/Frontend/ErrorCatalog.def"
  };
  return list;
}

const Mistake *mistakeOfCode(std::string_view code) {
  if (code.starts_with("AG") || code.starts_with("ag"))
    code.remove_prefix(2);
  int number = 0;
  auto [end, error] =
      std::from_chars(code.data(), code.data() + code.size(), number);
  if (error != std::errc() || end != code.data() + code.size())
    return nullptr;
  for (const Mistake &mistake : allMistakes())
    if (mistake.number == number)
      return &mistake;
  return nullptr;
}

/// Whether a text is that of a pattern. The last `*` seen takes more whenever
/// what follows it does not fit, which never needs to go back further.
static bool matches(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.substr(p).find_first_not_of('*') == std::string_view::npos;
}

const Mistake *findMistake(std::string_view message) {
  const Mistake *best = nullptr;
  size_t bestLetters = 0;
  for (const Mistake &mistake : allMistakes()) {
    std::string_view rest = mistake.messages;
    while (!rest.empty()) {
      size_t end = std::min(rest.find('\n'), rest.size());
      std::string_view pattern = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      size_t letters =
          pattern.size() - std::count(pattern.begin(), pattern.end(), '*');
      if ((!best || letters > bestLetters) && matches(pattern, message)) {
        best = &mistake;
        bestLetters = letters;
      }
    }
  }
  return best;
}

std::string withCodes(std::string_view rendered) {
  constexpr std::string_view mark = "error: ";
  std::string out;
  while (!rendered.empty()) {
    size_t end = std::min(rendered.find('\n'), rendered.size());
    std::string_view line = rendered.substr(0, end);
    rendered.remove_prefix(std::min(end + 1, rendered.size()));
    out += line;
    // Lines that show source begin with blanks; notes have no such mark.
    size_t at =
        line.starts_with(' ') ? std::string_view::npos : line.find(mark);
    if (at != std::string_view::npos)
      if (const Mistake *mistake = findMistake(line.substr(at + mark.size())))
        out += " [" + mistake->code() + "]";
    out += '\n';
  }
  return out;
}

} // namespace attn_grid::compiler
