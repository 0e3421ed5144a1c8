// Text of the dialect, changed in places that are the fuzzer's bytes. What the
// parser and the verifiers accept keeps its meaning when it is printed and read
// again, and the phases for CPUs and GPUs end in valid IR or in a message.

#include "compiler/Pipeline.h"
#include "compiler/ReadText.h"
#include "compiler/Target/CpuTarget.h"
#include "compiler/Target/GpuTarget.h"
#include "dialect/AgOps.h"
#include "test/support/DialectEdits.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

using namespace attn_grid;
using namespace attn_grid::compiler;

[[noreturn]] static void fail(const char *why, const std::string &text) {
  std::fprintf(stderr, "%s:\n%s\n", why, text.c_str());
  abort();
}

/// The functions and kernels of the tests' files.
static const std::vector<std::string> &seeds() {
  static const std::vector<std::string> all = [] {
    std::vector<std::filesystem::path> paths;
    for (const char *folder : {AG_TESTS "/dialect", AG_TESTS "/compiler"})
      for (const auto &entry :
           std::filesystem::recursive_directory_iterator(folder))
        if (entry.path().extension() == ".mlir")
          paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<std::string> functions;
    for (const auto &path : paths) {
      std::ifstream file(path);
      std::string text(std::istreambuf_iterator<char>(file), {});
      for (std::string &function : test::splitFunctions(text))
        functions.push_back(std::move(function));
    }
    return functions;
  }();
  return all;
}

/// A context remembers all types and constants, so it does not live for ever.
static mlir::MLIRContext &contextForNext() {
  constexpr int uses = 500;
  static std::unique_ptr<mlir::MLIRContext> context;
  static int used = 0;
  if (!context || used++ == uses) {
    used = 0;
    mlir::DialectRegistry registry;
    registerPipelineDialects(registry);
    context = std::make_unique<mlir::MLIRContext>(
        registry, mlir::MLIRContext::Threading::DISABLED);
    context->loadAllAvailableDialects();
  }
  return *context;
}

static std::string print(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os);
  return text;
}

namespace {
/// Finds a pass that leaves what is not valid.
struct VerifyAfter final : mlir::PassInstrumentation {
  explicit VerifyAfter(const std::string &text) : text(text) {}
  void runAfterPass(mlir::Pass *pass, mlir::Operation *op) override {
    if (mlir::failed(mlir::verify(op)))
      fail(("not valid after " + pass->getName()).str().c_str(), text);
  }
  const std::string &text;
};
} // namespace

/// Runs phases on a copy.
static void lower(mlir::ModuleOp module, const std::string &text,
                  llvm::function_ref<void(mlir::OpPassManager &)> addPhases) {
  mlir::OwningOpRef<mlir::ModuleOp> copy(module.clone());
  std::string messages;
  mlir::ScopedDiagnosticHandler handler(
      module.getContext(), [&](mlir::Diagnostic &diagnostic) {
        llvm::raw_string_ostream(messages) << diagnostic << '\n';
        return mlir::success();
      });
  mlir::PassManager passes(module.getContext(),
                           mlir::ModuleOp::getOperationName());
  passes.enableVerifier(false);
  passes.addInstrumentation(std::make_unique<VerifyAfter>(text));
  addPhases(passes);
  if (mlir::succeeded(passes.run(*copy)))
    return;
  if (messages.empty())
    fail("a pass failed without a message", text);
  if (messages.find("failed to legalize") != std::string::npos)
    fail(messages.c_str(), text);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string text = test::editDialectText(seeds(), {data, size});
  static const bool show = std::getenv("AG_FUZZ_SHOW");
  if (show)
    std::fprintf(stderr, "// input\n%s\n", text.c_str());
  mlir::MLIRContext &context = contextForNext();
  mlir::OwningOpRef<mlir::ModuleOp> module;
  {
    mlir::ScopedDiagnosticHandler quiet(
        &context, [](mlir::Diagnostic &) { return mlir::success(); });
    module = readText(text, "k.mlir", context);
    if (!module)
      return 0;
    std::string once = print(*module);
    auto again = readText(once, "k.mlir", context);
    if (!again || print(*again) != once)
      fail("printed, it is not read as the same", once);
  }
  if (module->getOps<ir::KernelOp>().empty())
    return 0;
  static const CpuTarget &cpu = *findCpu("x86-64-v3");
  static const GpuArch &gpu = *findGpu("sm_80");
  lower(*module, text, [&](mlir::OpPassManager &passes) {
    addTilePhase(passes);
    addVectorPhase(passes, cpu);
    addLLVMPhase(passes);
  });
  lower(*module, text, [&](mlir::OpPassManager &passes) {
    addTilePhase(passes);
    addThreadPhase(passes, gpu);
    addLLVMPhase(passes);
  });
  return 0;
}
