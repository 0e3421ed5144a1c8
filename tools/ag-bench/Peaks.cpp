#include "tools/ag-bench/Peaks.h"

#include "tools/ag-bench/Measure.h"
#include <atomic>
#include <cstring>
#include <numeric>
#include <thread>
#include <vector>

namespace attn_grid::bench {

const char *nameOf(Unit unit) {
  switch (unit) {
  case Unit::f32:
    return "f32";
  case Unit::f64:
    return "f64";
  case Unit::bf16:
    return "bf16";
  case Unit::amxBf16:
    return "amx";
  case Unit::exp2:
    return "exp2";
  case Unit::copy:
    return "copy";
  }
  return "?";
}

/// Runs `body(thread)` on all threads at once. The sum of the threads' rates,
/// each thread's `work` over its own CPU time: that another process had the
/// processor for a while says nothing about the processor.
template <typename Body>
static double rateTogether(int threads, double work, Body body) {
  std::atomic<int> ready = 0;
  std::vector<double> rates(threads);
  auto run = [&](int thread) {
    ++ready;
    while (ready < threads)
      ;
    double start = now(1);
    body(thread);
    rates[thread] = work / (now(1) - start);
  };
  {
    std::vector<std::jthread> others;
    for (int thread = 1; thread < threads; ++thread)
      others.emplace_back(run, thread);
    run(0);
  }
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

static double copyRate(int threads) {
  // More than caches hold, but for the largest.
  constexpr size_t bytes = size_t(256) << 20;
  static std::vector<char> source(bytes, 1), target(bytes, 2);
  size_t share = bytes / threads;
  return rateTogether(threads, 2.0 * static_cast<double>(share),
                      [&](int thread) {
                        std::memcpy(target.data() + thread * share,
                                    source.data() + thread * share, share);
                      });
}

double measurePeak(Unit unit, int threads, double seconds) {
  if (unit == Unit::copy)
    return copyRate(threads);
  std::optional<PeakLoop> loop = peakLoop(unit);
  if (!loop)
    return 0;
  // A first short run says how many turns fill the time.
  constexpr long probe = 200;
  double start = now(1);
  loop->run(probe);
  double perTurn = (now(1) - start) / probe;
  long turns = 1 + static_cast<long>(seconds / perTurn);
  return rateTogether(threads, loop->workPerTurn * static_cast<double>(turns),
                      [&](int) { loop->run(turns); });
}

Unit fastestBf16() {
  static const Unit fastest = [] {
    Unit best = Unit::f32;
    double rate = measurePeak(best, 1);
    for (Unit unit : {Unit::bf16, Unit::amxBf16})
      if (double other = measurePeak(unit, 1); other > rate) {
        best = unit;
        rate = other;
      }
    return best;
  }();
  return fastest;
}

} // namespace attn_grid::bench
