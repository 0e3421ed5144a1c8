// Asserts and prints, which speak to the runtime through `ag_context`.

#include "compiler/Conversion/Cpu/TileEmitter.h"

#include "attn_grid/artifact.hpp"
#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler::cpu {

/// A pointer to `offset` bytes after `base`.
static Value fieldAt(ImplicitLocOpBuilder &b, Value base, size_t offset) {
  return LLVM::GEPOp::create(
      b, base.getType(), b.getI8Type(), base,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
}

void TileEmitter::emitAssert(AssertOp op) {
  flush();
  asserts.push_back(op.getMessage().str());
  Value wrong =
      arith::XOrIOp::create(b, scalar(op.getCondition()),
                            constant(b.getI1Type(), b.getBoolAttr(true)));
  auto branch =
      scf::IfOp::create(b, TypeRange{}, wrong, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.getThenRegion().front().getTerminator());
  Value number = constant(b.getI32Type(), b.getI32IntegerAttr(asserts.size()));
  LLVM::StoreOp::create(
      b, number, fieldAt(b, contextPointer, offsetof(ag_context, failed)), 4);
}

/// The dtype of what a buffer of `element` holds: 16-bit floats are widened.
static DType printedType(Type element) {
  if (isa<FloatType>(element))
    return element.isF64() ? DType::f64 : DType::f32;
  switch (element.getIntOrFloatBitWidth()) {
  case 1:
    return DType::boolean;
  case 8:
    return DType::i8;
  case 16:
    return DType::i16;
  case 32:
    return DType::i32;
  default:
    return DType::i64;
  }
}

/// A pointer to the bytes of `text`, which live in the module.
Value TileEmitter::literal(StringRef text) {
  auto module = kernel->getParentOfType<ModuleOp>();
  std::string name = "literal" + std::to_string(literals++);
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), text.size());
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    LLVM::GlobalOp::create(b, type, /*isConstant=*/true,
                           LLVM::Linkage::Internal, name, b.getStringAttr(text),
                           /*alignment=*/8);
  }
  return LLVM::AddressOfOp::create(
      b, LLVM::LLVMPointerType::get(b.getContext()), name);
}

void TileEmitter::emitPrint(PrintOp op) {
  flush();
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto number = [&](uint64_t value) {
    return constant(b.getI64Type(), b.getI64IntegerAttr(value));
  };
  // The records lie in scratch, one `ag_printed` after the other.
  size_t count = op.getValues().size();
  auto words = sizeof(ag_printed) / sizeof(uint64_t);
  Buffer records = makeBufferOfType(
      RankedTensorType::get({static_cast<int64_t>(llvm::PowerOf2Ceil(
                                std::max<size_t>(count * words, 1)))},
                            b.getI64Type()),
      0);
  for (auto [i, value] : llvm::enumerate(op.getValues())) {
    Type element = getElementTypeOrSelf(value.getType());
    ArrayRef<int64_t> shape = shapeOf(value.getType());
    // Rows are dense: lanes along the last axis.
    Buffer data;
    if (shape.empty()) {
      data = makeBufferOfType(RankedTensorType::get({1}, element), 0);
      storeBuffer(data, scalar(value), Point{{index(0)}, -1, 1});
    } else {
      data = makeBuffer(value, shape.size() - 1);
      materializeInto(data, value);
    }
    std::string extents(reinterpret_cast<const char *>(shape.data()),
                        shape.size() * sizeof(int64_t));
    auto put = [&](size_t offset, Value field) {
      LLVM::StoreOp::create(
          b, field,
          fieldAt(b, records.pointer, i * sizeof(ag_printed) + offset), 8);
    };
    put(offsetof(ag_printed, dtype),
        number(static_cast<uint64_t>(printedType(element))));
    put(offsetof(ag_printed, rank), number(shape.size()));
    put(offsetof(ag_printed, extents),
        shape.empty() ? records.pointer : literal(extents));
    put(offsetof(ag_printed, data), data.pointer);
  }
  Value print = LLVM::LoadOp::create(
      b, pointer, fieldAt(b, contextPointer, offsetof(ag_context, print)), 8);
  auto type = LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()),
      {pointer, pointer, b.getI64Type(), pointer, b.getI64Type()});
  LLVM::CallOp::create(b, type,
                       ValueRange{print, contextPointer, literal(op.getText()),
                                  number(op.getText().size()), records.pointer,
                                  number(count)});
}

} // namespace attn_grid::compiler::cpu
