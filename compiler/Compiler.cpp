// The facade, and the runtime's `Compiler` on top of it.

#include "compiler/Compiler.h"

#include "compiler/Compilation.h"
#include "compiler/Frontend/Frontend.h"
#include "compiler/LanguageServer/Server.h"
#include "compiler/Target/CpuTarget.h"
#include "compiler/Target/GpuTarget.h"

#include <chrono>

using namespace mlir;

namespace attn_grid::compiler {

namespace {
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
    if (!parsed->findSignature(specialization.kernel))
      return {nullptr, "error: no kernel `" + specialization.kernel + "`\n"};
    const CpuTarget *cpu = nullptr;
    const GpuArch *gpu = nullptr;
    if (target.kind == Target::Kind::cpu)
      cpu = findCpu(target.arch);
    else
      gpu = findGpu(target.arch);
    if (!cpu && !gpu)
      return {nullptr,
              "error: there is no target `" + to_string(target) + "`\n",
              /*unsupported=*/true};
    Compilation compilation(*parsed, specialization);
    if (!compilation.toSplit())
      return {nullptr, compilation.takeMessages()};
    // What is left to be wrong is a target's: too large a tile above all.
    if (!(cpu ? compilation.toVectors(*cpu) : compilation.toThreads(*gpu)))
      return {nullptr, compilation.takeMessages(), /*unsupported=*/true};
    auto artifact = std::make_shared<Artifact>(compilation.describe());
    if (!compilation.toLLVM())
      return {nullptr, compilation.takeMessages()};
    auto code = cpu ? compilation.generate(*cpu, CodeKind::object)
                    : compilation.generate(*gpu, GpuCodeKind::ptx);
    if (!code)
      return {nullptr, compilation.takeMessages()};
    artifact->object =
        std::make_shared<const std::string>(code->begin(), code->end());
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
                    const std::vector<SourceFile> &imports,
                    const FunctionBindings &functions) override {
    auto parsed = parseProgram(std::string(source), std::string(name),
                               includeDirs, imports, functions);
    if (parsed->diagnostics.hasErrors())
      return {nullptr, parsed->diagnostics.render()};
    bool readMore = parsed->sources.readFromDisk();
    return {std::make_shared<SourceProgram>(std::move(parsed)), {}, readMore};
  }
};
} // namespace

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
      attn_grid::compiler::emit,    attn_grid::compiler::resume,
      attn_grid::compiler::explain, attn_grid::compiler::build,
      attn_grid::compiler::check,   attn_grid::compiler::serveLanguage};
  return &functions;
}
