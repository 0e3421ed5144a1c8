#include "runtime/cache/Records.h"
#include <fmt/format.h>

namespace attn_grid::detail {

/// A text that may be long: its beginning.
static std::string one_line(std::string_view text) {
  constexpr size_t most = 40;
  std::string line(text.substr(0, most));
  for (char &c : line)
    if (static_cast<unsigned char>(c) < ' ')
      c = ' ';
  return text.size() > most ? line + "..." : line;
}

std::string describe(const Specialization &what, const Signature &signature) {
  std::string text = what.kernel + "<";
  const char *comma = "";
  for (size_t i = 0; i < what.types.size(); ++i) {
    text += fmt::format("{}{} = {}", comma, signature.types[i].name,
                        name_of(what.types[i]));
    comma = ", ";
  }
  for (size_t i = 0; i < what.consts.size(); ++i) {
    const ConstValue &value = what.consts[i];
    const ConstParam &param = signature.consts[i];
    // Hints that change nothing are not worth a word.
    if (param.is_gpu_hint && !param.default_value.empty() &&
        value.i == param.default_value.nodes[0].i)
      continue;
    text += fmt::format("{}{} = ", comma, param.name);
    comma = ", ";
    switch (value.kind) {
    case ConstParam::Kind::integer:
      text += fmt::format("{}", value.i);
      break;
    case ConstParam::Kind::floating:
      text += fmt::format("{:#}", value.f);
      break;
    case ConstParam::Kind::boolean:
      text += value.i ? "true" : "false";
      break;
    }
  }
  for (const FunctionParam &param : signature.functions) {
    if (param.bound.empty())
      continue;
    text += fmt::format("{}{} = {}", comma, param.name, one_line(param.bound));
    comma = ", ";
  }
  if (!signature.variant.empty())
    text += fmt::format("{}variant {}", comma, one_line(signature.variant));
  text += ">(";
  comma = "";
  for (size_t i = 0; i < signature.params.size(); ++i) {
    const Param &param = signature.params[i];
    if (!param.is_tensor)
      continue;
    text += comma + param.name;
    comma = ", ";
    if (!what.present[i])
      text += " absent";
    else if (what.last_stride[i] >= 0)
      text += fmt::format(" last stride {}", what.last_stride[i]);
    if (!what.regular.empty() && what.regular[i])
      text += " regular";
  }
  return text + ")";
}

} // namespace attn_grid::detail
