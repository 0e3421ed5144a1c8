#include "compiler/Frontend/Format.h"
#include "compiler/Frontend/FormatImpl.h"

namespace attn_grid::compiler {

/// The pieces of a file, which are complete only without mistakes.
static std::vector<formatting::Piece>
readPieces(const SourceManager &sources, FileId file, Diagnostics &diags) {
  TokenRoles roles;
  parseFile(sources, file, diags, &roles);
  // The parser has reported what the lexer finds.
  Diagnostics repeated(sources);
  TokenList list = lex(sources, file, repeated);
  return formatting::makePieces(sources.text(file), list, roles);
}

std::optional<std::string> formatFile(const SourceManager &sources, FileId file,
                                      Diagnostics &diags) {
  size_t before = diags.size();
  std::vector<formatting::Piece> pieces = readPieces(sources, file, diags);
  if (diags.size() != before)
    return std::nullopt;
  std::string text = formatting::Formatter(pieces).run();

  // What is written in place of the author's text had better be the same.
  SourceManager again;
  Diagnostics mistakes(again);
  FileId copy = again.add(std::string(sources.name(file)), text);
  std::vector<formatting::Piece> result = readPieces(again, copy, mistakes);
  if (!mistakes.hasErrors() &&
      formatting::contentOf(pieces) == formatting::contentOf(result))
    return text;
  diags
      .error({file, 0, 0},
             "this file cannot be formatted without changing its meaning")
      .note("this is a mistake of `agc fmt`, not yours: please report it");
  return std::nullopt;
}

} // namespace attn_grid::compiler
