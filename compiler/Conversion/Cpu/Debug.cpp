// Asserts: a failed one raises the flag of the thread's context, which the
// runtime reads after the launch.

#include "compiler/Conversion/Cpu/TileEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler::cpu {

void TileEmitter::emitAssert(AssertOp op) {
  flush();
  Value wrong =
      arith::XOrIOp::create(b, scalar(op.getCondition()),
                            constant(b.getI1Type(), b.getBoolAttr(true)));
  auto branch =
      scf::IfOp::create(b, TypeRange{}, wrong, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.getThenRegion().front().getTerminator());
  // `ag_context::failed` is the number of the assert, from 1.
  Value number = constant(b.getI32Type(), b.getI32IntegerAttr(++asserts));
  auto pointer = contextPointer.getType();
  Value at = LLVM::GEPOp::create(b, pointer, b.getI32Type(), contextPointer,
                                 ArrayRef<LLVM::GEPArg>{2});
  LLVM::StoreOp::create(b, number, at, 4);
}

} // namespace attn_grid::compiler::cpu
