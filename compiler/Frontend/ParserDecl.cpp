#include "compiler/Frontend/ParserImpl.h"
#include "compiler/Frontend/Suggest.h"

#include <utility>

namespace attn_grid::compiler {

using namespace ast;

DeclPtr Parser::parseDeclaration() {
  std::string doc = docOf(peek());
  DeclPtr decl;
  switch (peek().kind) {
  case Kind::KwConst:
    decl = parseConstDecl();
    break;
  case Kind::KwStruct:
    decl = parseStruct();
    break;
  case Kind::KwFn:
    decl = parseFn();
    break;
  case Kind::KwKernel:
    decl = parseKernel();
    break;
  case Kind::KwVariant:
    decl = parseVariant();
    break;
  default: {
    DiagnosticBuilder error =
        unexpected("`kernel`, `fn`, `struct`, `variant`, `const` or `import`");
    if (auto meant = closest(textOf(peek()), {"kernel", "fn", "struct",
                                              "variant", "const", "import"}))
      error.note("did you mean `" + *meant + "`?");
    return nullptr;
  }
  }
  if (decl)
    decl->doc = std::move(doc);
  return decl;
}

/// import "x.ag";
bool Parser::parseImport(Import &import) {
  SourceRange begin = rangeOf(take());
  if (!at(Kind::String)) {
    unexpected("the name of a file in quotes after `import`");
    return false;
  }
  import.pathRange = here();
  ExprPtr path = parseString();
  import.path = dynAs<StringLiteral>(path)->value;
  import.range = since(begin);
  return expectSemicolon("after the import");
}

/// const W = 4;
DeclPtr Parser::parseConstDecl() {
  auto decl = std::make_unique<ConstDecl>(rangeOf(take()));
  if (!parseName(decl->name, "the name of the const") ||
      !expect(Kind::Assign, "after the name of the const") ||
      !(decl->value = parseExpr()) ||
      !expectSemicolon("after the value of the const"))
    return nullptr;
  decl->range = since(decl->range);
  return decl;
}

bool Parser::checkDistinct(const Name &name, const Name &earlier,
                           const char *what) {
  if (name.text != earlier.text)
    return true;
  fail(name.range, std::string(what) + " `" + name.text + "` is declared twice")
      .label(earlier.range, "declared first here");
  return false;
}

/// struct S<...> { a: T, b: int }
DeclPtr Parser::parseStruct() {
  auto decl = std::make_unique<StructDecl>(rangeOf(take()));
  if (!parseName(decl->name, "the name of the struct") ||
      !parseGenericParams(decl->generics))
    return nullptr;
  SourceRange open = here();
  if (!expect(Kind::LBrace, "before the fields of the struct"))
    return nullptr;
  while (!at(Kind::RBrace)) {
    StructDecl::Field field;
    field.doc = docOf(peek());
    if (!parseName(field.name, "the name of a field or `}`") ||
        !expect(Kind::Colon, "and a type after the name of the field") ||
        !(field.type = parseType()))
      return nullptr;
    field.range = since(field.name.range);
    for (const StructDecl::Field &earlier : decl->fields)
      if (!checkDistinct(field.name, earlier.name, "the field"))
        break;
    decl->fields.push_back(std::move(field));
    if (at(Kind::Semicolon)) {
      fail(here(), "expected `,` between fields, found `;`");
      take();
    } else if (!accept(Kind::Comma)) {
      break;
    }
  }
  if (!expectClose(Kind::RBrace, open))
    return nullptr;
  decl->range = since(decl->range);
  return decl;
}

bool Parser::parseDeclName(Name &name, const std::string &what) {
  bool named = !at(Kind::LParen) && !at(Kind::Less) && !at(Kind::LBrace);
  if (named || defaultName.empty())
    return parseName(name, what);
  name = {std::exchange(defaultName, {}), previousEnd()};
  return true;
}

GivenText Parser::parseGivenText(const std::string &name, bool variant) {
  GivenText snippet;
  defaultName = name;
  if (variant && !at(Kind::KwVariant)) {
    unexpected("`variant (...) { ... }` or the name of a variant");
    return {};
  }
  if (variant)
    snippet.decl = parseVariant();
  else if (at(Kind::KwFn))
    snippet.decl = parseFn();
  else
    snippet.expr = parseExpr();
  if (!snippet.decl && !snippet.expr)
    return {};
  if (!at(Kind::End)) {
    unexpected("the end of the text that is bound to `" + name + "`");
    return {};
  }
  return snippet;
}

GivenText parseGivenText(const SourceManager &sources, FileId file,
                         const std::string &name, bool variant,
                         Diagnostics &diags) {
  size_t before = diags.size();
  GivenText snippet =
      Parser(sources, file, diags).parseGivenText(name, variant);
  return diags.size() == before ? std::move(snippet) : GivenText();
}

bool Parser::parseFnHead(FnDecl &decl) {
  if (!parseDeclName(decl.name, "the name of the function") ||
      !parseGenericParams(decl.generics) || !parseParams(decl.params))
    return false;
  if (accept(Kind::Arrow))
    return (decl.result = parseResultType()) != nullptr;
  if (!at(Kind::Colon))
    return true;
  fail(here(), "expected `->` before the type of the result, found `:`");
  return false;
}

/// fn f<...>(...) -> T { ... }
std::unique_ptr<FnDecl> Parser::parseFn() {
  auto decl = std::make_unique<FnDecl>(rangeOf(take()));
  bool head = parseFnHead(*decl);
  // The body is read all the same, for what may be wrong in it.
  if ((!head && !skipToBody()) ||
      !parseBlock(decl->body, "before the body of the function") || !head)
    return nullptr;
  decl->range = since(decl->range);
  return decl;
}

/// variant alibi(slopes: tensor<f32>[H]) { fn score(...) ... }
DeclPtr Parser::parseVariant() {
  auto decl = std::make_unique<VariantDecl>(rangeOf(take()));
  if (!parseDeclName(decl->name, "the name of the variant") ||
      !parseGenericParams(decl->generics))
    return nullptr;
  if (at(Kind::LParen) && !parseParams(decl->params))
    return nullptr;
  for (const Param &param : decl->params)
    if (param.mode != Param::Mode::In)
      fail(param.range, "a variant's parameters are only read");
  SourceRange open = here();
  if (!expect(Kind::LBrace, "before the functions of the variant"))
    return nullptr;
  while (!at(Kind::RBrace) && !at(Kind::End) && !diags.full()) {
    std::string doc = docOf(peek());
    if (!at(Kind::KwFn)) {
      DiagnosticBuilder error = unexpected("`fn` or `}` in a variant");
      if (atDeclaration()) {
        error.label(open, "the variant begins here");
        return nullptr;
      }
      // One message, whatever stands before the next function.
      do
        take();
      while (!at(Kind::KwFn) && !at(Kind::RBrace) && !at(Kind::End) &&
             !atDeclaration());
      continue;
    }
    std::unique_ptr<FnDecl> fn = parseFn();
    if (!fn) {
      recoverStatement();
      continue;
    }
    fn->doc = std::move(doc);
    for (const std::unique_ptr<FnDecl> &earlier : decl->functions)
      if (!checkDistinct(fn->name, earlier->name, "the function"))
        break;
    decl->functions.push_back(std::move(fn));
  }
  if (!expectClose(Kind::RBrace, open))
    return nullptr;
  decl->range = since(decl->range);
  return decl;
}

// --------------------------------------------------------- generic parameters

bool Parser::parseGenericParams(std::vector<GenericParam> &params) {
  if (!at(Kind::Less))
    return true;
  SourceRange open = takeLess();
  GenericScope scope(*this, true);
  while (!atGreater()) {
    GenericParam param;
    if (!parseGenericParam(param))
      return false;
    for (const GenericParam &earlier : params)
      if (!checkDistinct(param.name, earlier.name, "the parameter"))
        break;
    params.push_back(std::move(param));
    if (!accept(Kind::Comma))
      break;
  }
  return expectGreater(open);
}

/// `T: float`, `const D: int = 4`, `fn f: (f32) -> f32 = g`.
bool Parser::parseGenericParam(GenericParam &param) {
  SourceRange begin = here();
  if (accept(Kind::KwConst)) {
    param.kind = GenericParam::Kind::Const;
    if (!parseName(param.name, "the name of a const parameter") ||
        !parseConstKind(param))
      return false;
  } else if (accept(Kind::KwFn)) {
    param.kind = GenericParam::Kind::Function;
    if (!parseName(param.name, "the name of a function parameter") ||
        !expect(Kind::Colon, "and a type, such as `(f32, int) -> f32`, after "
                             "the name of a function parameter") ||
        !(param.function = parseFunctionType()))
      return false;
  } else {
    param.kind = GenericParam::Kind::Type;
    if (!parseName(param.name, "a parameter, such as `T: float` or `const N: "
                               "int`") ||
        !parseTypeClass(param))
      return false;
  }
  if (accept(Kind::Assign)) {
    if (param.kind == GenericParam::Kind::Type)
      param.typeDefault = parseType();
    else
      param.valueDefault = parseExpr();
    if (!param.typeDefault && !param.valueDefault)
      return false;
  }
  param.range = since(begin);
  return true;
}

bool Parser::parseTypeClass(GenericParam &param) {
  if (!expect(Kind::Colon, "and `any`, `float` or `int` after the name of a "
                           "type parameter"))
    return false;
  if (acceptWord("any"))
    param.typeClass = GenericParam::TypeClass::Any;
  else if (acceptWord("float"))
    param.typeClass = GenericParam::TypeClass::Float;
  else if (acceptWord("int"))
    param.typeClass = GenericParam::TypeClass::Int;
  else {
    unexpected("`any`, `float` or `int`")
        .note("`" + param.name.text +
              "` stands for a type; a number is written `const " +
              param.name.text + ": int`");
    return false;
  }
  return true;
}

bool Parser::parseConstKind(GenericParam &param) {
  if (!expect(Kind::Colon, "and `int`, `float` or `bool` after the name of a "
                           "const parameter"))
    return false;
  if (acceptWord("int"))
    param.constKind = GenericParam::ConstKind::Int;
  else if (acceptWord("float"))
    param.constKind = GenericParam::ConstKind::Float;
  else if (acceptWord("bool"))
    param.constKind = GenericParam::ConstKind::Bool;
  else {
    unexpected("`int`, `float` or `bool`")
        .note("a const has no width: it is a 64-bit integer, an f64 or a bool "
              "while compiling");
    return false;
  }
  return true;
}

// ----------------------------------------------------------------- parameters

bool Parser::parseParams(std::vector<Param> &params) {
  SourceRange open = here();
  if (!expect(Kind::LParen, "before the parameters"))
    return false;
  GenericScope scope(*this, false);
  while (!at(Kind::RParen)) {
    Param param;
    if (!parseParam(param))
      return false;
    for (const Param &earlier : params)
      if (!checkDistinct(param.name, earlier.name, "the parameter"))
        break;
    params.push_back(std::move(param));
    if (!accept(Kind::Comma))
      break;
  }
  return expectClose(Kind::RParen, open);
}

/// `out o: tensor<T>[B, D]? = 0.0`
bool Parser::parseParam(Param &param) {
  SourceRange begin = here();
  param.doc = docOf(peek());
  // A parameter may itself be called `out`.
  if (peek(1).kind == Kind::Name) {
    if (acceptWord("out"))
      param.mode = Param::Mode::Out;
    else if (acceptWord("inout"))
      param.mode = Param::Mode::Inout;
  }
  if (at(Kind::KwConst)) {
    fail(here(), "a const parameter stands in `<...>`, before the parameters");
    return false;
  }
  if (!parseName(param.name, "a parameter, such as `x: f32`"))
    return false;
  if (at(Kind::Name)) {
    fail(param.range = here(), "expected `:` and a type after the name of the "
                               "parameter, found " +
                                   found())
        .note("the name comes first: `" + std::string(textOf(peek())) + ": " +
              param.name.text + "`");
    return false;
  }
  if (!expect(Kind::Colon, "and a type after the name of the parameter") ||
      !(param.type = parseType()))
    return false;
  bool tensor = param.type->kind == TypeExpr::Kind::Tensor;
  if (at(Kind::Question)) {
    if (!tensor) {
      fail(here(), "only a tensor can be optional")
          .note("give a scalar a default, as in `scale: f32 = 1.0`");
      return false;
    }
    take();
    param.optional = true;
  }
  if (param.mode != Param::Mode::In && !tensor) {
    const char *mode = param.mode == Param::Mode::Out ? "out" : "inout";
    fail(param.type->range, std::string("only a tensor can be `") + mode + "`");
    return false;
  }
  if (accept(Kind::Assign) && !(param.defaultValue = parseExpr()))
    return false;
  param.range = since(begin);
  return true;
}

} // namespace attn_grid::compiler
