// Statements, in order. A jump is not an operation: what follows a `continue`
// or `return` that may happen is put under the condition that it did not.

#include "compiler/Frontend/Lowering.h"

using namespace mlir;

namespace attn_grid::compiler {

Flow Lowering::lowerBlock(const ast::Block &block) {
  unsigned mark = scope().size();
  Flow flow = lowerStmts(block.stmts);
  scope().leave(mark);
  return flow;
}

Flow Lowering::lowerStmts(llvm::ArrayRef<ast::StmtPtr> stmts) {
  for (auto [index, stmt] : llvm::enumerate(stmts)) {
    Nest nest(*this, stmt->range);
    if (nest.tooDeep)
      return {};
    At at(*this, stmt->range);
    Flow flow = lowerStmt(*stmt);
    if (flow.kind == Flow::Kind::jumps)
      return flow; // nothing reaches the rest
    if (flow.kind == Flow::Kind::maybe)
      return guardRest(flow.live, stmts.drop_front(index + 1));
  }
  return {};
}

Flow Lowering::guardRest(Value live, llvm::ArrayRef<ast::StmtPtr> rest) {
  if (rest.empty())
    return {Flow::Kind::maybe, live};
  return lowerBranches(
      live, assigned(rest), [&] { return lowerStmts(rest); },
      [] { return Flow{Flow::Kind::jumps, Value()}; });
}

Flow Lowering::lowerStmt(const ast::Stmt &stmt) {
  switch (stmt.kind) {
  case ast::Stmt::Kind::Let:
    lowerLet(static_cast<const ast::LetStmt &>(stmt));
    return {};
  case ast::Stmt::Kind::Assign:
    lowerAssign(static_cast<const ast::AssignStmt &>(stmt));
    return {};
  case ast::Stmt::Kind::If:
    return lowerIf(static_cast<const ast::IfStmt &>(stmt));
  case ast::Stmt::Kind::For:
    return lowerFor(static_cast<const ast::ForStmt &>(stmt));
  case ast::Stmt::Kind::Return:
    return lowerReturn(static_cast<const ast::ReturnStmt &>(stmt));
  case ast::Stmt::Kind::Continue:
    return lowerContinue(static_cast<const ast::ContinueStmt &>(stmt));
  case ast::Stmt::Kind::While:
    return lowerWhile(static_cast<const ast::WhileStmt &>(stmt));
  case ast::Stmt::Kind::Break:
    return lowerBreak(stmt);
  case ast::Stmt::Kind::Expr:
    eval(*static_cast<const ast::ExprStmt &>(stmt).value);
    return {};
  }
  return {};
}

Flow Lowering::lowerConstIf(const ast::IfStmt &stmt) {
  std::optional<bool> taken =
      evalConstBool(*stmt.condition, "the condition of a `const if`");
  if (!taken)
    return {};
  if (*taken)
    return lowerBlock(stmt.thenBlock);
  return stmt.elseBlock ? lowerBlock(*stmt.elseBlock) : Flow();
}

Flow Lowering::lowerIf(const ast::IfStmt &stmt) {
  if (stmt.isConst)
    return lowerConstIf(stmt);
  std::optional<Value> condition = evalCondition(*stmt.condition);
  if (!condition)
    return {};
  llvm::SmallVector<unsigned> vars = assigned(stmt.thenBlock.stmts);
  if (stmt.elseBlock)
    collectAssigned(stmt.elseBlock->stmts, vars);
  llvm::sort(vars);
  vars.erase(llvm::unique(vars), vars.end());
  return lowerBranches(
      *condition, vars, [&] { return lowerBlock(stmt.thenBlock); },
      [&] { return stmt.elseBlock ? lowerBlock(*stmt.elseBlock) : Flow(); });
}

Flow Lowering::lowerContinue(const ast::ContinueStmt &stmt) {
  if (frame->loops == 0) {
    error(stmt.range, "`continue` stands outside of a loop");
    return {};
  }
  if (!stmt.unless)
    return {Flow::Kind::jumps, Value()};
  std::optional<Value> live = evalCondition(*stmt.unless);
  if (!live)
    return {};
  return {Flow::Kind::maybe, *live};
}

Flow Lowering::lowerReturn(const ast::ReturnStmt &stmt) {
  Flow done{Flow::Kind::jumps, Value()};
  std::vector<Datum> values;
  for (const ast::ExprPtr &value : stmt.values)
    values.push_back(evalAs(*value, frame->result.value_or(DataType())));
  if (llvm::any_of(values, [](const Datum &d) { return d.isPoison(); }))
    return done;
  if (frame->returnsValue == values.empty()) {
    error(stmt.range, frame->returnsValue
                          ? "`" + frame->decl->name.text + "` must return " +
                                format(*frame->result)
                          : "`" + frame->decl->name.text +
                                "` declares no result, so `return` has no "
                                "value");
    return done;
  }
  if (frame->returnFlag)
    setFlag(*frame->returnFlag);
  if (values.empty())
    return done;
  SourceRange range = stmt.values.front()->range.to(stmt.values.back()->range);
  Operand operand{values.size() == 1 ? values[0]
                                     : Datum::ofTuple(std::move(values)),
                  range};
  Datum result;
  if (frame->lifted) {
    auto value = adapt(operand, frame->result->tile.element, "the result");
    result = value ? Datum::of(*value) : Datum::poison();
  } else {
    result = convertTo(operand, *frame->result, "the result");
  }
  if (!result.isPoison())
    scope()[frame->resultSymbol].value = std::move(result);
  return done;
}

void Lowering::declare(const ast::Name &name, Symbol::Kind kind, Datum value) {
  if (observer && !value.isPoison())
    observer(name.range, describe(value));
  Symbol symbol;
  symbol.kind = kind;
  symbol.name = name.text;
  symbol.declared = name.range;
  symbol.type = typeOf(value);
  symbol.value = std::move(value);
  scope().declare(std::move(symbol));
}

void Lowering::lowerLet(const ast::LetStmt &stmt) {
  using Binding = ast::LetStmt::Binding;
  if (stmt.binding == Binding::Const) {
    std::optional<ConstValue> value = evalConst(*stmt.value, "a const");
    declare(stmt.names.front(), Symbol::Kind::constant,
            value ? Datum::of(*value) : Datum::poison());
    return;
  }
  bool isVar = stmt.binding == Binding::Var;
  Symbol::Kind kind = isVar ? Symbol::Kind::var : Symbol::Kind::let;
  Datum value = alone(eval(*stmt.value), stmt.value->range);
  if (stmt.isTuple && !value.isPoison()) {
    if (value.kind != Datum::Kind::tuple ||
        value.parts.size() != stmt.names.size()) {
      std::string found = value.kind == Datum::Kind::tuple
                              ? std::to_string(value.parts.size()) + " values"
                              : describe(value);
      error(stmt.value->range, "expected " + std::to_string(stmt.names.size()) +
                                   " values to take apart, found " + found);
      value = Datum::poison();
    }
  }
  if (stmt.isTuple) {
    for (auto [index, name] : llvm::enumerate(stmt.names))
      declare(name, kind, value.isPoison() ? value : value.parts[index]);
    return;
  }
  bool isView = value.isTensor() || value.kind == Datum::Kind::absent;
  if (isVar && isView) {
    error(stmt.value->range, "a `var` cannot be a tensor")
        .note("bind the view with `let`");
    value = Datum::poison();
  } else if (value.kind == Datum::Kind::none) {
    value = poison(stmt.value->range, "this call gives no value");
  } else if (value.kind != Datum::Kind::structure && !isView &&
             !expectValue({value, stmt.value->range})) {
    value = Datum::poison();
  }
  declare(stmt.names.front(), kind, std::move(value));
}

} // namespace attn_grid::compiler
