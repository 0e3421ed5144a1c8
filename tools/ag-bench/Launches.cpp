#include "tools/ag-bench/Launches.h"

#include "attn_grid/attn_grid.hpp"
#include "tools/ag-bench/Measure.h"
#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

namespace attn_grid::bench {
namespace {

const char *const source = R"(
kernel nothing(a: tensor<f32>[M, N], b: tensor<f32>[M, N], c: tensor<f32>[M, N],
               d: tensor<f32>[M, N], out e: tensor<f32>[M, N])
grid (1) {}
)";

void print(const char *name, const char *key, std::vector<double> seconds,
           double scale, const char *unit) {
  double median = quantile(seconds) * scale;
  fmt::print("{:<58}{:9.4g} {}   (middle half {:.4g} to {:.4g})\n", name,
             median, unit, quantile(seconds, 0.25) * scale,
             quantile(seconds, 0.75) * scale);
  std::fflush(stdout);
  benchmark::AddCustomContext(key, fmt::format("{:.4g}", median / scale));
}

/// Times of one call, each the mean of a batch: the clock is too coarse for
/// one.
template <class Call> std::vector<double> batches(Call call) {
  constexpr int calls = 2000, rounds = 300;
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round) {
    double start = now(/*threads=*/1);
    for (int i = 0; i < calls; ++i)
      call();
    times.push_back((now(1) - start) / calls);
  }
  return times;
}

/// Wall times of `call`, of which others wait for the disk.
template <class Call> std::vector<double> single(int rounds, Call call) {
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round) {
    double start = now(/*threads=*/0);
    call();
    times.push_back(now(0) - start);
  }
  return times;
}

/// Runs a program to its end, its output away; false if it fails.
bool runs(const std::vector<std::string> &arguments) {
  std::vector<char *> list;
  for (const std::string &argument : arguments)
    list.push_back(const_cast<char *>(argument.c_str()));
  list.push_back(nullptr);
  pid_t child = fork();
  if (child == 0) {
    if (std::freopen("/dev/null", "w", stdout))
      execv(list[0], list.data());
    _exit(127);
  }
  int status = -1;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

} // namespace

void printLaunches(const std::string &kernels, const std::string &program) {
  set_num_threads(1);
  Kernel nothing = Module::from_source(source, "nothing.ag").kernel("nothing");
  Tensor t[5];
  for (Tensor &tensor : t)
    tensor = Tensor::zeros({4, 8});
  auto call = [&] { nothing(t[0], t[1], t[2], t[3], out(t[4])); };
  call();
  print("an empty kernel of five tensors, kernel(...)", "launch", batches(call),
        1e9, "ns");
  Launch bound = nothing.prepare(t[0], t[1], t[2], t[3], out(t[4]));
  print("the same, bound before", "bound_launch", batches(bound), 1e9, "ns");

  std::string path = kernels + "/flash/flash_fwd.ag";
  std::vector<std::string> folders{kernels + "/prelude"};
  Tensor q = Tensor::randn({1, 8, 512, 64});
  auto load = [&] {
    return Module::from_file(path, folders)
        .kernel("flash_fwd")
        .prepare(q, q, q)
        .variant();
  };
  VariantInfo first = load();
  fmt::print("flash_fwd, D = 64: compiled in {:.0f} ms\n", first.compile_ms);
  if (!load().from_disk) {
    fmt::print("the cache on disk is off (AG_CACHE_DIR): not measured\n");
    return;
  }
  print("its source read, the variant from disk, ready", "disk_hit",
        single(200, load), 1e3, "ms");

  std::filesystem::path agc =
      std::filesystem::path(program).parent_path() / "agc";
  if (std::filesystem::exists(agc)) {
    std::vector<std::string> run{agc.string(),
                                 "run",
                                 path,
                                 "--arg",
                                 "q=randn:1x8x512x64:f32",
                                 "--arg",
                                 "k=randn:1x8x512x64:f32",
                                 "--arg",
                                 "v=randn:1x8x512x64:f32",
                                 "--threads",
                                 "1"};
    if (runs(run))
      print("a new process of `agc run`, start to result", "process",
            single(50, [&] { runs(run); }), 1e3, "ms");
    else
      fmt::print("`agc run` fails: not measured\n");
  }
}

} // namespace attn_grid::bench
