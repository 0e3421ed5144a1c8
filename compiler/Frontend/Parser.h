#ifndef AG_COMPILER_FRONTEND_PARSER_H
#define AG_COMPILER_FRONTEND_PARSER_H
/// `.ag` text to tree, by recursive descent. The parser recovers from a mistake
/// at the next `;`, `}` or declaration and goes on, so one run reports all; any
/// bytes whatever end in a tree or in errors.
///
///     SourceManager sources;
///     Diagnostics diags(sources);
///     FileId root = sources.add("k.ag", text);
///     ast::Tree tree = parse(sources, root, diags);
///     if (diags.hasErrors()) std::cerr << diags.render();

#include "compiler/Frontend/AstDecl.h"
#include "compiler/Frontend/Diagnostics.h"

namespace attn_grid::compiler {

/// Parses a file and everything it imports. What could not be parsed is left
/// out of the tree: it is of use only without errors.
ast::Tree parse(SourceManager &sources, FileId root, Diagnostics &diags);

/// A text that a host gives: a function or variant, or an expression that
/// names a function. Both are null after a mistake.
struct GivenText {
  ast::DeclPtr decl;
  ast::ExprPtr expr;
};
/// Parses `fn (...) ... { ... }`, `variant (...) { ... }` (if `variant`), or an
/// expression. What has no name of its own is called `name`.
GivenText parseGivenText(const SourceManager &sources, FileId file,
                         const std::string &name, bool variant,
                         Diagnostics &diags);

/// What the parser found tokens to be whose text alone does not tell: where
/// they begin, in the order of the source.
struct TokenRoles {
  std::vector<uint32_t> angleOpens;  // the `<` of `<...>`
  std::vector<uint32_t> angleCloses; // each `>` of it, also those of a `>>`
  std::vector<uint32_t> blockOpens;  // the `{` of statements
};

/// Parses one file; its imports are named but not looked for.
std::unique_ptr<ast::File> parseFile(const SourceManager &sources, FileId file,
                                     Diagnostics &diags,
                                     TokenRoles *roles = nullptr);

} // namespace attn_grid::compiler

#endif
