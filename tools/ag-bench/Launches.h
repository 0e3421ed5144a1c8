#ifndef AG_TOOLS_AG_BENCH_LAUNCHES_H
#define AG_TOOLS_AG_BENCH_LAUNCHES_H
/// What it costs to get to a kernel: launches, variants from disk, processes.

#include <string>

namespace attn_grid::bench {

/// Prints a line for each. `kernels` is the folder of the sources, `program`
/// the path of this one, beside which `agc` lies.
void printLaunches(const std::string &kernels, const std::string &program);

} // namespace attn_grid::bench

#endif
