#include "test/unit/Syntax.h"

namespace attn_grid::compiler::test {

using namespace ast;

template <typename List, typename Show>
static std::string join(const List &list, Show show) {
  std::string text;
  for (const auto &element : list)
    text += (text.empty() ? "" : ", ") + show(element);
  return text;
}

static std::string show(const ExprPtr &expr) { return show(expr.get()); }

static std::string show(const std::vector<GenericArg> &args) {
  if (args.empty())
    return "";
  return "<" +
         join(args,
              [](const GenericArg &arg) {
                return (arg.name ? arg.name->text + " = " : "") +
                       (arg.type ? "type " + show(arg.type.get())
                                 : show(arg.value.get()));
              }) +
         ">";
}

static std::string show(const std::vector<Arg> &args) {
  return "(" +
         join(args,
              [](const Arg &arg) {
                return (arg.name ? arg.name->text + " = " : "") +
                       show(arg.value.get());
              }) +
         ")";
}

static std::string show(const std::vector<ExprPtr> &list) {
  return "[" + join(list, [](const ExprPtr &e) { return show(e); }) + "]";
}

static std::string show(const Indexer &indexer) {
  std::string step = indexer.step ? " step " + show(indexer.step) : "";
  switch (indexer.kind) {
  case Indexer::Kind::Element:
    return show(indexer.first);
  case Indexer::Kind::Window:
    return show(indexer.first) + " +: " + show(indexer.second) + step;
  case Indexer::Kind::Range:
    return show(indexer.first) + " .. " + show(indexer.second) + step;
  case Indexer::Kind::All:
    return ":";
  case Indexer::Kind::NewAxis:
    return "None";
  }
  return "?";
}

std::string show(const ast::Expr *expr) {
  if (!expr)
    return "null";
  if (const auto *e = dynAs<IntLiteral>(expr))
    return std::to_string(e->value);
  if (const auto *e = dynAs<FloatLiteral>(expr)) {
    char buffer[40];
    std::snprintf(buffer, sizeof buffer, "%g", e->value);
    return std::string("f:") + buffer;
  }
  if (const auto *e = dynAs<BoolLiteral>(expr))
    return e->value ? "true" : "false";
  if (const auto *e = dynAs<StringLiteral>(expr))
    return "\"" + e->value + "\"";
  if (const auto *e = dynAs<NameExpr>(expr))
    return e->name;
  if (const auto *e = dynAs<UnaryExpr>(expr))
    return std::string("(") + spelling(e->op) + " " + show(e->operand) + ")";
  if (const auto *e = dynAs<BinaryExpr>(expr))
    return "(" + show(e->lhs) + " " + spelling(e->op) + " " + show(e->rhs) +
           ")";
  if (const auto *e = dynAs<CallExpr>(expr))
    return show(e->callee) + show(e->generics) + show(e->args);
  if (const auto *e = dynAs<MakerExpr>(expr))
    return "make " + e->name.text + show(e->generics) + show(e->dims) +
           (e->hasArgs ? show(e->args) : "");
  if (const auto *e = dynAs<StructExpr>(expr))
    return "struct " + e->name.text + show(e->generics) + " {" +
           join(e->fields,
                [](const StructExpr::Field &f) {
                  return f.name.text + ": " + show(f.value);
                }) +
           "}";
  if (const auto *e = dynAs<IndexExpr>(expr))
    return show(e->base) + "[" +
           join(e->indexers, [](const Indexer &i) { return show(i); }) + "]";
  if (const auto *e = dynAs<MemberExpr>(expr))
    return show(e->base) + "." + e->member.text;
  if (const auto *e = dynAs<ListExpr>(expr))
    return "list " + show(e->elements);
  return "?";
}

static std::string show(const TypePtr &type) { return show(type.get()); }

std::string show(const TypeExpr *type) {
  if (!type)
    return "none";
  auto one = [](const TypePtr &t) { return show(t); };
  if (const auto *t = dynAs<NamedType>(type))
    return t->name.text + show(t->generics);
  if (const auto *t = dynAs<AccType>(type))
    return "acc<" + show(t->of) + ">";
  if (const auto *t = dynAs<TileType>(type))
    return "tile<" + show(t->element) + ">" + show(t->dims);
  if (const auto *t = dynAs<TensorType>(type))
    return "tensor<" + show(t->element) + ">" + show(t->dims);
  if (const auto *t = dynAs<TupleType>(type))
    return "(" + join(t->elements, one) + ")";
  if (const auto *t = dynAs<FunctionType>(type))
    return "(" + join(t->params, one) + ") -> " + show(t->result);
  return "?";
}

std::string show(const Stmt *stmt) {
  if (const auto *s = dynAs<LetStmt>(stmt)) {
    const char *words[] = {"let", "var", "const"};
    std::string names = join(s->names, [](const Name &n) { return n.text; });
    return std::string(words[static_cast<int>(s->binding)]) + " " +
           (s->isTuple ? "(" + names + ")" : names) + " = " + show(s->value);
  }
  if (const auto *s = dynAs<AssignStmt>(stmt))
    return show(s->target) + " " + (s->op ? spelling(*s->op) : "") + "= " +
           show(s->value);
  if (const auto *s = dynAs<IfStmt>(stmt))
    return std::string(s->isConst ? "const " : "") + "if " +
           show(s->condition) + " {" +
           std::to_string(s->thenBlock.stmts.size()) + "}" +
           (s->elseBlock
                ? " else {" + std::to_string(s->elseBlock->stmts.size()) + "}"
                : "");
  if (const auto *s = dynAs<WhileStmt>(stmt))
    return "while " + show(s->condition);
  if (const auto *s = dynAs<ForStmt>(stmt))
    return "for " + s->var.text + " in " + show(s->begin) + " .. " +
           show(s->end) + (s->step ? " step " + show(s->step) : "");
  if (const auto *s = dynAs<ReturnStmt>(stmt))
    return "return " + show(s->values);
  if (dynAs<BreakStmt>(stmt))
    return "break";
  if (const auto *s = dynAs<ContinueStmt>(stmt))
    return s->unless ? "continue unless " + show(s->unless) : "continue";
  if (const auto *s = dynAs<ExprStmt>(stmt))
    return "call " + show(s->value);
  return "?";
}

std::string showExpr(const std::string &text) {
  Parsed parsed("const c = " + text + ";");
  const auto *decl = dynAs<ConstDecl>(parsed.decl());
  return parsed.diags.hasErrors() || !decl ? parsed.diags.render()
                                           : show(decl->value);
}

std::string messages(const std::string &text) {
  return Parsed(text).diags.render();
}

std::string firstMessage(const std::string &text) {
  std::string all = messages(text);
  std::string line = all.substr(0, all.find('\n'));
  return line.starts_with("k.ag:") ? line.substr(5) : line;
}

} // namespace attn_grid::compiler::test
