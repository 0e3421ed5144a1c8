// The facade, and the runtime's `Compiler` on top of it.

#include "compiler/Compiler.h"

#include "compiler/Conversion/Cpu/LowerToVector.h"
#include "compiler/Frontend/Frontend.h"
#include "compiler/Frontend/Slots.h"
#include "compiler/LanguageServer/Server.h"
#include "compiler/Pipeline.h"
#include "compiler/Target/Codegen.h"
#include "compiler/Target/CpuTarget.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"

#include <chrono>

using namespace mlir;

namespace attn_grid::compiler {

/// A context of one compilation. Threads of its own would only get in the way
/// of the host's.
static std::unique_ptr<MLIRContext> makeContext() {
  DialectRegistry registry;
  registerPipelineDialects(registry);
  auto context =
      std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  context->loadAllAvailableDialects();
  return context;
}

/// `flash.ag:30:13: error: text`, for mistakes that passes find.
static void printDiagnostic(llvm::raw_ostream &os,
                            mlir::Diagnostic &diagnostic) {
  if (auto place = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>())
    os << place.getFilename().getValue() << ':' << place.getLine() << ':'
       << place.getColumn() << ": ";
  os << (diagnostic.getSeverity() == DiagnosticSeverity::Error ? "error: "
                                                               : "note: ")
     << diagnostic << '\n';
}

namespace {
/// One kernel on its way down, stage by stage.
class Compilation {
public:
  Compilation(const ParsedProgram &program,
              const Specialization &specialization)
      : context(makeContext()),
        handler(context.get(), [this](mlir::Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
            return success();
          llvm::raw_string_ostream os(messages);
          printDiagnostic(os, diagnostic);
          return success();
        }) {
    Diagnostics diagnostics(program.sources);
    module = lowerKernel(program, specialization, *context, diagnostics);
    if (!module)
      messages += diagnostics.render();
  }

  bool ok() const { return module && messages.empty(); }
  /// The mistakes found so far, as text; never empty when not ok.
  std::string takeMessages() {
    return messages.empty() ? "error: the compiler failed without a message\n"
                            : std::move(messages);
  }

  /// Runs one phase of the pipeline.
  bool run(llvm::function_ref<void(OpPassManager &)> addPhase) {
    PassManager passes(context.get(), ModuleOp::getOperationName());
    // Each pass keeps its output valid; the tests verify after every pass.
    passes.enableVerifier(false);
    addPhase(passes);
    if (failed(passes.run(*module)))
      module = nullptr;
    return ok();
  }

  /// Runs the phases down to vectors and loops.
  bool toVectors(const CpuTarget &cpu) {
    return ok() && run(addTilePhase) &&
           run([&](OpPassManager &passes) { addVectorPhase(passes, cpu); });
  }

  std::optional<llvm::SmallVector<char, 0>> generate(const CpuTarget &cpu,
                                                     CodeKind kind) {
    auto code = generateCode(*module, cpu, kind);
    if (code)
      return std::move(*code);
    messages += "error: " + llvm::toString(code.takeError()) + "\n";
    return std::nullopt;
  }

  ModuleOp get() { return *module; }

private:
  std::unique_ptr<MLIRContext> context;
  std::string messages;
  ScopedDiagnosticHandler handler;
  OwningOpRef<ModuleOp> module;
};

/// Why there is no lowering for a target.
std::string unsupportedTarget(const Target &target) {
  if (target.kind == Target::Kind::ptx)
    return "error: target " + to_string(target) +
           ": this version compiles for CPUs only\n";
  return "error: there is no CPU `" + target.arch + "` to compile for\n";
}

/// The CPU of a target, or null: it is `unsupportedTarget`.
const CpuTarget *cpuOf(const Target &target) {
  return target.kind == Target::Kind::cpu ? findCpu(target.arch) : nullptr;
}

/// A parsed source; makes variants.
class SourceProgram final : public Program {
public:
  explicit SourceProgram(std::unique_ptr<ParsedProgram> parsed)
      : parsed(std::move(parsed)) {}

  const std::vector<Signature> &signatures() const override {
    return parsed->signatures;
  }

  CompileResult compile(const Specialization &specialization,
                        const Target &target) const override {
    auto start = std::chrono::steady_clock::now();
    const Signature *signature = parsed->findSignature(specialization.kernel);
    if (!signature)
      return {nullptr, "error: no kernel `" + specialization.kernel + "`\n"};
    const CpuTarget *cpu = cpuOf(target);
    if (!cpu)
      return {nullptr, unsupportedTarget(target), /*unsupported=*/true};
    Compilation compilation(*parsed, specialization);
    if (!compilation.toVectors(*cpu))
      return {nullptr, compilation.takeMessages()};
    auto artifact = std::make_shared<Artifact>();
    for (auto function : compilation.get().getOps<func::FuncOp>()) {
      if (auto bytes =
              function->getAttrOfType<IntegerAttr>(cpu::scratchBytesAttr))
        artifact->scratch_bytes = bytes.getInt();
      if (auto messages = function->getAttrOfType<ArrayAttr>(cpu::assertsAttr))
        for (auto message : messages.getAsRange<StringAttr>())
          artifact->asserts.push_back(message.getValue().str());
    }
    if (!compilation.run(addLLVMPhase))
      return {nullptr, compilation.takeMessages()};
    auto object = compilation.generate(*cpu, CodeKind::object);
    if (!object)
      return {nullptr, compilation.takeMessages()};
    artifact->object =
        std::make_shared<const std::string>(object->begin(), object->end());
    artifact->symbol = specialization.kernel;
    // Elementary functions flush their own results; all else follows IEEE.
    artifact->flush_subnormals = false;
    artifact->slots = argumentSlots(*signature, specialization);
    artifact->compile_ms = std::chrono::duration<double, std::milli>(
                               std::chrono::steady_clock::now() - start)
                               .count();
    return {std::move(artifact), {}};
  }

private:
  std::unique_ptr<ParsedProgram> parsed;
};

/// What the runtime sends misses to.
class SourceCompiler final : public Compiler {
public:
  ParseResult parse(std::string_view source, std::string_view name,
                    const std::vector<std::string> &includeDirs,
                    const std::vector<SourceFile> &imports) override {
    auto parsed = parseProgram(std::string(source), std::string(name),
                               includeDirs, imports);
    if (parsed->diagnostics.hasErrors())
      return {nullptr, parsed->diagnostics.render()};
    bool readMore = parsed->sources.readFromDisk();
    return {std::make_shared<SourceProgram>(std::move(parsed)), {}, readMore};
  }
};
} // namespace

EmitResult emit(std::string_view source, std::string_view name,
                const std::vector<std::string> &includeDirs,
                const Specialization &specialization, const Target &target,
                Stage stage) {
  EmitResult result;
  auto parsed =
      parseProgram(std::string(source), std::string(name), includeDirs);
  if (parsed->diagnostics.hasErrors()) {
    result.diagnostics = parsed->diagnostics.render();
    return result;
  }
  if (!parsed->findSignature(specialization.kernel)) {
    result.diagnostics = "error: no kernel `" + specialization.kernel + "`\n";
    return result;
  }
  const CpuTarget *cpu = cpuOf(target);
  if (!cpu && stage != Stage::tile) {
    result.diagnostics = unsupportedTarget(target);
    result.unsupported = true;
    return result;
  }
  Compilation compilation(*parsed, specialization);
  bool ok = compilation.ok();
  if (ok && stage >= Stage::vector)
    ok = compilation.toVectors(*cpu);
  if (ok && stage <= Stage::vector) {
    llvm::raw_string_ostream os(result.output);
    compilation.get().print(os);
    os << '\n';
  } else if (ok && compilation.run(addLLVMPhase)) {
    CodeKind kind = stage == Stage::llvm       ? CodeKind::llvm
                    : stage == Stage::assembly ? CodeKind::assembly
                                               : CodeKind::object;
    if (auto code = compilation.generate(*cpu, kind))
      result.output.assign(code->begin(), code->end());
    else
      ok = false;
  } else {
    ok = false;
  }
  result.ok = ok;
  if (!ok) {
    result.output.clear();
    result.diagnostics = compilation.takeMessages();
  }
  return result;
}

std::string check(std::string_view source, std::string_view name,
                  const std::vector<std::string> &includeDirs) {
  auto parsed =
      parseProgram(std::string(source), std::string(name), includeDirs);
  if (parsed->diagnostics.hasErrors())
    return parsed->diagnostics.render();
  std::unique_ptr<MLIRContext> context = makeContext();
  Diagnostics diagnostics(parsed->sources);
  checkProgram(*parsed, *context, diagnostics);
  return diagnostics.render();
}

int serveLanguage(std::istream &in, std::ostream &out) {
  return lsp::Server(in, out, makeContext).run();
}

namespace {
/// Loading this library makes its compiler the runtime's.
struct Registration {
  Registration() {
    static SourceCompiler compiler;
    set_compiler(&compiler);
  }
} registration;
} // namespace

} // namespace attn_grid::compiler

const attn_grid::compiler::Functions *ag_compiler_functions() {
  static const attn_grid::compiler::Functions functions = {
      attn_grid::compiler::emit, attn_grid::compiler::check,
      attn_grid::compiler::serveLanguage};
  return &functions;
}
