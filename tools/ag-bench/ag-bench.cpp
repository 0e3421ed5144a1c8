// ag-bench: what this machine can do, and what share of it kernels reach.
//
//   ag-bench                                    all kernels, some minutes
//   ag-bench --peaks                            the machine alone
//   ag-bench --launches                         what it costs to get to a
//   kernel ag-bench --benchmark_filter=flash_fwd/f32/.*/t1 ag-bench --ceiling
//   FILE.so --json FILE      see Ceiling.h

#include "tools/ag-bench/Launches.h"
#include "tools/ag-bench/Table.h"

#include "attn_grid/attn_grid.hpp"
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <thread>

using namespace attn_grid;
using namespace attn_grid::bench;

/// One line per unit: the best of some runs, on each number of threads.
static void printPeaks(const std::vector<int> &threads) {
  for (Unit unit : {Unit::f32, Unit::f64, Unit::bf16, Unit::amxBf16, Unit::exp2,
                    Unit::copy}) {
    std::string line = fmt::format("{:5}", nameOf(unit));
    for (int count : threads) {
      double best = 0;
      for (int run = 0; run < 7; ++run)
        best = std::max(best, measurePeak(unit, count, 0.02));
      const char *scale = unit == Unit::copy   ? "GB/s"
                          : unit == Unit::exp2 ? "Gexp2/s"
                                               : "GFLOP/s";
      line += best > 0 ? fmt::format("{:9.1f} {:7} on {} thread{}", best / 1e9,
                                     scale, count, count == 1 ? " " : "s")
                       : "   absent";
      benchmark::AddCustomContext(
          fmt::format("peak_{}_t{}", nameOf(unit), count),
          fmt::format("{:.4g}", best));
    }
    fmt::print("{}\n", line);
  }
  std::fflush(stdout);
}

int main(int argc, char **argv) {
  CLI::App app(
      "Measures this machine's peaks, then kernels as shares of them.");
  app.allow_extras();
  bool peaksOnly = false, launchesOnly = false;
  std::string json, ceiling;
  double seconds = 0.5;
  int most = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  Setup setup{AG_KERNELS, std::nullopt, {1}};
  if (most > 1)
    setup.threads.push_back(most);
  app.add_flag("--peaks", peaksOnly, "measure the machine alone");
  app.add_flag("--launches", launchesOnly,
               "measure launches, variants from disk and processes instead");
  app.add_option("--json", json, "write the figures there as well");
  app.add_option("--ceiling", ceiling, "a library with a hand-written kernel")
      ->envname("AG_BENCH_CEILING");
  app.add_option("--seconds", seconds, "time for each line")
      ->check(CLI::PositiveNumber);
  app.add_option("--threads", setup.threads, "numbers of threads")
      ->check(CLI::Range(1, most));
  app.add_option("--kernels", setup.kernels, "the folder of the sources")
      ->check(CLI::ExistingDirectory);
  app.footer("Options --benchmark_... go to Google Benchmark, "
             "--benchmark_filter=REGEX above all.");
  CLI11_PARSE(app, argc, argv);

  // What is left belongs to the library.
  std::vector<std::string> rest = app.remaining();
  if (!json.empty()) {
    rest.push_back("--benchmark_out=" + json);
    rest.push_back("--benchmark_out_format=json");
  }
  std::vector<char *> arguments{argv[0]};
  for (std::string &argument : rest)
    arguments.push_back(argument.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data()))
    return 1;

  try {
    if (!ceiling.empty())
      setup.ceiling = loadCeiling(ceiling);
  } catch (const Error &error) {
    fmt::print(stderr, "ag-bench: {}\n", error.what());
    return 1;
  }

  if (launchesOnly) {
    try {
      printLaunches(setup.kernels,
                    std::filesystem::read_symlink("/proc/self/exe"));
      return 0;
    } catch (const std::exception &error) {
      fmt::print(stderr, "ag-bench: {}\n", error.what());
      return 1;
    }
  }
  printPeaks(setup.threads);
  if (peaksOnly)
    return 0;
  for (const NamedCase &named : flashCases(setup))
    registerCase(named, seconds);
  for (const NamedCase &named : tutorialCases(setup))
    registerCase(named, seconds);
  for (const NamedCase &named : sparseCases(setup))
    registerCase(named, seconds);
  TableReporter table;
  benchmark::RunSpecifiedBenchmarks(&table);
  return table.failures() ? 1 : 0;
}
