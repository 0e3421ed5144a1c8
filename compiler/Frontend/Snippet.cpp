#include "compiler/Frontend/Snippet.h"
#include "compiler/Frontend/Utf8.h"

#include <algorithm>
#include <cstdio>

namespace attn_grid::compiler {

/// More columns than this are not shown of a line.
static constexpr size_t maxColumns = 120;
/// How many columns are shown before the caret if the line must be cut.
static constexpr size_t columnsBefore = 40;

/// Characters that take no column of their own, change the direction of the
/// text, or steer the terminal.
static bool mustEscape(Utf8Char c) {
  uint32_t p = c.codePoint;
  return !c.valid || p < 0x20 || (p >= 0x7f && p < 0xa0) || p == 0xad ||
         (p >= 0x300 && p <= 0x36f) || (p >= 0x200b && p <= 0x200f) ||
         (p >= 0x2028 && p <= 0x202e) || (p >= 0x2060 && p <= 0x206f) ||
         p == 0xfeff || (p >= 0xfff0 && p <= 0xffff) || p >= 0xe0000;
}

/// How a character is shown, and in how many columns.
static std::string shown(Utf8Char c, std::string_view bytes, size_t &width) {
  if (!mustEscape(c)) {
    width = 1;
    return std::string(bytes);
  }
  char buffer[16];
  if (c.valid && c.codePoint >= 0x80)
    std::snprintf(buffer, sizeof buffer, "\\u{%x}", c.codePoint);
  else
    std::snprintf(buffer, sizeof buffer, "\\x%02x", c.codePoint);
  std::string text = c.valid && c.codePoint == '\t' ? "\\t" : buffer;
  width = text.size();
  return text;
}

std::string escapeForMessage(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    Utf8Char c = decodeUtf8(text);
    size_t width;
    out += c.valid && c.codePoint == '\n'
               ? "\\n"
               : shown(c, text.substr(0, c.length), width);
    text.remove_prefix(c.length);
  }
  return out;
}

namespace {
/// A line as it is shown, and the column where each of its bytes is.
struct ShownLine {
  std::string text;           // all of it
  std::vector<size_t> column; // of each byte, and of the end
  std::vector<size_t> offset; // into `text`, of each byte and of the end
};
} // namespace

/// Leading tabs become four blanks: escaping indentation would help nobody.
static ShownLine show(std::string_view line) {
  ShownLine result;
  size_t column = 0;
  bool indentation = true;
  for (size_t at = 0; at < line.size();) {
    Utf8Char c = decodeUtf8(line.substr(at));
    size_t width;
    std::string piece = shown(c, line.substr(at, c.length), width);
    indentation &= line[at] == ' ' || line[at] == '\t';
    if (indentation && line[at] == '\t') {
      piece = "    ";
      width = 4;
    }
    for (uint32_t i = 0; i < c.length; ++i) {
      result.column.push_back(column);
      result.offset.push_back(result.text.size());
    }
    result.text += piece;
    column += width;
    at += c.length;
  }
  result.column.push_back(column);
  result.offset.push_back(result.text.size());
  return result;
}

namespace {
/// An underline in columns of what is shown.
struct Mark {
  size_t begin, end;
  const Underline *underline;
};
} // namespace

/// Draws `^~~~` and `~~~`, the last label beside, the others below their place.
static void drawMarks(const std::vector<Mark> &marks, std::string &out) {
  const std::string gutter = "      |";
  std::string line;
  auto fill = [&](size_t begin, size_t end, char c) {
    if (line.size() < end)
      line.resize(end, ' ');
    std::fill(line.begin() + begin, line.begin() + end, c);
  };
  for (const Mark &mark : marks)
    if (!mark.underline->primary)
      fill(mark.begin, mark.end, '~');
  for (const Mark &mark : marks)
    if (mark.underline->primary) {
      fill(mark.begin, mark.end, '~');
      line[mark.begin] = '^';
    }
  std::vector<const Mark *> labelled;
  for (const Mark &mark : marks)
    if (!mark.underline->label.empty())
      labelled.push_back(&mark);
  if (!labelled.empty() && labelled.back()->end == line.size()) {
    line += " " + escapeForMessage(labelled.back()->underline->label);
    labelled.pop_back();
  }
  out += gutter + " " + line + "\n";
  for (auto it = labelled.rbegin(); it != labelled.rend(); ++it)
    out += gutter + " " + std::string((*it)->begin, ' ') +
           escapeForMessage((*it)->underline->label) + "\n";
}

void renderSnippet(const SourceManager &sources, SourceRange place,
                   std::vector<Underline> underlines, std::string &out) {
  LineColumn start = sources.lineColumn(place);
  SourceRange range = sources.lineRange(place.file, start.line);
  ShownLine line = show(sources.text(range));

  auto byteOf = [&](uint32_t offset) {
    return std::clamp(offset, range.begin, range.end) - range.begin;
  };
  // The part that is shown, in bytes of the source.
  size_t first = 0, last = range.end - range.begin;
  if (line.column.back() > maxColumns) {
    size_t caret = byteOf(place.begin);
    while (line.column[caret] > line.column[first] + columnsBefore &&
           line.column.back() > line.column[first] + maxColumns)
      ++first;
    while (line.column[last] > line.column[first] + maxColumns)
      --last;
    // Not in the middle of a character.
    while (first > 0 && line.column[first] == line.column[first - 1])
      --first;
    while (last > first && line.column[last] == line.column[last - 1])
      --last;
  }
  std::string before = first > 0 ? "..." : "";
  std::string after = last < range.end - range.begin ? "..." : "";
  std::string visible = line.text.substr(
      line.offset[first], line.offset[last] - line.offset[first]);
  std::string number = std::to_string(start.line);
  number.insert(0, number.size() < 5 ? 5 - number.size() : 0, ' ');
  std::string shownText = before + visible + after;
  while (!shownText.empty() && shownText.back() == ' ')
    shownText.pop_back();
  out += number + " |" + (shownText.empty() ? "" : " ") + shownText + "\n";

  std::vector<Mark> marks;
  for (const Underline &underline : underlines) {
    auto column = [&](uint32_t offset) {
      size_t byte = std::clamp<size_t>(byteOf(offset), first, last);
      return line.column[byte] - line.column[first] + before.size();
    };
    size_t begin = column(underline.range.begin);
    size_t end = column(underline.range.end);
    // Something is always seen, also of an empty range.
    marks.push_back({begin, std::max(end, begin + 1), &underline});
  }
  std::sort(marks.begin(), marks.end(), [](const Mark &a, const Mark &b) {
    return a.begin != b.begin ? a.begin < b.begin : a.underline < b.underline;
  });
  drawMarks(marks, out);
}

} // namespace attn_grid::compiler
