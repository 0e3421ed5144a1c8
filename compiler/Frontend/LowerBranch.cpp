// Variables across branches: which are assigned, and how an `if` gives them
// back.

#include "compiler/Frontend/Lowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace attn_grid::compiler {

/// The name at the root of `x` and `s.f.g`; null for elements of a tensor.
static const ast::NameExpr *rootOf(const ast::Expr *target) {
  while (const auto *member = ast::dynAs<ast::MemberExpr>(target))
    target = member->base.get();
  return ast::dynAs<ast::NameExpr>(target);
}

void Lowering::collectAssigned(llvm::ArrayRef<ast::StmtPtr> stmts,
                               llvm::SmallVectorImpl<unsigned> &numbers,
                               bool inLoop) {
  for (const ast::StmtPtr &stmt : stmts) {
    if (const auto *assign = ast::dynAs<ast::AssignStmt>(stmt)) {
      const ast::NameExpr *name = rootOf(assign->target.get());
      // Names that the statements declare themselves are not in scope yet.
      std::optional<unsigned> number =
          name ? scope().find(name->name) : std::nullopt;
      if (number && scope()[*number].kind == Symbol::Kind::var)
        numbers.push_back(*number);
    } else if (const auto *branch = ast::dynAs<ast::IfStmt>(stmt)) {
      collectAssigned(branch->thenBlock.stmts, numbers, inLoop);
      if (branch->elseBlock)
        collectAssigned(branch->elseBlock->stmts, numbers, inLoop);
    } else if (const auto *loop = ast::dynAs<ast::ForStmt>(stmt)) {
      collectAssigned(loop->body.stmts, numbers, /*inLoop=*/true);
    } else if (const auto *loop = ast::dynAs<ast::WhileStmt>(stmt)) {
      collectAssigned(loop->body.stmts, numbers, /*inLoop=*/true);
    } else if (ast::dynAs<ast::ReturnStmt>(stmt)) {
      if (frame->returnsValue)
        numbers.push_back(frame->resultSymbol);
      if (frame->returnFlag)
        numbers.push_back(*frame->returnFlag);
    } else if (ast::dynAs<ast::BreakStmt>(stmt) && frame->breakFlag &&
               !inLoop) {
      numbers.push_back(*frame->breakFlag); // of a loop in `stmts` otherwise
    }
  }
}

llvm::SmallVector<unsigned>
Lowering::assigned(llvm::ArrayRef<ast::StmtPtr> stmts) {
  llvm::SmallVector<unsigned> numbers;
  collectAssigned(stmts, numbers);
  llvm::sort(numbers);
  numbers.erase(llvm::unique(numbers), numbers.end());
  return numbers;
}

llvm::SmallVector<Value> Lowering::valuesOf(llvm::ArrayRef<unsigned> vars) {
  llvm::SmallVector<Value> values;
  for (unsigned number : vars)
    flatten(scope()[number].value, values);
  return values;
}

void Lowering::setValues(llvm::ArrayRef<unsigned> vars,
                         llvm::ArrayRef<Value> values) {
  for (unsigned number : vars)
    refill(scope()[number].value, values);
}

Flow Lowering::lowerBranches(Value condition, llvm::ArrayRef<unsigned> vars,
                             llvm::function_ref<Flow()> thenBody,
                             llvm::function_ref<Flow()> elseBody) {
  // What a function returns has a value on every path, used or not.
  for (unsigned number : vars)
    if (scope()[number].kind == Symbol::Kind::result)
      prepareResult();
  // Whether the `if` gives a `live` flag is known only after its branches, so
  // they are made in an `if` without results and moved.
  auto draft = scf::IfOp::create(builder, loc, TypeRange(), condition,
                                 /*withElseRegion=*/true);
  llvm::SmallVector<Value> before = valuesOf(vars);
  llvm::SmallVector<Value> yields[2];
  Flow flows[2];
  Block *blocks[2] = {draft.thenBlock(), draft.elseBlock()};
  for (int side : {0, 1}) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(blocks[side]->getTerminator());
    flows[side] = side ? elseBody() : thenBody();
    yields[side] = valuesOf(vars);
    setValues(vars, before);
  }
  Flow flow = joinFlows(condition, draft, flows, yields);
  llvm::SmallVector<Type> types;
  for (Value value : yields[0])
    types.push_back(value.getType());
  auto branch = scf::IfOp::create(builder, loc, types, condition,
                                  /*withElseRegion=*/true);
  branch.getThenRegion().takeBody(draft.getThenRegion());
  branch.getElseRegion().takeBody(draft.getElseRegion());
  for (int side : {0, 1})
    blocks[side]->getTerminator()->setOperands(yields[side]);
  draft.erase();
  llvm::SmallVector<Value> results(branch.getResults());
  if (flow.kind == Flow::Kind::maybe && !flow.live)
    flow.live = results.pop_back_val();
  setValues(vars, results);
  return flow;
}

Flow Lowering::joinFlows(
    Value condition, scf::IfOp branch, llvm::ArrayRef<Flow> flows,
    llvm::MutableArrayRef<llvm::SmallVector<Value>> yields) {
  using Kind = Flow::Kind;
  if (flows[0].kind == flows[1].kind && flows[0].kind != Kind::maybe)
    return flows[0];
  if (flows[0].kind == Kind::falls && flows[1].kind == Kind::jumps)
    return {Kind::maybe, condition};
  if (flows[0].kind == Kind::jumps && flows[1].kind == Kind::falls) {
    TileValue entered{condition, DType::boolean};
    return {Kind::maybe,
            numerics().unary(UnaryKind::logicalNot, entered).value};
  }
  // One side only maybe goes on: the `if` gives whether it did.
  for (int side : {0, 1}) {
    OpBuilder::InsertionGuard guard(builder);
    Block *block = side ? branch.elseBlock() : branch.thenBlock();
    builder.setInsertionPoint(block->getTerminator());
    Value live = flows[side].live;
    if (flows[side].kind != Kind::maybe)
      live = numerics()
                 .constantInt({DType::boolean, {}},
                              flows[side].kind == Kind::falls)
                 .value;
    yields[side].push_back(live);
  }
  return {Kind::maybe, Value()};
}

/// Zeros for a scalar, tile, struct or tuple.
Datum Lowering::zerosOf(const DataType &type) {
  if (type.structure || !type.tuple.empty()) {
    Datum datum =
        Datum::of(type.structure ? Datum::Kind::structure : Datum::Kind::tuple);
    datum.structure = type.structure;
    const auto &parts = type.structure ? type.structure->fields : type.tuple;
    for (const DataType &part : parts)
      datum.parts.push_back(zerosOf(part));
    return datum;
  }
  return Datum::of(
      numerics().constant(type.tile.element, type.tile.shape, constInt(0)));
}

void Lowering::prepareResult() {
  Symbol &symbol = scope()[frame->resultSymbol];
  if (symbol.value.kind != Datum::Kind::none || !frame->result)
    return;
  if (frame->lifted) {
    // The result's shape follows from the value, which is not known yet.
    unsupported(frame->calledAt,
                "a `return` under an `if` or in a loop of a function "
                "applied to tiles",
                "choose the value with `where`");
    return;
  }
  symbol.value = zerosOf(*frame->result);
}

} // namespace attn_grid::compiler
