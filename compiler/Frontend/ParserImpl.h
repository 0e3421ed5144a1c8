#ifndef AG_COMPILER_FRONTEND_PARSERIMPL_H
#define AG_COMPILER_FRONTEND_PARSERIMPL_H
/// The parser's inside; clients use Parser.h. One method per construct, in a
/// file per family: ParserDecl, ParserKernel, ParserStmt, ParserExpr,
/// ParserType. Parser.cpp has tokens, messages and recovery.
///
/// A method that fails has reported it, gives null or false, and leaves the
/// parser where it found what it did not expect. Whoever owns a list of things
/// (statements, declarations) recovers.

#include "compiler/Frontend/Lexer.h"
#include "compiler/Frontend/Parser.h"

namespace attn_grid::compiler {

class Parser {
public:
  using Kind = Token::Kind;

  Parser(const SourceManager &sources, FileId file, Diagnostics &diags,
         TokenRoles *roles = nullptr);
  std::unique_ptr<ast::File> parseFile();
  GivenText parseGivenText(const std::string &name, bool variant);

private:
  const SourceManager &sources;
  FileId file;
  Diagnostics &diags;
  TokenRoles *roles; // null: nobody asks
  TokenList list;
  size_t position = 0;
  int depth = 0; // of nested constructs, see DepthGuard
  /// An expression already parsed, with which the next primary begins.
  ast::ExprPtr begun;
  /// After nesting too deep nothing more is read or reported.
  bool abandoned = false;
  /// What a function or variant without a name is called; empty: a mistake.
  std::string defaultName;
  /// Inside `<...>`, where `>` closes. Parentheses make it false again.
  bool inGenerics = false;

  // ------------------------------------------------------- tokens, Parser.cpp
  const Token &peek(size_t ahead = 0) const;
  bool at(Kind kind) const { return peek().kind == kind; }
  /// At a plain name with this text, such as `step`?
  bool atWord(std::string_view word, size_t ahead = 0) const;
  Token take();
  bool accept(Kind kind);
  bool acceptWord(std::string_view word);
  /// Takes the first `>` of `>`, `>>`, `>=` or `>>=`, and leaves the rest.
  /// Does a `>` come next, be it the first letter of another token?
  bool atGreater() const;
  bool acceptGreater();
  /// Takes the `<` of `<...>`, at which the parser is.
  SourceRange takeLess();
  std::string_view textOf(const Token &token) const;
  std::string docOf(const Token &token) const;
  SourceRange rangeOf(const Token &token) const;
  SourceRange here() const { return rangeOf(peek()); }
  /// Where the last token taken ended.
  SourceRange previousEnd() const;
  /// From `begin` to the last token taken.
  SourceRange since(SourceRange begin) const;

  // --------------------------------------------------------------- messages
  /// The current token as a message names it: "`let`", "the end of the file".
  std::string found() const;
  DiagnosticBuilder fail(SourceRange range, std::string message);
  /// "expected WHAT, found ..." here; nothing if the token is already reported.
  DiagnosticBuilder unexpected(const std::string &what);
  /// Takes `kind`, or reports "expected `;` after WHERE, found ...".
  bool expect(Kind kind, const std::string &where);
  /// As `expect`, for what closes the bracket at `open`.
  bool expectClose(Kind kind, SourceRange open);
  bool expectGreater(SourceRange open);
  bool expectSemicolon(const std::string &where);
  bool parseName(ast::Name &name, const std::string &what);
  /// The same for a declaration, whose name a snippet may leave away.
  bool parseDeclName(ast::Name &name, const std::string &what);

  // --------------------------------------------------------------- recovery
  bool atDeclaration() const;
  bool atStatementKeyword() const;
  /// Skips to what can begin a statement or end a block.
  void recoverStatement();
  /// Skips to what can begin a declaration.
  void recoverDeclaration();
  /// Skips to the body of a function whose head is wrong, if there is one.
  bool skipToBody();

  /// Counts how deep constructs are nested; past the limit `ok` is false and
  /// the mistake is reported.
  struct DepthGuard {
    explicit DepthGuard(Parser &parser);
    ~DepthGuard() { --parser.depth; }
    Parser &parser;
    bool ok;
  };
  /// Sets `inGenerics` for a scope.
  struct GenericScope {
    GenericScope(Parser &parser, bool value)
        : parser(parser), before(parser.inGenerics) {
      parser.inGenerics = value;
    }
    ~GenericScope() { parser.inGenerics = before; }
    Parser &parser;
    bool before;
  };

  // ------------------------------------------------ declarations, ParserDecl
  ast::DeclPtr parseDeclaration();
  bool parseImport(ast::Import &import);
  ast::DeclPtr parseConstDecl();
  ast::DeclPtr parseStruct();
  std::unique_ptr<ast::FnDecl> parseFn();
  bool parseFnHead(ast::FnDecl &decl);
  ast::DeclPtr parseVariant();
  /// `<...>`, if there is one.
  bool parseGenericParams(std::vector<ast::GenericParam> &params);
  bool parseGenericParam(ast::GenericParam &param);
  bool parseTypeClass(ast::GenericParam &param);
  bool parseConstKind(ast::GenericParam &param);
  /// `(...)`.
  bool parseParams(std::vector<ast::Param> &params);
  bool parseParam(ast::Param &param);
  bool checkDistinct(const ast::Name &name, const ast::Name &earlier,
                     const char *what);

  // ----------------------------------------------------- kernels, ParserKernel
  ast::DeclPtr parseKernel();
  bool parseKernelHead(ast::KernelDecl &kernel);
  bool parseKernelClauses(ast::KernelDecl &kernel);
  bool parseWhere(ast::KernelDecl &kernel);
  bool parseGrid(ast::KernelDecl &kernel);
  bool parseTune(ast::KernelDecl &kernel);
  bool parseTuneEntry(ast::TuneEntry &entry);

  // -------------------------------------------------- statements, ParserStmt
  bool parseBlock(ast::Block &block, const std::string &where);
  void refuseNestedFunction();
  ast::StmtPtr parseStatement();
  ast::StmtPtr parseLet(ast::LetStmt::Binding binding);
  ast::StmtPtr parseIf(SourceRange begin, bool isConst);
  ast::StmtPtr parseWhile();
  ast::StmtPtr parseFor();
  ast::StmtPtr parseReturn();
  ast::StmtPtr parseContinue();
  ast::StmtPtr parseAssignOrCall();
  bool checkAssignable(const ast::Expr &target);

  // ------------------------------------------------- expressions, ParserExpr
  ast::ExprPtr parseExpr();
  ast::ExprPtr parseOr();
  ast::ExprPtr parseAnd();
  ast::ExprPtr parseNot();
  ast::ExprPtr parseComparison();
  ast::ExprPtr parseBinary(int level);
  ast::ExprPtr parseUnary();
  ast::ExprPtr parsePower();
  ast::ExprPtr parsePrimary();
  ast::ExprPtr parseInteger();
  ast::ExprPtr parseFloat();
  ast::ExprPtr makeBinary(ast::BinaryOp op, SourceRange opRange,
                          ast::ExprPtr lhs, ast::ExprPtr rhs);
  /// Sets the height of an expression from the highest of its children; false,
  /// and reported, if it is too high.
  bool closeHeight(ast::Expr &expr, uint32_t heightOfChildren);

  // --------------------------- calls, indices, makers, in ParserPostfix.cpp
  ast::ExprPtr parsePostfix();
  ast::ExprPtr parseNamed();
  ast::ExprPtr parseCall(ast::ExprPtr callee,
                         std::vector<ast::GenericArg> generics);
  ast::ExprPtr parseMaker(ast::Name name,
                          std::vector<ast::GenericArg> generics);
  ast::ExprPtr parseStructMaker(ast::Name name,
                                std::vector<ast::GenericArg> generics);
  ast::ExprPtr parseIndex(ast::ExprPtr base);
  ast::ExprPtr parseMember(ast::ExprPtr base);
  /// `(...)`; with `mixed`, arguments without a name may follow named ones.
  bool parseArgs(std::vector<ast::Arg> &args, uint32_t &height,
                 bool mixed = false);
  bool parseArg(ast::Arg &arg);
  ast::ExprPtr parseList();
  ast::ExprPtr parseString();
  bool parseIndexer(ast::Indexer &indexer);
  bool genericsAhead(size_t ahead) const;
  bool structMakerAhead() const;

  // -------------------------------------------------------- types, ParserType
  ast::TypePtr parseType();
  ast::TypePtr parseNamedType();
  ast::TypePtr parseResultType();
  std::unique_ptr<ast::FunctionType> parseFunctionType();
  /// `<...>`, at the `<`.
  bool parseGenericArgs(std::vector<ast::GenericArg> &args);
  bool parseGenericArg(ast::GenericArg &arg);
  /// `[...]` of a type or maker, at the `[`.
  bool parseDims(std::vector<ast::ExprPtr> &dims);
  bool typeAhead() const;
};

} // namespace attn_grid::compiler

#endif
