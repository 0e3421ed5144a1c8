#ifndef AG_COMPILER_LANGUAGESERVER_TRANSPORT_H
#define AG_COMPILER_LANGUAGESERVER_TRANSPORT_H
/// The outermost layer of the language server protocol: messages with a length
/// in front, and JSON of which nothing may be taken for granted.

#include <iosfwd>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace attn_grid::compiler::lsp {

using Json = nlohmann::json;

/// What `readMessage` found.
enum class ReadStatus : uint8_t {
  message,
  end,    ///< the input is over
  broken, ///< no message begins here, and none can be found any more
};

/// Reads the text of one message: `Content-Length: N`, an empty line, N bytes.
ReadStatus readMessage(std::istream &in, std::string &text);

/// Writes a message and flushes. Text that is not UTF-8 is repaired.
void writeMessage(std::ostream &out, const Json &message);

/// A member of an object, or null: of what is no object, too.
const Json &member(const Json &json, std::string_view name);
/// The member at the end of a path.
template <typename... Names>
const Json &member(const Json &json, std::string_view name, Names... names) {
  return member(member(json, name), names...);
}

/// The value if it is of that kind.
std::optional<std::string> asString(const Json &json);
/// Numbers beyond 32 bits, or below 0, are none.
std::optional<uint32_t> asNumber(const Json &json);

} // namespace attn_grid::compiler::lsp

#endif
