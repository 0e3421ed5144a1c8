#include "compiler/LanguageServer/Place.h"

#include "compiler/Frontend/Utf8.h"

#include <filesystem>

namespace attn_grid::compiler::lsp {

static int hexDigit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string pathOf(const std::string &uri) {
  constexpr std::string_view scheme = "file://";
  if (!uri.starts_with(scheme))
    return uri;
  std::string path;
  for (size_t i = scheme.size(); i < uri.size(); ++i) {
    if (uri[i] == '%' && i + 2 < uri.size() && hexDigit(uri[i + 1]) >= 0 &&
        hexDigit(uri[i + 2]) >= 0) {
      path +=
          static_cast<char>(hexDigit(uri[i + 1]) * 16 + hexDigit(uri[i + 2]));
      i += 2;
    } else {
      path += uri[i];
    }
  }
  return path;
}

std::string uriOf(std::string_view path) {
  std::error_code error;
  std::filesystem::path absolute = std::filesystem::absolute(path, error);
  constexpr std::string_view plain = "/-_.~";
  std::string uri = "file://";
  for (char c : error ? std::string(path) : absolute.string()) {
    bool letter =
        (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    if (letter || plain.find(c) != std::string_view::npos) {
      uri += c;
      continue;
    }
    constexpr std::string_view digits = "0123456789ABCDEF";
    uri += '%';
    uri += digits[static_cast<unsigned char>(c) >> 4];
    uri += digits[static_cast<unsigned char>(c) & 15];
  }
  return uri;
}

/// How many UTF-16 code units a character has.
static uint32_t unitsOf(Utf8Char c) { return c.length == 4 ? 2 : 1; }

std::optional<uint32_t> offsetOf(const SourceManager &sources, FileId file,
                                 const Json &position) {
  std::optional<uint32_t> line = asNumber(member(position, "line"));
  std::optional<uint32_t> column = asNumber(member(position, "character"));
  if (!line || !column)
    return std::nullopt;
  uint32_t last =
      sources.lineColumn(file, static_cast<uint32_t>(sources.text(file).size()))
          .line;
  if (*line >= last)
    *column = *line >= last ? UINT32_MAX : *column;
  SourceRange range = sources.lineRange(file, *line >= last ? last : *line + 1);
  std::string_view text = sources.text(range);
  uint32_t at = 0;
  while (at < text.size() && *column > 0) {
    Utf8Char c = decodeUtf8(text.substr(at));
    *column -= std::min(*column, unitsOf(c));
    at += c.length;
  }
  return range.begin + at;
}

Json positionOf(const SourceManager &sources, FileId file, uint32_t offset) {
  uint32_t line = sources.lineColumn(file, offset).line;
  SourceRange range = sources.lineRange(file, line);
  std::string_view text = sources.text(range);
  uint32_t column = 0;
  for (uint32_t at = 0; at < text.size() && range.begin + at < offset;) {
    Utf8Char c = decodeUtf8(text.substr(at));
    column += unitsOf(c);
    at += c.length;
  }
  return {{"line", line - 1}, {"character", column}};
}

Json rangeOf(const SourceManager &sources, SourceRange range) {
  return {{"start", positionOf(sources, range.file, range.begin)},
          {"end", positionOf(sources, range.file, range.end)}};
}

Json locationOf(const SourceManager &sources, SourceRange range) {
  return {{"uri", uriOf(sources.name(range.file))},
          {"range", rangeOf(sources, range)}};
}

} // namespace attn_grid::compiler::lsp
