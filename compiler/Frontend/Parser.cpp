#include "compiler/Frontend/ParserImpl.h"
#include "compiler/Frontend/Snippet.h"

#include <algorithm>

namespace attn_grid::compiler {

using namespace ast;

Parser::Parser(const SourceManager &sources, FileId file, Diagnostics &diags,
               TokenRoles *roles)
    : sources(sources), file(file), diags(diags), roles(roles),
      list(lex(sources, file, diags)) {}

// --------------------------------------------------------------------- tokens

const Token &Parser::peek(size_t ahead) const {
  return list.tokens[std::min(position + ahead, list.tokens.size() - 1)];
}

bool Parser::atWord(std::string_view word, size_t ahead) const {
  return peek(ahead).kind == Kind::Name && textOf(peek(ahead)) == word;
}

Token Parser::take() {
  Token token = peek();
  if (token.kind != Kind::End)
    ++position;
  return token;
}

bool Parser::accept(Kind kind) {
  if (!at(kind))
    return false;
  take();
  return true;
}

bool Parser::acceptWord(std::string_view word) {
  if (!atWord(word))
    return false;
  take();
  return true;
}

/// Leaves what follows the first `>` of a token.
static void splitGreater(Token &token) {
  ++token.begin;
  token.lineStart = false;
}

SourceRange Parser::takeLess() {
  if (roles)
    roles->angleOpens.push_back(peek().begin);
  return rangeOf(take());
}

bool Parser::atGreater() const {
  return at(Kind::Greater) || at(Kind::GreaterGreater) ||
         at(Kind::GreaterEqual) || at(Kind::GreaterGreaterAssign);
}

bool Parser::acceptGreater() {
  Token &token = list.tokens[position];
  uint32_t begin = token.begin;
  switch (token.kind) {
  case Kind::Greater:
    take();
    break;
  case Kind::GreaterGreater:
    token.kind = Kind::Greater;
    splitGreater(token);
    break;
  case Kind::GreaterEqual:
    token.kind = Kind::Assign;
    splitGreater(token);
    break;
  case Kind::GreaterGreaterAssign:
    token.kind = Kind::GreaterEqual;
    splitGreater(token);
    break;
  default:
    return false;
  }
  if (roles)
    roles->angleCloses.push_back(begin);
  return true;
}

std::string_view Parser::textOf(const Token &token) const {
  return sources.text(rangeOf(token));
}

std::string Parser::docOf(const Token &token) const {
  return token.doc < 0 ? std::string() : list.docs[token.doc];
}

SourceRange Parser::rangeOf(const Token &token) const {
  return {file, token.begin, token.end};
}

SourceRange Parser::previousEnd() const {
  if (position == 0)
    return {file, 0, 0};
  // Of a `>>` whose first half is taken, that half.
  uint32_t end = list.tokens[position - 1].end;
  const Token &next = list.tokens[position];
  if (next.begin > end && next.kind != Kind::End && next.begin > 0 &&
      sources.text(file)[next.begin - 1] == '>')
    end = next.begin;
  return {file, end, end};
}

SourceRange Parser::since(SourceRange begin) const {
  return begin.to(previousEnd());
}

// ------------------------------------------------------------------- messages

std::string Parser::found() const {
  const Token &token = peek();
  if (token.kind != Kind::Name && token.kind != Kind::Integer &&
      token.kind != Kind::Float)
    return describe(token.kind);
  std::string_view text = textOf(token);
  if (text.size() > 40)
    return describe(token.kind);
  return "`" + std::string(text) + "`";
}

DiagnosticBuilder Parser::fail(SourceRange range, std::string message) {
  return abandoned ? DiagnosticBuilder(nullptr)
                   : diags.error(range, std::move(message));
}

DiagnosticBuilder Parser::unexpected(const std::string &what) {
  if (at(Kind::Error))
    return DiagnosticBuilder(nullptr);
  return fail(here(), "expected " + what + ", found " + found());
}

bool Parser::expect(Kind kind, const std::string &where) {
  if (accept(kind))
    return true;
  unexpected(describe(kind) + " " + where);
  return false;
}

bool Parser::expectClose(Kind kind, SourceRange open) {
  if (accept(kind))
    return true;
  if (at(Kind::Assign) && peek(1).kind == Kind::Assign)
    unexpected("`==`");
  else
    unexpected(describe(kind)).label(open);
  return false;
}

bool Parser::expectGreater(SourceRange open) {
  if (acceptGreater())
    return true;
  unexpected("`>` or `,`").label(open);
  return false;
}

/// A semicolon is missed where it should be: behind what stands before it.
bool Parser::expectSemicolon(const std::string &where) {
  if (accept(Kind::Semicolon))
    return true;
  if (at(Kind::Question)) {
    fail(here(), "there is no `? :` operator")
        .note("write `where(condition, a, b)`");
    return false;
  }
  if (peek().lineStart || at(Kind::RBrace) || at(Kind::End)) {
    fail(previousEnd(), "expected `;` " + where);
    return true; // what follows is fine
  }
  unexpected("`;` " + where);
  return false;
}

bool Parser::parseName(Name &name, const std::string &what) {
  if (!at(Kind::Name)) {
    bool keyword = peek().kind >= Kind::KwAnd && peek().kind <= Kind::KwWhile;
    DiagnosticBuilder error = unexpected(what);
    if (keyword && !peek().lineStart)
      error.note(found() + " is a word of the language and names nothing else");
    return false;
  }
  Token token = take();
  name.text = std::string(textOf(token));
  name.range = rangeOf(token);
  return true;
}

Parser::DepthGuard::DepthGuard(Parser &parser) : parser(parser) {
  ok = ++parser.depth <= maxDepth;
  if (ok)
    return;
  parser.fail(parser.here(), "this is nested more than " +
                                 std::to_string(maxDepth) + " levels deep");
  parser.abandoned = true;
  parser.position = parser.list.tokens.size() - 1;
}

// ------------------------------------------------------------------- recovery

bool Parser::atDeclaration() const {
  Kind kind = peek().kind;
  return kind == Kind::KwImport || kind == Kind::KwStruct ||
         kind == Kind::KwFn || kind == Kind::KwKernel ||
         kind == Kind::KwVariant;
}

bool Parser::atStatementKeyword() const {
  switch (peek().kind) {
  case Kind::KwBreak:
  case Kind::KwConst:
  case Kind::KwContinue:
  case Kind::KwFor:
  case Kind::KwIf:
  case Kind::KwLet:
  case Kind::KwReturn:
  case Kind::KwVar:
  case Kind::KwWhile:
    return true;
  default:
    return false;
  }
}

void Parser::recoverStatement() {
  int braces = 0, parens = 0;
  while (!at(Kind::End) && !(atDeclaration() && peek().lineStart)) {
    if (braces == 0 &&
        (at(Kind::RBrace) || (peek().lineStart && atStatementKeyword())))
      return;
    Kind kind = take().kind;
    braces += kind == Kind::LBrace;
    parens += kind == Kind::LParen;
    parens -= kind == Kind::RParen && parens > 0;
    // The end of a nested block ends the statement that it belongs to.
    if (kind == Kind::RBrace && --braces == 0 && !at(Kind::KwElse))
      return;
    // C's `for (a; b; c)` is one statement; an open parenthesis is not.
    if (kind == Kind::Semicolon && braces == 0 &&
        (parens == 0 || peek().lineStart))
      return;
  }
}

void Parser::recoverDeclaration() {
  auto atStart = [&] {
    if (!peek().lineStart)
      return false;
    // A `const` is as common inside of functions, where it is indented.
    bool indented =
        peek().begin > 0 && sources.text(file)[peek().begin - 1] != '\n';
    return atDeclaration() || (at(Kind::KwConst) && !indented);
  };
  while (!at(Kind::End) && !atStart())
    take();
}

bool Parser::skipToBody() {
  while (!at(Kind::LBrace) && !at(Kind::End) &&
         !(atDeclaration() && peek().lineStart))
    take();
  return at(Kind::LBrace);
}

// ---------------------------------------------------------------------- files

std::unique_ptr<ast::File> Parser::parseFile() {
  auto result = std::make_unique<ast::File>();
  result->id = file;
  size_t errorsBefore = diags.size();
  while (!at(Kind::End) && !diags.full()) {
    size_t before = position;
    // Left over from a declaration that is already reported.
    if (at(Kind::RBrace) && diags.size() > errorsBefore) {
      take();
      continue;
    }
    if (at(Kind::KwImport)) {
      Import import;
      if (parseImport(import))
        result->imports.push_back(std::move(import));
      else
        recoverDeclaration();
    } else if (DeclPtr decl = parseDeclaration()) {
      result->decls.push_back(std::move(decl));
    } else if (position == before || !atDeclaration()) {
      recoverDeclaration();
    }
    // Whatever happened, go on.
    if (position == before)
      take();
  }
  return result;
}

std::unique_ptr<ast::File> parseFile(const SourceManager &sources, FileId file,
                                     Diagnostics &diags, TokenRoles *roles) {
  return Parser(sources, file, diags, roles).parseFile();
}

namespace {
/// Walks the imports, depth first, so that a file comes after what it needs.
class Loader {
public:
  Loader(SourceManager &sources, Diagnostics &diags)
      : sources(sources), diags(diags) {}

  /// False if the file is being loaded already: a cycle.
  bool load(FileId id) {
    if (std::find(done.begin(), done.end(), id) != done.end())
      return true;
    if (std::find(open.begin(), open.end(), id) != open.end())
      return false;
    open.push_back(id);
    std::unique_ptr<ast::File> file = parseFile(sources, id, diags);
    for (Import &import : file->imports)
      follow(id, import);
    open.pop_back();
    done.push_back(id);
    tree.files.push_back(std::move(file));
    return true;
  }

  Tree take() { return std::move(tree); }

private:
  SourceManager &sources;
  Diagnostics &diags;
  Tree tree;
  std::vector<FileId> open, done;

  void follow(FileId importer, Import &import) {
    LoadResult found = sources.import(importer, import.path);
    if (!found.file) {
      DiagnosticBuilder error = diags.error(import.pathRange, found.error);
      if (!found.note.empty())
        error.note(found.note);
      return;
    }
    import.file = found.file;
    if (load(*found.file))
      return;
    std::string chain;
    auto first = std::find(open.begin(), open.end(), *found.file);
    for (auto it = first; it != open.end(); ++it)
      chain += "\"" + std::string(sources.name(*it)) + "\" imports ";
    diags.error(import.pathRange, "files may not import each other in a circle")
        .note(chain + "\"" + std::string(sources.name(*found.file)) + "\"");
  }
};
} // namespace

Tree parse(SourceManager &sources, FileId root, Diagnostics &diags) {
  Loader loader(sources, diags);
  loader.load(root);
  return loader.take();
}

} // namespace attn_grid::compiler
