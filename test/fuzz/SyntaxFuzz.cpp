// Any bytes as a source: never a crash, and what is right in its syntax keeps
// its meaning when it is formatted, and its format when it is formatted again.

#include "compiler/Frontend/Format.h"
#include "compiler/Frontend/Parser.h"
#include "compiler/Frontend/Signature.h"

#include <cstdint>
#include <cstdlib>

using namespace attn_grid::compiler;

/// The formatted text; nothing if the text has mistakes.
static std::optional<std::string> format(const std::string &text) {
  SourceManager sources;
  Diagnostics diags(sources);
  FileId file = sources.add("k.ag", text);
  ast::Tree tree;
  tree.files.push_back(parseFile(sources, file, diags));
  bool right = !diags.hasErrors();
  makeSignatures(sources, tree, diags);
  diags.render();
  // Names of columns and lines of any place.
  for (uint32_t place = 0; place < text.size(); place += 7)
    sources.lineColumn(file, place);
  if (!right)
    return std::nullopt;
  Diagnostics mistakes(sources);
  std::optional<std::string> formatted = formatFile(sources, file, mistakes);
  // A right source can be formatted.
  if (!formatted)
    abort();
  return formatted;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string text(reinterpret_cast<const char *>(data), size);
  std::optional<std::string> once = format(text);
  if (once && format(*once) != once)
    abort();
  return 0;
}
