#include "compiler/LanguageServer/Transport.h"

#include <charconv>
#include <istream>
#include <ostream>

namespace attn_grid::compiler::lsp {

/// A source has at most 4 MiB; escaped, a multiple of it.
static constexpr size_t maxMessage = size_t{64} << 20;
static constexpr size_t maxHeaderLine = 4096;

/// Reads a header line without its line break. False at the end of the input
/// and for lines that no header has.
static bool readLine(std::istream &in, std::string &line) {
  line.clear();
  for (char c; line.size() < maxHeaderLine && in.get(c);) {
    if (c == '\n') {
      if (line.ends_with('\r'))
        line.pop_back();
      return true;
    }
    line += c;
  }
  return false;
}

/// Whether a header line says the length of the message.
static std::optional<size_t> contentLength(std::string_view line) {
  constexpr std::string_view name = "content-length:";
  if (line.size() < name.size())
    return std::nullopt;
  for (size_t i = 0; i < name.size(); ++i)
    if ((line[i] | 0x20) != (name[i] | 0x20))
      return std::nullopt;
  line.remove_prefix(name.size());
  while (line.starts_with(' '))
    line.remove_prefix(1);
  size_t length = 0;
  auto [end, error] =
      std::from_chars(line.data(), line.data() + line.size(), length);
  if (error != std::errc() || length > maxMessage)
    return std::nullopt;
  return length;
}

ReadStatus readMessage(std::istream &in, std::string &text) {
  std::optional<size_t> length;
  bool any = false;
  for (std::string line; readLine(in, line);) {
    if (line.empty() && length) {
      text.resize(*length);
      in.read(text.data(), static_cast<std::streamsize>(*length));
      return static_cast<size_t>(in.gcount()) == *length ? ReadStatus::message
                                                         : ReadStatus::broken;
    }
    if (line.empty())
      return ReadStatus::broken;
    any = true;
    if (std::optional<size_t> found = contentLength(line))
      length = found;
  }
  return in.eof() && !any ? ReadStatus::end : ReadStatus::broken;
}

void writeMessage(std::ostream &out, const Json &message) {
  std::string text = message.dump(-1, ' ', /*ensure_ascii=*/false,
                                  Json::error_handler_t::replace);
  out << "Content-Length: " << text.size() << "\r\n\r\n" << text;
  out.flush();
}

const Json &member(const Json &json, std::string_view name) {
  static const Json null;
  if (!json.is_object())
    return null;
  auto found = json.find(std::string(name));
  return found == json.end() ? null : *found;
}

std::optional<std::string> asString(const Json &json) {
  const auto *text = json.get_ptr<const std::string *>();
  return text ? std::optional(*text) : std::nullopt;
}

std::optional<uint32_t> asNumber(const Json &json) {
  if (!json.is_number_unsigned())
    return std::nullopt;
  uint64_t number = json.get<uint64_t>();
  return number <= UINT32_MAX ? std::optional(static_cast<uint32_t>(number))
                              : std::nullopt;
}

} // namespace attn_grid::compiler::lsp
