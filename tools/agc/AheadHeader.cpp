#include "tools/agc/AheadHeader.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <iterator>
#include <set>

namespace attn_grid::agc {

std::string identifier(std::string_view text) {
  std::string name(text);
  for (char &c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) ||
        static_cast<unsigned char>(c) >= 0x80)
      c = '_';
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0])))
    name.insert(0, "_");
  return name;
}

/// A name that is a keyword of C or C++ gets a `_`.
static std::string avoidKeyword(const std::string &name) {
  static const std::set<std::string_view> keywords{
      "alignas",       "alignof",   "and",      "asm",
      "auto",          "bool",      "break",    "case",
      "catch",         "char",      "class",    "concept",
      "const",         "constexpr", "continue", "decltype",
      "default",       "delete",    "do",       "double",
      "else",          "enum",      "explicit", "export",
      "extern",        "false",     "float",    "for",
      "friend",        "goto",      "if",       "inline",
      "int",           "long",      "mutable",  "namespace",
      "new",           "noexcept",  "not",      "nullptr",
      "operator",      "or",        "private",  "protected",
      "public",        "register",  "requires", "restrict",
      "return",        "short",     "signed",   "sizeof",
      "static",        "struct",    "switch",   "template",
      "this",          "throw",     "true",     "try",
      "typedef",       "typeid",    "typename", "typeof",
      "union",         "unsigned",  "using",    "virtual",
      "void",          "volatile",  "while",    "xor",
      "bitand",        "bitor",     "compl",    "and_eq",
      "or_eq",         "xor_eq",    "not_eq",   "thread_local",
      "static_assert", "wchar_t",   "co_await", "co_return",
      "co_yield"};
  return keywords.contains(name) ? name + "_" : name;
}

std::string typeText(const TypeRef &type, const Signature &signature) {
  if (type.kind == TypeRef::Kind::concrete)
    return std::string(name_of(type.dtype));
  const std::string &name =
      signature.types[static_cast<size_t>(type.param)].name;
  return type.kind == TypeRef::Kind::param ? name : "acc<" + name + ">";
}

/// A text that ends no comment.
static std::string inComment(std::string text) {
  for (size_t at = 0; (at = text.find("*/", at)) != std::string::npos;)
    text.insert(at + 1, " ");
  return text;
}

std::string nameInC(const AheadFunction &function, const AheadParam &param,
                    const Signature &signature) {
  auto index = static_cast<size_t>(param.index);
  switch (param.kind) {
  case AheadParam::Kind::choice:
    return avoidKeyword(
        signature.consts[static_cast<size_t>(function.choices[index].constant)]
            .name);
  case AheadParam::Kind::extent:
    return avoidKeyword(signature.extents[index].name);
  default:
    return avoidKeyword(signature.params[index].name);
  }
}

std::string typeInC(const AheadParam &param) {
  if (param.kind == AheadParam::Kind::tensor)
    return "const ag_array *";
  std::string number = param.type == ConstParam::Kind::integer    ? "int64_t"
                       : param.type == ConstParam::Kind::floating ? "double"
                                                                  : "bool";
  return param.kind == AheadParam::Kind::default_scalar
             ? "const " + number + " *"
             : number + " ";
}

static std::string constText(const ConstValue &value) {
  switch (value.kind) {
  case ConstParam::Kind::integer:
    return fmt::format("{}", value.i);
  case ConstParam::Kind::floating:
    return fmt::format("{:#}", value.f);
  case ConstParam::Kind::boolean:
    break;
  }
  return value.i ? "true" : "false";
}

/// "f16, bf16": the values that `get` finds in the kernel's variants.
template <class Get>
static std::string listValues(const AheadLibrary &library,
                              const std::string &kernel, Get get) {
  std::vector<std::string> values;
  std::string list;
  for (const AheadVariant &variant : library.variants) {
    if (variant.what.kernel != kernel)
      continue;
    std::string value = get(variant.what);
    if (std::find(values.begin(), values.end(), value) != values.end())
      continue;
    list += (values.empty() ? "" : ", ") + value;
    values.push_back(std::move(value));
  }
  return list;
}

/// One line about a parameter.
static std::string describeParam(const AheadFunction &function,
                                 const AheadParam &param,
                                 const Signature &signature) {
  auto index = static_cast<size_t>(param.index);
  std::string text = nameInC(function, param, signature) + ": ";
  if (param.kind == AheadParam::Kind::choice) {
    text += "one of";
    const char *comma = " ";
    for (const ConstValue &value : function.choices[index].values) {
      text += comma + constText(value);
      comma = ", ";
    }
    return text;
  }
  if (param.kind == AheadParam::Kind::extent)
    return text + "the extent, where no tensor that is given has it; else -1";
  const Param &own = signature.params[index];
  text += typeText(own.type, signature);
  if (!own.is_tensor)
    return own.default_value.empty()
               ? text
               : text + ", or null for " + own.default_value.text;
  const char *separator = "[";
  if (own.dims.empty())
    text += "[";
  for (const Expr &dim : own.dims) {
    text += separator + dim.text;
    separator = ", ";
  }
  text += "]";
  if (own.mode != Param::Mode::in)
    text += own.mode == Param::Mode::out ? ", written" : ", read and written";
  if (own.optional)
    text += ", may be null";
  return text;
}

static std::string declare(const AheadLibrary &library,
                           const AheadFunction &function) {
  const Signature &signature =
      library.signatures[static_cast<size_t>(function.signature)];
  std::string text;
  auto line = [&](const std::string &one) {
    text += (text.empty() ? "/* " : "   ") + inComment(one) + "\n";
  };
  line(signature.doc.empty() ? "The kernel " + signature.name + "."
                             : signature.doc);
  for (const AheadParam &param : function.params)
    line("  " + describeParam(function, param, signature));
  for (size_t i = 0; i < signature.types.size(); ++i)
    line(fmt::format(
        "{}: {}", signature.types[i].name,
        listValues(library, signature.name, [&](const Specialization &what) {
          return std::string(name_of(what.types[i]));
        })));
  for (size_t i = 0; i < signature.consts.size(); ++i)
    line(fmt::format(
        "{}: {}", signature.consts[i].name,
        listValues(library, signature.name, [&](const Specialization &what) {
          return constText(what.consts[i]);
        })));
  for (const Expr &clause : signature.where)
    line("where " + clause.text);
  text.pop_back();
  text += " */\nag_status " + function.name + "(";
  const char *separator = "\n    ";
  for (const AheadParam &param : function.params) {
    text += separator + typeInC(param) + nameInC(function, param, signature);
    separator = ",\n    ";
  }
  return text + (function.params.empty() ? "void);\n" : ");\n");
}

std::string aheadHeader(const AheadLibrary &library) {
  std::string guard = library.name + "_h";
  for (char &c : guard)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  bool onGpus = false;
  for (const AheadVariant &variant : library.variants)
    for (const AheadBody &body : variant.bodies)
      onGpus |= body.target.kind == Target::Kind::ptx;
  std::string text = fmt::format(
      R"(#ifndef {0}
#define {0}
/* Made by `agc build`; do not edit. Kernels of AttentionGrid as C functions. Link
   {1}.o and attn_grid_runtime.

   Each function checks its arguments before it writes anything, and returns when
   all is computed{2}. What is not AG_OK has a text, `ag_last_error()`. Tensors may
   have any strides from 0; what is written shares no memory with the rest. */

#include <attn_grid/ahead.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {{
#endif

)",
      guard, library.name, onGpus ? ", or, for arrays on a GPU, queued" : "");
  for (const AheadFunction &function : library.functions)
    text += declare(library, function) + "\n";
  text += fmt::format(R"(/* For C++: `ag::Module::from_ahead({}_library)`. */
extern ag_ahead_library {}_library;

#ifdef __cplusplus
}}
#endif

#endif
)",
                      library.name, library.name);
  return text;
}

} // namespace attn_grid::agc
