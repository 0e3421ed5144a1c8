// One kernel down to one stage, from its source or from the text of an earlier
// stage.

#include "compiler/Compiler.h"

#include "compiler/Compilation.h"
#include "compiler/Target/CpuTarget.h"
#include "compiler/Target/GpuTarget.h"
#include "dialect/AgOps.h"

#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace attn_grid::compiler {

/// What a module's text says its stage is.
static constexpr llvm::StringLiteral stageAttr = "ag.stage";
static constexpr llvm::StringLiteral targetAttr = "ag.target";

static constexpr std::pair<Stage, const char *> mlirStages[] = {
    {Stage::tile, "tile"},
    {Stage::split, "split"},
    {Stage::vector, "vector"},
    {Stage::gpu, "gpu"}};

static bool isMlir(Stage stage) {
  return llvm::any_of(mlirStages,
                      [&](const auto &row) { return row.first == stage; });
}

/// How far down a stage is.
static int depth(Stage stage) {
  switch (stage) {
  case Stage::tile:
    return 0;
  case Stage::split:
    return 1;
  case Stage::vector:
  case Stage::gpu:
    return 2;
  case Stage::llvm:
    return 3;
  case Stage::assembly:
  case Stage::ptx:
    return 4;
  case Stage::object:
  case Stage::cubin:
    return 5;
  }
  llvm_unreachable("all stages are above");
}

static EmitResult failure(std::string message, bool unsupported = false) {
  EmitResult result;
  result.diagnostics = std::move(message);
  result.unsupported = unsupported;
  return result;
}

/// Why the target has no such stage, or nothing.
static std::optional<EmitResult> refuse(const Target &target, Stage stage) {
  bool isCpu = target.kind == Target::Kind::cpu;
  if (isCpu && !findCpu(target.arch) && stage > Stage::split)
    return failure("error: there is no CPU `" + target.arch +
                       "` to compile for\n",
                   /*unsupported=*/true);
  if (depth(stage) < depth(Stage::vector) || stage == Stage::llvm ||
      (stage < Stage::gpu) == isCpu)
    return std::nullopt;
  return failure("error: target " + to_string(target) + " has no such stage: " +
                 (isCpu ? "a CPU has tile, split, vector, llvm, asm, obj\n"
                        : "a GPU has tile, split, gpu, llvm, ptx, cubin\n"));
}

/// Whether text of a stage is for one machine.
static bool isLowered(Stage stage) {
  return depth(stage) >= depth(Stage::vector);
}

/// The CPU to compile for, which `refuse` has seen.
static CpuTarget cpuOf(const Target &target, const EmitOptions &options) {
  CpuTarget cpu = *findCpu(target.arch);
  cpu.optimize = options.optimize;
  return cpu;
}

/// The code of a kernel in the LLVM dialect.
static std::optional<llvm::SmallVector<char, 0>>
generate(Compilation &compilation, const Target &target,
         const EmitOptions &options) {
  Stage stage = options.stage;
  if (target.kind == Target::Kind::ptx)
    return compilation.generate(*findGpu(target.arch),
                                stage == Stage::llvm  ? GpuCodeKind::llvm
                                : stage == Stage::ptx ? GpuCodeKind::ptx
                                                      : GpuCodeKind::cubin);
  return compilation.generate(cpuOf(target, options),
                              stage == Stage::llvm       ? CodeKind::llvm
                              : stage == Stage::assembly ? CodeKind::assembly
                                                         : CodeKind::object);
}

/// From the stage `at` to the one that is wanted, which is not before it.
static EmitResult descend(Compilation &compilation, Stage at,
                          const Target &target, const EmitOptions &options) {
  compilation.observe(options.afterPass);
  bool isGpu = target.kind == Target::Kind::ptx;
  bool ok = compilation.ok();
  int goal = depth(options.stage);
  if (ok && at == Stage::tile && goal > depth(at)) {
    ok = compilation.toSplit();
    at = Stage::split;
  }
  if (ok && at == Stage::split && goal > depth(at)) {
    ok = isGpu ? compilation.toThreads(*findGpu(target.arch))
               : compilation.toVectors(cpuOf(target, options));
    at = isGpu ? Stage::gpu : Stage::vector;
  }
  EmitResult result;
  if (ok && isMlir(options.stage)) {
    ModuleOp module = compilation.get();
    auto note = [&](StringRef attribute, const llvm::Twine &text) {
      module->setAttr(attribute, StringAttr::get(module.getContext(), text));
    };
    for (auto [stage, name] : mlirStages)
      if (stage == at)
        note(stageAttr, name);
    if (isLowered(at))
      note(targetAttr, to_string(target));
    llvm::raw_string_ostream os(result.output);
    compilation.get().print(os);
    os << '\n';
  } else if (ok && compilation.toLLVM()) {
    auto code = generate(compilation, target, options);
    ok = code.has_value();
    if (code)
      result.output.assign(code->begin(), code->end());
  } else {
    ok = false;
  }
  return ok ? (result.ok = true, result) : failure(compilation.takeMessages());
}

EmitResult emit(std::string_view source, std::string_view name,
                const std::vector<std::string> &includeDirs,
                const Specialization &specialization, const Target &target,
                const EmitOptions &options, const FunctionBindings &functions) {
  auto parsed = parseProgram(std::string(source), std::string(name),
                             includeDirs, /*imports=*/{}, functions);
  if (parsed->diagnostics.hasErrors())
    return failure(parsed->diagnostics.render());
  if (!parsed->findSignature(specialization.kernel))
    return failure("error: no kernel `" + specialization.kernel + "`\n");
  if (auto refused = refuse(target, options.stage))
    return *refused;
  Compilation compilation(*parsed, specialization);
  return descend(compilation, Stage::tile, target, options);
}

/// From optimised LLVM IR to code.
static EmitResult resumeLLVM(std::string_view text, std::string_view name,
                             const Target &target, const EmitOptions &options) {
  Stage stage = options.stage;
  llvm::LLVMContext context;
  llvm::SMDiagnostic mistake;
  std::unique_ptr<llvm::Module> module = llvm::parseIR(
      llvm::MemoryBufferRef(text, llvm::StringRef(name)), mistake, context);
  std::string messages;
  llvm::raw_string_ostream os(messages);
  if (!module) {
    mistake.print(nullptr, os, /*ShowColors=*/false);
    return failure(messages);
  }
  if (llvm::verifyModule(*module, &os))
    return failure(std::string(name) +
                   ": error: this LLVM IR is not valid: " + messages);
  bool isGpu = target.kind == Target::Kind::ptx;
  if (module->getTargetTriple().isNVPTX() != isGpu)
    return failure(std::string(name) + ": error: this LLVM IR is for " +
                   module->getTargetTriple().str() + ", not for the target " +
                   to_string(target) + "\n");
  auto code = isGpu ? writeGpuCode(*module, *findGpu(target.arch),
                                   stage == Stage::llvm  ? GpuCodeKind::llvm
                                   : stage == Stage::ptx ? GpuCodeKind::ptx
                                                         : GpuCodeKind::cubin)
                    : writeCode(*module, cpuOf(target, options),
                                stage == Stage::llvm       ? CodeKind::llvm
                                : stage == Stage::assembly ? CodeKind::assembly
                                                           : CodeKind::object);
  if (!code)
    return failure("error: " + llvm::toString(code.takeError()) + "\n");
  EmitResult result;
  result.output.assign(code->begin(), code->end());
  result.ok = true;
  return result;
}

/// The stage that a module's text is of; without a word of it, that of the
/// front end where there is a kernel of tiles.
static std::optional<Stage> stageOf(ModuleOp module) {
  auto said = module->getAttrOfType<StringAttr>(stageAttr);
  for (auto [stage, name] : mlirStages)
    if (said && said.getValue() == name)
      return stage;
  if (!said && !module.getOps<ir::KernelOp>().empty())
    return Stage::tile;
  return std::nullopt;
}

EmitResult resume(std::string_view text, std::string_view name,
                  const Target &target, const EmitOptions &options) {
  if (auto refused = refuse(target, options.stage))
    return *refused;
  auto tooLate = [&](const char *what) {
    return failure(std::string(name) + ": error: this text is of the stage " +
                   what + ", which comes after the one wanted\n");
  };
  if (name.ends_with(".ll"))
    return depth(options.stage) < depth(Stage::llvm)
               ? tooLate("llvm")
               : resumeLLVM(text, name, target, options);
  Compilation compilation(text, name);
  if (!compilation.ok())
    return failure(compilation.takeMessages());
  std::optional<Stage> at = stageOf(compilation.get());
  if (!at)
    return failure(std::string(name) +
                   ": error: expected a module with an `ag.kernel`, or with "
                   "`ag.stage` as `agc compile --emit` writes it\n");
  if (auto refused = refuse(target, *at))
    return *refused;
  auto madeFor = compilation.get()->getAttrOfType<StringAttr>(targetAttr);
  if (isLowered(*at) && madeFor && madeFor.getValue() != to_string(target))
    return failure(std::string(name) + ": error: this text is made for " +
                   madeFor.str() + ", not for the target " + to_string(target) +
                   ": begin again from its tiles\n");
  if (depth(options.stage) < depth(*at))
    for (auto [stage, word] : mlirStages)
      if (stage == *at)
        return tooLate(word);
  return descend(compilation, *at, target, options);
}

} // namespace attn_grid::compiler
