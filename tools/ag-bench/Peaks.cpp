#include "tools/ag-bench/Peaks.h"

#include "tools/ag-bench/Measure.h"
#include <atomic>
#include <cstring>
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

/// Runs `body(thread)` on all threads at once; returns the seconds from the
/// common start to the last end.
template <typename Body> static double together(int threads, Body body) {
  if (threads == 1) {
    double start = now(1);
    body(0);
    return now(1) - start;
  }
  std::atomic<int> ready = 0;
  std::atomic<bool> go = false;
  std::vector<std::thread> others;
  for (int thread = 1; thread < threads; ++thread)
    others.emplace_back([&, thread] {
      ++ready;
      while (!go)
        ;
      body(thread);
    });
  while (ready < threads - 1)
    ;
  double start = now(threads);
  go = true;
  body(0);
  for (std::thread &other : others)
    other.join();
  return now(threads) - start;
}

/// Bytes that no cache holds twice: source and target of the copies.
static double copyRate(int threads) {
  constexpr size_t bytes = size_t(256) << 20;
  static std::vector<char> source(bytes, 1), target(bytes, 2);
  size_t share = bytes / threads;
  double seconds = together(threads, [&](int thread) {
    std::memcpy(target.data() + thread * share, source.data() + thread * share,
                share);
  });
  return 2.0 * static_cast<double>(share * threads) / seconds;
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
  double taken = together(threads, [&](int) { loop->run(turns); });
  return loop->workPerTurn * static_cast<double>(turns) * threads / taken;
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
