// Random programs: the reference and the CPU agree exactly.
//
//     AG_RANDOM_PROGRAMS=20000 AgReferenceTests --gtest_filter='Random*'
//     AG_RANDOM_SEED=17 ...     the first seed; for a failure, one program

#include "test/reference/RandomProgram.h"

#include <atomic>
#include <cstdlib>
#include <gtest/gtest.h>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace attn_grid::test {
namespace {

int64_t numberFrom(const char *variable, int64_t otherwise) {
  const char *text = std::getenv(variable);
  return text ? std::atoll(text) : otherwise;
}

TEST(RandomPrograms, Agree) {
  int64_t first = numberFrom("AG_RANDOM_SEED", 0);
  int64_t end = first + numberFrom("AG_RANDOM_PROGRAMS", 1000);
  std::atomic<int64_t> next = first;
  std::mutex mutex;
  std::map<int64_t, std::string> failures; // by seed
  auto work = [&] {
    for (;;) {
      int64_t seed = next++;
      if (seed >= end)
        return;
      std::string text = disagreement(randomProgram(seed));
      if (text.empty())
        continue;
      std::lock_guard lock(mutex);
      failures[seed] = text;
      if (failures.size() >= 20)
        next = end;
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::thread::hardware_concurrency(); ++i)
    threads.emplace_back(work);
  for (std::thread &thread : threads)
    thread.join();
  for (const auto &[seed, text] : failures)
    ADD_FAILURE() << text << "AG_RANDOM_SEED=" << seed
                  << " AG_RANDOM_PROGRAMS=1\n"
                  << randomProgram(seed).text();
}

} // namespace
} // namespace attn_grid::test
