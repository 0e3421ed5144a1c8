// Many processes of many threads ask for the same variants, while some are
// killed and others evict and clear what is on disk.

#include "runtime/cache/MemoryStore.h"
#include "runtime/cache/VariantCache.h"
#include "test/runtime/CacheFolder.h"
#include "test/runtime/FakeCompiler.h"
#include <csignal>
#include <gmock/gmock.h>
#include <random>
#include <sys/wait.h>
#include <thread>

using namespace attn_grid;
using namespace attn_grid::test;

namespace {

constexpr int keys = 8, threads = 8, rounds = 20;

/// A compiler that says how often it made each key.
struct CountingProgram {
  std::shared_ptr<FakeProgram> program =
      make_program(probe_signature(), nullptr);
  std::atomic<int> made[keys] = {};

  CountingProgram() {
    program->keeps_asked = false;
    auto object =
        std::make_shared<const std::string>(read_all(AG_CROWD_OBJECT));
    program->on_compile = [this, object](const Specialization &what) {
      int64_t number = what.consts[0].i;
      ++made[number];
      auto artifact = std::make_shared<Artifact>();
      artifact->object = object;
      artifact->symbol = fmt::format("probe{}", number);
      artifact->slots = {{Slot::Kind::pointer, 1, 0}};
      return CompileResult{artifact, ""};
    };
  }
};

/// Gets every variant in every round, in an order of the thread's own, and runs
/// it. False if one is wrong.
bool ask_for_all(detail::VariantCache &cache, unsigned seed) {
  std::mt19937 random(seed);
  for (int round = 0; round < rounds; ++round)
    for (int i = 0; i < keys; ++i) {
      const uint64_t words[] = {random() % keys};
      std::string text = fmt::format("probe {}", words[0]);
      detail::VariantKey key{words, detail::hash_words(words), text};
      const detail::Variant *variant = cache.find(key);
      if (!variant)
        variant = cache.make(
            key,
            {"probe",
             {f32},
             {{ConstParam::Kind::integer, static_cast<int64_t>(words[0])}},
             {true, true},
             {1, 1}},
            probe_signature());
      int32_t written = -1;
      const void *args[] = {&written};
      variant->artifact->entry(args, 0, 1, nullptr);
      if (written != static_cast<int32_t>(words[0]))
        return false;
    }
  return true;
}

/// What one process does. Its exit status tells what went wrong.
[[noreturn]] void work(const std::string &folder, unsigned seed) {
  enum : int { right, wrong_result, compiled_twice, warned };
  TestStore disk(folder);
  CountingProgram compiler;
  std::atomic<int> status = right;
  {
    detail::VariantCache cache(compiler.program, Target(),
                               std::make_unique<detail::MemoryStore>(),
                               {"source", "compiler", "target"}, &disk.store);
    std::vector<std::thread> pool;
    for (unsigned i = 0; i < threads; ++i)
      pool.emplace_back([&, i] {
        if (!ask_for_all(cache, seed * threads + i))
          status = wrong_result;
      });
    for (unsigned i = 0; i < 4; ++i) {
      disk.store.evict((seed + i) % 3 ? 2000 : 0); // 0: all of it
      std::this_thread::yield();
    }
    for (std::thread &thread : pool)
      thread.join();
  }
  for (const std::atomic<int> &made : compiler.made)
    if (made > 1)
      status = compiled_twice;
  if (!disk.warnings.empty())
    status = warned;
  ::_exit(status);
}

TEST(Crowd, OneCompilePerProcessAndKey) {
  TemporaryFolder folder;
  constexpr unsigned processes = 64;
  std::vector<pid_t> children;
  for (unsigned i = 0; i < processes; ++i) {
    pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0)
      work(folder / "cache", i);
    children.push_back(child);
  }
  std::mt19937 random(5);
  for (unsigned i = 0; i < processes; i += 4) {
    ::usleep(random() % 20'000);
    ::kill(children[i], SIGKILL);
  }
  for (unsigned i = 0; i < processes; ++i) {
    int status = 0;
    ASSERT_EQ(::waitpid(children[i], &status, 0), children[i]);
    EXPECT_TRUE(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL && i % 4 == 0
                                    : WEXITSTATUS(status) == 0)
        << "process " << i << ", status " << status;
  }
  // What is left is found by a process that cannot compile.
  TestStore disk(folder / "cache");
  for (const detail::StoredFile &file : disk.store.list()) {
    std::string reason;
    if (!file.temporary) {
      EXPECT_TRUE(disk.store.read(file.name, reason)) << reason;
    }
  }
  EXPECT_THAT(disk.warnings, testing::IsEmpty());
}

// A second process compiles nothing that is on disk.
TEST(Crowd, WhatIsOnDiskIsNotCompiled) {
  TemporaryFolder folder;
  TestStore disk(folder / "cache");
  for (bool first : {true, false}) {
    CountingProgram compiler;
    detail::VariantCache cache(compiler.program, Target(),
                               std::make_unique<detail::MemoryStore>(),
                               {"source", "compiler", "target"}, &disk.store);
    EXPECT_TRUE(ask_for_all(cache, 1));
    int made = 0;
    for (const std::atomic<int> &one : compiler.made)
      made += one;
    EXPECT_EQ(made, first ? keys : 0);
  }
}

} // namespace
