#include "compiler/Target/NvptxCodegen.h"

#include "compiler/Target/Codegen.h"
#include "compiler/Target/GpuTarget.h"

#include "mlir/Dialect/LLVMIR/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/OptBisect.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"

extern "C" {
void LLVMInitializeNVPTXTarget();
void LLVMInitializeNVPTXTargetInfo();
void LLVMInitializeNVPTXTargetMC();
void LLVMInitializeNVPTXAsmPrinter();
}

namespace attn_grid::compiler {

static llvm::Error failureWith(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
targetMachine(const GpuArch &arch) {
  static const bool initialised = [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    return true;
  }();
  (void)initialised;
  llvm::Triple triple("nvptx64-nvidia-cuda");
  std::string error;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return failureWith("this LLVM writes no PTX: " + error);
  llvm::TargetOptions options;
  // Only what is marked as contractible is contracted.
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, arch.name, arch.features, options, std::nullopt, std::nullopt,
      llvm::CodeGenOptLevel::Aggressive));
  if (!machine)
    return failureWith("no code generator for " + arch.name);
  return machine;
}

static llvm::Expected<std::string> findPtxas() {
  auto found = llvm::sys::findProgramByName("ptxas");
  if (!found)
    found = llvm::sys::findProgramByName("ptxas", {"/usr/local/cuda/bin"});
  if (!found)
    return failureWith("a cubin takes `ptxas`, which is neither in the PATH "
                       "nor in /usr/local/cuda/bin; --emit=ptx does not");
  return *found;
}

namespace {
/// Passes of the code generator that are left out.
class PassChoice : public llvm::OptPassGate {
public:
  bool shouldRunPass(llvm::StringRef pass, llvm::StringRef) const override {
    // They look for products and sums that could share a part, each pair anew:
    // nine tenths of a large kernel's compile time for no instruction less.
    return pass != "slsr" && pass != "nary-reassociate";
  }
  bool isEnabled() const override { return true; }
};
} // namespace

/// Runs ptxas on `ptx`.
static llvm::Expected<llvm::SmallVector<char, 0>>
assemble(llvm::StringRef ptx, const GpuArch &arch) {
  auto program = findPtxas();
  if (!program)
    return program.takeError();
  llvm::SmallString<128> input, output, log;
  for (auto [path, suffix] :
       {std::pair(&input, "ptx"), {&output, "cubin"}, {&log, "txt"}})
    if (auto code = llvm::sys::fs::createTemporaryFile("ag", suffix, *path))
      return failureWith("cannot make a temporary file: " + code.message());
  llvm::FileRemover removers[] = {llvm::FileRemover(input),
                                  llvm::FileRemover(output),
                                  llvm::FileRemover(log)};
  {
    std::error_code code;
    llvm::raw_fd_ostream file(input, code);
    file << ptx;
    file.close();
    if (code || file.has_error())
      return failureWith("cannot write a temporary file");
  }
  std::string archFlag = "-arch=" + arch.name;
  std::optional<llvm::StringRef> redirects[] = {
      llvm::StringRef(), llvm::StringRef(log), llvm::StringRef(log)};
  std::string error;
  int status = llvm::sys::ExecuteAndWait(
      *program, {*program, archFlag, input, "-o", output}, std::nullopt,
      redirects, 0, 0, &error);
  auto text = llvm::MemoryBuffer::getFile(status ? log : output);
  if (status)
    return failureWith("ptxas refuses what was made: " +
                       (text ? (*text)->getBuffer() : llvm::StringRef(error)));
  if (!text)
    return failureWith("cannot read what ptxas wrote");
  llvm::StringRef bytes = (*text)->getBuffer();
  return llvm::SmallVector<char, 0>(bytes.begin(), bytes.end());
}

/// Lets each instruction say which line of the source it comes from (`.loc`),
/// and nothing else that debuggers read. Without lines it stays as it is.
static void addLines(mlir::ModuleOp module) {
  mlir::PassManager passes(module.getContext());
  passes.enableVerifier(false);
  mlir::LLVM::DIScopeForLLVMFuncOpPassOptions options;
  options.emissionKind = mlir::LLVM::DIEmissionKind::DebugDirectivesOnly;
  passes.addPass(mlir::LLVM::createDIScopeForLLVMFuncOpPass(options));
  (void)passes.run(module);
}

llvm::Expected<std::unique_ptr<llvm::Module>>
translateToLLVM(mlir::ModuleOp module, const GpuArch &arch,
                llvm::LLVMContext &context) {
  mlir::registerBuiltinDialectTranslation(*module->getContext());
  mlir::registerLLVMDialectTranslation(*module->getContext());
  mlir::registerNVVMDialectTranslation(*module->getContext());
  addLines(module);
  std::unique_ptr<llvm::Module> code =
      mlir::translateModuleToLLVMIR(module, context);
  if (!code)
    return failureWith("translation to LLVM IR failed");
  auto machine = targetMachine(arch);
  if (!machine)
    return machine.takeError();
  code->setTargetTriple((*machine)->getTargetTriple());
  code->setDataLayout((*machine)->createDataLayout());
  optimizeModule(*code, **machine);
  return code;
}

llvm::Expected<llvm::SmallVector<char, 0>>
generateGpuCode(mlir::ModuleOp module, const GpuArch &arch, GpuCodeKind kind) {
  llvm::LLVMContext context;
  auto code = translateToLLVM(module, arch, context);
  if (!code)
    return code.takeError();
  return writeGpuCode(**code, arch, kind);
}

llvm::Expected<llvm::SmallVector<char, 0>>
writeGpuCode(llvm::Module &code, const GpuArch &arch, GpuCodeKind kind) {
  llvm::SmallVector<char, 0> output;
  llvm::raw_svector_ostream os(output);
  if (kind == GpuCodeKind::llvm) {
    os << code;
    return output;
  }
  auto machine = targetMachine(arch);
  if (!machine)
    return machine.takeError();
  static PassChoice choice; // outlives every context
  code.getContext().setOptPassGate(choice);
  llvm::legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, os, nullptr,
                                      llvm::CodeGenFileType::AssemblyFile))
    return failureWith("this LLVM writes no PTX");
  passes.run(code);
  if (kind == GpuCodeKind::ptx)
    return output;
  return assemble(llvm::StringRef(output.data(), output.size()), arch);
}

} // namespace attn_grid::compiler
