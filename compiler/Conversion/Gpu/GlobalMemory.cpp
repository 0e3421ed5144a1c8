// A load under a condition is one predicated instruction. LLVM would make a
// branch of it, so it is written as PTX.

#include "compiler/Conversion/Gpu/GlobalMemory.h"

#include "compiler/Conversion/Gpu/Intrinsics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

namespace {
/// How PTX moves a number of bits: in registers of which width, how many.
struct Width {
  unsigned bits;  // of one register; 8 bits travel in 16
  unsigned count; // of registers
  const char *constraint() const {
    return bits == 64 ? "l" : bits == 32 ? "r" : "h";
  }
  /// ".v4.b32".
  std::string suffix() const {
    return (count > 1 ? ".v" + std::to_string(count) : std::string()) + ".b" +
           std::to_string(bits);
  }
  Type type(MLIRContext *context) const {
    return IntegerType::get(context, bits == 8 ? 16 : bits);
  }
};
} // namespace

static Width widthOf(unsigned bits) {
  return bits == 128 ? Width{32, 4} : Width{bits, 1};
}

static Type vectorOf(Type element, unsigned count) {
  return count == 1 ? element : VectorType::get({count}, element);
}

SmallVector<Value> readGlobal(ImplicitLocOpBuilder &b, Value pointer,
                              Value mask, Type element, unsigned count,
                              bool invariant) {
  unsigned bits = element.getIntOrFloatBitWidth() * count;
  Type type = vectorOf(element, count);
  if (!mask) {
    auto load = LLVM::LoadOp::create(b, type, pointer, bits / 8);
    load.setInvariant(invariant);
    return unpackVector(b, load);
  }
  Width width = widthOf(bits);
  // $0 .. the results, then the mask, then the address.
  std::string text, constraints, list;
  for (unsigned i = 0; i < width.count; ++i) {
    std::string name = "$" + std::to_string(i);
    text += (width.bits == 64   ? "mov.b64 "
             : width.bits == 32 ? "mov.b32 "
                                : "mov.b16 ") +
            name + ", 0;\n\t";
    list += (i ? ", " : "") + name;
    constraints += std::string("=") + width.constraint() + ",";
  }
  if (width.count > 1)
    list = "{" + list + "}";
  text += "@$" + std::to_string(width.count) + " ld.global" +
          (invariant ? ".nc" : "") + width.suffix() + " " + list + ", [$" +
          std::to_string(width.count + 1) + "];";
  constraints += "b,l";
  if (!invariant)
    constraints += ",~{memory}";
  Type part = width.type(b.getContext());
  Value raw = inlinePtx(b, text, constraints,
                        width.count == 1 ? part : structOf(part, width.count),
                        {mask, pointer}, /*sideEffects=*/!invariant);
  if (width.count > 1) {
    SmallVector<Value> parts;
    for (unsigned i = 0; i < width.count; ++i)
      parts.push_back(member(b, raw, i));
    raw = packVector(b, parts);
  } else if (width.bits == 8) {
    raw = LLVM::TruncOp::create(b, b.getI8Type(), raw);
  }
  return unpackVector(b, bitcastTo(b, raw, type));
}

void writeGlobal(ImplicitLocOpBuilder &b, Value pointer, Value mask,
                 ArrayRef<Value> elements) {
  unsigned bits =
      elements.front().getType().getIntOrFloatBitWidth() * elements.size();
  Value value =
      elements.size() == 1 ? elements.front() : packVector(b, elements);
  if (!mask) {
    LLVM::StoreOp::create(b, value, pointer, bits / 8);
    return;
  }
  Width width = widthOf(bits);
  Type part = IntegerType::get(b.getContext(), width.bits);
  value = bitcastTo(b, value, vectorOf(part, width.count));
  if (width.bits == 8)
    value = LLVM::ZExtOp::create(b, b.getIntegerType(16), value);
  SmallVector<Value> operands{mask, pointer};
  std::string constraints = "b,l", list;
  for (auto [i, register_] : llvm::enumerate(unpackVector(b, value))) {
    operands.push_back(register_);
    constraints += std::string(",") + width.constraint();
    list += (i ? ", $" : "$") + std::to_string(i + 2);
  }
  if (width.count > 1)
    list = "{" + list + "}";
  inlinePtx(b, "@$0 st.global" + width.suffix() + " [$1], " + list + ";",
            constraints + ",~{memory}", nullptr, operands,
            /*sideEffects=*/true);
}

} // namespace attn_grid::compiler::gpu
