// agc build FILE.ag ... -o NAME: kernels as C functions, compiled ahead of
// time.

#include "tools/agc/AheadHeader.h"
#include "tools/agc/BuildPlan.h"
#include "tools/agc/Command.h"
#include "tools/agc/CompilerFunctions.h"
#include "tools/agc/Limits.h"

#include "attn_grid/error.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <memory>

namespace attn_grid::agc {

namespace {
struct CommandOptions {
  std::vector<std::string> files, includeDirs;
  BuildOptions build;
  std::string output, prefix, depfile;
};
} // namespace

/// A file name in a rule of make.
static std::string escapeForMake(const std::string &path) {
  std::string text;
  for (char c : path) {
    if (c == ' ' || c == '#')
      text += '\\';
    text += c == '$' ? "$$" : std::string(1, c);
  }
  return text;
}

/// What the object is made of, as a rule of make.
static std::string dependencies(const std::string &object,
                                const std::vector<std::string> &files) {
  std::string text = escapeForMake(object) + ":";
  for (const std::string &file : files)
    if (std::filesystem::exists(file)) // the prelude is built in
      text += " " + escapeForMake(file);
  return text + "\n";
}

static void runBuild(CommandOptions options) {
  auto start = std::chrono::steady_clock::now();
  std::string name =
      identifier(std::filesystem::path(options.output).filename().string());
  if (std::filesystem::path(options.output).filename().empty())
    throw UsageError(fmt::format("-o {}: expected the name that all files "
                                 "begin with, as in -o {}kernels",
                                 options.output, options.output));
  if (options.prefix.empty())
    options.prefix = name + "_";
  if (options.prefix != identifier(options.prefix))
    throw UsageError(fmt::format("--prefix {}: expected letters, digits and _",
                                 options.prefix));
  if (options.build.targets.empty())
    options.build.targets = {"cpu"};

  compiler::BuildRequest request;
  request.name = name;
  request.includeDirs = options.includeDirs;
  request.targets = planTargets(options.build.targets);
  std::vector<BuildSource> sources;
  for (const std::string &file : options.files) {
    std::string text = readFile(file);
    Module module = Module::from_source(text, file, options.includeDirs);
    sources.push_back({file, std::move(text), std::move(module)});
  }
  request.kernels = planBuild(sources, options.build, options.prefix);

  compiler::BuildResult result = compilerFunctions().build(request);
  if (result.unsupported)
    throw Unsupported(result.diagnostics.substr(sizeof("error: ") - 1));
  if (!result.ok)
    throw Diagnosed(result.diagnostics);
  std::string object = options.output + ".o";
  writeFile(result.object, object);
  writeFile(aheadHeader(result.library), options.output + ".h");
  writeFile(aheadJson(result.library), options.output + ".json");
  if (!options.depfile.empty())
    writeFile(dependencies(object, result.files), options.depfile);

  std::vector<std::string> targets;
  for (const Target &target : request.targets)
    targets.push_back(to_string(target));
  double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  fmt::print("{0}.h, {0}.o, {0}.json: {1} function{2}, {3} variants for {4}; "
             "{5} KB of object in {6:.1f} s\n",
             options.output, result.library.functions.size(),
             result.library.functions.size() == 1 ? "" : "s",
             result.library.variants.size(), fmt::join(targets, ", "),
             result.object.size() / 1000, seconds);
}

void addBuildCommand(CLI::App &app) {
  auto options = std::make_shared<CommandOptions>();
  CLI::App *command = app.add_subcommand(
      "build", "compile kernels ahead of time, to an object with C functions");
  command->add_option("FILE", options->files, "sources of kernels, .ag files")
      ->required();
  auto repeated = [&](const char *flag, std::vector<std::string> &to,
                      const char *help, const char *type) {
    command->add_option(flag, to, help)
        ->type_name(type)
        ->allow_extra_args(false);
  };
  BuildOptions &build = options->build;
  repeated("-I", options->includeDirs,
           "a folder that `import` searches (may be repeated)", "DIR");
  repeated("--kernel", build.kernels,
           "a kernel to build (may be repeated); all if not given", "NAME");
  repeated("--set", build.sets,
           "a const parameter; of several values, the tensors choose one, or "
           "the function has a parameter for it",
           "CONST=VALUE[,VALUE]");
  repeated("--dtype", build.dtypes,
           "a type parameter; tensors choose among several", "T=DTYPE[,DTYPE]");
  repeated("--present", build.present,
           "an optional tensor that is never null; else both are built",
           "NAME");
  repeated("--absent", build.absent, "an optional tensor that is always null",
           "NAME");
  repeated("--last-stride", build.lastStrides,
           "what the fast form assumes of a tensor's last stride, else 1",
           "NAME=0|1|any");
  repeated("--target", build.targets,
           "machines: cpu (every instruction set of this processor family, the "
           "best is chosen at the first call; the default), or some of "
           "cpu:x86-64, cpu:x86-64-v3, cpu:x86-64-v4, cpu:x86-64-v4-bf16, "
           "cpu:x86-64-v4-amx, cpu:aarch64; beside them or alone sm_80, sm_86, "
           "sm_89, sm_90a, sm_100a, sm_120: PTX "
           "for arrays on a GPU",
           "TARGET[,TARGET]");
  command
      ->add_option("-o", options->output,
                   "what the files' names begin with: NAME.h, NAME.o and "
                   "NAME.json are written")
      ->type_name("NAME")
      ->required();
  command
      ->add_option("--prefix", options->prefix,
                   "what the functions' names begin with (NAME_)")
      ->type_name("PREFIX");
  command
      ->add_option("--depfile", options->depfile,
                   "write which files the object is made from, as a rule of "
                   "make")
      ->type_name("FILE");
  addLimits(*command);
  command->footer(
      R"(Each kernel becomes one C function that checks its arguments as a launch does
and returns a code. Programs link NAME.o and attn_grid_runtime; they need neither
the compiler nor LLVM. Of each variant there are two forms: one for tensors whose
last stride is 1, one for any strides; the call's strides choose. A name in an
option may say its kernel: --set flash_fwd.D=64.

Types that --dtype does not name are f32, consts have their defaults.

Examples:
  agc build flash_fwd.ag --set D=64 --set DV=64 --set causal=false,true \
      --dtype T=f16,bf16,f32 -o attention
  cc main.c attention.o -lattn_grid_runtime -lm
  agc build flash_fwd.ag --set D=64 --set DV=64 --dtype T=f16 \
      --target cpu,sm_80,sm_90a -o attention

docs/ahead-of-time.md tells the rest.)");
  command->callback([options] { runBuild(*options); });
}

} // namespace attn_grid::agc
