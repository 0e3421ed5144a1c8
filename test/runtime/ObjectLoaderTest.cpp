// Objects of real kernels load and run; damaged and hostile ones are refused.

#include "runtime/host/ObjectLoader.h"
#include "attn_grid/error.hpp"
#include "compiler/Compiler.h"
#include <cstring>
#include <fstream>
#include <functional>
#include <gmock/gmock.h>

using namespace attn_grid;
using attn_grid::detail::load_object;
using attn_grid::detail::LoadedObject;
using testing::HasSubstr;
using testing::ThrowsMessage;

namespace {

std::string object_of(const std::string &source,
                      const Specialization &specialization) {
  compiler::EmitResult result =
      compiler::emit(source, "test.ag", {}, specialization, Target(),
                     {compiler::Stage::object, true, {}});
  EXPECT_TRUE(result.ok) << result.diagnostics;
  return result.output;
}

/// A kernel that calls `memset`.
const std::string &rich_object() {
  static const std::string object = [] {
    std::ifstream file(AG_SOURCE_DIR
                       "/kernels_dsl/tutorial/03-matrix-product.ag");
    std::string source{std::istreambuf_iterator<char>(file), {}};
    Specialization what{"matrix_product", {bf16}, {}, {}, {}};
    for (int64_t block : {64, 64, 64})
      what.consts.push_back({ConstParam::Kind::integer, block});
    what.present.assign(3, true);
    what.last_stride.assign(3, 1);
    return object_of(source, what);
  }();
  return object;
}

const std::string &add_object() {
  static const std::string object =
      object_of(R"(
kernel add<const BLOCK: int = 16>(x: tensor<f32>[N], y: tensor<f32>[N],
                                  out z: tensor<f32>[N])
  grid (ceildiv(N, BLOCK))
{
  let start = program_id() * BLOCK;
  z[start +: BLOCK] = x[start +: BLOCK] + y[start +: BLOCK] % 8.0;
}
)",
                {"add",
                 {},
                 {{ConstParam::Kind::integer, 16}},
                 {true, true, true},
                 {1, 1, 1}});
  return object;
}

void run_add(Artifact::CpuEntry entry) {
  constexpr int count = 37;
  float x[count], y[count], z[count] = {};
  for (int i = 0; i < count; ++i) {
    x[i] = static_cast<float>(i);
    y[i] = static_cast<float>(10 * i);
  }
  struct {
    void *x, *y, *z;
    int64_t count;
  } args{x, y, z, count};
  alignas(64) static char scratch[1 << 16];
  ag_context context{};
  context.scratch = scratch;
  entry(&args, 0, 3, &context);
  for (int i = 0; i < count; ++i)
    ASSERT_EQ(z[i], x[i] + static_cast<float>(10 * i % 8)) << i;
}

/// "r-xp", or nothing, for the page that holds an address.
std::string protection_of(const void *address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    uintptr_t begin = 0, end = 0;
    char protection[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, protection) ==
            3 &&
        begin <= reinterpret_cast<uintptr_t>(address) &&
        reinterpret_cast<uintptr_t>(address) < end)
      return protection;
  }
  return {};
}

TEST(ObjectLoader, LoadsAndRuns) {
  LoadedObject loaded = load_object(add_object(), "add");
  run_add(loaded.entry);
  // Two copies of one object do not meet, and each goes alone.
  LoadedObject second = load_object(add_object(), "add");
  EXPECT_NE(second.entry, loaded.entry);
  loaded.code.reset();
  run_add(second.entry);
}

TEST(ObjectLoader, NothingIsWritableAndExecutable) {
  LoadedObject loaded = load_object(rich_object(), "matrix_product");
  auto *entry = reinterpret_cast<const void *>(loaded.entry);
  EXPECT_EQ(protection_of(entry), "r-xp");
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    EXPECT_THAT(line, testing::Not(HasSubstr(" rwx")));
}

TEST(ObjectLoader, OtherNamesAreErrors) {
  EXPECT_THAT([] { load_object(add_object(), "sub"); },
              ThrowsMessage<BackendError>(
                  "the compiled object is damaged: it has no function `sub`"));
}

TEST(ObjectLoader, OtherMachinesAreUnsupported) {
  std::string object = add_object();
  object[18] = static_cast<char>(183); // e_machine: AArch64
  EXPECT_THAT([&] { load_object(object, "add"); },
              ThrowsMessage<Unsupported>(HasSubstr("another machine")));
}

// An object reaches no function of the process but those of the list.
TEST(ObjectLoader, OtherFunctionsAreRefused) {
  std::string object = rich_object();
  size_t at = object.find("memset");
  ASSERT_NE(at, std::string::npos);
  object.replace(at, 6, "system");
  EXPECT_THAT([&] { load_object(object, "matrix_product"); },
              ThrowsMessage<BackendError>(
                  "the compiled object is damaged: it calls `system`, which "
                  "kernels do not"));
}

TEST(ObjectLoader, ObjectOfNothing) {
  for (const char *text : {"",
                           "\x7f"
                           "ELF",
                           "no object at all"})
    EXPECT_THROW(load_object(text, "add"), BackendError);
  EXPECT_THROW(load_object(std::string(1000, '\0'), "add"), BackendError);
}

/// Loads without running: a result or an `ag::Error`.
bool loads(const std::string &object, const char *symbol) {
  try {
    load_object(object, symbol);
    return true;
  } catch (const Error &) {
    return false;
  }
}

TEST(ObjectLoader, EveryTruncationIsRefused) {
  const std::string &object = rich_object();
  for (size_t size = 0; size < object.size(); ++size)
    ASSERT_FALSE(loads(object.substr(0, size), "matrix_product")) << size;
}

TEST(ObjectLoader, EveryFlippedByteLoadsOrIsRefused) {
  const std::string &object = add_object();
  size_t refused = 0;
  for (size_t at = 0; at < object.size(); ++at)
    for (uint8_t mask : {0x01, 0x80, 0xff}) {
      std::string bad = object;
      bad[at] = static_cast<char>(bad[at] ^ mask);
      refused += !loads(bad, "add");
    }
  EXPECT_GT(refused, 100u);
}

TEST(ObjectLoader, RandomDamageLoadsOrIsRefused) {
  uint64_t state = 1;
  auto random = [&] {
    state = state * 6364136223846793005 + 1442695040888963407;
    return state >> 33;
  };
  constexpr uint64_t edges[] = {
      0,           1, 0xff, 0xffff, 0x7fffffff, 0xffffffff, uint64_t(1) << 63,
      ~uint64_t(0)};
  for (int round = 0; round < 20000; ++round) {
    std::string bad = round % 2 ? add_object() : rich_object();
    for (uint64_t i = random() % 4; i-- > 0;) {
      // Headers and tables stand at the ends.
      uint64_t size = bad.size(), end = std::min<uint64_t>(size - 8, 2000);
      uint64_t at = random() % 3 ? size - 8 - random() % end : random() % 64;
      uint64_t value = random() % 2 ? edges[random() % 8] : random();
      std::memcpy(bad.data() + at, &value, size_t(1) << random() % 4);
    }
    loads(bad, round % 2 ? "add" : "matrix_product");
  }
}

} // namespace
