#ifndef AG_TOOLS_AGC_CANDIDATES_H
#define AG_TOOLS_AGC_CANDIDATES_H
/// The candidates of a kernel's `tune` clause, and which of them are worth
/// measuring.

#include "tools/agc/LaunchOptions.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace attn_grid::agc {

/// A const and a value for it, as `--set` has them.
using Choice = std::vector<std::pair<std::string, int64_t>>;

/// `--set BM=64 --set BN=32`.
std::string setsOf(const Choice &choice);

struct Candidate {
  Choice choice;
  std::string variant;  ///< as the cache calls it; empty: it is refused
  double predicted = 0; ///< cycles of the launch; 0: nothing is known
  double milliseconds = 0;
  std::string refused; ///< why it cannot be used; empty: it can
  bool tried = false;
  bool isPruned = false; ///< predicted to be far behind
};

/// A const and the values that `tune` lists for it.
using Axis = std::pair<std::string, std::vector<int64_t>>;

/// The axes of the consts that `sets` (NAME=VALUE) leave open; hints for GPUs
/// only if it is one.
std::vector<Axis> axesOf(const Signature &signature,
                         const std::vector<std::string> &sets, bool isGpu);

/// The values that the consts of the axes have by default; nothing if one has
/// none that is known before a launch.
std::optional<Choice> defaultsOf(const Signature &signature,
                                 const std::vector<Axis> &axes);

/// All combinations. The first axis changes slowest.
std::vector<Candidate> candidatesOf(const std::vector<Axis> &axes);

/// Predicts each candidate for the launch of `reference`, by the compiler's
/// cost model, and puts the best first. Those that the target cannot have are
/// refused; those that take more than `behind` times what the best takes are
/// pruned. What is not predicted `until` then comes last.
void predict(std::vector<Candidate> &candidates, const LaunchOptions &options,
             const PreparedLaunch &reference, double behind,
             std::chrono::steady_clock::time_point until);

/// The kernel's options with a candidate's consts.
KernelOptions with(const Candidate &candidate, const KernelOptions &options);

} // namespace attn_grid::agc

#endif
