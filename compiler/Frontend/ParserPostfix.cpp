#include "compiler/Frontend/ParserImpl.h"

#include <algorithm>

namespace attn_grid::compiler {

using namespace ast;

/// Calls, indices and members, as many as follow.
ExprPtr Parser::parsePostfix() {
  ExprPtr expr = parsePrimary();
  while (expr) {
    if (at(Kind::LSquare))
      expr = parseIndex(std::move(expr));
    else if (at(Kind::Dot))
      expr = parseMember(std::move(expr));
    else if (at(Kind::LParen) && expr->kind == Expr::Kind::Call)
      expr = parseCall(std::move(expr), {}); // grad(f)(x)
    else
      break;
  }
  return expr;
}

/// Generic arguments are expressions too.
static void raiseHeight(uint32_t &height, const std::vector<GenericArg> &args) {
  for (const GenericArg &arg : args)
    if (arg.value)
      height = std::max(height, arg.value->height);
}

/// Are the tokens from `<` (at `ahead`) generic arguments? They are if the `>`
/// that closes them is followed by `(`, `[` or `{`. What cannot stand in such
/// arguments outside of parentheses ends the search.
bool Parser::genericsAhead(size_t ahead) const {
  constexpr size_t limit = 256;
  int angles = 0;
  std::vector<Kind> closers;
  for (size_t i = ahead; i < ahead + limit; ++i) {
    Kind kind = peek(i).kind;
    switch (kind) {
    case Kind::LParen:
      closers.push_back(Kind::RParen);
      continue;
    case Kind::LSquare:
      closers.push_back(Kind::RSquare);
      continue;
    case Kind::RParen:
    case Kind::RSquare:
      if (closers.empty() || closers.back() != kind)
        return false;
      closers.pop_back();
      continue;
    case Kind::Name:
    case Kind::Integer:
    case Kind::Float:
    case Kind::KwTrue:
    case Kind::KwFalse:
    case Kind::Comma:
    case Kind::Dot:
    case Kind::Assign: // of a named argument
    case Kind::Plus:
    case Kind::Minus:
    case Kind::Star:
    case Kind::StarStar:
    case Kind::Slash:
    case Kind::Percent:
    case Kind::Amp:
    case Kind::Pipe:
    case Kind::Caret:
    case Kind::Tilde:
    case Kind::LessLess:
      continue;
    case Kind::Less:
      angles += closers.empty();
      continue;
    case Kind::Greater:
    case Kind::GreaterGreater:
      if (!closers.empty())
        continue;
      angles -= kind == Kind::Greater ? 1 : 2;
      if (angles < 0)
        return false;
      if (angles == 0) {
        Kind next = peek(i + 1).kind;
        return next == Kind::LParen || next == Kind::LSquare ||
               next == Kind::LBrace;
      }
      continue;
    // Inside parentheses a condition may stand.
    case Kind::KwAnd:
    case Kind::KwOr:
    case Kind::KwNot:
    case Kind::EqualEqual:
    case Kind::BangEqual:
    case Kind::LessEqual:
    case Kind::GreaterEqual:
      if (closers.empty())
        return false;
      continue;
    default:
      return false;
    }
  }
  return false;
}

/// At `{`: does `field:` follow? No statement begins so, which tells a struct
/// from the body of an `if`.
bool Parser::structMakerAhead() const {
  return at(Kind::LBrace) && peek(1).kind == Kind::Name &&
         peek(2).kind == Kind::Colon;
}

/// A name, and what makes it a call, a maker or a struct.
ExprPtr Parser::parseNamed() {
  Token token = take();
  Name name{std::string(textOf(token)), rangeOf(token)};
  std::vector<GenericArg> generics;
  bool generic = at(Kind::Less) && genericsAhead(0);
  if (generic && !parseGenericArgs(generics))
    return nullptr;
  if (at(Kind::LParen)) {
    auto callee = std::make_unique<NameExpr>(name.range);
    callee->name = std::move(name.text);
    return parseCall(std::move(callee), std::move(generics));
  }
  if (generic && at(Kind::LSquare))
    return parseMaker(std::move(name), std::move(generics));
  if (structMakerAhead())
    return parseStructMaker(std::move(name), std::move(generics));
  if (generic) {
    unexpected("the fields of the struct");
    return nullptr;
  }
  auto expr = std::make_unique<NameExpr>(name.range);
  expr->name = std::move(name.text);
  return expr;
}

/// `reduce(x, axis = 0, f)`, `sort(x, axis = 0, a, b)`: the axis belongs to the
/// tile, whatever follows.
static bool takesMixedArgs(const Expr &callee) {
  const auto *name = dynAs<NameExpr>(&callee);
  return name && (name->name == "reduce" || name->name == "scan" ||
                  name->name == "sort");
}

ExprPtr Parser::parseCall(ExprPtr callee, std::vector<GenericArg> generics) {
  auto call = std::make_unique<CallExpr>(callee->range);
  uint32_t height = callee->height;
  bool mixed = takesMixedArgs(*callee);
  call->callee = std::move(callee);
  call->generics = std::move(generics);
  raiseHeight(height, call->generics);
  if (!parseArgs(call->args, height, mixed))
    return nullptr;
  call->range = since(call->range);
  if (!closeHeight(*call, height))
    return nullptr;
  return call;
}

/// `(a, b, axis = 1)`, at the `(`.
bool Parser::parseArgs(std::vector<Arg> &args, uint32_t &height, bool mixed) {
  SourceRange open = rangeOf(take());
  GenericScope scope(*this, false);
  while (!at(Kind::RParen)) {
    Arg arg;
    if (!parseArg(arg))
      return false;
    if (!mixed && !arg.name && !args.empty() && args.back().name) {
      fail(arg.range, "an argument without a name follows a named one")
          .label(args.back().range);
      return false;
    }
    for (const Arg &earlier : args)
      if (arg.name && earlier.name && arg.name->text == earlier.name->text) {
        fail(arg.name->range,
             "the argument `" + arg.name->text + "` is given twice")
            .label(earlier.name->range);
        return false;
      }
    height = std::max(height, arg.value->height);
    args.push_back(std::move(arg));
    if (!accept(Kind::Comma))
      break;
  }
  if (accept(Kind::RParen))
    return true;
  if (at(Kind::Question))
    unexpected("`,` or `)`").note("write `where(condition, a, b)`");
  else if (at(Kind::DotDot))
    unexpected("`,` or `)`").note("a range stands in `[...]` or after `in`");
  else
    unexpected("`,` or `)`").label(open);
  return false;
}

bool Parser::parseArg(Arg &arg) {
  SourceRange begin = here();
  if (at(Kind::Name) && peek(1).kind == Kind::Assign) {
    arg.name.emplace();
    parseName(*arg.name, "a name");
    take();
  }
  if (at(Kind::LSquare))
    arg.value = parseList();
  else if (at(Kind::String))
    arg.value = parseString();
  else
    arg.value = parseExpr();
  arg.range = since(begin);
  return arg.value != nullptr;
}

/// `[M, N]` as an argument.
ExprPtr Parser::parseList() {
  auto expr = std::make_unique<ListExpr>(here());
  if (!parseDims(expr->elements))
    return nullptr;
  expr->range = since(expr->range);
  uint32_t height = 0;
  for (const ExprPtr &element : expr->elements)
    height = std::max(height, element->height);
  if (!closeHeight(*expr, height))
    return nullptr;
  return expr;
}

/// The lexer has checked its escapes.
ExprPtr Parser::parseString() {
  auto expr = std::make_unique<StringLiteral>(here());
  std::string_view text = textOf(take());
  text = text.substr(1, text.size() - 2);
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '\\' && i + 1 < text.size()) {
      c = text[++i];
      c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
    }
    expr->value += c;
  }
  return expr;
}

/// `zeros<T>[M, N]`, `full<T>[M, N](x)`, at the `[`.
ExprPtr Parser::parseMaker(Name name, std::vector<GenericArg> generics) {
  auto expr = std::make_unique<MakerExpr>(name.range);
  uint32_t height = 0;
  expr->name = std::move(name);
  expr->generics = std::move(generics);
  raiseHeight(height, expr->generics);
  if (!parseDims(expr->dims))
    return nullptr;
  for (const ExprPtr &dim : expr->dims)
    height = std::max(height, dim->height);
  if (at(Kind::LParen)) {
    expr->hasArgs = true;
    if (!parseArgs(expr->args, height))
      return nullptr;
  }
  expr->range = since(expr->range);
  if (!closeHeight(*expr, height))
    return nullptr;
  return expr;
}

/// `S { a: x, b: y }`, at the `{`.
ExprPtr Parser::parseStructMaker(Name name, std::vector<GenericArg> generics) {
  auto expr = std::make_unique<StructExpr>(name.range);
  uint32_t height = 0;
  expr->name = std::move(name);
  expr->generics = std::move(generics);
  raiseHeight(height, expr->generics);
  SourceRange open = rangeOf(take());
  GenericScope scope(*this, false);
  while (!at(Kind::RBrace)) {
    StructExpr::Field field;
    if (!parseName(field.name, "the name of a field or `}`"))
      return nullptr;
    if (at(Kind::Assign)) {
      unexpected("`:` after the name of the field");
      return nullptr;
    }
    if (!expect(Kind::Colon, "after the name of the field") ||
        !(field.value = parseExpr()))
      return nullptr;
    for (const StructExpr::Field &earlier : expr->fields)
      if (earlier.name.text == field.name.text) {
        fail(field.name.range,
             "the field `" + field.name.text + "` is given twice")
            .label(earlier.name.range);
        break;
      }
    height = std::max(height, field.value->height);
    expr->fields.push_back(std::move(field));
    if (!accept(Kind::Comma))
      break;
  }
  if (!accept(Kind::RBrace)) {
    unexpected("`,` or `}`").label(open);
    return nullptr;
  }
  expr->range = since(expr->range);
  if (!closeHeight(*expr, height))
    return nullptr;
  return expr;
}

/// `t[i, m +: W, :]`, at the `[`.
ExprPtr Parser::parseIndex(ExprPtr base) {
  auto expr = std::make_unique<IndexExpr>(base->range);
  uint32_t height = base->height;
  expr->base = std::move(base);
  SourceRange open = rangeOf(take());
  GenericScope scope(*this, false);
  while (!at(Kind::RSquare)) {
    Indexer indexer;
    if (!parseIndexer(indexer))
      return nullptr;
    for (const ExprPtr *part : {&indexer.first, &indexer.second, &indexer.step})
      if (*part)
        height = std::max(height, (*part)->height);
    expr->indexers.push_back(std::move(indexer));
    if (!accept(Kind::Comma))
      break;
  }
  if (!accept(Kind::RSquare)) {
    unexpected("`,` or `]`").label(open);
    return nullptr;
  }
  expr->range = since(expr->range);
  if (expr->indexers.empty()) {
    fail(since(open), "an index has one entry for each dimension");
    return nullptr;
  }
  if (!closeHeight(*expr, height))
    return nullptr;
  return expr;
}

/// `i`, `b +: W`, `b +: W step s`, `a .. e`, `a .. e step s`, `:`, `None`.
bool Parser::parseIndexer(Indexer &indexer) {
  SourceRange begin = here();
  const char *ranges = "`a +: W` are the W elements from `a` on; in a `view`, "
                       "`a .. e` are those up to `e`";
  if (accept(Kind::Colon)) {
    indexer.kind = Indexer::Kind::All;
    indexer.range = since(begin);
    if (at(Kind::Comma) || at(Kind::RSquare))
      return true;
    unexpected("`,` or `]` after `:`").note(ranges);
    return false;
  }
  if (accept(Kind::KwNone)) {
    indexer.kind = Indexer::Kind::NewAxis;
    indexer.range = since(begin);
    return true;
  }
  if (at(Kind::PlusColon) || at(Kind::DotDot)) {
    unexpected("where the range begins, such as `0`");
    return false;
  }
  if (!(indexer.first = parseExpr()))
    return false;
  indexer.kind = Indexer::Kind::Element;
  if (at(Kind::Colon)) {
    unexpected("`,` or `]`").note(ranges);
    return false;
  }
  if (at(Kind::PlusColon) || at(Kind::DotDot)) {
    indexer.kind = take().kind == Kind::PlusColon ? Indexer::Kind::Window
                                                  : Indexer::Kind::Range;
    if (!(indexer.second = parseExpr()) ||
        (acceptWord("step") && !(indexer.step = parseExpr())))
      return false;
  }
  indexer.range = since(begin);
  return true;
}

ExprPtr Parser::parseMember(ExprPtr base) {
  auto expr = std::make_unique<MemberExpr>(base->range);
  take();
  if (!parseName(expr->member, "the name of a field, or `T`, after `.`"))
    return nullptr;
  expr->range = since(base->range);
  if (!closeHeight(*expr, base->height))
    return nullptr;
  expr->base = std::move(base);
  return expr;
}

} // namespace attn_grid::compiler
