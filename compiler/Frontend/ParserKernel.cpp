#include "compiler/Frontend/ParserImpl.h"

namespace attn_grid::compiler {

using namespace ast;

/// All of a kernel before its body.
bool Parser::parseKernelHead(KernelDecl &kernel) {
  if (!parseName(kernel.name, "the name of the kernel") ||
      !parseGenericParams(kernel.generics) || !parseParams(kernel.params))
    return false;
  if (at(Kind::Arrow)) {
    fail(here(), "a kernel has no result")
        .note("what it computes is written to an `out` tensor");
    return false;
  }
  if (!parseKernelClauses(kernel))
    return false;
  if (!kernel.grid.empty() || !at(Kind::LBrace))
    return true;
  fail(kernel.name.range, "the kernel `" + kernel.name.text + "` has no grid")
      .note("say how many programs run, as in `grid (ceildiv(N, BN), B)`, "
            "before the body");
  return false;
}

/// kernel k<...>(...) where ... grid (...) tune (...) { ... }
DeclPtr Parser::parseKernel() {
  auto decl = std::make_unique<KernelDecl>(rangeOf(take()));
  bool head = parseKernelHead(*decl);
  // The body is read all the same, for what may be wrong in it.
  if ((!head && !skipToBody()) ||
      !parseBlock(decl->body, "before the body of the kernel") || !head)
    return nullptr;
  decl->range = since(decl->range);
  return decl;
}

bool Parser::parseKernelClauses(KernelDecl &kernel) {
  SourceRange clauses[3];
  while (at(Kind::Name)) {
    int which = atWord("where")  ? 0
                : atWord("grid") ? 1
                : atWord("tune") ? 2
                                 : 3;
    if (which == 3) {
      unexpected("`where`, `grid`, `tune` or the body of the kernel");
      return false;
    }
    if (clauses[which].valid()) {
      fail(here(), "a kernel has one " + found() + " only")
          .label(clauses[which], "the first");
      return false;
    }
    clauses[which] = rangeOf(take());
    bool good = which == 0   ? parseWhere(kernel)
                : which == 1 ? parseGrid(kernel)
                             : parseTune(kernel);
    if (!good)
      return false;
  }
  return true;
}

/// `a and b` are two conditions: each gives a message of its own.
static void splitConjunction(ExprPtr expr, std::vector<ExprPtr> &into) {
  if (expr->kind == Expr::Kind::Binary) {
    auto &binary = static_cast<BinaryExpr &>(*expr);
    if (binary.op == BinaryOp::And) {
      splitConjunction(std::move(binary.lhs), into);
      splitConjunction(std::move(binary.rhs), into);
      return;
    }
  }
  into.push_back(std::move(expr));
}

bool Parser::parseWhere(KernelDecl &kernel) {
  ExprPtr condition = parseExpr();
  if (!condition)
    return false;
  splitConjunction(std::move(condition), kernel.where);
  return true;
}

bool Parser::parseGrid(KernelDecl &kernel) {
  SourceRange open = here();
  if (!expect(Kind::LParen, "after `grid`"))
    return false;
  while (!at(Kind::RParen)) {
    ExprPtr size = parseExpr();
    if (!size)
      return false;
    if (kernel.grid.size() == 3) {
      fail(size->range, "a grid has 1 to 3 dimensions");
      return false;
    }
    kernel.grid.push_back(std::move(size));
    if (!accept(Kind::Comma))
      break;
  }
  if (kernel.grid.empty()) {
    unexpected("the size of the grid's first dimension");
    return false;
  }
  return expectClose(Kind::RParen, open);
}

bool Parser::parseTune(KernelDecl &kernel) {
  SourceRange open = here();
  if (!expect(Kind::LParen, "after `tune`"))
    return false;
  while (!at(Kind::RParen)) {
    TuneEntry entry;
    if (!parseTuneEntry(entry))
      return false;
    for (const TuneEntry &earlier : kernel.tune)
      if (earlier.name.text == entry.name.text) {
        fail(entry.name.range, "`" + entry.name.text + "` is tuned twice")
            .label(earlier.name.range, "first here");
        break;
      }
    kernel.tune.push_back(std::move(entry));
    if (!accept(Kind::Comma))
      break;
  }
  return expectClose(Kind::RParen, open);
}

/// `BM in [32, 64]`
bool Parser::parseTuneEntry(TuneEntry &entry) {
  if (!parseName(entry.name, "what is to be tuned, as in `BM in [32, 64]`") ||
      !expect(Kind::KwIn, "after the name of what is tuned"))
    return false;
  SourceRange open = here();
  if (!at(Kind::LSquare)) {
    unexpected("the candidates in `[...]`");
    return false;
  }
  if (!parseDims(entry.candidates))
    return false;
  if (entry.candidates.empty()) {
    fail(since(open), "`" + entry.name.text + "` has no candidates");
    return false;
  }
  entry.range = since(entry.name.range);
  return true;
}

} // namespace attn_grid::compiler
