#ifndef AG_COMPILER_LANGUAGESERVER_ANSWERS_H
#define AG_COMPILER_LANGUAGESERVER_ANSWERS_H
/// What the server knows to answer about an open source: one function per
/// request of the protocol. Places are bytes of the document; null means that
/// there is no answer.

#include "compiler/LanguageServer/Document.h"
#include "compiler/LanguageServer/Transport.h"

namespace attn_grid::compiler::lsp {

/// The `diagnostics` of `textDocument/publishDiagnostics`: the messages of
/// `agc check`, with their notes.
Json diagnosticsOf(const Document &document);
/// The declaration of what stands there, its type and its comment.
Json hoverAt(const Document &document, uint32_t offset);
Json definitionAt(const Document &document, uint32_t offset);
/// Names in scope and builtins; behind a `.` the fields.
Json completionAt(const Document &document, uint32_t offset);
/// The outline.
Json outlineOf(const Document &document);
/// The edits that give the text its format; null if it has mistakes.
Json formatEdits(const Document &document);

} // namespace attn_grid::compiler::lsp

#endif
