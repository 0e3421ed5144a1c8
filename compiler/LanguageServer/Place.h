#ifndef AG_COMPILER_LANGUAGESERVER_PLACE_H
#define AG_COMPILER_LANGUAGESERVER_PLACE_H
/// Places as editors name them: files are URIs, lines count from 0, and columns
/// are UTF-16 code units.

#include "compiler/Frontend/Source.h"
#include "compiler/LanguageServer/Transport.h"

namespace attn_grid::compiler::lsp {

/// The path of `file:///path`, or the text itself if it is no such URI: texts
/// that are not saved have names too.
std::string pathOf(const std::string &uri);
std::string uriOf(std::string_view path);

/// The byte at `{"line": 3, "character": 14}`, cut to what exists; nothing for
/// what is no such object.
std::optional<uint32_t> offsetOf(const SourceManager &sources, FileId file,
                                 const Json &position);
Json positionOf(const SourceManager &sources, FileId file, uint32_t offset);
Json rangeOf(const SourceManager &sources, SourceRange range);
/// `{"uri": ..., "range": ...}`
Json locationOf(const SourceManager &sources, SourceRange range);

} // namespace attn_grid::compiler::lsp

#endif
