// Allocation number n fails, for all n, in everything that a host calls but the
// compiler itself: the error is the library's own, nothing is leaked, and the
// same call works when there is memory.

#include "attn_grid/c.h"
#include "attn_grid/dlpack.hpp"
#include "attn_grid/tuning.hpp"
#include "test/runtime/CacheFolder.h"
#include "test/runtime/FakeCompiler.h"
#include <cstdlib>
#include <dlpack/dlpack.h>
#include <gtest/gtest.h>
#include <new>

namespace {

/// Of this thread, since other threads' allocations are not those of the call.
thread_local bool counting = false;
thread_local long until_failure = 0; // 1: the next one fails; 0: none will
thread_local bool fails_for_ever = false;
thread_local long allocations = 0, balance = 0;

void *allocate(size_t size, size_t alignment) {
  if (counting) {
    ++allocations;
    if (until_failure == 1) {
      if (!fails_for_ever)
        until_failure = 0;
      return nullptr;
    }
    if (until_failure > 1)
      --until_failure;
  }
  void *memory = alignment <= alignof(std::max_align_t)
                     ? std::malloc(size ? size : 1)
                     : std::aligned_alloc(alignment, (size + alignment - 1) /
                                                         alignment * alignment);
  if (memory && counting)
    ++balance;
  return memory;
}

void *need(size_t size, size_t alignment) {
  if (void *memory = allocate(size, alignment))
    return memory;
  throw std::bad_alloc();
}

void release(void *memory) noexcept {
  if (memory && counting)
    --balance;
  std::free(memory);
}

} // namespace

// All that the libraries linked here allocate comes through these.
// clang-format off
void *operator new(size_t size) { return need(size, 0); }
void *operator new[](size_t size) { return need(size, 0); }
void *operator new(size_t size, const std::nothrow_t &) noexcept { return allocate(size, 0); }
void *operator new[](size_t size, const std::nothrow_t &) noexcept { return allocate(size, 0); }
void *operator new(size_t size, std::align_val_t to) { return need(size, static_cast<size_t>(to)); }
void *operator new[](size_t size, std::align_val_t to) { return need(size, static_cast<size_t>(to)); }
void operator delete(void *memory) noexcept { release(memory); }
void operator delete[](void *memory) noexcept { release(memory); }
void operator delete(void *memory, size_t) noexcept { release(memory); }
void operator delete[](void *memory, size_t) noexcept { release(memory); }
void operator delete(void *memory, std::align_val_t) noexcept { release(memory); }
void operator delete[](void *memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void *memory, size_t, std::align_val_t) noexcept { release(memory); }
void operator delete[](void *memory, size_t, std::align_val_t) noexcept { release(memory); }
// clang-format on

namespace {

using namespace attn_grid;
using namespace attn_grid::test;

/// What became of one call.
enum class Outcome { done, no_memory, other_error };

/// Runs `body` with allocation `n` failing; 0: none.
template <class Body> Outcome run(long n, bool for_ever, Body &body) {
  until_failure = n;
  fails_for_ever = for_ever;
  allocations = 0;
  counting = true;
  Outcome outcome = Outcome::done;
  try {
    body();
  } catch (const OutOfMemory &) {
    outcome = Outcome::no_memory;
  } catch (const Error &) {
    outcome = Outcome::other_error;
  } catch (const std::exception &error) {
    counting = false;
    ADD_FAILURE() << "allocation " << n << ": " << typeid(error).name() << ": "
                  << error.what();
  }
  counting = false;
  return outcome;
}

/// Fails every allocation of `body` in turn, once and for ever. A `body` whose
/// last word is an error expects that error when there is memory. What other
/// threads free is not seen: `leaks` is false then.
template <class Body>
void fail_each(Body body, Outcome expected = Outcome::done, bool leaks = true) {
  for (bool for_ever : {false, true}) {
    // Once without a look at leaks, since what is made once per process stays.
    for (bool exact : {false, true}) {
      long n = 1, limit = 20000;
      for (; n < limit; ++n) {
        balance = 0;
        Outcome outcome = run(n, for_ever, body);
        bool failed = until_failure == (for_ever ? 1 : 0);
        if (exact && leaks) {
          EXPECT_EQ(balance, 0) << "allocation " << n << " leaks";
        }
        if (!failed) {
          EXPECT_EQ(outcome, expected) << "allocation " << n;
          break;
        }
        // What runs out of memory on the way may be an error's own text, or
        // something that can do without.
        EXPECT_TRUE(outcome == Outcome::no_memory || outcome == expected)
            << "allocation " << n;
        if (exact) {
          balance = 0;
          ASSERT_EQ(run(0, false, body), expected) << "after allocation " << n;
          EXPECT_TRUE(balance == 0 || !leaks) << "after allocation " << n;
        }
      }
      ASSERT_LT(n, limit);
      EXPECT_GT(n, 1) << "this allocates nothing";
      if (testing::Test::HasFailure())
        return;
    }
  }
}

TEST(Allocation, OfTensors) {
  fail_each([] {
    Tensor x = Tensor::randn({3, 5}, f16);
    Tensor y = Tensor::full({3, 5}, 2.0);
    y.copy_from(x);
    std::vector<double> values = y.to_vector();
    Tensor z = Tensor::from_values({3, 5}, values).transpose().contiguous();
    Tensor w = z.clone().view({15});
    w.set({3}, w.at({4}));
  });
  fail_each([] { Tensor::zeros({3, 5}).view({4, 4}); }, Outcome::other_error);
  fail_each([] { Tensor::zeros({3, 5}).select(2, 0); }, Outcome::other_error);
  fail_each([] { Tensor::zeros({3, 5}).at({3, 0}); }, Outcome::other_error);
  fail_each([] { Device::named("cpux"); }, Outcome::other_error);
}

TEST(Allocation, OfFilesAndOtherLibraries) {
  TemporaryFolder folder;
  std::string path = folder / "x.npy";
  fail_each([&] {
    Tensor::iota({3, 5}).to_npy(path);
    Tensor x = Tensor::from_npy(path);
    std::string bytes = x.to_npy_bytes();
    Tensor::from_npy_bytes(std::as_bytes(std::span(bytes)));
  });
  fail_each([] {
    Tensor x = Tensor::zeros({3, 5});
    DLManagedTensor *managed = to_dlpack(x);
    try {
      from_dlpack(managed);
    } catch (const Error &) {
      managed->deleter(managed);
      throw;
    }
  });
}

TEST(Allocation, OfLoads) {
  FakeCompiler compiler;
  compiler.programs["flash"] = make_flash();
  const Bindings bound{{"causal", true}, {"T", f32}};
  const std::vector<std::pair<std::string, int64_t>> choice{{"BM", 32}};
  fail_each([&] {
    Module module = Module::from_source("flash", "flash.ag");
    module.kernels();
    Kernel kernel = module.kernel("flash_fwd", bound);
    Tensor q = Tensor::zeros({1, 2, 3, 4});
    Arg args[] = {q, q, q};
    kernel.expect(std::span(args, 1));
    kernel.tuning(args, choice, 1.5);
  });
  fail_each([&] { Module::from_source("flush"); }, Outcome::other_error);
  fail_each([&] { Module::from_file("/nowhere.ag"); }, Outcome::other_error);
  fail_each([&] { Module::from_source("flash").kernel("flush"); },
            Outcome::other_error);
}

TEST(Allocation, OfLaunches) {
  FakeCompiler compiler;
  auto program = make_flash();
  program->keeps_asked = false;
  compiler.programs["flash"] = program;
  Tensor q = Tensor::randn({1, 2, 3, 4}), k = Tensor::randn({1, 2, 5, 4});
  set_num_threads(1);
  // The first launch makes the variant, which goes with the module.
  fail_each([&] {
    Kernel kernel = Module::from_source("flash").kernel("flash_fwd");
    Tensor o = kernel(q, k, k)["o"];
    kernel(q, k, k, out(o), none, 0.5f);
  });
  Kernel kernel = Module::from_source("flash").kernel("flash_fwd");
  fail_each([&] {
    Launch launch = kernel.prepare(q, k, k);
    launch();
    launch.variant();
    launch.results()["o"];
  });
  fail_each([&] { kernel(q, k, q); }, Outcome::other_error);
  // oneTBB makes its own things at the first launch, of which it says nothing.
  set_num_threads(2);
  kernel(q, k, k);
  fail_each([&] { kernel(q, k, k); });
  set_num_threads(0);
}

TEST(Allocation, OfStreams) {
  FakeCompiler compiler;
  compiler.programs["flash"] = make_flash();
  Tensor q = Tensor::randn({1, 2, 3, 4}), o = Tensor::empty({1, 2, 3, 4});
  set_num_threads(1);
  Kernel kernel = Module::from_source("flash").kernel("flash_fwd");
  kernel(q, q, q, out(o));
  fail_each(
      [&] {
        Stream stream = Stream::create(Device::cpu());
        StreamScope scope(stream);
        kernel(q, q, q, out(o));
        Event event = stream.record();
        stream.wait(event);
        kernel(q, q, q);
        stream.synchronize();
        event.milliseconds_since(Stream::default_of(Device::cpu()).record());
        Device::cpu().synchronize();
      },
      Outcome::done, /*leaks=*/false);
  set_num_threads(0);
}

TEST(Allocation, OfTuning) {
  const char *line = "00 flash_fwd cpu T=f32 M~3 : BM=32 # 1 ms\n";
  fail_each([&] {
    add_tuning(merge_tuning("", line));
    clear_tuning();
  });
  fail_each([&] { add_tuning("no line"); }, Outcome::other_error);
}

/// How many descriptors this process has open.
long descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                       std::filesystem::directory_iterator());
}

// The cache on disk throws what the functions above it turn into errors.
TEST(Allocation, OfTheCacheOnDisk) {
  TemporaryFolder folder;
  TestStore disk(folder / "cache");
  detail::Entry first = entry_of(1), second = entry_of(2);
  disk.store.list();
  long open = descriptors(); // the folder stays open
  fail_each([&] {
    try {
      disk.store.publish(first);
      disk.store.publish(second);
      std::optional<detail::Entry> found = disk.store.find(first.key);
      EXPECT_TRUE(found && *found == first);
      disk.store.list();
      disk.store.evict(0);
    } catch (const std::bad_alloc &) {
      throw OutOfMemory("");
    }
  });
  EXPECT_EQ(descriptors(), open);
  EXPECT_TRUE(disk.warnings.empty());
}

TEST(Allocation, OfTheCInterface) {
  FakeCompiler compiler;
  auto program = make_flash();
  program->keeps_asked = false;
  compiler.programs["flash"] = program;
  set_num_threads(1);
  auto check = [](ag_status status) {
    if (status == AG_OUT_OF_MEMORY)
      throw OutOfMemory("");
    if (status != AG_OK)
      throw BackendError("");
  };
  const int64_t sizes[] = {1, 2, 3, 4};
  auto body = [&] {
    ag_tensor *q = nullptr;
    ag_module *module = nullptr;
    ag_kernel *kernel = nullptr;
    ag_results *results = nullptr;
    auto free_all = [&] {
      ag_results_free(results);
      ag_kernel_free(kernel);
      ag_module_free(module);
      ag_tensor_free(q);
    };
    try {
      check(ag_tensor_randn(AG_F32, 4, sizes, 1, nullptr, &q));
      check(ag_module_from_source("flash", "flash.ag", nullptr, 0, &module));
      check(ag_module_kernel(module, "flash_fwd", nullptr, 0, &kernel));
      ag_arg args[] = {ag_in(q), ag_in(q), ag_in(q)};
      check(ag_kernel_launch(kernel, args, 3, &results));
    } catch (const Error &) {
      free_all();
      throw;
    }
    free_all();
  };
  // Freed handles wait behind others; what waits at most is made first.
  for (int i = 0; i < 100; ++i)
    body();
  fail_each(body);
  set_num_threads(0);
}

} // namespace
