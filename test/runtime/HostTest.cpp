// The CPU device: every program once, on any number of threads.

#include "test/runtime/FakeCompiler.h"
#include <cfenv>
#include <cstdlib>
#include <gmock/gmock.h>
#include <set>
#include <thread>

using namespace attn_grid;
using namespace attn_grid::test;

namespace {

class HostTest : public testing::Test {
protected:
  void TearDown() override { set_num_threads(0); }
  Kernel load(Artifact::CpuEntry entry, size_t scratch = 0, bool flush = true) {
    auto program = std::make_shared<FakeProgram>();
    program->list = {probe_signature()};
    program->on_compile = [=](const Specialization &) {
      auto artifact = std::make_shared<Artifact>();
      artifact->entry = entry;
      artifact->scratch_bytes = scratch;
      artifact->flush_subnormals = flush;
      return CompileResult{artifact, ""};
    };
    compiler.programs["own"] = program;
    return Module::from_source("own").kernel("probe");
  }
  FakeCompiler compiler;
};

TEST_F(HostTest, EachProgramOnce) {
  Kernel kernel = load(probe_entry);
  for (int threads : {1, 2, 3, 8})
    for (int64_t programs : {0, 1, 2, 31, 1000, 65537}) {
      set_num_threads(threads);
      std::vector<std::atomic<int>> seen(static_cast<size_t>(programs));
      probe_seen = &seen;
      kernel(Tensor::zeros({programs}));
      probe_seen = nullptr;
      for (const std::atomic<int> &count : seen)
        ASSERT_EQ(count, 1);
    }
}

TEST_F(HostTest, ManyLaunchesAtOnce) {
  Kernel kernel = load(probe_entry);
  probe_runs = 0;
  std::vector<std::thread> pool;
  for (int i = 0; i < 4; ++i)
    pool.emplace_back([&, i] {
      for (int round = 0; round < 50; ++round) {
        set_num_threads(1 + (i + round) % 3);
        kernel(Tensor::zeros({100}));
      }
    });
  for (std::thread &thread : pool)
    thread.join();
  EXPECT_EQ(probe_runs, 4 * 50 * 100);
}

void failing_entry(const void *, uint32_t begin, uint32_t end,
                   ag_context *context) {
  if (begin <= 77 && 77 < end)
    context->failed = 1;
}

TEST_F(HostTest, FailedAssertionFailsTheLaunch) {
  Kernel kernel = load(failing_entry);
  for (int threads : {1, 4}) {
    set_num_threads(threads);
    EXPECT_THAT([&] { kernel(Tensor::zeros({100})); },
                testing::ThrowsMessage<BackendError>(
                    "probe: an assert of the kernel failed: no message"));
    kernel(Tensor::zeros({77}));
  }
}

std::atomic<int> bad_scratch = 0;
void scratch_entry(const void *, uint32_t, uint32_t, ag_context *context) {
  if (!context->scratch || reinterpret_cast<uintptr_t>(context->scratch) % 64)
    ++bad_scratch;
  auto *bytes = static_cast<char *>(context->scratch);
  std::fill(bytes, bytes + 1000, 'x'); // the address sanitizer looks on
}

TEST_F(HostTest, ScratchIsAligned) {
  Kernel kernel = load(scratch_entry, 1000);
  for (int threads : {1, 4}) {
    set_num_threads(threads);
    kernel(Tensor::zeros({100}));
  }
  EXPECT_EQ(bad_scratch, 0);
}

TEST_F(HostTest, TooMuchScratchIsAnError) {
  Kernel kernel = load(scratch_entry, size_t(1) << 60);
  for (int threads : {1, 4}) {
    set_num_threads(threads);
    EXPECT_THROW(kernel(Tensor::zeros({100})), BackendError);
  }
}

std::atomic<bool> saw_subnormal, saw_upward;
void float_entry(const void *, uint32_t, uint32_t, ag_context *) {
  volatile float tiny = 1e-40f, one = 1, next = 1e-10f;
  saw_subnormal = tiny * one != 0;
  saw_upward = one + next > 1;
}

TEST_F(HostTest, FloatModeIsSetAndRestored) {
  for (bool flush : {true, false}) {
    Kernel kernel = load(float_entry, 0, flush);
    std::fesetround(FE_UPWARD);
    kernel(Tensor::zeros({1}));
    int after = std::fegetround();
    std::fesetround(FE_TONEAREST);
    EXPECT_EQ(after, FE_UPWARD);
    EXPECT_EQ(saw_subnormal, !flush);
    EXPECT_FALSE(saw_upward);
    volatile float tiny = 1e-40f;
    EXPECT_NE(tiny * 1.0f, 0);
  }
}

TEST_F(HostTest, NumberOfThreads) {
  set_num_threads(3);
  EXPECT_EQ(num_threads(), 3);
  EXPECT_THROW(set_num_threads(-1), InvalidArgument);
  EXPECT_THROW(set_num_threads(5000), InvalidArgument);
  EXPECT_EQ(num_threads(), 3);
  set_num_threads(0);
  EXPECT_GE(num_threads(), 1);
}

// The variable is read once, so each value needs a process of its own.
using HostDeathTest = HostTest;
TEST_F(HostDeathTest, NumberOfThreadsFromTheEnvironment) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto run = [](const char *value) {
    setenv("AG_NUM_THREADS", value, 1);
    try {
      std::exit(num_threads());
    } catch (const InvalidArgument &error) {
      std::fprintf(stderr, "%s\n", error.what());
      std::exit(100);
    }
  };
  EXPECT_EXIT(run("5"), testing::ExitedWithCode(5), "");
  for (const char *bad : {"0", "-1", "x", "2x", "99999999999"})
    EXPECT_EXIT(run(bad), testing::ExitedWithCode(100),
                "AG_NUM_THREADS must be a number from 1 to 4096, found");
}

} // namespace
