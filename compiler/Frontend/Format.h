#ifndef AG_COMPILER_FRONTEND_FORMAT_H
#define AG_COMPILER_FRONTEND_FORMAT_H
/// The one format of `.ag` source.
///
///     std::optional<std::string> text = formatFile(sources, file, diags);
///
/// Only blanks and line breaks change: tokens and comments stay, in their
/// order. The layout is a function of what stays the same when it is applied,
/// so formatting twice changes nothing. Of the author's layout it keeps
///
///   - single empty lines, comments on the line where they stand, and
///     two blanks or more before those behind code;
///   - whether a block of one statement stands on one line;
///   - whether a struct's fields, or a kernel's parameters, stand on one line;
///   - line breaks between the items of a list that needs several lines;
///   - whether the `=` of neighbouring `let` and `var` stand below each other:
///     more than one blank before one of them asks for it.
///
/// All else follows from the tokens: 100 columns, two blanks per block, lists
/// filled to the right of their bracket, a kernel's parameters one to a line
/// with their types below each other.

#include "compiler/Frontend/Diagnostics.h"
#include <optional>
#include <string>

namespace attn_grid::compiler {

/// The formatted text of a file; nothing if it has mistakes in its syntax,
/// which are reported. Imports are not followed.
std::optional<std::string> formatFile(const SourceManager &sources, FileId file,
                                      Diagnostics &diags);

} // namespace attn_grid::compiler

#endif
