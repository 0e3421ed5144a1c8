#ifndef AG_TOOLS_AG_BENCH_TABLE_H
#define AG_TOOLS_AG_BENCH_TABLE_H
/// Runs cases as benchmarks of Google Benchmark and prints a line for each. The
/// figures are its counters, so that they also are in its JSON.

#include "tools/ag-bench/Cases.h"
#include <benchmark/benchmark.h>

namespace attn_grid::bench {

/// Registers a case; its rounds take about `seconds`.
void registerCase(const NamedCase &named, double seconds);

/// Prints the table.
class TableReporter : public benchmark::BenchmarkReporter {
public:
  bool ReportContext(const Context &context) override;
  void ReportRuns(const std::vector<Run> &runs) override;
  /// How many cases failed or gave a wrong answer.
  int failures() const { return failed; }

private:
  int failed = 0;
};

} // namespace attn_grid::bench

#endif
