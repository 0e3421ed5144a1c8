// `grad(f)`: f is lowered as always, on a first argument that is told apart
// from every other value, and then differentiated by it.

#include "compiler/Frontend/BuiltinCall.h"
#include "compiler/Frontend/Differentiate.h"
#include "compiler/Frontend/Lowering.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;

namespace attn_grid::compiler {

/// `grad(f)` alone, where a value is expected.
Datum Lowering::builtinGrad(BuiltinCall &call) {
  std::optional<FunctionRef> fn = resolveFunction(call.call);
  if (!fn)
    return Datum::poison();
  return Datum::of(std::make_shared<const FunctionRef>(*fn));
}

/// A loop that was lowered after `origin`, or null.
static Operation *findLoop(Operation *origin, OpBuilder &builder) {
  Operation *found = nullptr;
  for (auto it = std::next(origin->getIterator()),
            end = builder.getInsertionPoint();
       it != end && !found; ++it)
    it->walk([&](Operation *op) {
      if (isa<LoopLikeOpInterface>(op))
        found = op;
    });
  return found;
}

Datum Lowering::runDerivative(const FunctionRef &fn, Frame &own, bool lifted) {
  const ast::FnDecl &decl = *fn.decl;
  auto first = decl.params.empty()
                   ? std::nullopt
                   : own.scope.find(decl.params.front().name.text);
  TileValue *argument = nullptr;
  if (first && own.scope[*first].value.isTile())
    argument = &own.scope[*first].value.tile;
  if (!argument || !is_float(argument->element) ||
      (!lifted && !argument->isScalar())) {
    error(own.calledAt, "`" + fn.name() +
                            "`: `grad` needs a function whose first parameter "
                            "is a float scalar")
        .note(decl.name.range, "`" + decl.name.text + "` is declared here");
    return Datum::poison();
  }
  Value outside = argument->value;
  auto mark = UnrealizedConversionCastOp::create(builder, loc,
                                                 outside.getType(), outside);
  argument->value = mark.getResult(0);
  Datum result = runBody(decl, own, lifted);
  Datum derivative = Datum::poison();
  if (!result.isPoison()) {
    if (!result.isTile() || !is_float(result.tile.element) ||
        (!lifted && !result.tile.isScalar())) {
      error(own.calledAt,
            "`" + fn.name() +
                "`: `grad` needs a function that gives a float scalar")
          .note(decl.name.range, "`" + decl.name.text + "` is declared here");
    } else if (findLoop(mark, builder)) {
      error(own.calledAt,
            "`" + fn.name() +
                "`: a function with a run-time loop has no `grad`")
          .note(decl.name.range, "`" + decl.name.text + "` is declared here")
          .note("write its terms out, or write the derivative as a function");
    } else {
      Value value = result.tile.value;
      Derivative found{value, nullptr, {}};
      for (int i = 0; i < fn.derivative && found.value; ++i)
        found = differentiate(builder, found.value, mark.getResult(0));
      if (found.value)
        derivative = Datum::of(TileValue{found.value, result.tile.element});
      else
        error(own.calledAt,
              "`" + fn.name() + "`: `grad` has no rule for " + found.problem)
            .note(decl.name.range, "`" + decl.name.text + "` is declared here")
            .note("write the derivative as a function");
    }
  }
  mark.getResult(0).replaceAllUsesWith(outside);
  if (derivative.isTile() && derivative.tile.value == mark.getResult(0))
    derivative.tile.value = outside;
  mark.erase();
  return derivative;
}

} // namespace attn_grid::compiler
