// Loops. A `for` that nothing leaves early is an scf.for, which the mask
// analysis reads. Any other loop is an scf.while; a `break` or `return` sets a
// hidden flag, puts what follows it under a condition like a `continue`, and
// the loop asks the flag before its next pass.

#include "compiler/Frontend/KnownRange.h"
#include "compiler/Frontend/Lowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace attn_grid::compiler {

namespace {
/// What of a loop's body leaves the loop.
struct Exits {
  bool breaks = false;  // out of this loop
  bool returns = false; // out of the function
};
} // namespace

static void findExits(llvm::ArrayRef<ast::StmtPtr> stmts, bool inner,
                      Exits &exits) {
  for (const ast::StmtPtr &stmt : stmts) {
    if (const auto *branch = ast::dynAs<ast::IfStmt>(stmt)) {
      findExits(branch->thenBlock.stmts, inner, exits);
      if (branch->elseBlock)
        findExits(branch->elseBlock->stmts, inner, exits);
    } else if (const auto *loop = ast::dynAs<ast::ForStmt>(stmt)) {
      findExits(loop->body.stmts, /*inner=*/true, exits);
    } else if (const auto *loop = ast::dynAs<ast::WhileStmt>(stmt)) {
      findExits(loop->body.stmts, /*inner=*/true, exits);
    } else if (stmt->kind == ast::Stmt::Kind::Break) {
      exits.breaks |= !inner; // that of an inner loop leaves only that
    } else if (stmt->kind == ast::Stmt::Kind::Return) {
      exits.returns = true;
    }
  }
}

unsigned Lowering::declareFlag() {
  Symbol symbol;
  symbol.kind = Symbol::Kind::flag;
  symbol.value =
      Datum::of(numerics().constantInt({DType::boolean, {}}, /*value=*/0));
  return scope().declare(std::move(symbol));
}

void Lowering::setFlag(unsigned flag) {
  scope()[flag].value =
      Datum::of(numerics().constantInt({DType::boolean, {}}, /*value=*/1));
}

Value Lowering::notFlag(unsigned flag) {
  return numerics()
      .unary(UnaryKind::logicalNot, scope()[flag].value.tile)
      .value;
}

Flow Lowering::lowerLoop(llvm::ArrayRef<ast::StmtPtr> body,
                         llvm::function_ref<void()> make) {
  Exits exits;
  findExits(body, /*inner=*/false, exits);
  unsigned mark = scope().size();
  std::optional<unsigned> outerBreak = frame->breakFlag;
  std::optional<unsigned> outerReturn = frame->returnFlag;
  frame->breakFlag.reset();
  if (exits.breaks)
    frame->breakFlag = declareFlag();
  if (exits.returns && !outerReturn)
    frame->returnFlag = declareFlag();
  if (exits.returns && frame->returnsValue)
    prepareResult(); // has a value on every path, used or not
  std::optional<unsigned> returned =
      exits.returns ? frame->returnFlag : std::nullopt;
  ++frame->loops;
  std::swap(frame->loopReturns, exits.returns);
  make();
  frame->loopReturns = exits.returns;
  --frame->loops;
  Flow flow;
  if (returned)
    flow = {Flow::Kind::maybe, notFlag(*returned)};
  frame->breakFlag = outerBreak;
  frame->returnFlag = outerReturn;
  scope().leave(mark);
  return flow;
}

Value Lowering::goesOn(llvm::function_ref<Value()> condition) {
  llvm::SmallVector<unsigned, 2> flags;
  if (frame->breakFlag)
    flags.push_back(*frame->breakFlag);
  if (frame->loopReturns)
    flags.push_back(*frame->returnFlag);
  Value live;
  for (unsigned flag : flags)
    live = live ? builder.createOrFold<arith::AndIOp>(loc, live, notFlag(flag))
                : notFlag(flag);
  if (!live)
    return condition();
  // After a `break` the condition is not looked at again: it may have effects.
  auto branch = scf::IfOp::create(builder, loc, builder.getI1Type(), live,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(builder, loc, condition());
  builder.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(
      builder, loc,
      numerics().constantInt({DType::boolean, {}}, /*value=*/0).value);
  return branch.getResult(0);
}

void Lowering::makeWhile(llvm::ArrayRef<unsigned> vars, Value counter,
                         llvm::function_ref<Value(Value)> condition,
                         llvm::function_ref<Value(Value)> body) {
  auto split = [&](llvm::ArrayRef<Value> all) {
    Value count = counter ? all.front() : Value();
    setValues(vars, all.drop_front(counter ? 1 : 0));
    return count;
  };
  auto join = [&](Value count) {
    llvm::SmallVector<Value> all = valuesOf(vars);
    if (counter)
      all.insert(all.begin(), count);
    return all;
  };
  llvm::SmallVector<Value> inits = join(counter);
  llvm::SmallVector<Type> types(ValueRange(inits).getTypes());
  llvm::SmallVector<Location> locs(inits.size(), loc);
  auto loop = scf::WhileOp::create(builder, loc, types, inits);
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *before = builder.createBlock(&loop.getBefore(), {}, types, locs);
    llvm::SmallVector<Value> args(before->getArguments());
    Value count = split(args);
    Value more = goesOn([&] { return condition(count); });
    scf::ConditionOp::create(builder, loc, more, before->getArguments());
    Block *after = builder.createBlock(&loop.getAfter(), {}, types, locs);
    args.assign(after->args_begin(), after->args_end());
    count = body(split(args));
    scf::YieldOp::create(builder, loc, join(count));
  }
  builder.setInsertionPointAfter(loop);
  llvm::SmallVector<Value> results(loop.getResults());
  split(results);
}

Flow Lowering::lowerWhile(const ast::WhileStmt &stmt) {
  return lowerLoop(stmt.body.stmts, [&] {
    makeWhile(
        assigned(stmt.body.stmts), Value(),
        [&](Value) {
          std::optional<Value> condition = evalCondition(*stmt.condition);
          // After a mistake any value will do.
          return condition
                     ? *condition
                     : numerics().constantInt({DType::boolean, {}}, 0).value;
        },
        [&](Value) {
          lowerBlock(stmt.body);
          return Value();
        });
  });
}

Flow Lowering::lowerFor(const ast::ForStmt &stmt) {
  std::optional<Value> low = evalI32(*stmt.begin, "a loop's bound");
  std::optional<Value> high = evalI32(*stmt.end, "a loop's bound");
  std::optional<Value> step;
  if (stmt.step)
    step = evalI32(*stmt.step, "a loop's step");
  if (!low || !high || (stmt.step && !step))
    return {};
  auto i32 = [&](int64_t value) {
    return numerics().constantInt({DType::i32, {}}, value).value;
  };
  if (!step)
    step = i32(1);
  KnownRange steps = knownRange(*step);
  if (steps.low < 1) { // no pass for a step of 0 or below
    Value forward = builder.createOrFold<arith::CmpIOp>(
        loc, arith::CmpIPredicate::sgt, *step, i32(0));
    high = builder.createOrFold<arith::SelectOp>(loc, forward, *high, *low);
    step = builder.createOrFold<arith::MaxSIOp>(loc, *step, i32(1));
  }
  return lowerLoop(stmt.body.stmts, [&] {
    if (frame->breakFlag || frame->loopReturns)
      makeBreakableFor(stmt, *low, *high, *step);
    else
      makeFor(stmt, *low, *high, *step);
  });
}

void Lowering::lowerForBody(const ast::ForStmt &stmt, Value counter) {
  unsigned mark = scope().size();
  declare(stmt.var, Symbol::Kind::loop,
          Datum::of(TileValue{counter, DType::i32}));
  lowerBlock(stmt.body);
  scope().leave(mark);
}

void Lowering::makeFor(const ast::ForStmt &stmt, Value low, Value high,
                       Value step) {
  // The step past the last pass may not fit in 32 bits: targets count in 64.
  llvm::SmallVector<unsigned> vars = assigned(stmt.body.stmts);
  auto loop = scf::ForOp::create(builder, loc, low, high, step, valuesOf(vars));
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    llvm::SmallVector<Value> carried(loop.getRegionIterArgs());
    setValues(vars, carried);
    lowerForBody(stmt, loop.getInductionVar());
    // A loop without variables has its terminator already.
    if (!loop.getBody()->mightHaveTerminator())
      scf::YieldOp::create(builder, loc, valuesOf(vars));
  }
  llvm::SmallVector<Value> results(loop.getResults());
  setValues(vars, results);
}

void Lowering::makeBreakableFor(const ast::ForStmt &stmt, Value low, Value high,
                                Value step) {
  auto wide = [&](Value value) {
    return numerics().cast({value, DType::i32}, DType::i64).value;
  };
  Value end = wide(high), stride = wide(step);
  makeWhile(
      assigned(stmt.body.stmts), wide(low),
      [&](Value counter) -> Value {
        return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                                     counter, end);
      },
      [&](Value counter) -> Value {
        lowerForBody(stmt,
                     numerics().cast({counter, DType::i64}, DType::i32).value);
        return arith::AddIOp::create(builder, loc, counter, stride);
      });
}

Flow Lowering::lowerBreak(const ast::Stmt &stmt) {
  if (frame->loops == 0)
    error(stmt.range, "`break` stands outside of a loop");
  else
    setFlag(*frame->breakFlag);
  return {Flow::Kind::jumps, Value()};
}

} // namespace attn_grid::compiler
