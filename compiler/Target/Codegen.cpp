#include "compiler/Target/Codegen.h"

#include "compiler/Target/CpuTarget.h"
#include "compiler/Target/SingleLaneStores.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"

namespace attn_grid::compiler {

static llvm::Error failureWith(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// LLVM's code generator for a processor family. That of this machine costs
/// nothing to set up; the others come when one of them is asked for.
static const llvm::Target *findGenerator(const llvm::Triple &triple) {
  static const bool native = !llvm::InitializeNativeTarget() &&
                             !llvm::InitializeNativeTargetAsmPrinter();
  std::string error;
  if (native)
    if (const auto *target = llvm::TargetRegistry::lookupTarget(triple, error))
      return target;
  static const bool all = [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
    return true;
  }();
  return all ? llvm::TargetRegistry::lookupTarget(triple, error) : nullptr;
}

static llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
targetMachine(const CpuTarget &cpu) {
  llvm::Triple triple(cpu.triple);
  const llvm::Target *target = findGenerator(triple);
  if (!target)
    return failureWith("this LLVM has no code generator for " + cpu.triple);
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, cpu.name, cpu.features, options, llvm::Reloc::PIC_,
      llvm::CodeModel::Small,
      cpu.optimize ? llvm::CodeGenOptLevel::Aggressive
                   : llvm::CodeGenOptLevel::None,
      /*JIT=*/false));
  if (!machine)
    return failureWith("no code generator for " + cpu.triple);
  return machine;
}

/// The passes of -O2 without those that find vectors and unroll loops: the
/// loops are vectors already, unrolled as far as registers go.
void optimizeModule(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = false;
  tuning.LoopInterleaving = false;
  tuning.SLPVectorization = false;
  tuning.LoopUnrolling = false;
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2)
      .run(module, modules);
}

/// What functions need to know that the lowering knows.
static void addAttributes(llvm::Function &function, const CpuTarget &cpu) {
  function.addFnAttr("target-cpu", cpu.name);
  if (!cpu.features.empty())
    function.addFnAttr("target-features", cpu.features);
  // Wide vectors are what the lowering chose; the tuning of some CPUs would
  // split them.
  function.addFnAttr("prefer-vector-width",
                     std::to_string(cpu.vectors.vectorBits));
  // The body takes each buffer as a pointer that aliases nothing, which
  // inlining would weaken.
  if (function.hasPrivateLinkage() || function.hasInternalLinkage())
    function.addFnAttr(llvm::Attribute::NoInline);
}

llvm::Expected<std::unique_ptr<llvm::Module>>
translateToLLVM(mlir::ModuleOp module, const CpuTarget &cpu,
                llvm::LLVMContext &context) {
  mlir::registerBuiltinDialectTranslation(*module->getContext());
  mlir::registerLLVMDialectTranslation(*module->getContext());
  std::unique_ptr<llvm::Module> code =
      mlir::translateModuleToLLVMIR(module, context);
  if (!code)
    return failureWith("translation to LLVM IR failed");
  auto machine = targetMachine(cpu);
  if (!machine)
    return machine.takeError();
  code->setTargetTriple((*machine)->getTargetTriple());
  code->setDataLayout((*machine)->createDataLayout());
  for (llvm::Function &function : *code)
    if (!function.isDeclaration())
      addAttributes(function, cpu);
  if (cpu.optimize)
    optimizeModule(*code, **machine);
  storeSingleLanes(*code);
  return code;
}

static bool usesTileRegisters(const llvm::Module &code) {
  return llvm::any_of(code, [](const llvm::Function &function) {
    return function.getReturnType()->isX86_AMXTy();
  });
}

llvm::Expected<llvm::SmallVector<char, 0>>
writeCode(llvm::Module &code, const CpuTarget &cpu, CodeKind kind) {
  llvm::SmallVector<char, 0> output;
  llvm::raw_svector_ostream os(output);
  if (kind == CodeKind::llvm) {
    os << code;
    return output;
  }
  if (!cpu.optimize && usesTileRegisters(code))
    return failureWith("LLVM gives out tile registers (AMX) only where it "
                       "optimises: compile with -O3, or begin again before "
                       "the stage vector");
  auto machine = targetMachine(cpu);
  if (!machine)
    return machine.takeError();
  llvm::legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, os, nullptr,
                                      kind == CodeKind::assembly
                                          ? llvm::CodeGenFileType::AssemblyFile
                                          : llvm::CodeGenFileType::ObjectFile))
    return failureWith("this target writes no object files");
  passes.run(code);
  return output;
}

llvm::Expected<llvm::SmallVector<char, 0>>
generateCode(mlir::ModuleOp module, const CpuTarget &cpu, CodeKind kind) {
  llvm::LLVMContext context;
  auto code = translateToLLVM(module, cpu, context);
  if (!code)
    return code.takeError();
  return writeCode(**code, cpu, kind);
}

} // namespace attn_grid::compiler
