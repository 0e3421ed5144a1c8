#ifndef AG_TEST_SUPPORT_TILEEVALUATOR_H
#define AG_TEST_SUPPORT_TILEEVALUATOR_H
/// Runs the integer part of a tile program, slowly and obviously: what a pass
/// must not change.
///
///     TileEvaluator run(arguments, {3});       // program id 3
///     ASSERT_TRUE(run.evaluate(kernel)) << run.error;
///     run.trace;                               // every stored value, in order
///
/// Integers wrap, `x / 0` is 0. A loop runs over whole numbers: its variable
/// never wraps. A tensor's element is a fixed mix of its indices.

#include "dialect/AgOps.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

#include "llvm/ADT/StringMap.h"

#include <functional>

namespace attn_grid::test {

/// The elements of a tile, row-major, or a scalar; sign extended, but 0 or 1
/// for an i1.
using Elements = std::vector<int64_t>;

/// One run of a kernel.
class TileEvaluator {
public:
  /// `arguments` are by the kernel's argument names (`ag.name`).
  TileEvaluator(llvm::StringMap<int64_t> arguments,
                std::vector<int64_t> programIds)
      : arguments(std::move(arguments)), programIds(std::move(programIds)) {}

  /// False, with a reason in `error`, if something is not supported or the
  /// program takes too long.
  bool evaluate(ir::KernelOp kernel);
  /// The elements of a value that has been computed.
  const Elements &operator[](mlir::Value value) const {
    return values.find(value)->second;
  }
  bool isComputed(mlir::Value value) const { return values.contains(value); }

  /// All values that `ag.store` and `ag.print`-like effects saw, in order.
  std::vector<Elements> trace;
  /// How often each operation ran; reductions by kind: "ag.reduce any".
  llvm::StringMap<unsigned> counts;
  /// Called before each `scf.if`.
  std::function<void(mlir::scf::IfOp)> onTest;
  std::string error;

private:
  bool runBlock(mlir::Block &block);
  bool run(mlir::Operation &op);
  bool runLoop(mlir::scf::ForOp loop);
  bool runTest(mlir::scf::IfOp test);
  bool runLoad(ir::LoadOp load);
  bool runReduce(ir::ReduceOp reduce);
  bool runShape(mlir::Operation &op);
  bool runElementwise(mlir::Operation &op);
  bool fail(const llvm::Twine &what);

  llvm::StringMap<int64_t> arguments;
  std::vector<int64_t> programIds;
  llvm::DenseMap<mlir::Value, Elements> values;
};

} // namespace attn_grid::test

#endif
