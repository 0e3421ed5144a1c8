#include "compiler/Frontend/ParserImpl.h"

namespace attn_grid::compiler {

using namespace ast;

TypePtr Parser::parseType() {
  DepthGuard guard(*this);
  if (!guard.ok)
    return nullptr;
  if (at(Kind::LParen)) {
    fail(here(), "expected a type, found `(`")
        .note("a tuple is only the result of a function; give a struct a name "
              "instead");
    return nullptr;
  }
  return parseNamedType();
}

/// `f32`, `acc<T>`, `tile<T>[M, N]`, `tensor<T>[M, N]`, `S<T, 4>`.
TypePtr Parser::parseNamedType() {
  Name name;
  if (!parseName(name, "a type"))
    return nullptr;
  bool array = name.text == "tile" || name.text == "tensor";
  if (!array && name.text != "acc") {
    auto type = std::make_unique<NamedType>(name.range);
    if (at(Kind::Less) && !parseGenericArgs(type->generics))
      return nullptr;
    if (at(Kind::LSquare)) {
      fail(name.range, "`" + name.text + "` has no extents")
          .note("a tile is written `tile<" + name.text +
                ">[...]`, a tensor `tensor<" + name.text + ">[...]`");
      return nullptr;
    }
    type->name = std::move(name);
    type->range = since(type->range);
    return type;
  }

  if (!at(Kind::Less)) {
    unexpected("`<` and a type after `" + name.text + "`");
    return nullptr;
  }
  SourceRange open = takeLess();
  TypePtr element;
  {
    GenericScope scope(*this, true);
    if (!(element = parseType()) || !expectGreater(open))
      return nullptr;
  }
  if (!array) {
    auto type = std::make_unique<AccType>(since(name.range));
    type->of = std::move(element);
    return type;
  }
  if (!at(Kind::LSquare)) {
    DiagnosticBuilder error =
        unexpected("`[` and the extents of the " + name.text);
    if (name.text == "tile")
      error.note("a single value is written without `tile`");
    return nullptr;
  }
  std::vector<ExprPtr> dims;
  if (!parseDims(dims))
    return nullptr;
  if (name.text == "tile") {
    auto type = std::make_unique<TileType>(since(name.range));
    type->element = std::move(element);
    type->dims = std::move(dims);
    return type;
  }
  auto type = std::make_unique<TensorType>(since(name.range));
  type->element = std::move(element);
  type->dims = std::move(dims);
  return type;
}

/// What follows `->`: a type, or a tuple of at least two.
TypePtr Parser::parseResultType() {
  if (!at(Kind::LParen))
    return parseType();
  auto tuple = std::make_unique<TupleType>(here());
  SourceRange open = rangeOf(take());
  GenericScope scope(*this, false);
  while (!at(Kind::RParen)) {
    TypePtr element = parseType();
    if (!element)
      return nullptr;
    tuple->elements.push_back(std::move(element));
    if (!accept(Kind::Comma))
      break;
  }
  if (!expectClose(Kind::RParen, open))
    return nullptr;
  tuple->range = since(open);
  if (tuple->elements.size() < 2) {
    fail(tuple->range, "a tuple has two elements or more")
        .note(tuple->elements.empty()
                  ? "leave `->` away if the function has no result"
                  : "write the type without parentheses");
    return nullptr;
  }
  return tuple;
}

/// `(f32, int) -> f32`
std::unique_ptr<FunctionType> Parser::parseFunctionType() {
  auto type = std::make_unique<FunctionType>(here());
  SourceRange open = here();
  if (!expect(Kind::LParen, "before the types of the parameters"))
    return nullptr;
  {
    GenericScope scope(*this, false);
    while (!at(Kind::RParen)) {
      TypePtr param = parseType();
      if (!param)
        return nullptr;
      type->params.push_back(std::move(param));
      if (!accept(Kind::Comma))
        break;
    }
    if (!expectClose(Kind::RParen, open))
      return nullptr;
  }
  if (!expect(Kind::Arrow, "and the type of the result") ||
      !(type->result = parseType()))
    return nullptr;
  type->range = since(open);
  return type;
}

bool Parser::parseGenericArgs(std::vector<GenericArg> &args) {
  SourceRange open = takeLess();
  GenericScope scope(*this, true);
  while (!atGreater()) {
    GenericArg arg;
    if (!parseGenericArg(arg))
      return false;
    if (!arg.name && !args.empty() && args.back().name) {
      fail(arg.range, "an argument without a name follows a named one")
          .label(args.back().range);
      return false;
    }
    args.push_back(std::move(arg));
    if (!accept(Kind::Comma))
      break;
  }
  if (args.empty()) {
    unexpected("a type or a const");
    return false;
  }
  return expectGreater(open);
}

/// Does something follow that can only be a type: `acc<T>`, `tile<T>[M]`, or
/// `S<...>` that is no call, list or struct?
bool Parser::typeAhead() const {
  return at(Kind::Name) && peek(1).kind == Kind::Less &&
         (atWord("acc") || atWord("tile") || atWord("tensor") ||
          !genericsAhead(1));
}

bool Parser::parseGenericArg(GenericArg &arg) {
  SourceRange begin = here();
  if (at(Kind::Name) && peek(1).kind == Kind::Assign) {
    arg.name.emplace();
    parseName(*arg.name, "a name");
    take();
  }
  if (typeAhead())
    arg.type = parseType();
  else
    arg.value = parseExpr();
  arg.range = since(begin);
  return arg.type || arg.value;
}

bool Parser::parseDims(std::vector<ExprPtr> &dims) {
  SourceRange open = rangeOf(take());
  GenericScope scope(*this, false);
  while (!at(Kind::RSquare)) {
    ExprPtr dim = parseExpr();
    if (!dim)
      return false;
    dims.push_back(std::move(dim));
    if (!accept(Kind::Comma))
      break;
  }
  return expectClose(Kind::RSquare, open);
}

} // namespace attn_grid::compiler
