// agc explain FILE --target TARGET: what a variant will cost, and what bounds
// it, before it has run anywhere.

#include "tools/agc/Command.h"
#include "tools/agc/CompilerFunctions.h"
#include "tools/agc/VariantOptions.h"

#include "attn_grid/error.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <memory>
#include <nlohmann/json.hpp>

namespace attn_grid::agc {

namespace {
struct ExplainCommandOptions {
  SourceOptions source;
  VariantOptions variant;
  std::string target = "cpu";
  std::vector<std::string> extents; ///< NAME=NUMBER
  bool irregular = false, json = false;
};
} // namespace

/// NAME=NUMBER. Throws `UsageError`.
static std::pair<std::string, int64_t> valueOf(const std::string &text) {
  size_t equals = text.find('=');
  int64_t number = 0;
  const char *end = text.data() + text.size();
  if (equals != std::string::npos && equals > 0) {
    auto [stop, error] = std::from_chars(text.data() + equals + 1, end, number);
    if (error == std::errc() && stop == end)
      return {text.substr(0, equals), number};
  }
  throw UsageError(fmt::format(
      "--extent: expected NAME=NUMBER, as in N=4096, found '{}'", text));
}

/// Refuses names that the kernel lacks.
static void
checkValues(const Signature &signature,
            const std::vector<std::pair<std::string, int64_t>> &values) {
  for (const auto &[name, value] : values) {
    bool isExtent =
        std::any_of(signature.extents.begin(), signature.extents.end(),
                    [&](const Extent &extent) { return extent.name == name; });
    bool isScalar =
        std::any_of(signature.params.begin(), signature.params.end(),
                    [&](const Param &param) {
                      return !param.is_tensor && param.name == name;
                    });
    if (!isExtent && !isScalar)
      throw KeyError(fmt::format("{} has no extent or scalar called `{}`",
                                 signature.name, name));
  }
}

static std::string placeOf(const compiler::LoopCost &loop) {
  if (loop.file.empty())
    return "around the loops";
  return fmt::format("{:{}}loop at {}:{}", "", 2 * (loop.depth - 1),
                     loop.file.substr(loop.file.rfind('/') + 1), loop.line);
}

/// The names of the units that any loop needs, in the order of the table.
static std::vector<std::string>
unitsOf(const compiler::Explanation &explanation) {
  std::vector<std::string> units;
  for (const compiler::LoopCost &loop : explanation.loops) {
    // A loop that lacks a unit does not change the order of the others.
    size_t at = 0;
    for (const compiler::UnitCycles &unit : loop.units) {
      auto found = std::find(units.begin(), units.end(), unit.unit);
      if (found == units.end())
        found =
            units.insert(units.begin() + static_cast<ptrdiff_t>(at), unit.unit);
      at = static_cast<size_t>(found - units.begin()) + 1;
    }
  }
  return units;
}

static void printLoops(const compiler::Explanation &explanation) {
  std::vector<std::string> units = unitsOf(explanation);
  size_t width = 16;
  for (const compiler::LoopCost &loop : explanation.loops)
    width = std::max(width, placeOf(loop).size());
  fmt::print("{:<{}} {:>9}", "", width, "trips");
  for (const std::string &unit : units)
    fmt::print("  {:>8}", unit);
  fmt::print("  bound\n");
  for (const compiler::LoopCost &loop : explanation.loops) {
    if (loop.bound.empty())
      continue;
    fmt::print("{:<{}} {:>9}", placeOf(loop), width,
               loop.tripsKnown ? fmt::format("{:.4g}", loop.trips) : "?");
    for (const std::string &name : units) {
      double cycles = 0;
      for (const compiler::UnitCycles &unit : loop.units)
        if (unit.unit == name)
          cycles = unit.cycles;
      fmt::print("  {:>{}.0f}", cycles, std::max<size_t>(name.size(), 8));
    }
    fmt::print("  {}\n", loop.bound);
  }
}

static void printPasses(const compiler::Explanation &explanation) {
  fmt::print("\nwhat each pass changed, in operations:\n");
  for (const compiler::PassReport &report : explanation.passes) {
    std::vector<std::string> changes;
    for (const auto &[name, more] : report.changes)
      changes.push_back(fmt::format("{:+} {}", more, name));
    constexpr size_t most = 6;
    size_t rest = changes.size() > most ? changes.size() - most : 0;
    changes.resize(changes.size() - rest);
    fmt::print("  {:<28} {}{}\n", report.pass,
               changes.empty() ? "nothing"
                               : fmt::format("{}", fmt::join(changes, ", ")),
               rest ? fmt::format(" and {} more", rest) : "");
  }
}

static nlohmann::ordered_json jsonOf(const compiler::Explanation &explanation) {
  nlohmann::ordered_json json;
  json["programs"] = explanation.programs;
  json["cycles"] = explanation.cycles;
  if (explanation.threads) {
    json["threads"] = explanation.threads;
    json["registers"] = explanation.registers;
    json["shared_bytes"] = explanation.sharedBytes;
    json["blocks"] = explanation.blocks;
    json["blocks_limit"] = explanation.blocksLimit;
  } else {
    json["scratch_bytes"] = explanation.scratchBytes;
  }
  for (const compiler::LoopCost &loop : explanation.loops) {
    nlohmann::ordered_json row{
        {"file", loop.file},   {"line", loop.line},
        {"depth", loop.depth}, {"trips_known", loop.tripsKnown},
        {"trips", loop.trips}, {"cycles", loop.cycles},
        {"bound", loop.bound}};
    for (const compiler::UnitCycles &unit : loop.units)
      row["cycles_of_a_trip"][unit.unit] = unit.cycles;
    json["loops"].push_back(std::move(row));
  }
  for (const compiler::PassReport &report : explanation.passes) {
    nlohmann::ordered_json row{{"pass", report.pass},
                               {"changes", nlohmann::ordered_json::object()}};
    for (const auto &[name, more] : report.changes)
      row["changes"][name] = more;
    json["passes"].push_back(std::move(row));
  }
  return json;
}

static void explain(const ExplainCommandOptions &options) {
  Target target = parse_target(options.target);
  std::string text = readFile(options.source.file);
  Bindings bindings = options.variant.kernel.bindings();
  Module module = options.variant.kernel.bind(Module::from_source(
      text, options.source.file, options.source.includeDirs));
  const Signature &found = module.signatures()[findKernel(
      module.signatures(), options.variant.kernel.kernel)];
  const Kernel kernel = module.kernel(found.name, bindings);
  const Signature &signature = kernel.signature();
  Specialization what = options.variant.specialize(signature, bindings);
  if (target.kind == Target::Kind::ptx)
    what.regular.assign(signature.params.size(), !options.irregular);
  compiler::ExplainOptions explainOptions;
  explainOptions.passes = true;
  for (const std::string &extent : options.extents)
    explainOptions.values.push_back(valueOf(extent));
  checkValues(signature, explainOptions.values);
  compiler::Explanation explanation = compilerFunctions().explain(
      text, options.source.file, options.source.includeDirs, what, target,
      explainOptions, options.variant.kernel.functions(found.name));
  if (!explanation.ok)
    throw Diagnosed(explanation.diagnostics);
  if (options.json) {
    nlohmann::ordered_json json = {{"kernel", signature.name},
                                   {"target", to_string(target)}};
    json.update(jsonOf(explanation));
    fmt::print("{}\n", json.dump(2));
    return;
  }
  fmt::print("{} for {}: ", signature.name, to_string(target));
  if (explanation.threads)
    fmt::print(
        "{} threads, about {} registers each, {} bytes of shared memory\n"
        "a multiprocessor holds {} blocks; what limits them: {}\n",
        explanation.threads, explanation.registers, explanation.sharedBytes,
        explanation.blocks, explanation.blocksLimit);
  else
    fmt::print("{} bytes of scratch for each thread\n",
               explanation.scratchBytes);
  if (explanation.programs > 0)
    fmt::print("{:.0f} programs of about {:.4g} cycles\n", explanation.programs,
               explanation.cycles);
  fmt::print("\ncycles for which one trip of one program keeps each unit of a "
             "{} busy:\n",
             explanation.threads ? "multiprocessor" : "core");
  printLoops(explanation);
  printPasses(explanation);
}

void addExplainCommand(CLI::App &app) {
  auto options = std::make_shared<ExplainCommandOptions>();
  CLI::App *command = app.add_subcommand(
      "explain", "predict what a variant costs, and what bounds it");
  options->source.addTo(*command);
  options->variant.addTo(*command);
  command
      ->add_option("--target", options->target,
                   "the machine: cpu, cpu:x86-64-v3, sm_80, ... (cpu)")
      ->type_name("TARGET");
  command
      ->add_option("--extent", options->extents,
                   "an extent or an integer scalar of the launch; without it a "
                   "loop that depends on it counts once")
      ->type_name("NAME=NUMBER")
      ->allow_extra_args(false);
  command->add_flag("--irregular", options->irregular,
                    "for a GPU: of tensors that do not begin and step at "
                    "multiples of 16 bytes, or reach 2 GiB");
  command->add_flag("--json", options->json, "print one JSON object");
  command->footer(
      R"(A prediction from the tile program and a table of what each machine does in a
cycle: docs/cost-model.md. The unit that is busy for longest is the bound; on a
CPU, products, special functions and arithmetic take turns on the same units.

Examples:
  agc explain flash_fwd.ag --dtype T=f16 --set D=64 --set DV=64 --set BM=128 --target sm_80
  agc explain flash_fwd.ag --set D=64 --set DV=64 --extent B=1 --extent H=8 \
      --extent G=8 --extent M=4096 --extent N=4096 --json)");
  command->callback([options] { explain(*options); });
}

} // namespace attn_grid::agc
