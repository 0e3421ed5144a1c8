// agc compile FILE --emit=STAGE: one variant, stopped after one stage. FILE is
// a source, or an earlier stage's text (.mlir, .ll).

#include "tools/agc/Command.h"
#include "tools/agc/CompilerFunctions.h"
#include "tools/agc/VariantOptions.h"

#include "attn_grid/error.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/core.h>
#include <fstream>
#include <map>
#include <memory>
#include <unistd.h>

namespace attn_grid::agc {

namespace {
struct CompileOptions {
  SourceOptions source;
  VariantOptions variant;
  std::string target = "cpu", output;
  compiler::EmitOptions emit;
  bool printAfterAll = false, irregular = false;
  int level = 3;
};
} // namespace

static void writeOutput(const std::string &bytes, const std::string &path) {
  if (path.empty() || path == "-") {
    if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size() ||
        std::fflush(stdout) != 0)
      throw BackendError("cannot write to standard output");
    return;
  }
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file)
    throw BackendError(fmt::format("cannot write '{}'", path));
}

/// From a source.
static compiler::EmitResult compileSource(const CompileOptions &options,
                                          const std::string &text,
                                          const Target &target) {
  Bindings bindings = options.variant.kernel.bindings();
  Module module = options.variant.kernel.bind(Module::from_source(
      text, options.source.file, options.source.includeDirs));
  const Signature &signature = module.signatures()[findKernel(
      module.signatures(), options.variant.kernel.kernel)];
  // Refuses names that the kernel lacks and values that do not fit.
  Kernel kernel = module.kernel(signature.name, bindings);
  Specialization what =
      options.variant.specialize(kernel.signature(), bindings);
  if (target.kind == Target::Kind::ptx)
    what.regular.assign(kernel.signature().params.size(), !options.irregular);
  return compilerFunctions().emit(
      text, options.source.file, options.source.includeDirs, what, target,
      options.emit, options.variant.kernel.functions(signature.name));
}

static void compile(CompileOptions options) {
  Target target = parse_target(options.target);
  bool isText = options.emit.stage != compiler::Stage::object &&
                options.emit.stage != compiler::Stage::cubin;
  if (!isText && options.output.empty() && isatty(STDOUT_FILENO))
    throw UsageError("machine code is no text for a terminal: give -o FILE");
  if (options.printAfterAll)
    options.emit.afterPass = [](std::string_view text) {
      std::fwrite(text.data(), 1, text.size(), stderr);
    };
  options.emit.optimize = options.level != 0;
  std::string text = readFile(options.source.file);
  bool isSource = !options.source.file.ends_with(".mlir") &&
                  !options.source.file.ends_with(".ll");
  if (!isSource && !options.variant.isEmpty())
    throw UsageError("the text of a stage is one variant already: options that "
                     "choose one go with a .ag file");
  compiler::EmitResult result =
      isSource ? compileSource(options, text, target)
               : compilerFunctions().resume(text, options.source.file, target,
                                            options.emit);
  if (!result.ok)
    throw Diagnosed(result.diagnostics);
  writeOutput(result.output, options.output);
}

void addCompileCommand(CLI::App &app) {
  using compiler::Stage;
  static const std::map<std::string, Stage> stages{
      {"tile", Stage::tile},     {"split", Stage::split},
      {"vector", Stage::vector}, {"llvm", Stage::llvm},
      {"asm", Stage::assembly},  {"obj", Stage::object},
      {"gpu", Stage::gpu},       {"ptx", Stage::ptx},
      {"cubin", Stage::cubin},
  };
  auto options = std::make_shared<CompileOptions>();
  CLI::App *command =
      app.add_subcommand("compile", "compile one variant and print a stage");
  options->source.addTo(*command);
  options->variant.addTo(*command);
  command
      ->add_option("--target", options->target,
                   "the machine: cpu, cpu:x86-64-v3, sm_80, ... (cpu)")
      ->type_name("TARGET");
  command->add_option("--emit", options->emit.stage, "where to stop")
      ->required()
      ->type_name("tile|split|vector|llvm|asm|obj, of a GPU "
                  "tile|split|gpu|llvm|ptx|cubin")
      ->transform(CLI::CheckedTransformer(stages).description(""));
  command
      ->add_option("-o", options->output,
                   "a file; standard output if not given")
      ->type_name("FILE");
  command
      ->add_option("-O", options->level,
                   "0: LLVM does not optimise, for a CPU; 3: it does (3)")
      ->type_name("LEVEL")
      ->check(CLI::IsMember({0, 3}).description(""));
  command->add_flag("--irregular", options->irregular,
                    "for a GPU: of tensors that do not begin and step at "
                    "multiples of 16 bytes, or reach 2 GiB");
  command->add_flag("--print-after-all", options->printAfterAll,
                    "print the IR to standard error after each pass that "
                    "changes it");
  command->footer(
      R"(FILE may be the text of an earlier stage too (.mlir, .ll); it goes on from there.
Type parameters that --dtype does not name are f32, consts have their defaults.

Examples:
  agc compile flash_fwd.ag --set D=64 --set DV=64 --emit=tile
  agc compile flash_fwd.ag --set D=64 --set DV=64 --set causal=true \
      --dtype T=bf16 --absent lse --emit=asm -o flash.s
  agc compile flash.mlir --emit=asm)");
  command->callback([options] { compile(*options); });
}

} // namespace attn_grid::agc
