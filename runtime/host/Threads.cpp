#include "runtime/host/Threads.h"
#include "attn_grid/device.hpp"
#include "attn_grid/error.hpp"
#include "runtime/OutOfMemory.h"
#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <fmt/format.h>
#include <mutex>
#include <sched.h>
#include <string_view>
#include <thread>

namespace attn_grid {

static constexpr int max_threads = 4096;

/// What `set_num_threads` asked for, or 0.
static std::atomic<int> asked_for = 0;

/// How many processors this process may run on. Not asked of oneTBB: its first
/// answer never returns if memory runs out on the way.
static int available_processors() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0)
    return CPU_COUNT(&set);
  return static_cast<int>(std::thread::hardware_concurrency()); // 0: unknown
}

static int default_threads() {
  const char *text = std::getenv("AG_NUM_THREADS");
  if (!text || !*text)
    return std::clamp(available_processors(), 1, max_threads);
  std::string_view number = text;
  int threads = 0;
  auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), threads);
  if (error != std::errc() || end != number.data() + number.size() ||
      threads < 1 || threads > max_threads)
    throw InvalidArgument(
        fmt::format("AG_NUM_THREADS must be a number from 1 to {}, found `{}`",
                    max_threads, number.substr(0, 32)));
  return threads;
}

int num_threads() try {
  if (int threads = asked_for.load(std::memory_order_relaxed))
    return threads;
  // If it throws, the next call reads the environment again.
  static const int threads = default_threads();
  return threads;
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

void set_num_threads(int threads) try {
  if (threads < 0 || threads > max_threads)
    throw InvalidArgument(
        fmt::format("the number of threads must be from 0 to {}, found {}",
                    max_threads, threads));
  asked_for.store(threads, std::memory_order_relaxed);
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

namespace detail {

Workers::Workers(int threads)
    : threads(threads),
      limit(
          tbb::global_control::max_allowed_parallelism,
          std::max<size_t>(static_cast<size_t>(threads),
                           tbb::global_control::active_value(
                               tbb::global_control::max_allowed_parallelism))),
      arena(threads) {}

std::shared_ptr<Workers> current_workers() {
  static std::mutex mutex;
  static std::shared_ptr<Workers> workers;
  int threads = num_threads();
  std::lock_guard<std::mutex> lock(mutex);
  // Launches under way keep the arena that they began with.
  if (!workers || workers->threads != threads)
    workers = std::make_shared<Workers>(threads);
  return workers;
}

} // namespace detail
} // namespace attn_grid
