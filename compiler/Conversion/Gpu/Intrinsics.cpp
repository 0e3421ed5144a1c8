#include "compiler/Conversion/Gpu/Intrinsics.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

Value callIntrinsic(ImplicitLocOpBuilder &b, StringRef name, Type result,
                    ValueRange operands) {
  if (!result) {
    LLVM::CallIntrinsicOp::create(b, b.getStringAttr(name), operands);
    return nullptr;
  }
  return LLVM::CallIntrinsicOp::create(b, result, b.getStringAttr(name),
                                       operands)
      .getResult(0);
}

Value inlinePtx(ImplicitLocOpBuilder &b, StringRef text, StringRef constraints,
                Type result, ValueRange operands, bool sideEffects) {
  auto op = LLVM::InlineAsmOp::create(
      b, result ? result : Type(LLVM::LLVMVoidType::get(b.getContext())),
      operands, text, constraints, sideEffects, /*is_align_stack=*/false,
      LLVM::TailCallKind::None,
      LLVM::AsmDialectAttr::get(b.getContext(), LLVM::AsmDialect::AD_ATT),
      ArrayAttr());
  return result ? op.getResult(0) : Value();
}

Value member(ImplicitLocOpBuilder &b, Value structure, int64_t index) {
  return LLVM::ExtractValueOp::create(b, structure, index);
}

Type structOf(Type type, unsigned count) {
  SmallVector<Type> members(count, type);
  return LLVM::LLVMStructType::getLiteral(type.getContext(), members);
}

static Value position(ImplicitLocOpBuilder &b, int64_t index) {
  return LLVM::ConstantOp::create(b, b.getI32Type(),
                                  b.getI32IntegerAttr(index));
}

Value packVector(ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
  auto type = VectorType::get({static_cast<int64_t>(elements.size())},
                              elements.front().getType());
  Value vector = LLVM::PoisonOp::create(b, type);
  for (auto [i, element] : llvm::enumerate(elements))
    vector = LLVM::InsertElementOp::create(b, vector, element, position(b, i));
  return vector;
}

SmallVector<Value> unpackVector(ImplicitLocOpBuilder &b, Value vector) {
  auto type = dyn_cast<VectorType>(vector.getType());
  if (!type)
    return {vector};
  SmallVector<Value> elements;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    elements.push_back(
        LLVM::ExtractElementOp::create(b, vector, position(b, i)));
  return elements;
}

Value bitcastTo(ImplicitLocOpBuilder &b, Value value, Type type) {
  return value.getType() == type ? value
                                 : LLVM::BitcastOp::create(b, type, value);
}

} // namespace attn_grid::compiler::gpu
