#ifndef AG_TEST_UNIT_SYNTAX_H
#define AG_TEST_UNIT_SYNTAX_H
/// What the tests of the syntax share: parsing a text, and writing trees so
/// that a test can spell them.

#include "compiler/Frontend/Parser.h"
#include <memory>
#include <string>

namespace attn_grid::compiler::test {

/// A text, parsed under the name "k.ag".
struct Parsed {
  SourceManager sources;
  Diagnostics diags{sources};
  ast::Tree tree;

  explicit Parsed(std::string text) {
    FileId root = sources.add("k.ag", std::move(text));
    tree = parse(sources, root, diags);
  }
  const ast::Decl *decl(size_t i = 0) const {
    const auto &decls = tree.root().decls;
    return i < decls.size() ? decls[i].get() : nullptr;
  }
};

/// An expression with all its parentheses: `(a + (b * c))`.
std::string show(const ast::Expr *expr);
std::string show(const ast::TypeExpr *type);
/// The first line of a statement, without its blocks.
std::string show(const ast::Stmt *stmt);

/// What `text` parses to as an expression, or the messages.
std::string showExpr(const std::string &text);
/// The messages about a text; empty if it is right.
std::string messages(const std::string &text);
/// The first line of the first message, from the column on.
std::string firstMessage(const std::string &text);

} // namespace attn_grid::compiler::test

#endif
