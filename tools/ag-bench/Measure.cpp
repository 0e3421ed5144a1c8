#include "tools/ag-bench/Measure.h"

#include <algorithm>
#include <time.h>

namespace attn_grid::bench {

static double read(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * time.tv_nsec;
}

double now(int threads) {
  return read(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC);
}

double quantile(std::vector<double> values, double fraction) {
  if (values.empty())
    return 0;
  auto index =
      static_cast<size_t>(fraction * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + index, values.end());
  return values[index];
}

Figures measure(const Case &work, double seconds) {
  std::vector<double> kernel, composed, ceiling, dense, peak;
  auto time = [&](const std::function<void()> &run,
                  std::vector<double> &times) {
    if (!run)
      return;
    double start = now(work.threads);
    run();
    times.push_back(now(work.threads) - start);
  };
  auto warmUp = [](const std::function<void()> &run) {
    if (run)
      run();
  };
  warmUp(work.composed);
  warmUp(work.ceiling);
  warmUp(work.dense);
  double begin = read(CLOCK_MONOTONIC);
  auto left = [&] { return seconds - (read(CLOCK_MONOTONIC) - begin); };
  while (kernel.size() < 3 || (left() > 0 && kernel.size() < 1000)) {
    peak.push_back(measurePeak(work.unit, work.threads));
    time(work.kernel, kernel);
    time(work.ceiling, ceiling);
    time(work.dense, dense);
    // The slow one need not take most of the time.
    if (composed.size() < 3 || kernel.size() % 4 == 0)
      time(work.composed, composed);
  }
  Figures figures;
  figures.seconds = quantile(kernel);
  figures.spread =
      (quantile(kernel, 0.75) - quantile(kernel, 0.25)) / 2 / figures.seconds;
  figures.composedSeconds = quantile(composed);
  figures.ceilingSeconds = quantile(ceiling);
  figures.denseSeconds = quantile(dense);
  figures.peak = quantile(peak);
  figures.rounds = static_cast<int>(kernel.size());
  return figures;
}

} // namespace attn_grid::bench
