// The two functions a kernel becomes: the entry, which walks a range of linear
// program numbers, and the body, which runs one program. The body takes each
// scratch buffer as a pointer of its own that aliases nothing, so that LLVM
// need not ask whether one buffer's stores change another's values.

#include "compiler/Conversion/Cpu/LowerToVector.h"
#include "compiler/Conversion/CheckKernel.h"

#include "compiler/Conversion/Cpu/TileEmitter.h"
#include "compiler/Conversion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler {
#define GEN_PASS_DEF_LOWERTOVECTOR
#include "compiler/Conversion/Passes.h.inc"
} // namespace attn_grid::compiler

namespace attn_grid::compiler::cpu {

/// Buffers begin on cache lines.
static constexpr int64_t bufferAlignment = 64;

/// Reads argument number `slot` of the flat struct at `args`.
static Value readSlot(ImplicitLocOpBuilder &b, Value args, unsigned slot,
                      Type type) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value at = args;
  if (slot)
    at = LLVM::GEPOp::create(b, pointer, b.getI64Type(), args,
                             ArrayRef<LLVM::GEPArg>{int32_t(slot)});
  if (isa<MemRefType>(type))
    return LLVM::LoadOp::create(b, pointer, at, 8);
  if (type.isIndex()) {
    Value raw = LLVM::LoadOp::create(b, b.getI64Type(), at, 8);
    return arith::IndexCastOp::create(b, type, raw);
  }
  if (type.isInteger(1)) {
    Value raw = LLVM::LoadOp::create(b, b.getI8Type(), at, 8);
    Value zero = arith::ConstantOp::create(b, b.getI8IntegerAttr(0));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, raw, zero);
  }
  if (type.isBF16()) {
    Value raw = LLVM::LoadOp::create(b, b.getIntegerType(16), at, 8);
    Value wide = arith::ExtUIOp::create(b, b.getI32Type(), raw);
    Value sixteen = arith::ConstantOp::create(b, b.getI32IntegerAttr(16));
    Value high = arith::ShLIOp::create(b, wide, sixteen);
    return arith::BitcastOp::create(b, b.getF32Type(), high);
  }
  Value raw = LLVM::LoadOp::create(b, type, at, 8);
  if (type.isF16())
    return arith::ExtFOp::create(b, b.getF32Type(), raw);
  return raw;
}

/// Moves reductions to what they reduce: then one nest computes both, even if
/// the program has a dot between them.
static void hoistReductions(KernelOp kernel) {
  kernel.walk([](ReduceOp reduce) {
    Operation *input = reduce.getInput().getDefiningOp();
    if (input && input->getBlock() == reduce->getBlock())
      reduce->moveAfter(input);
  });
}

LogicalResult lowerToVector(KernelOp kernel, const VectorTarget &target) {
  hoistReductions(kernel);
  MLIRContext *context = kernel.getContext();
  ImplicitLocOpBuilder b(kernel.getLoc(), context);
  b.setInsertionPoint(kernel);
  auto pointer = LLVM::LLVMPointerType::get(context);
  Type i32 = b.getI32Type();
  std::string name = kernel.getSymName().str();

  // The body: (args, program, context, tensors..., buffers...).
  SmallVector<Type> bodyTypes{pointer, i32, pointer};
  SmallVector<unsigned> tensors;
  for (auto [slot, type] : llvm::enumerate(kernel.getArgumentTypes()))
    if (isa<MemRefType>(type)) {
      tensors.push_back(slot);
      bodyTypes.push_back(pointer);
    }
  auto body = func::FuncOp::create(b, name + ".program",
                                   b.getFunctionType(bodyTypes, {}));
  body.setPrivate();
  Block *block = body.addEntryBlock();
  b.setInsertionPointToStart(block);
  SmallVector<Value> arguments;
  unsigned nextTensor = 3;
  for (auto [slot, type] : llvm::enumerate(kernel.getArgumentTypes()))
    arguments.push_back(isa<MemRefType>(type)
                            ? Value(block->getArgument(nextTensor++))
                            : readSlot(b, block->getArgument(0), slot, type));
  TileEmitter emitter(b, kernel, target);
  if (failed(emitter.emit(arguments, block->getArgument(1),
                          block->getArgument(2))))
    return failure();
  b.setInsertionPointToEnd(block);
  b.setLoc(kernel.getLoc());
  func::ReturnOp::create(b);
  body.setFunctionType(b.getFunctionType(block->getArgumentTypes(), {}));
  for (unsigned i = 3; i < block->getNumArguments(); ++i)
    body.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(),
                    b.getUnitAttr());

  // The entry: (args, begin, end, context).
  b.setInsertionPoint(kernel);
  auto entry = func::FuncOp::create(
      b, name, b.getFunctionType({pointer, i32, i32, pointer}, {}));
  Block *start = entry.addEntryBlock();
  b.setInsertionPointToStart(start);
  Value args = start->getArgument(0);
  SmallVector<Value> operands{args, nullptr, start->getArgument(3)};
  for (unsigned slot : tensors)
    operands.push_back(
        readSlot(b, args, slot, kernel.getArgumentTypes()[slot]));
  Value scratch = LLVM::LoadOp::create(b, pointer, start->getArgument(3), 8);
  int64_t offset = 0;
  for (int64_t bytes : emitter.scratchSizes()) {
    Value at = arith::ConstantOp::create(b, b.getI64IntegerAttr(offset));
    operands.push_back(LLVM::GEPOp::create(b, pointer, b.getI8Type(), scratch,
                                           ValueRange{at}));
    offset += llvm::alignTo(bytes, bufferAlignment);
  }
  Value one = arith::ConstantOp::create(b, b.getI32IntegerAttr(1));
  auto loop =
      scf::ForOp::create(b, start->getArgument(1), start->getArgument(2), one);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    operands[1] = loop.getInductionVar();
    func::CallOp::create(b, body, operands);
  }
  func::ReturnOp::create(b);
  entry->setAttr(scratchBytesAttr, b.getI64IntegerAttr(offset));
  if (emitter.hasPairedDots())
    entry->setAttr(bf16ProductsAttr, b.getUnitAttr());
  SmallVector<StringRef> messages(emitter.assertMessages().begin(),
                                  emitter.assertMessages().end());
  if (!messages.empty())
    entry->setAttr(assertsAttr, b.getStrArrayAttr(messages));
  kernel.erase();
  return success();
}

namespace {
struct LowerToVectorPass : impl::LowerToVectorBase<LowerToVectorPass> {
  using LowerToVectorBase::LowerToVectorBase;
  void runOnOperation() override {
    VectorTarget target{vectorBits, registers, fma, bf16Products};
    for (auto kernel :
         llvm::make_early_inc_range(getOperation().getOps<KernelOp>()))
      if (failed(checkKernel(kernel)) || failed(lowerToVector(kernel, target)))
        return signalPassFailure();
  }
};
} // namespace

} // namespace attn_grid::compiler::cpu
