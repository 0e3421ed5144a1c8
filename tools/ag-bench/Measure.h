#ifndef AG_TOOLS_AG_BENCH_MEASURE_H
#define AG_TOOLS_AG_BENCH_MEASURE_H
/// A measurement in rounds. Each round runs the kernel, what it is compared
/// with, and the loop for the machine's peak, one after the other: a machine
/// that slows down for a second slows all of them down.

#include "tools/ag-bench/Peaks.h"
#include <functional>
#include <string>
#include <vector>

namespace attn_grid::bench {

/// One line of the table, ready to run.
struct Case {
  /// What is timed. Empty functions are not there.
  std::function<void()> kernel;
  std::function<void()> composed;
  std::function<void()> ceiling;
  std::function<void()> dense; ///< another kernel, for the same lengths
  /// The largest difference of the kernel's answer to the right one, after a
  /// run of it; beyond `tolerance` nothing is timed.
  std::function<double()> error;
  double tolerance = 0;
  double work = 0; ///< operations, or bytes, of one run
  Unit unit = Unit::f32;
  int threads = 1;
};

/// What the rounds gave. Times are medians, in seconds.
struct Figures {
  double seconds = 0;
  double spread = 0;          ///< half the interquartile range over the median
  double composedSeconds = 0; ///< 0: not measured, as below
  double ceilingSeconds = 0;
  double denseSeconds = 0;
  double peak = 0; ///< of the case's unit and threads
  int rounds = 0;
};

/// Seconds on the clock for a measurement with `threads` threads: one thread's
/// own time if there is only one, since others may use the machine.
double now(int threads);

/// The middle of some values, or the one at another fraction of the way.
double quantile(std::vector<double> values, double fraction = 0.5);

/// Runs rounds for about `seconds`, at least three.
Figures measure(const Case &work, double seconds);

} // namespace attn_grid::bench

#endif
