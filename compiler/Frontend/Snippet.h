#ifndef AG_COMPILER_FRONTEND_SNIPPET_H
#define AG_COMPILER_FRONTEND_SNIPPET_H
/// The line of source under a message, with its underlines:
///
///      30 |     let s = dot(query, k) * scale;
///         |             ^~~        ~ tile<f16>[32, 64]

#include "compiler/Frontend/Source.h"
#include <string>
#include <vector>

namespace attn_grid::compiler {

/// A range to underline, and what to say about it. What is beyond the line is
/// cut off.
struct Underline {
  SourceRange range;
  bool primary = false; // begins with a caret
  std::string label;
};

/// Appends the line on which `place` begins, with the underlines. Characters
/// that would disturb a terminal are escaped; of a long line only the part
/// around `place` is shown.
void renderSnippet(const SourceManager &sources, SourceRange place,
                   std::vector<Underline> underlines, std::string &out);

/// `text` with everything escaped that a terminal would act on, line breaks
/// too: what a file says must not look like what the compiler says.
std::string escapeForMessage(std::string_view text);

} // namespace attn_grid::compiler

#endif
