#ifndef AG_TOOLS_AG_BENCH_CASES_H
#define AG_TOOLS_AG_BENCH_CASES_H
/// The lines of the table. A case is made when its turn comes, and takes its
/// memory with it when it is done.

#include "tools/ag-bench/Ceiling.h"
#include "tools/ag-bench/Measure.h"
#include <optional>

namespace attn_grid::bench {

/// What the command line says about the cases.
struct Setup {
  std::string kernels; ///< the folder with flash/ and tutorial/
  std::optional<Ceiling> ceiling;
  std::vector<int> threads;
};

/// A name for `--benchmark_filter`, such as
/// "flash_fwd/f32/D64/N1024/causal/t1", and how to make the case.
struct NamedCase {
  std::string name;
  std::function<Case()> make;
};

/// flash_fwd for each type, width, length, mask and number of threads.
std::vector<NamedCase> flashCases(const Setup &setup);
/// The lessons of kernels_dsl/tutorial.
std::vector<NamedCase> tutorialCases(const Setup &setup);
/// Kernels that skip tiles, beside dense causal attention of the same lengths.
std::vector<NamedCase> sparseCases(const Setup &setup);

} // namespace attn_grid::bench

#endif
