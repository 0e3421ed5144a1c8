#include "tools/ag-bench/Table.h"

#include <exception>
#include <fmt/format.h>

namespace attn_grid::bench {

static void runCase(benchmark::State &state, const NamedCase &named,
                    double seconds) {
  for (auto _ : state) {
    try {
      Case work = named.make();
      double error = work.error();
      if (!(error <= work.tolerance)) {
        state.SkipWithError(fmt::format("wrong by {:.1e}, allowed are {:.1e}",
                                        error, work.tolerance)
                                .c_str());
        return;
      }
      Figures figures = measure(work, seconds);
      state.SetIterationTime(figures.seconds);
      double rate = work.work / figures.seconds;
      state.counters["ms"] = figures.seconds * 1e3;
      state.counters["spread"] = figures.spread;
      state.counters["rounds"] = figures.rounds;
      state.counters["rate"] = rate;
      if (figures.peak > 0)
        state.counters["of_peak"] = rate / figures.peak;
      if (figures.composedSeconds > 0)
        state.counters["of_composed"] =
            figures.composedSeconds / figures.seconds;
      if (figures.ceilingSeconds > 0)
        state.counters["of_ceiling"] = figures.ceilingSeconds / figures.seconds;
      if (figures.denseSeconds > 0)
        state.counters["of_dense"] = figures.denseSeconds / figures.seconds;
      state.counters["error"] = error;
      state.SetLabel(nameOf(work.unit));
    } catch (const std::exception &problem) {
      state.SkipWithError(problem.what());
      return;
    }
  }
}

void registerCase(const NamedCase &named, double seconds) {
  benchmark::RegisterBenchmark(
      named.name.c_str(),
      [=](benchmark::State &state) { runCase(state, named, seconds); })
      ->Iterations(1)
      ->UseManualTime();
}

bool TableReporter::ReportContext(const Context &) {
  fmt::print("\n| {:38} | {:>9} | {:>5} | {:>10} | {:>9} | {:>8} | {:>10} | "
             "{:>7} | {:>7} "
             "|\n|{:-<40}|{:-<11}|{:-<7}|{:-<12}|{:-<11}|{:-<10}|{:-<12}|"
             "{:-<9}|{:-<9}|\n",
             "kernel", "median ms", "+-", "GFLOP/s", "of peak", "x plain",
             "of ceiling", "x dense", "error", "", "", "", "", "", "", "", "",
             "");
  return true;
}

/// What the run's error was, or null; newer versions of the library say it
/// otherwise.
template <typename Run> static const char *errorOf(const Run &run) {
  if constexpr (requires { run.error_occurred; })
    return run.error_occurred ? run.error_message.c_str() : nullptr;
  else
    return run.skipped ? run.skip_message.c_str() : nullptr;
}

/// "flash_fwd/f32/D64" without what the library appends.
static std::string nameOf(const benchmark::BenchmarkReporter::Run &run) {
  return run.run_name.function_name;
}

void TableReporter::ReportRuns(const std::vector<Run> &runs) {
  for (const Run &run : runs) {
    if (const char *error = errorOf(run)) {
      ++failed;
      fmt::print("| {:38} | {}\n", nameOf(run), error);
      continue;
    }
    auto counter = [&](const char *name, const char *format) {
      auto found = run.counters.find(name);
      return found == run.counters.end()
                 ? std::string("-")
                 : fmt::format(fmt::runtime(format), found->second.value);
    };
    double rate = 0;
    if (auto found = run.counters.find("rate"); found != run.counters.end())
      rate = found->second.value / 1e9;
    bool bytes = run.report_label == "copy";
    fmt::print(
        "| {:38} | {:>9} | {:>5} | {:>10} | {:>4} {:>4} | {:>8} | {:>10} "
        "| {:>7} | {:>7} |\n",
        nameOf(run), counter("ms", "{:.3f}"), counter("spread", "{:.3f}"),
        fmt::format("{:.1f}{}", rate, bytes ? " GB/s" : ""),
        counter("of_peak", "{:.2f}"), run.report_label,
        counter("of_composed", "{:.2f}"), counter("of_ceiling", "{:.2f}"),
        counter("of_dense", "{:.2f}"), counter("error", "{:.0e}"));
  }
  std::fflush(stdout);
}

} // namespace attn_grid::bench
