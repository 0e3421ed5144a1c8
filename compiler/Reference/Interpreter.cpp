#include "compiler/Reference/Interpreter.h"

using namespace mlir;

namespace attn_grid::compiler::reference {

Interpreter::Interpreter(ir::KernelOp kernel, ArrayRef<uint64_t> slots,
                         InterpreterOptions options)
    : kernel(kernel), slots(slots.begin(), slots.end()),
      options(std::move(options)) {}

const Tile &Interpreter::operator[](Value value) const {
  static const Tile none(IndexType::get(value.getContext()));
  auto it = tiles.find(value);
  return it == tiles.end() ? none : it->second;
}

const Tensor &Interpreter::tensor(Value value) const {
  static const Tensor none;
  auto it = tensors.find(value);
  return it == tensors.end() ? none : it->second;
}

LogicalResult Interpreter::bindArguments() {
  Block &body = kernel.getBody().front();
  if (body.getNumArguments() != slots.size())
    return kernel.emitError("expected ")
           << body.getNumArguments() << " slots, but got " << slots.size();
  for (auto [argument, slot] : llvm::zip(body.getArguments(), slots)) {
    Type type = argument.getType();
    if (auto memory = dyn_cast<MemRefType>(type)) {
      setTensor(
          argument,
          {memory.getElementType(), reinterpret_cast<char *>(slot), {}, {}});
      continue;
    }
    Tile scalar(type);
    scalar.elements.front() = fromSlot(slot, type);
    set(argument, std::move(scalar));
  }
  return success();
}

LogicalResult Interpreter::runProgram(uint32_t program) {
  programNumber = program;
  steps = 0;
  tiles.clear();
  tensors.clear();
  if (failed(bindArguments()))
    return failure();
  return runBlock(kernel.getBody().front());
}

LogicalResult Interpreter::runBlock(Block &block) {
  // The terminator counts as a step, so that empty loops end too.
  for (Operation &op : block) {
    if (++steps > options.maxSteps)
      return op.emitError("the program runs for more than ")
             << options.maxSteps << " operations";
    if (!op.hasTrait<OpTrait::IsTerminator>() && failed(run(&op)))
      return failure();
  }
  return success();
}

LogicalResult Interpreter::run(Operation *op) {
  if (options.onOperation)
    options.onOperation(op);
  for (auto group :
       {runGrid, runMemory, runCompute, runReduce, runScan, runShape, runRandom,
        runDebug, runControlFlow, runArith, runMath})
    if (Handled handled = group(*this, op))
      return *handled;
  return op->emitError("the reference does not know this operation");
}

void elementwise(Interpreter &run, Operation *op,
                 llvm::function_ref<Number(ArrayRef<Number>)> compute) {
  Tile result(op->getResult(0).getType());
  SmallVector<Number, 3> operands(op->getNumOperands());
  for (size_t i = 0; i < result.elements.size(); ++i) {
    for (auto [operand, value] : llvm::zip(operands, op->getOperands())) {
      const Tile &tile = run[value];
      operand = tile.elements[tile.shape.empty() ? 0 : i];
    }
    result.elements[i] = compute(operands);
  }
  run.set(op->getResult(0), std::move(result));
}

} // namespace attn_grid::compiler::reference
