#include "test/support/CpuKernel.h"

#include "attn_grid/error.hpp"
#include "compiler/Conversion/Passes.h"
#include "compiler/Pipeline.h"
#include "compiler/Target/Codegen.h"
#include "compiler/Target/CpuTarget.h"
#include "runtime/host/ObjectLoader.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace attn_grid::test {

std::unique_ptr<MLIRContext> makePipelineContext() {
  DialectRegistry registry;
  compiler::registerPipelineDialects(registry);
  auto context =
      std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  context->loadAllAvailableDialects();
  return context;
}

compiler::cpu::VectorTarget hostVectors() {
  return compiler::hostCpu().vectors;
}

/// As the pipeline's vector phase, but for vectors of any width.
static void addVectorPhase(OpPassManager &passes,
                           const compiler::cpu::VectorTarget &vectors,
                           bool optimize) {
  compiler::LowerToVectorOptions options;
  options.vectorBits = vectors.vectorBits;
  options.registers = vectors.registers;
  options.fma = vectors.fma;
  options.bf16Products =
      std::min<int64_t>(vectors.bf16Products, optimize ? 32 : 2);
  passes.addPass(compiler::createLowerToVector(options));
  passes.addPass(createCSEPass());
  passes.addPass(compiler::createApproximateMath(
      {.avx512 = compiler::hostCpu().math.avx512}));
}

CpuKernel compileForCpu(ModuleOp module,
                        const compiler::cpu::VectorTarget &vectors,
                        bool optimize) {
  CpuKernel result;
  auto kernels = module.getOps<ir::KernelOp>();
  if (kernels.empty()) {
    result.error = "no kernel";
    return result;
  }
  std::string name = (*kernels.begin()).getSymName().str();
  ScopedDiagnosticHandler handler(module.getContext(),
                                  [&](mlir::Diagnostic &diagnostic) {
                                    result.error += diagnostic.str() + "\n";
                                    return success();
                                  });
  PassManager first(module.getContext(), ModuleOp::getOperationName());
  compiler::addTilePhase(first);
  addVectorPhase(first, vectors, optimize);
  if (failed(first.run(module))) {
    result.error += "the lowering failed";
    return result;
  }
  for (auto function : module.getOps<func::FuncOp>())
    if (auto bytes = function->getAttrOfType<IntegerAttr>(
            compiler::cpu::scratchBytesAttr))
      result.scratchBytes = bytes.getInt();
  PassManager second(module.getContext(), ModuleOp::getOperationName());
  second.enableVerifier(false);
  compiler::addLLVMPhase(second);
  if (failed(second.run(module))) {
    result.error += "the conversion to LLVM failed";
    return result;
  }
  compiler::CpuTarget cpu = compiler::hostCpu();
  cpu.optimize = optimize;
  if (vectors.bf16Products == 32)
    cpu.features += ",+amx-tile,+amx-bf16";
  auto object = compiler::generateCode(module, cpu, compiler::CodeKind::object);
  if (!object) {
    result.error += llvm::toString(object.takeError());
    return result;
  }
  try {
    auto loaded = detail::load_object({object->data(), object->size()}, name);
    result.entry = loaded.entry;
    result.code = std::move(loaded.code);
  } catch (const Error &error) {
    result.error += error.what();
  }
  return result;
}

uint32_t CpuKernel::run(llvm::ArrayRef<uint64_t> slots,
                        uint32_t programs) const {
  constexpr size_t alignment = 64;
  // Scratch holds what an earlier kernel left there: no 0 to rely on.
  std::vector<char> scratch(scratchBytes + alignment, '\xff');
  ag_context context{};
  uintptr_t at = reinterpret_cast<uintptr_t>(scratch.data());
  context.scratch =
      reinterpret_cast<void *>((at + alignment - 1) / alignment * alignment);
  entry(slots.data(), 0, programs, &context);
  return context.failed;
}

} // namespace attn_grid::test
