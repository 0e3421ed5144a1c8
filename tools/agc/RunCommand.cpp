// agc run FILE.ag: one launch, its arguments from files or made here.

#include "tools/agc/Command.h"
#include "tools/agc/Report.h"

#include "attn_grid/error.hpp"

#include <chrono>
#include <cstdio>
#include <fmt/core.h>
#include <memory>

namespace attn_grid::agc {

namespace {
struct RunOptions {
  SourceOptions source;
  KernelOptions kernel;
  std::vector<std::string> args, saves;
  uint64_t seed = 0;
  int repeat = 1, threads = 0;
  std::string device = "cpu";
  bool json = false;
};
} // namespace

static Device deviceNamed(const std::string &name) {
  try {
    return Device::named(name);
  } catch (const KeyError &error) {
    throw UsageError(fmt::format("--device: {}", error.what()));
  }
}

/// The value of the parameter: what was given, or what the launch made.
static std::optional<Tensor> tensorAfter(const Value &value,
                                         const Launch &launch) {
  const Results &results = launch.results();
  if (!value.tensor && results.contains(value.param->name))
    return results[value.param->name];
  return value.tensor;
}

static void run(const RunOptions &options) {
  std::vector<std::pair<std::string, std::string>> saves;
  for (const std::string &text : options.saves)
    saves.push_back(splitAssignment(text, "--save"));
  ArgumentOptions arguments;
  arguments.args = options.args;
  arguments.seed = options.seed;
  arguments.device = deviceNamed(options.device);
  for (const auto &[name, file] : saves)
    arguments.wanted.push_back(name);
  if (options.threads)
    set_num_threads(options.threads);

  Bindings bindings = options.kernel.bindings();
  // Reading here makes a missing file wrong usage, as everywhere in agc.
  std::string text = readFile(options.source.file);
  Module module = options.kernel.bind(Module::from_source(
      text, options.source.file, options.source.includeDirs));
  BoundArguments bound = bindArguments(module, options.kernel.kernel,
                                       std::move(bindings), arguments);
  std::vector<Arg> list = bound.list();
  Launch launch = bound.kernel.prepare_list(list);

  RunReport report;
  report.kernel = bound.kernel.name();
  report.variant = launch.variant();
  report.device = arguments.device;
  report.threads = num_threads();
  report.values = bound.values;
  for (Value &value : report.values)
    value.tensor = tensorAfter(value, launch);
  using Clock = std::chrono::steady_clock;
  for (int i = 0; i < options.repeat; ++i) {
    Clock::time_point begin = Clock::now();
    launch();
    report.device.synchronize();
    std::chrono::duration<double, std::milli> time = Clock::now() - begin;
    report.milliseconds.push_back(time.count());
    if (i > 0)
      continue;
    // The outputs are those of the first run: later ones only measure, and
    // what is `inout` has changed by then.
    for (const Value &value : report.values)
      report.firstElements.push_back(value.tensor && value.param->mode !=
                                                         Param::Mode::in
                                         ? firstElements(*value.tensor)
                                         : "");
    for (const auto &[name, file] : saves) {
      const Value &value =
          report.values[findParam(bound.kernel.signature(), name)];
      if (!value.tensor)
        throw InvalidArgument(
            fmt::format("'{}' is absent, there is nothing to save", name));
      value.tensor->to_npy(file);
      report.saved.emplace_back(name, file);
    }
  }
  std::string output = options.json ? formatJson(report) : formatTable(report);
  std::fputs(output.c_str(), stdout);
}

void addRunCommand(CLI::App &app) {
  auto options = std::make_shared<RunOptions>();
  CLI::App *command = app.add_subcommand("run", "compile a kernel and run it");
  options->source.addTo(*command);
  options->kernel.addTo(*command);
  command
      ->add_option("--arg", options->args,
                   "an argument; what is left out is drawn at random")
      ->type_name("NAME=SPEC")
      ->allow_extra_args(false);
  command
      ->add_option("--save", options->saves,
                   "write a tensor after the run (bf16 as f32)")
      ->type_name("NAME=FILE.npy")
      ->allow_extra_args(false);
  command->add_option("--seed", options->seed, "of all that is drawn")
      ->type_name("N");
  command
      ->add_option("--repeat", options->repeat,
                   "how often to run, for median and best time")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000));
  command
      ->add_option("--threads", options->threads,
                   "how many threads; all of the machine's if not given")
      ->type_name("N")
      ->check(CLI::Range(1, 4096));
  command
      ->add_option("--device", options->device,
                   "where to run: cpu, cuda, cuda:N, or sim, a GPU in software")
      ->type_name("DEVICE");
  command->add_flag("--json", options->json, "print one JSON object");
  command->footer(R"(SPEC is one of
  FILE.npy                  bool, i8-i64, u8-u32, f16, f32, f64
  randn:SHAPE:DTYPE         also uniform, zeros, ones, iota; SHAPE as 2x8x64;
                            uniform takes :LOW:HIGH. Without DTYPE it is the
                            parameter's, without SHAPE too the one that the
                            other arguments fix
  0.125, true, -inf         a scalar
  none                      an optional tensor that is not there
A tensor may be followed by views, applied left to right without copying:
  @transpose=DIM,DIM  @expand=SHAPE  @select=DIM,INDEX
  @slice=DIM,BEGIN,END[,STEP]
Optional tensors are absent unless --arg or --save names them.

Examples:
  agc run flash_fwd.ag --arg q=randn:1x8x1000x64:f32 --arg k=randn:1x8x1000x64 --set DV=64
  agc run flash_fwd.ag --arg q=q.npy --arg k=k.npy --arg v=v.npy \
      --set causal=true --save o=o.npy --save lse=lse.npy
  agc run flash_fwd.ag --arg q=qkv.npy@select=2,0@transpose=1,2 \
      --arg k=qkv.npy@select=2,1@transpose=1,2 --dtype T=bf16 --repeat 20 --json
  agc run flash_score_fwd.ag --arg q=randn:1x8x1000x64 --set DV=64 --variant alibi
  agc run flash_score_fwd.ag --arg q=randn:1x8x1000x64 --set DV=64 \
      --set 'score=fn(s: f32, b: int, h: int, i: int, j: int) -> f32 { return s * 0.5; }')");
  command->callback([options] { run(*options); });
}

} // namespace attn_grid::agc
