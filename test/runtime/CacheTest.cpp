// Variants are compiled once, found without a lock, and failures forgotten.

#include "runtime/cache/MemoryStore.h"
#include "runtime/cache/VariantCache.h"
#include "test/runtime/CacheFolder.h"
#include "test/runtime/FakeCompiler.h"
#include <gmock/gmock.h>
#include <latch>
#include <thread>

using namespace attn_grid;
using namespace attn_grid::test;
using attn_grid::detail::MemoryStore;
using attn_grid::detail::Variant;
using attn_grid::detail::VariantKey;

namespace {

TEST(Cache, ConcurrentMissesCompileOnce) {
  FakeCompiler compiler;
  auto program = make_program(probe_signature(), probe_entry);
  auto compile = program->on_compile;
  program->on_compile = [=](const Specialization &what) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return compile(what);
  };
  compiler.programs["own"] = program;
  Kernel kernel = Module::from_source("own").kernel("probe");
  constexpr int threads = 8, types = 3;
  std::latch start(threads);
  std::vector<std::thread> pool;
  std::atomic<int> fresh = 0;
  for (int i = 0; i < threads; ++i)
    pool.emplace_back([&, i] {
      start.arrive_and_wait();
      for (int t = 0; t < types; ++t) {
        DType dtype = static_cast<DType>((i + t) % types);
        Tensor x = Tensor::zeros({2}, dtype);
        fresh += !kernel.variant(x).cached;
      }
    });
  for (std::thread &thread : pool)
    thread.join();
  EXPECT_EQ(program->compiles, types);
  EXPECT_GE(fresh, types);
}

TEST(Cache, FailuresReachAllWaitersAndAreForgotten) {
  FakeCompiler compiler;
  auto program = make_program(probe_signature(), probe_entry);
  auto compile = program->on_compile;
  std::atomic<bool> broken = true;
  program->on_compile = [&, compile](const Specialization &what) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return broken ? CompileResult{nullptr, "own.ag:1:1: error: no\n"}
                  : compile(what);
  };
  compiler.programs["own"] = program;
  Kernel kernel = Module::from_source("own").kernel("probe");
  std::latch start(4);
  std::vector<std::thread> pool;
  std::atomic<int> failures = 0;
  for (int i = 0; i < 4; ++i)
    pool.emplace_back([&] {
      start.arrive_and_wait();
      try {
        kernel(Tensor::zeros({2}));
      } catch (const CompileError &error) {
        failures += error.what() == std::string("own.ag:1:1: error: no\n");
      }
    });
  for (std::thread &thread : pool)
    thread.join();
  EXPECT_EQ(failures, 4);
  broken = false;
  kernel(Tensor::zeros({2}));
  int before = program->compiles;
  kernel(Tensor::zeros({2}));
  EXPECT_EQ(program->compiles, before);
}

TEST(Cache, CompilerThatThrows) {
  FakeCompiler compiler;
  auto program = make_program(probe_signature(), probe_entry);
  program->on_compile = [](const Specialization &) -> CompileResult {
    throw std::runtime_error("broken");
  };
  compiler.programs["own"] = program;
  Kernel kernel = Module::from_source("own").kernel("probe");
  EXPECT_THROW(kernel(Tensor::zeros({2})), std::runtime_error);
  EXPECT_THROW(kernel(Tensor::zeros({2})), std::runtime_error);
}

TEST(Cache, ConstsMakeVariants) {
  FakeCompiler compiler;
  auto program = make_program(probe_signature(), probe_entry);
  compiler.programs["own"] = program;
  Module module = Module::from_source("own");
  Tensor x = Tensor::zeros({2});
  for (int round = 0; round < 2; ++round)
    for (int c = 0; c < 100; ++c)
      module.kernel("probe", {{"C", c}})(x);
  EXPECT_EQ(program->compiles, 100);
  module.kernel("probe")(x); // the default is 3
  EXPECT_EQ(program->compiles, 100);
}

// A variant on disk whose object does not load is compiled and written anew.
TEST(Cache, UnusableEntriesAreReplaced) {
  TemporaryFolder folder;
  TestStore disk(folder / "cache");
  auto program = make_program(probe_signature(), probe_entry);
  program->on_compile = [](const Specialization &) {
    auto artifact = std::make_shared<Artifact>();
    artifact->entry = probe_entry;
    artifact->object = std::make_shared<const std::string>("no object");
    artifact->symbol = "probe";
    return CompileResult{artifact, ""};
  };
  Specialization what{
      "probe", {f32}, {{ConstParam::Kind::integer, 3}}, {true, true}, {1, 1}};
  const uint64_t words[] = {7};
  VariantKey key{words, detail::hash_words(words), "probe"};
  for (int process = 1; process <= 3; ++process) {
    detail::VariantCache cache(program, Target(),
                               std::make_unique<MemoryStore>(),
                               {"source", "compiler", "target"}, &disk.store);
    const Variant *variant = cache.make(key, what, probe_signature());
    EXPECT_FALSE(variant->from_disk);
    EXPECT_EQ(program->compiles, process);
    EXPECT_EQ(cache.make(key, what, probe_signature()), variant);
    EXPECT_EQ(disk.store.list().size(), 1u);
  }
  EXPECT_THAT(disk.warnings, testing::IsEmpty());
}

// Without a part of the key, and without a disk, nothing is written.
TEST(Cache, IncompleteKeysStayInMemory) {
  TemporaryFolder folder;
  TestStore disk(folder / "cache");
  auto program = make_program(probe_signature(), probe_entry);
  detail::VariantCache cache(program, Target(), std::make_unique<MemoryStore>(),
                             {"source", "", "target"}, &disk.store);
  const uint64_t words[] = {7};
  VariantKey key{words, detail::hash_words(words), "probe"};
  cache.make(key, {"probe", {f32}, {}, {true, true}, {1, 1}},
             probe_signature());
  EXPECT_FALSE(std::filesystem::exists(folder / "cache"));
}

/// Keys that a reader recomputes.
struct Words {
  explicit Words(uint64_t i) : words{i, i * i, 7} {
    key.words = words;
    key.hash = i % 5 ? detail::hash_words(words) : 42; // some collide
  }
  uint64_t words[3];
  VariantKey key;
};

TEST(MemoryStore, ReadersBesideAWriter) {
  MemoryStore store;
  constexpr uint64_t count = 5000;
  std::atomic<uint64_t> published = 0;
  std::vector<std::thread> readers;
  std::atomic<bool> right = true;
  for (int r = 0; r < 3; ++r)
    readers.emplace_back([&] {
      while (published < count) {
        uint64_t now = published;
        for (uint64_t i = now > 50 ? now - 50 : 0; i < now; ++i) {
          const Variant *variant = store.find(Words(i).key);
          if (!variant || variant->text != std::to_string(i))
            right = false;
        }
        if (store.find(Words(count + 1).key))
          right = false;
      }
    });
  for (uint64_t i = 0; i < count; ++i) {
    store.publish(Words(i).key, Variant{nullptr, std::to_string(i)});
    published = i + 1;
  }
  for (std::thread &reader : readers)
    reader.join();
  EXPECT_TRUE(right);
  for (uint64_t i = 0; i < count; ++i)
    ASSERT_EQ(store.find(Words(i).key)->text, std::to_string(i));
}

} // namespace
