#ifndef AG_COMPILER_REFERENCE_INTERPRETER_H
#define AG_COMPILER_REFERENCE_INTERPRETER_H
/// Runs `ag.kernel`s as they are written, slowly and obviously: what each op
/// means, in executable form. Targets are compared with it.
///
///     Interpreter run(kernel, slots);             // a launch's flat struct
///     for (uint32_t program = 0; program < count; ++program)
///       if (failed(run.runProgram(program))) ...  // reported at the op
///
/// Every value is computed where it stands, and kept; elements are f64 or i64,
/// rounded or wrapped to their type after each operation. Sums and dots go in
/// the order of their elements, in the accumulator's type.
///
/// Each op group is one file, with a function below; it returns nothing for
/// operations that are not its own.

#include "compiler/Reference/Tile.h"
#include "dialect/AgOps.h"

#include <functional>
#include <string>

namespace attn_grid::compiler::reference {

/// What a program printed.
struct Printed {
  std::string text;
  std::vector<Tile> values;
};

struct InterpreterOptions {
  /// A program that runs more operations is an error.
  int64_t maxSteps = 10'000'000;
  /// Report what upstream leaves undefined (division by 0, shifts by the width
  /// or more); else it means what the language says, which guards them.
  bool strict = true;
  /// Called before each operation, with the values so far.
  std::function<void(mlir::Operation *)> onOperation;
};

class Interpreter {
public:
  /// `slots` are the kernel's arguments, as in a launch. Their pointers must
  /// stay valid.
  Interpreter(ir::KernelOp kernel, llvm::ArrayRef<uint64_t> slots,
              InterpreterOptions options = {});

  /// Runs the program with this linear number.
  llvm::LogicalResult runProgram(uint32_t program);

  /// Of all programs so far, in order.
  std::vector<Printed> printed;
  std::vector<std::string> failedAsserts;

  // For the op groups, and for observers.

  /// A scalar or tile that has been computed.
  const Tile &operator[](mlir::Value value) const;
  bool isComputed(mlir::Value value) const { return tiles.contains(value); }
  void set(mlir::Value value, Tile tile) { tiles[value] = std::move(tile); }
  const Tensor &tensor(mlir::Value value) const;
  void setTensor(mlir::Value value, Tensor tensor) {
    tensors[value] = std::move(tensor);
  }
  /// Runs a block's operations, without its terminator.
  llvm::LogicalResult runBlock(mlir::Block &block);
  uint32_t program() const { return programNumber; }
  bool isStrict() const { return options.strict; }

private:
  llvm::LogicalResult run(mlir::Operation *op);
  llvm::LogicalResult bindArguments();

  ir::KernelOp kernel;
  std::vector<uint64_t> slots;
  InterpreterOptions options;
  uint32_t programNumber = 0;
  int64_t steps = 0;
  llvm::DenseMap<mlir::Value, Tile> tiles;
  llvm::DenseMap<mlir::Value, Tensor> tensors;
};

/// Whether an operation was a group's own, and if so how it went.
using Handled = std::optional<llvm::LogicalResult>;

Handled runGrid(Interpreter &run, mlir::Operation *op);
Handled runMemory(Interpreter &run, mlir::Operation *op);
Handled runCompute(Interpreter &run, mlir::Operation *op);
Handled runReduce(Interpreter &run, mlir::Operation *op);
Handled runScan(Interpreter &run, mlir::Operation *op);
Handled runShape(Interpreter &run, mlir::Operation *op);
Handled runRandom(Interpreter &run, mlir::Operation *op);
Handled runDebug(Interpreter &run, mlir::Operation *op);
Handled runControlFlow(Interpreter &run, mlir::Operation *op);
Handled runArith(Interpreter &run, mlir::Operation *op);
Handled runMath(Interpreter &run, mlir::Operation *op);

/// Applies `compute` to the elements of the operands, place by place; scalar
/// operands serve every place. For operations with one result.
void elementwise(Interpreter &run, mlir::Operation *op,
                 llvm::function_ref<Number(llvm::ArrayRef<Number>)> compute);

} // namespace attn_grid::compiler::reference

#endif
