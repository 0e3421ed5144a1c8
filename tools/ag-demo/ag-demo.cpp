// ag-demo: compiles flash_fwd.ag, runs it on N(0, 1) input on the CPU, checks
// it against the definition in f64, and prints what it cost. Exit status 1 if
// an answer is wrong. It measures a few shapes for a second each; ag-bench
// measures many, beside other implementations.

#include "attn_grid/attn_grid.hpp"
#include "test/support/Reference.hpp"
#include "test/support/Tolerance.hpp"
#include "tools/ag-bench/Measure.h"

#include <cstdio>
#include <fmt/core.h>

using namespace attn_grid;

namespace {
/// One line of the table.
struct Line {
  int64_t batch, heads, groups, rows, keys, width;
  DType dtype;
  bool causal;

  /// The operations of the two products for the pairs that are allowed.
  double operations() const {
    double pairs = 0;
    for (int64_t row = 0; row < rows; ++row)
      pairs += static_cast<double>(
          causal ? std::clamp<int64_t>(row + keys - rows + 1, 0, keys) : keys);
    return 4.0 * static_cast<double>(batch * heads * width) * pairs;
  }
};

/// The largest error of a result, absolute and as a part of what is allowed.
struct Deviation {
  double largest = 0, share = 0;
};
} // namespace

static Deviation compare(const std::vector<double> &found,
                         const std::vector<double> &wanted,
                         test::Tolerance tolerance) {
  Deviation error;
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i] == wanted[i])
      continue;
    double difference = std::abs(found[i] - wanted[i]);
    double bound = tolerance.atol + tolerance.rtol * std::abs(wanted[i]);
    // Written so that a NaN counts as wrong.
    if (!(difference <= error.largest))
      error.largest = difference;
    if (!(difference / bound <= error.share))
      error.share = difference / bound;
  }
  return error;
}

static bench::Unit unitOf(DType dtype) {
  switch (dtype) {
  case f64:
    return bench::Unit::f64;
  case bf16:
    return bench::fastestBf16();
  default: // f16 is computed in f32
    return bench::Unit::f32;
  }
}

/// Runs, checks and prints one line. False if the answer is wrong.
static bool runLine(const Module &module, const Line &line) {
  Kernel kernel = module.kernel("flash_fwd", {{"causal", line.causal}});
  Tensor q = Tensor::randn({line.batch, line.heads, line.rows, line.width},
                           line.dtype, {}, 1);
  Tensor k = Tensor::randn({line.batch, line.groups, line.keys, line.width},
                           line.dtype, {}, 2);
  Tensor v = Tensor::randn({line.batch, line.groups, line.keys, line.width},
                           line.dtype, {}, 3);
  Tensor lse =
      Tensor::empty({line.batch, line.heads, line.rows}, acc_of(line.dtype));
  Launch launch = kernel.prepare(q, k, v, out("lse", lse));
  launch();
  test::Attention want = test::attention(
      test::read(q), test::read(k), test::read(v),
      1 / std::sqrt(static_cast<double>(line.width)), line.causal);
  Deviation error = compare(launch.results()["o"].to_vector(), want.o,
                            test::forward_tolerance(line.dtype));
  Deviation lseError =
      compare(lse.to_vector(), want.lse, test::lse_tolerance(line.dtype));
  bool right = error.share <= 1 && lseError.share <= 1;

  bench::Case work;
  work.kernel = [&] { launch(); };
  work.work = line.operations();
  work.unit = unitOf(line.dtype);
  work.threads = num_threads();
  bench::Figures figures = bench::measure(work, 0.5);
  double rate = work.work / figures.seconds;
  fmt::print("{:<22} {:<5} {:<6} {:>8.1e} {:>8.1e} {:>8.1f} {:>9.3f} {:>8.1f} "
             "{:>5.0f}%  {}\n",
             fmt::format("{}x{}/{}x{}/{}x{}", line.batch, line.heads,
                         line.groups, line.rows, line.keys, line.width),
             name_of(line.dtype), line.causal ? "causal" : "full",
             error.largest, lseError.largest, launch.variant().compile_ms,
             figures.seconds * 1e3, rate * 1e-9, 100 * rate / figures.peak,
             right ? "ok" : "WRONG");
  return right;
}

int main() {
  try {
    Module module = Module::from_file(AG_KERNELS "/flash/flash_fwd.ag");
    fmt::print("flash_fwd.ag on this machine's cpu, {} thread{}; errors are "
               "the largest differences\nto the definition in f64, % is of the "
               "peak that was measured beside each line\n\n",
               num_threads(), num_threads() == 1 ? "" : "s");
    fmt::print("{:<22} {:<5} {:<6} {:>8} {:>8} {:>8} {:>9} {:>8} {:>6}\n",
               "B x H/G x M/N x D", "dtype", "mask", "error o", "lse",
               "compile", "run (ms)", "GFLOP/s", "peak");
    bool right = true;
    for (const Line &line : {
             Line{1, 8, 8, 1024, 1024, 64, f32, false},
             Line{1, 8, 8, 1024, 1024, 64, f32, true},
             Line{1, 8, 8, 1024, 1024, 128, f32, false},
             Line{2, 6, 2, 333, 777, 80, f32, true},
             Line{1, 8, 8, 1024, 1024, 64, bf16, false},
             Line{1, 8, 8, 1024, 1024, 64, bf16, true},
             Line{1, 8, 8, 1024, 1024, 64, f16, false},
             Line{1, 8, 8, 512, 512, 64, f64, false},
         }) {
      right &= runLine(module, line);
      std::fflush(stdout);
    }
    return right ? 0 : 1;
  } catch (const attn_grid::Error &error) {
    fmt::print(stderr, "ag-demo: error: {}\n", error.what());
    return 1;
  }
}
