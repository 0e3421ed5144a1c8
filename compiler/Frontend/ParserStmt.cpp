#include "attn_grid/dtype.hpp"
#include "compiler/Frontend/ParserImpl.h"
#include "compiler/Frontend/Suggest.h"

namespace attn_grid::compiler {

using namespace ast;

/// Reads on over a function inside of a function, so that it is one mistake.
void Parser::refuseNestedFunction() {
  fail(here(), "functions are declared outside of functions and kernels");
  if (!parseFn())
    recoverStatement();
}

bool Parser::parseBlock(Block &block, const std::string &where) {
  DepthGuard guard(*this);
  if (!guard.ok)
    return false;
  SourceRange open = here();
  if (!at(Kind::LBrace)) {
    unexpected("`{` " + where);
    return false;
  }
  take();
  if (roles)
    roles->blockOpens.push_back(open.begin);
  GenericScope scope(*this, false);
  while (!at(Kind::RBrace)) {
    // One that is indented was put there; others follow a missing brace.
    bool indented = !peek().lineStart || sources.lineColumn(here()).column > 1;
    if (at(Kind::KwFn) && indented) {
      refuseNestedFunction();
      continue;
    }
    if (at(Kind::End) || atDeclaration()) {
      unexpected("a statement or `}`").label(open, "this `{` is not closed");
      return false;
    }
    if (accept(Kind::Semicolon)) // `};` is a habit from C
      continue;
    size_t before = position;
    if (StmtPtr stmt = parseStatement())
      block.stmts.push_back(std::move(stmt));
    else
      recoverStatement();
    if (position == before && !at(Kind::RBrace) && !at(Kind::End) &&
        !atDeclaration())
      take();
  }
  take();
  block.range = since(open);
  return true;
}

StmtPtr Parser::parseStatement() {
  DepthGuard guard(*this);
  if (!guard.ok)
    return nullptr;
  switch (peek().kind) {
  case Kind::KwLet:
    return parseLet(LetStmt::Binding::Let);
  case Kind::KwVar:
    return parseLet(LetStmt::Binding::Var);
  case Kind::KwConst:
    if (peek(1).kind == Kind::KwIf) {
      SourceRange begin = rangeOf(take());
      return parseIf(begin, /*isConst=*/true);
    }
    return parseLet(LetStmt::Binding::Const);
  case Kind::KwIf:
    return parseIf(here(), /*isConst=*/false);
  case Kind::KwWhile:
    return parseWhile();
  case Kind::KwFor:
    return parseFor();
  case Kind::KwReturn:
    return parseReturn();
  case Kind::KwBreak: {
    auto stmt = std::make_unique<BreakStmt>(rangeOf(take()));
    if (!expectSemicolon("after `break`"))
      return nullptr;
    return stmt;
  }
  case Kind::KwContinue:
    return parseContinue();
  case Kind::KwElse:
    fail(here(), "this `else` belongs to no `if`");
    return nullptr;
  case Kind::LBrace:
    fail(here(), "a block stands only after `if`, `else`, `for` and `while`");
    return nullptr;
  default:
    return parseAssignOrCall();
  }
}

/// let x = e;   let (x, i) = e;   var x = e;   const W = e;
StmtPtr Parser::parseLet(LetStmt::Binding binding) {
  auto stmt = std::make_unique<LetStmt>(here());
  std::string keyword(textOf(take()));
  stmt->binding = binding;
  if (at(Kind::LParen) && binding != LetStmt::Binding::Const) {
    SourceRange open = rangeOf(take());
    stmt->isTuple = true;
    do {
      Name name;
      if (!parseName(name, "the name of a part of the tuple"))
        return nullptr;
      for (const Name &earlier : stmt->names)
        if (!checkDistinct(name, earlier, "the name"))
          break;
      stmt->names.push_back(std::move(name));
    } while (accept(Kind::Comma) && !at(Kind::RParen));
    if (!expectClose(Kind::RParen, open))
      return nullptr;
    if (stmt->names.size() < 2) {
      fail(since(open), "a tuple has two parts or more")
          .note("write `" + keyword + " " + stmt->names[0].text +
                " = ...` without parentheses");
      return nullptr;
    }
  } else {
    if (!parseName(stmt->names.emplace_back(),
                   "a name after `" + keyword + "`"))
      return nullptr;
    if (at(Kind::Colon)) {
      fail(here(), "a `" + keyword + "` takes its type from its value")
          .note("leave the type away, or write `cast<f32>(...)` around the "
                "value");
      return nullptr;
    }
    if (at(Kind::Comma)) {
      unexpected("`=`").note("the parts of a tuple stand in parentheses: `" +
                             keyword + " (" + stmt->names[0].text +
                             ", ...) = ...`");
      return nullptr;
    }
  }
  if (at(Kind::Semicolon)) {
    unexpected("`=` and a value")
        .note("every name has a value from the start, such as `0.0` or "
              "`zeros<f32>[M, N]`");
    return nullptr;
  }
  if (!expect(Kind::Assign, "after the name") || !(stmt->value = parseExpr()) ||
      !expectSemicolon("after the value"))
    return nullptr;
  stmt->range = since(stmt->range);
  return stmt;
}

/// if c { } else if d { } else { }, from the `if`.
StmtPtr Parser::parseIf(SourceRange begin, bool isConst) {
  DepthGuard guard(*this);
  if (!guard.ok)
    return nullptr;
  auto stmt = std::make_unique<IfStmt>(begin);
  stmt->isConst = isConst;
  take();
  if (!(stmt->condition = parseExpr()) ||
      !parseBlock(stmt->thenBlock, "after the condition"))
    return nullptr;
  if (accept(Kind::KwElse)) {
    SourceRange inner = here();
    bool constIf = at(Kind::KwConst) && peek(1).kind == Kind::KwIf;
    if (at(Kind::KwIf) || constIf) {
      if (constIf)
        take();
      StmtPtr nested = parseIf(inner, constIf);
      if (!nested)
        return nullptr;
      stmt->elseBlock.emplace();
      stmt->elseBlock->range = nested->range;
      stmt->elseBlock->stmts.push_back(std::move(nested));
    } else if (!parseBlock(stmt->elseBlock.emplace(), "after `else`")) {
      return nullptr;
    }
  }
  stmt->range = since(begin);
  return stmt;
}

StmtPtr Parser::parseWhile() {
  auto stmt = std::make_unique<WhileStmt>(rangeOf(take()));
  if (!(stmt->condition = parseExpr()) ||
      !parseBlock(stmt->body, "after the condition"))
    return nullptr;
  stmt->range = since(stmt->range);
  return stmt;
}

/// for i in a .. b step s { }
StmtPtr Parser::parseFor() {
  auto stmt = std::make_unique<ForStmt>(rangeOf(take()));
  if (at(Kind::LParen)) {
    unexpected("a name after `for`")
        .note("a loop is written `for i in 0 .. N step 4 { ... }`");
    return nullptr;
  }
  if (!parseName(stmt->var, "a name after `for`") ||
      !expect(Kind::KwIn, "after the loop's name") ||
      !(stmt->begin = parseExpr()))
    return nullptr;
  if (!at(Kind::DotDot)) {
    unexpected("`..` and the end of the range")
        .note("a loop is written `for i in 0 .. N step 4 { ... }`; the end is "
              "not included");
    return nullptr;
  }
  take();
  if (!(stmt->end = parseExpr()))
    return nullptr;
  if (acceptWord("step") && !(stmt->step = parseExpr()))
    return nullptr;
  if (!parseBlock(stmt->body, "after the loop's range"))
    return nullptr;
  stmt->range = since(stmt->range);
  return stmt;
}

/// return;   return e;   return (a, b);
StmtPtr Parser::parseReturn() {
  auto stmt = std::make_unique<ReturnStmt>(rangeOf(take()));
  if (at(Kind::LParen)) {
    // Either a tuple, or an expression that begins with parentheses.
    SourceRange open = rangeOf(take());
    ExprPtr first = parseExpr();
    if (!first)
      return nullptr;
    bool isTuple = at(Kind::Comma);
    stmt->values.push_back(std::move(first));
    while (accept(Kind::Comma) && !at(Kind::RParen)) {
      ExprPtr value = parseExpr();
      if (!value)
        return nullptr;
      stmt->values.push_back(std::move(value));
    }
    if (!expectClose(Kind::RParen, open))
      return nullptr;
    if (isTuple && stmt->values.size() == 1) {
      fail(since(open), "a tuple has two parts or more");
      return nullptr;
    }
    if (!isTuple) {
      stmt->values[0]->range = since(open);
      begun = std::move(stmt->values[0]);
      if (!(stmt->values[0] = parseExpr()))
        return nullptr;
    }
  } else if (!at(Kind::Semicolon) && !at(Kind::RBrace)) {
    if (!stmt->values.emplace_back(parseExpr()))
      return nullptr;
  }
  if (at(Kind::Comma)) {
    unexpected("`;` after the result")
        .note("a tuple stands in parentheses: `return (a, b);`");
    return nullptr;
  }
  if (!expectSemicolon("after the result"))
    return nullptr;
  stmt->range = since(stmt->range);
  return stmt;
}

/// continue;   continue unless c;
StmtPtr Parser::parseContinue() {
  auto stmt = std::make_unique<ContinueStmt>(rangeOf(take()));
  if (at(Kind::KwIf)) {
    unexpected("`;` or `unless`")
        .note("write `if condition { continue; }`, or `continue unless` the "
              "opposite");
    return nullptr;
  }
  if (acceptWord("unless") && !(stmt->unless = parseExpr()))
    return nullptr;
  if (!expectSemicolon("after `continue`"))
    return nullptr;
  stmt->range = since(stmt->range);
  return stmt;
}

/// The operator of `+=` and its like.
static std::optional<BinaryOp> compoundOp(Token::Kind kind) {
  switch (kind) {
  case Token::Kind::PlusAssign:
    return BinaryOp::Add;
  case Token::Kind::MinusAssign:
    return BinaryOp::Sub;
  case Token::Kind::StarAssign:
    return BinaryOp::Mul;
  case Token::Kind::SlashAssign:
    return BinaryOp::Div;
  case Token::Kind::PercentAssign:
    return BinaryOp::Mod;
  case Token::Kind::AmpAssign:
    return BinaryOp::BitAnd;
  case Token::Kind::PipeAssign:
    return BinaryOp::BitOr;
  case Token::Kind::CaretAssign:
    return BinaryOp::BitXor;
  case Token::Kind::LessLessAssign:
    return BinaryOp::Shl;
  case Token::Kind::GreaterGreaterAssign:
    return BinaryOp::Shr;
  default:
    return std::nullopt;
  }
}

/// A name, an element of a tensor, or a field of a name.
bool Parser::checkAssignable(const Expr &target) {
  const Expr *root = &target;
  while (const auto *member = dynAs<MemberExpr>(root))
    root = member->base.get();
  if (root->kind == Expr::Kind::Name ||
      (root == &target && root->kind == Expr::Kind::Index))
    return true;
  fail(target.range, "this cannot be assigned to")
      .note("a `var`, a field of one, or elements of a tensor, `t[...]`, can");
  return false;
}

/// x = e;   s.f += e;   t[i, m +: W] = e;   f(x);
StmtPtr Parser::parseAssignOrCall() {
  ExprPtr target = parseExpr();
  if (!target)
    return nullptr;
  std::optional<BinaryOp> op = compoundOp(peek().kind);
  if (at(Kind::Assign) || op) {
    auto stmt = std::make_unique<AssignStmt>(target->range);
    if (!checkAssignable(*target))
      return nullptr;
    stmt->op = op;
    stmt->opRange = rangeOf(take());
    stmt->target = std::move(target);
    if (!(stmt->value = parseExpr()) || !expectSemicolon("after the value"))
      return nullptr;
    stmt->range = since(stmt->range);
    return stmt;
  }
  if (target->kind != Expr::Kind::Call) {
    // `x y` and the like: the mistake is what follows.
    if (target->kind == Expr::Kind::Name && !at(Kind::Semicolon)) {
      DiagnosticBuilder error = unexpected("`=`, `(` or another operator");
      const std::string &name = dynAs<NameExpr>(target)->name;
      auto meant = closest(name, {"let", "var", "const", "if", "for", "while",
                                  "return", "break", "continue", "else"});
      if (meant)
        error.note("did you mean `" + *meant + "`?");
      else if (dtype_named(name))
        error.note("a name is declared with `let` or `var`, without its type");
      return nullptr;
    }
    DiagnosticBuilder error =
        fail(target->range, "this statement has no effect");
    if (const auto *binary = dynAs<BinaryExpr>(target);
        binary && binary->op == BinaryOp::Eq)
      error.note("an assignment is written `=`");
    return nullptr;
  }
  auto stmt = std::make_unique<ExprStmt>(target->range);
  stmt->value = std::move(target);
  if (!expectSemicolon("after the call"))
    return nullptr;
  stmt->range = since(stmt->range);
  return stmt;
}

} // namespace attn_grid::compiler
