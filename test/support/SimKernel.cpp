#include "test/support/SimKernel.h"

#include "attn_grid/artifact.hpp"
#include "attn_grid/sim.h"
#include "compiler/Conversion/Gpu/LowerToThreads.h"
#include "compiler/Pipeline.h"
#include "compiler/Target/GpuTarget.h"
#include "compiler/Target/NvptxCodegen.h"
#include "runtime/cuda/Driver.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Pass/PassManager.h"

#define AG_DECLARE(name, parameters) extern "C" CUresult name parameters;
AG_CUDA_FUNCTIONS(AG_DECLARE)
#undef AG_DECLARE
extern "C" CUresult cuMemHostRegister_v2(void *, size_t, unsigned);
extern "C" CUresult cuMemHostUnregister(void *);

using namespace mlir;

namespace attn_grid::test {

SimKernel compileForSim(ModuleOp module, const std::string &name) {
  SimKernel result;
  result.name = (*module.getOps<ir::KernelOp>().begin()).getSymName().str();
  const compiler::GpuArch &arch = *compiler::findGpu(name);
  ScopedDiagnosticHandler handler(module.getContext(),
                                  [&](Diagnostic &diagnostic) {
                                    result.error += diagnostic.str() + "\n";
                                    return success();
                                  });
  PassManager passes(module.getContext(), ModuleOp::getOperationName());
  passes.enableVerifier(false);
  compiler::addTilePhase(passes);
  compiler::addThreadPhase(passes, arch);
  compiler::addLLVMPhase(passes);
  if (failed(passes.run(module))) {
    result.unsupported =
        result.error.find("not supported on GPUs") != std::string::npos ||
        result.error.find("shared memory") != std::string::npos;
    result.error += "the lowering failed";
    return result;
  }
  for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
    auto bytes =
        function->getAttrOfType<IntegerAttr>(compiler::gpu::sharedBytesAttr);
    auto threads = function->getAttrOfType<DenseI32ArrayAttr>(
        NVVM::NVVMDialect::getReqntidAttrName());
    if (bytes && threads) {
      result.sharedBytes = static_cast<unsigned>(bytes.getInt());
      result.threads = static_cast<unsigned>(threads[0]);
    }
    result.hasDebug |= function->hasAttr(compiler::gpu::assertsAttr);
  }
  auto code =
      compiler::generateGpuCode(module, arch, compiler::GpuCodeKind::ptx);
  if (!code)
    result.error = llvm::toString(code.takeError());
  else
    result.ptx.assign(code->begin(), code->end());
  return result;
}

SimKernel::Result
SimKernel::run(std::vector<uint64_t> slots, uint32_t programs,
               std::span<const std::pair<void *, size_t>> memory) const {
  Result result;
  CUcontext context;
  CUmodule module;
  CUfunction function;
  if (cuInit(0) || cuDevicePrimaryCtxRetain(&context, 0) ||
      cuCtxSetCurrent(context))
    return {"there is no device"};
  agSimPrintReports(0);
  char log[1000] = {};
  int names[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, reinterpret_cast<void *>(sizeof log)};
  if (cuModuleLoadDataEx(&module, ptx.c_str(), 2, names, values))
    return {log};
  for (auto [at, bytes] : memory)
    cuMemHostRegister_v2(at, bytes, 0);
  // Behind the arguments: where it writes what it asserts and prints.
  std::vector<uint32_t> debug(hasDebug ? ag_debug_words : 0);
  size_t debugBytes = debug.size() * sizeof(uint32_t);
  if (hasDebug) {
    cuMemHostRegister_v2(debug.data(), debugBytes, 0);
    slots.push_back(reinterpret_cast<uintptr_t>(debug.data()));
  }
  cuModuleGetFunction(&function, module, name.c_str());
  cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                     static_cast<int>(sharedBytes));
  void *params[] = {slots.data()};
  CUresult launched = cuLaunchKernel(function, programs, 1, 1, threads, 1, 1,
                                     sharedBytes, nullptr, params, nullptr);
  result.reports = launched ? "the launch failed\n" : "";
  for (int n = 0; n < agSimReportCount(); ++n) {
    char report[1000];
    agSimReportText(n, report, sizeof report);
    result.reports += report;
    result.reports += '\n';
  }
  agSimClearReports();
  for (auto [at, bytes] : memory)
    cuMemHostUnregister(at);
  if (hasDebug) {
    cuMemHostUnregister(debug.data());
    result.failedAssert = debug[0];
  }
  cuModuleUnload(module);
  return result;
}

} // namespace attn_grid::test
