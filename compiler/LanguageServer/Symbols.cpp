#include "compiler/LanguageServer/Symbols.h"

namespace attn_grid::compiler::lsp {

using namespace ast;

namespace {
/// Walks declarations, and statements for what they bind.
class Collector {
public:
  std::vector<Symbol> symbols;

  void declaration(const Decl &decl);

private:
  std::string owner;

  Symbol &add(Symbol::Kind kind, const Name &name, SourceRange declaration,
              SourceRange scope);
  void global(Symbol::Kind kind, const Decl &decl, SourceRange head);
  void generics(const std::vector<GenericParam> &params, SourceRange scope);
  void params(const std::vector<Param> &params, SourceRange scope);
  void extents(const Param &param, const Expr &dim, SourceRange scope);
  void function(const FnDecl &fn);
  void block(const Block &block);
  void statement(const Stmt &stmt, const Block &around);
  bool knows(std::string_view name, SourceRange scope) const;
};
} // namespace

Symbol &Collector::add(Symbol::Kind kind, const Name &name,
                       SourceRange declaration, SourceRange scope) {
  Symbol &symbol = symbols.emplace_back();
  symbol.kind = kind;
  symbol.name = name.text;
  symbol.range = name.range;
  symbol.declaration = declaration;
  symbol.scope = scope;
  symbol.owner = owner;
  return symbol;
}

void Collector::global(Symbol::Kind kind, const Decl &decl, SourceRange head) {
  owner.clear();
  add(kind, decl.name, head, SourceRange()).doc = decl.doc;
  owner = decl.name.text;
}

void Collector::generics(const std::vector<GenericParam> &params,
                         SourceRange scope) {
  for (const GenericParam &param : params)
    add(param.kind == GenericParam::Kind::Type       ? Symbol::Kind::type
        : param.kind == GenericParam::Kind::Function ? Symbol::Kind::function
                                                     : Symbol::Kind::constant,
        param.name, param.range, scope);
}

bool Collector::knows(std::string_view name, SourceRange scope) const {
  for (const Symbol &symbol : symbols)
    if (symbol.name == name && symbol.scope == scope)
      return true;
  return false;
}

/// The names in a dimension that nothing else declares.
void Collector::extents(const Param &param, const Expr &dim,
                        SourceRange scope) {
  if (const auto *name = dynAs<NameExpr>(&dim)) {
    if (!knows(name->name, scope))
      add(Symbol::Kind::extent, {name->name, name->range}, param.range, scope)
          .remark = "an extent, bound by `" + param.name.text + "`";
  } else if (const auto *binary = dynAs<BinaryExpr>(&dim)) {
    extents(param, *binary->lhs, scope);
    extents(param, *binary->rhs, scope);
  }
}

void Collector::params(const std::vector<Param> &params, SourceRange scope) {
  for (const Param &param : params)
    add(Symbol::Kind::parameter, param.name, param.range, scope).doc =
        param.doc;
  for (const Param &param : params)
    if (const auto *tensor = dynAs<TensorType>(param.type))
      for (const ExprPtr &dim : tensor->dims)
        extents(param, *dim, scope);
}

void Collector::statement(const Stmt &stmt, const Block &around) {
  if (const auto *let = dynAs<LetStmt>(&stmt)) {
    SourceRange rest{around.range.file, let->range.begin, around.range.end};
    for (const Name &name : let->names)
      add(let->binding == LetStmt::Binding::Const ? Symbol::Kind::constant
                                                  : Symbol::Kind::variable,
          name, let->range, rest);
  } else if (const auto *branch = dynAs<IfStmt>(&stmt)) {
    block(branch->thenBlock);
    if (branch->elseBlock)
      block(*branch->elseBlock);
  } else if (const auto *loop = dynAs<WhileStmt>(&stmt)) {
    block(loop->body);
  } else if (const auto *loop = dynAs<ForStmt>(&stmt)) {
    SourceRange head = loop->range;
    head.end = std::max(head.begin, loop->body.range.begin);
    add(Symbol::Kind::variable, loop->var, head, loop->range);
    block(loop->body);
  }
}

void Collector::block(const Block &block) {
  for (const StmtPtr &stmt : block.stmts)
    statement(*stmt, block);
}

/// A declaration up to its body.
static SourceRange headOf(const Decl &decl, const Block &body) {
  SourceRange head = decl.range;
  head.end = std::max(head.begin, body.range.begin);
  return head;
}

void Collector::function(const FnDecl &fn) {
  generics(fn.generics, fn.range);
  params(fn.params, fn.range);
  block(fn.body);
}

void Collector::declaration(const Decl &decl) {
  if (decl.kind == Decl::Kind::Const) {
    global(Symbol::Kind::constant, decl, decl.range);
  } else if (const auto *structure = dynAs<StructDecl>(&decl)) {
    global(Symbol::Kind::structure, decl, decl.range);
    generics(structure->generics, decl.range);
    for (const StructDecl::Field &field : structure->fields)
      add(Symbol::Kind::field, field.name, field.range, decl.range).doc =
          field.doc;
  } else if (const auto *fn = dynAs<FnDecl>(&decl)) {
    global(Symbol::Kind::function, decl, headOf(*fn, fn->body));
    function(*fn);
  } else if (const auto *kernel = dynAs<KernelDecl>(&decl)) {
    global(Symbol::Kind::kernel, decl, headOf(*kernel, kernel->body));
    generics(kernel->generics, decl.range);
    params(kernel->params, decl.range);
    block(kernel->body);
  } else if (const auto *variant = dynAs<VariantDecl>(&decl)) {
    SourceRange head = decl.range;
    if (!variant->functions.empty())
      head.end = variant->functions.front()->range.begin;
    global(Symbol::Kind::variant, decl, head);
    generics(variant->generics, decl.range);
    params(variant->params, decl.range);
    for (const auto &fn : variant->functions) {
      add(Symbol::Kind::function, fn->name, headOf(*fn, fn->body), decl.range)
          .doc = fn->doc;
      function(*fn);
    }
  }
}

std::vector<Symbol> collectSymbols(const Tree &tree) {
  Collector collector;
  for (const auto &file : tree.files)
    for (const DeclPtr &decl : file->decls)
      collector.declaration(*decl);
  return std::move(collector.symbols);
}

bool isVisible(const Symbol &symbol, SourceRange place) {
  if (symbol.kind == Symbol::Kind::field)
    return false;
  if (!symbol.scope.valid())
    return symbol.range.file == place.file || !symbol.name.starts_with("_");
  return symbol.scope.file == place.file && symbol.scope.begin <= place.begin &&
         place.begin <= symbol.scope.end;
}

const Symbol *findSymbol(const std::vector<Symbol> &symbols,
                         std::string_view name, SourceRange place) {
  for (const Symbol &symbol : symbols)
    if (symbol.name == name && isVisible(symbol, place))
      return &symbol;
  return nullptr;
}

const Symbol *findField(const std::vector<Symbol> &symbols,
                        std::string_view structure, std::string_view name) {
  for (const Symbol &symbol : symbols)
    if (symbol.kind == Symbol::Kind::field && symbol.name == name &&
        symbol.owner == structure)
      return &symbol;
  return nullptr;
}

} // namespace attn_grid::compiler::lsp
