// The function that a kernel becomes: what one thread does for the program that
// its block runs.

#include "compiler/Conversion/Gpu/LowerToThreads.h"
#include "compiler/Conversion/CheckKernel.h"

#include "compiler/Conversion/Gpu/ThreadEmitter.h"
#include "compiler/Conversion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;

namespace attn_grid::compiler {
#define GEN_PASS_DEF_LOWERTOTHREADS
#include "compiler/Conversion/Passes.h.inc"
} // namespace attn_grid::compiler

namespace attn_grid::compiler::gpu {

/// Registers of a multiprocessor, in all architectures from sm_80 on.
static constexpr int64_t allRegisters = 65536;
static constexpr int64_t mostRegisters = 255;

/// Reads argument number `slot` of the struct at `args`.
static Value readSlot(ImplicitLocOpBuilder &b, Value args, unsigned slot,
                      Type type) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value at = LLVM::GEPOp::create(b, pointer, b.getI64Type(), args,
                                 ArrayRef<LLVM::GEPArg>{int32_t(slot)});
  if (isa<MemRefType>(type)) {
    Value generic = LLVM::LoadOp::create(b, pointer, at, 8);
    return LLVM::AddrSpaceCastOp::create(
        b, LLVM::LLVMPointerType::get(b.getContext(), 1), generic);
  }
  if (type.isIndex()) {
    Value raw = LLVM::LoadOp::create(b, b.getI64Type(), at, 8);
    return arith::IndexCastOp::create(b, type, raw);
  }
  if (type.isInteger(1)) {
    Value raw = LLVM::LoadOp::create(b, b.getI8Type(), at, 8);
    Value zero = arith::ConstantOp::create(b, b.getI8IntegerAttr(0));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, raw, zero);
  }
  return LLVM::LoadOp::create(b, type, at, 8);
}

/// All of a program's shared memory; its size is the launch's.
static LLVM::GlobalOp declareShared(ImplicitLocOpBuilder &b) {
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), 0);
  auto global = LLVM::GlobalOp::create(
      b, type, /*isConstant=*/false, LLVM::Linkage::External, "ag_shared",
      Attribute(), /*alignment=*/1024, /*addrSpace=*/3);
  return global;
}

/// A thread's share of a tile is that many values in the code, whatever the
/// registers hold.
static LogicalResult checkShares(KernelOp kernel, const GpuTarget &target) {
  constexpr int64_t mostPerThread = 1024;
  int64_t threads = 32 * target.warps;
  WalkResult result = kernel.walk([&](Operation *op) {
    for (Value value : op->getResults())
      if (auto tile = dyn_cast<RankedTensorType>(value.getType()))
        if (tile.getNumElements() > mostPerThread * threads)
          return op->emitError()
                     << "a tile of " << tile.getNumElements()
                     << " elements is too large for a GPU: "
                     << mostPerThread * threads << " are the most that "
                     << threads << " threads hold; make it smaller",
                 WalkResult::interrupt();
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// Makes the block's second argument a parameter, the maps of `boxes`, or takes
/// it away.
static void setTensorMaps(ImplicitLocOpBuilder &b, LLVM::LLVMFuncOp function,
                          ArrayRef<TensorBox> boxes) {
  Block &entry = function.getBody().front();
  if (boxes.empty())
    return entry.eraseArgument(1);
  DictionaryAttr first = function.getArgAttrDict(0);
  function.removeArgAttrsAttr();
  function.setFunctionType(
      LLVM::LLVMFunctionType::get(function.getFunctionType().getReturnType(),
                                  SmallVector<Type>(entry.getArgumentTypes())));
  function.setArgAttrs(0, first);
  constexpr int64_t mapBytes = 128, mapAlignment = 64;
  auto bytes = LLVM::LLVMArrayType::get(b.getI8Type(), mapBytes * boxes.size());
  function.setArgAttr(1, LLVM::LLVMDialect::getByValAttrName(),
                      TypeAttr::get(bytes));
  function.setArgAttr(1, LLVM::LLVMDialect::getAlignAttrName(),
                      b.getI64IntegerAttr(mapAlignment));
  function.setArgAttr(1, NVVM::NVVMDialect::getGridConstantAttrName(),
                      b.getUnitAttr());
  SmallVector<Attribute> rows;
  for (const TensorBox &box : boxes)
    rows.push_back(b.getDenseI64ArrayAttr(box.flatten()));
  function->setAttr(tensorMapsAttr, b.getArrayAttr(rows));
}

LogicalResult lowerToThreads(KernelOp kernel, const GpuTarget &target) {
  MLIRContext *context = kernel.getContext();
  ImplicitLocOpBuilder b(kernel.getLoc(), context);
  b.setInsertionPoint(kernel);
  auto module = kernel->getParentOfType<ModuleOp>();
  auto global = module.lookupSymbol<LLVM::GlobalOp>("ag_shared");
  if (!global)
    global = declareShared(b);

  auto pointer = LLVM::LLVMPointerType::get(context);
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), {pointer});
  std::string name = kernel.getSymName().str();
  auto function = LLVM::LLVMFuncOp::create(b, name + ".thread", type);
  unsigned slots = std::max<size_t>(kernel.getArgumentTypes().size(), 1);
  auto slotsType = LLVM::LLVMArrayType::get(b.getI64Type(), slots);
  function.setArgAttr(0, LLVM::LLVMDialect::getByValAttrName(),
                      TypeAttr::get(slotsType));
  function.setArgAttr(0, LLVM::LLVMDialect::getAlignAttrName(),
                      b.getI64IntegerAttr(8));
  function.setArgAttr(0, NVVM::NVVMDialect::getGridConstantAttrName(),
                      b.getUnitAttr());
  function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(),
                    b.getUnitAttr());
  int64_t threads = 32 * target.warps;
  function->setAttr(NVVM::NVVMDialect::getReqntidAttrName(),
                    b.getDenseI32ArrayAttr({static_cast<int32_t>(threads)}));
  // Beside the number of threads: see gpu.md.
  function->setAttr(
      NVVM::NVVMDialect::getMaxnregAttrName(),
      b.getI32IntegerAttr(std::min(mostRegisters, allRegisters / threads)));

  b.setInsertionPointToStart(function.addEntryBlock(b));
  Value args = function.getArgument(0);
  SmallVector<Value> arguments;
  for (auto [slot, argument] : llvm::enumerate(kernel.getArgumentTypes()))
    arguments.push_back(readSlot(b, args, slot, argument));
  Value shared = LLVM::AddressOfOp::create(b, global);
  ThreadEmitter emitter(b, kernel, target);
  Value maps;
  if (target.boxes)
    maps = function.getBody().front().addArgument(pointer, b.getLoc());
  if (failed(emitter.emit(arguments, shared, maps))) {
    if (!emitter.needsFewerStages())
      return failure();
    function.erase();
    GpuTarget fewer = target;
    // Loops that hardly ever run give way first. In the end, not even an
    // iteration's own tiles stay all the time.
    if (fewer.slowRings)
      fewer.slowRings = false;
    else if (fewer.stages > 1)
      --fewer.stages;
    else
      fewer.boxes = false;
    return lowerToThreads(kernel, fewer);
  }
  b.setLoc(kernel.getLoc());
  b.setInsertionPointToEnd(&function.getBody().front());
  LLVM::ReturnOp::create(b, ValueRange{});
  if (maps)
    setTensorMaps(b, function, emitter.tensorBoxes());
  function->setAttr(sharedBytesAttr,
                    b.getI64IntegerAttr(emitter.sharedBytes()));
  for (StringRef name : {assertsAttr, printsAttr})
    if (Attribute attribute = kernel->getAttr(name))
      function->setAttr(name, attribute);
  kernel.erase();
  function.setSymName(name);
  return success();
}

namespace {
struct LowerToThreadsPass : impl::LowerToThreadsBase<LowerToThreadsPass> {
  using LowerToThreadsBase::LowerToThreadsBase;
  void runOnOperation() override {
    GpuTarget target;
    target.capability = capability;
    target.warpgroups = warpgroups;
    target.boxes = target.slowRings = copiesBoxes(capability);
    target.sharedLimit = sharedLimit;
    for (auto kernel :
         llvm::make_early_inc_range(getOperation().getOps<KernelOp>())) {
      target.warps = kernel.getWarps(warps);
      target.stages = kernel.getStages();
      if (failed(checkKernel(kernel)) || failed(checkShares(kernel, target)) ||
          failed(lowerToThreads(kernel, target)))
        return signalPassFailure();
    }
  }
};
} // namespace

} // namespace attn_grid::compiler::gpu
