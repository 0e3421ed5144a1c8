// agc run FILE.ag: one launch, its arguments from files or made here.

#include "tools/agc/LaunchOptions.h"
#include "tools/agc/Report.h"

#include "attn_grid/error.hpp"

#include <chrono>
#include <cstdio>
#include <fmt/core.h>
#include <memory>

namespace attn_grid::agc {

namespace {
struct RunOptions {
  LaunchOptions launch;
  std::vector<std::string> saves;
  int repeat = 1, threads = 0;
  bool json = false;
};
} // namespace

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
  std::vector<std::string> wanted;
  for (const auto &[name, file] : saves)
    wanted.push_back(name);
  if (options.threads)
    set_num_threads(options.threads);
  auto [device, bound, launch] = options.launch.prepare(std::move(wanted));

  RunReport report;
  report.kernel = bound.kernel.name();
  report.variant = launch.variant();
  report.device = device;
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
  options->launch.addTo(
      *command, "cpu, cuda, cuda:N, or sim, a GPU in software; AG_DEVICE, "
                "else cpu, if not given");
  command
      ->add_option("--save", options->saves,
                   "write a tensor after the run (bf16 as f32)")
      ->type_name("NAME=FILE.npy")
      ->allow_extra_args(false);
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
  command->add_flag("--json", options->json, "print one JSON object");
  command->footer(
      std::string(specHelp) +
      R"(Optional tensors are absent unless --arg or --save names them.

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
