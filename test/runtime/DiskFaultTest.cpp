// The disk cache when system calls fail, when processes die, and when many use
// it at once.

#include "runtime/cache/DiskStore.h"
#include "test/runtime/CacheFolder.h"
#include <csignal>
#include <functional>
#include <gmock/gmock.h>
#include <random>
#include <sys/wait.h>
#include <thread>

using namespace attn_grid;
using namespace attn_grid::test;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

/// Call number `first` fails, and all after it if `forever`.
class FailingFiles final : public CountingFiles {
public:
  int first = 0, error = EIO;
  bool forever = false;

private:
  bool before_call() override {
    if (calls != first && !(forever && calls > first))
      return false;
    errno = error;
    return true;
  }
};

/// What a process does with the cache: everything.
void use(TestStore &store) {
  store.has(1);
  store.store.publish(entry_of(1));
  store.has(1);
  store.store.publish(entry_of(2));
  store.store.evict(0);
}

class DiskFault : public testing::TestWithParam<int> {};

// Whatever call fails with whatever error, nothing throws, at most one line is
// said, and the folder stays as good as it was.
TEST_P(DiskFault, OfEveryCall) {
  for (bool forever : {false, true}) {
    for (int call = 1;; ++call) {
      TemporaryFolder folder;
      FailingFiles files;
      files.first = call;
      files.error = GetParam();
      files.forever = forever;
      {
        TestStore store(folder / "cache", files);
        use(store);
        ASSERT_LE(store.warnings.size(), 1u) << "call " << call;
      }
      TestStore after(folder / "cache");
      after.has(1); // absent or whole
      after.has(2);
      after.store.publish(entry_of(3));
      ASSERT_TRUE(after.has(3)) << "call " << call;
      ASSERT_THAT(after.warnings, IsEmpty());
      if (files.calls < call)
        break;
      ASSERT_LT(call, 1000);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Errors, DiskFault,
                         testing::Values(EIO, ENOSPC, EROFS, EACCES, EMFILE,
                                         EINTR, ESTALE, ENOENT),
                         [](const auto &info) {
                           return std::string(strerrorname_np(info.param));
                         });

/// Reads and writes a few bytes at a time.
class ShortFiles final : public detail::FileSystem {
public:
  ssize_t read(int file, void *bytes, size_t size) override {
    return FileSystem::read(file, bytes, std::min<size_t>(size, 7));
  }
  ssize_t write(int file, const void *bytes, size_t size) override {
    return FileSystem::write(file, bytes, std::min<size_t>(size, 5));
  }
};

TEST(DiskFault, ShortReadsAndWrites) {
  TemporaryFolder folder;
  ShortFiles files;
  TestStore store(folder / "cache", files);
  store.store.publish(entry_of(1));
  EXPECT_TRUE(store.has(1));
  EXPECT_THAT(store.warnings, IsEmpty());
}

/// The process ends at one of the calls.
class DyingFiles final : public CountingFiles {
public:
  int last = 0;

private:
  bool before_call() override {
    if (calls == last)
      ::_exit(42);
    return false;
  }
};

/// Runs `work` in a process that dies at call number `last`; true if it did.
bool dies_at(const std::string &folder, int last,
             const std::function<void(TestStore &)> &work) {
  pid_t child = ::fork();
  if (child == 0) {
    DyingFiles files;
    files.last = last;
    TestStore store(folder, files);
    work(store);
    ::_exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  return WEXITSTATUS(status) == 42;
}

// A process that dies at any call leaves each entry whole or absent.
TEST(DiskFault, DeathAtEveryCall) {
  std::pair<const char *, std::function<void(TestStore &)>> works[] = {
      {"publish",
       [](TestStore &store) {
         store.store.publish(entry_of(1));
         store.store.publish(entry_of(2));
       }},
      {"evict", [](TestStore &store) { store.store.evict(1); }},
      {"clear",
       [](TestStore &store) {
         for (const detail::StoredFile &file : store.store.list())
           store.store.remove(file.name);
       }},
  };
  for (const auto &[name, work] : works) {
    int last = 1;
    for (bool died = true; died; ++last) {
      TemporaryFolder folder;
      {
        TestStore before(folder / "cache");
        before.store.publish(entry_of(1)); // replaced by `publish`
      }
      died = dies_at(folder / "cache", last, work);
      TestStore after(folder / "cache");
      bool first = after.has(1);
      after.has(2);
      if (name == std::string("publish"))
        ASSERT_TRUE(first) << "call " << last;
      after.store.publish(entry_of(2));
      ASSERT_TRUE(after.has(2)) << name << " call " << last;
      ASSERT_THAT(after.warnings, IsEmpty());
    }
    EXPECT_GT(last, 5) << name;
  }
}

/// What one of many processes does: threads that look up and publish, some that
/// evict. Exits with 1 if it was given a wrong entry.
[[noreturn]] void work_in_crowd(const std::string &folder, unsigned seed) {
  TestStore store(folder, detail::real_file_system(), 6 * 1200);
  std::atomic<bool> right = true;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      unsigned state = seed * 8 + t;
      for (int round = 0; round < 20; ++round) {
        state = state * 1664525 + 1013904223;
        int number = static_cast<int>(state >> 28 & 7);
        detail::Entry wanted = entry_of(number);
        if (std::optional<detail::Entry> found = store.store.find(wanted.key)) {
          if (!(*found == wanted))
            right = false;
        } else {
          store.store.publish(wanted);
        }
        if ((state >> 20 & 31) == 0)
          store.store.evict(state >> 25 & 1 ? 3000 : 0);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  ::_exit(right && store.warnings.empty() ? 0 : 1);
}

TEST(DiskFault, ManyProcessesSomeOfThemKilled) {
  TemporaryFolder folder;
  constexpr unsigned processes = 64;
  std::vector<pid_t> children;
  for (unsigned i = 0; i < processes; ++i) {
    pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0)
      work_in_crowd(folder / "cache", i);
    children.push_back(child);
  }
  std::mt19937 random(5);
  for (unsigned i = 0; i < processes; i += 3) {
    ::usleep(random() % 20'000);
    ::kill(children[i], SIGKILL);
  }
  for (unsigned i = 0; i < processes; ++i) {
    int status = 0;
    ASSERT_EQ(::waitpid(children[i], &status, 0), children[i]);
    EXPECT_TRUE(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL && i % 3 == 0
                                    : WEXITSTATUS(status) == 0)
        << "process " << i << ", status " << status;
  }
  TestStore after(folder / "cache");
  for (int number = 0; number < 8; ++number)
    after.has(number); // absent or whole
  EXPECT_THAT(after.warnings, IsEmpty());
}

} // namespace
