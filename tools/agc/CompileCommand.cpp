// agc compile FILE.ag --emit=STAGE: one variant, stopped after one stage.

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
  compiler::Stage stage = compiler::Stage::tile;
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

static void compile(const CompileOptions &options) {
  Target target = parse_target(options.target);
  bool isText = options.stage != compiler::Stage::object &&
                options.stage != compiler::Stage::cubin;
  if (!isText && options.output.empty() && isatty(STDOUT_FILENO))
    throw UsageError("machine code is no text for a terminal: give -o FILE");
  Bindings bindings = options.variant.kernel.bindings();
  std::string text = readFile(options.source.file);
  Module module = options.variant.kernel.bind(Module::from_source(
      text, options.source.file, options.source.includeDirs));
  const Signature &signature = module.signatures()[findKernel(
      module.signatures(), options.variant.kernel.kernel)];
  // Refuses names that the kernel lacks and values that do not fit.
  Kernel kernel = module.kernel(signature.name, bindings);
  compiler::EmitResult result = compilerFunctions().emit(
      text, options.source.file, options.source.includeDirs,
      options.variant.specialize(kernel.signature(), bindings), target,
      options.stage, options.variant.kernel.functions(signature.name));
  if (!result.ok)
    throw Diagnosed(result.diagnostics);
  writeOutput(result.output, options.output);
}

void addCompileCommand(CLI::App &app) {
  using compiler::Stage;
  static const std::map<std::string, Stage> stages{
      {"tile", Stage::tile},  {"vector", Stage::vector},
      {"llvm", Stage::llvm},  {"asm", Stage::assembly},
      {"obj", Stage::object}, {"gpu", Stage::gpu},
      {"ptx", Stage::ptx},    {"cubin", Stage::cubin},
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
  command->add_option("--emit", options->stage, "where to stop")
      ->required()
      ->type_name("tile|vector|llvm|asm|obj, of a GPU tile|gpu|llvm|ptx|cubin")
      ->transform(CLI::CheckedTransformer(stages).description(""));
  command
      ->add_option("-o", options->output,
                   "a file; standard output if not given")
      ->type_name("FILE");
  command->footer(
      R"(Type parameters that --dtype does not name are f32, consts have their defaults.

Examples:
  agc compile flash_fwd.ag --set D=64 --set DV=64 --emit=tile
  agc compile flash_fwd.ag --set D=64 --set DV=64 --set causal=true \
      --dtype T=bf16 --absent lse --emit=asm -o flash.s)");
  command->callback([options] { compile(*options); });
}

} // namespace attn_grid::agc
