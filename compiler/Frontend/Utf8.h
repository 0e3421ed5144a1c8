#ifndef AG_COMPILER_FRONTEND_UTF8_H
#define AG_COMPILER_FRONTEND_UTF8_H
/// Characters of source text. A column, a caret and a message about a strange
/// character must agree on what one character is; this decides it.

#include <cstdint>
#include <string_view>

namespace attn_grid::compiler {

/// One character: a code point in well-formed UTF-8, or one byte that is not.
struct Utf8Char {
  uint32_t codePoint; // or the byte
  uint32_t length;    // in bytes, at least 1
  bool valid;
};

/// The character at the start of `text`, which must not be empty. Overlong
/// forms, surrogates and what is beyond U+10FFFF are not valid.
inline Utf8Char decodeUtf8(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  uint32_t lead = byte(0);
  if (lead < 0x80)
    return {lead, 1, true};
  uint32_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length)
    return {lead, 1, false};
  uint32_t codePoint = lead & (0x7f >> length);
  for (uint32_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80)
      return {lead, 1, false};
    codePoint = codePoint << 6 | (byte(i) & 0x3f);
  }
  constexpr uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (codePoint < smallest[length] || codePoint > 0x10ffff ||
      (codePoint >= 0xd800 && codePoint <= 0xdfff))
    return {lead, 1, false};
  return {codePoint, length, true};
}

} // namespace attn_grid::compiler

#endif
