#include "tools/agc/Limits.h"

#include "tools/agc/Command.h"

#include <chrono>
#include <fmt/core.h>
#include <fstream>
#include <thread>
#include <unistd.h>

namespace attn_grid::agc {

namespace {
struct Limits {
  double seconds = 0, mebibytes = 0; // 0: none
};
} // namespace

/// What this process holds in memory, in MiB.
static double residentMemory() {
  std::ifstream file("/proc/self/statm");
  double whole = 0, resident = 0;
  file >> whole >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

/// Ends the process. Nothing is unwound: what goes on too long may be anywhere,
/// in code of others too.
[[noreturn]] static void stop(const std::string &message) {
  fmt::print(stderr, "agc: error: {}\n", message);
  std::fflush(stderr);
  _exit(exitMistake);
}

static void watch(Limits limits) {
  using namespace std::chrono;
  auto start = steady_clock::now();
  while (true) {
    double passed = duration<double>(steady_clock::now() - start).count();
    if (limits.seconds > 0 && passed >= limits.seconds)
      stop(fmt::format("this took longer than {:g} s, the --time-limit; a "
                       "smaller tile, or fewer copies of a const loop, "
                       "compile faster",
                       limits.seconds));
    if (limits.mebibytes > 0 && residentMemory() > limits.mebibytes)
      stop(fmt::format("this took more than {:g} MiB of memory, the "
                       "--memory-limit",
                       limits.mebibytes));
    double pause = limits.mebibytes > 0 ? 0.01 : 1.0;
    if (limits.seconds > 0)
      pause = std::min(pause, limits.seconds - passed);
    std::this_thread::sleep_for(duration<double>(pause));
  }
}

void addLimits(CLI::App &command) {
  auto limits = std::make_shared<Limits>();
  command
      .add_option("--time-limit", limits->seconds,
                  "give up after so many seconds")
      ->type_name("SECONDS")
      ->check(CLI::PositiveNumber);
  command
      .add_option("--memory-limit", limits->mebibytes,
                  "give up when more is held in memory")
      ->type_name("MIB")
      ->check(CLI::PositiveNumber);
  command.parse_complete_callback([limits] {
    if (limits->seconds > 0 || limits->mebibytes > 0)
      std::thread(watch, *limits).detach();
  });
}

} // namespace attn_grid::agc
