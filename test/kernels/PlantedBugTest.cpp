// Bugs planted into kernels: from a kernel's PTX all variants with one barrier,
// one wait, one fence or one predicate removed, or one offset changed. Each
// must be found by the software device's checks, or change what the kernel
// computes.

#include "attn_grid/artifact.hpp"
#include "attn_grid/sim.h"
#include "test/kernels/KernelCase.h"

#include <algorithm>
#include <dlfcn.h>
#include <fmt/ranges.h>
#include <functional>
#include <map>
#include <memory>

namespace attn_grid::test {
namespace {

/// A change of one line of PTX; nothing if the line has no place for it.
using Plant = std::optional<std::string> (*)(const std::string &line);

/// A program whose PTX has a bug. What the compiler makes is kept, so that a
/// kernel is compiled once for all of its bugs.
class BuggyCompiler final : public Compiler {
public:
  explicit BuggyCompiler(Compiler &real) : real(real) {}

  ParseResult parse(std::string_view source, std::string_view name,
                    const std::vector<std::string> &includeDirs,
                    const std::vector<SourceFile> &imports,
                    const FunctionBindings &functions) override {
    if (!program) {
      program =
          real.parse(source, name, includeDirs, imports, functions).program;
      if (!program)
        return {};
    }
    return {std::make_shared<Buggy>(*this), {}, true};
  }

  Compiler &real;
  std::shared_ptr<const Program> program;
  std::shared_ptr<const Artifact> right; // without a bug
  std::function<std::string(const std::string &)> change;

private:
  struct Buggy final : Program {
    explicit Buggy(BuggyCompiler &compiler) : compiler(compiler) {}
    const std::vector<Signature> &signatures() const override {
      return compiler.program->signatures();
    }
    CompileResult compile(const Specialization &what,
                          const Target &target) const override {
      if (!compiler.right) {
        CompileResult made = compiler.program->compile(what, target);
        if (!made.artifact)
          return made;
        compiler.right = made.artifact;
      }
      auto artifact = std::make_shared<Artifact>(*compiler.right);
      if (compiler.change)
        artifact->object = std::make_shared<const std::string>(
            compiler.change(*compiler.right->object));
      return {artifact, {}};
    }
    BuggyCompiler &compiler;
  };
};

std::vector<std::string> linesOf(const std::string &text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  return lines;
}

bool contains(const std::string &line, const char *what) {
  return line.find(what) != std::string::npos;
}

std::optional<std::string> withoutBarrier(const std::string &line) {
  if (!contains(line, "\tbar.sync") && !contains(line, "\tbarrier.sync"))
    return std::nullopt;
  return std::string();
}

/// Neither waits for copies, nor says which of them belong together.
std::optional<std::string> withoutWait(const std::string &line) {
  for (const char *wait :
       {"cp.async.wait", "cp.async.commit", "wgmma.wait_group",
        "wgmma.commit_group", "mbarrier.try_wait", "mbarrier.arrive"})
    if (contains(line, wait))
      return std::string();
  return std::nullopt;
}

/// What is written is not there yet for products, and for copies of boxes.
std::optional<std::string> withoutFence(const std::string &line) {
  for (const char *fence : {"wgmma.fence", "fence.proxy.async",
                            "fence.mbarrier_init", "mbarrier.init."})
    if (contains(line, fence))
      return std::string();
  return std::nullopt;
}

/// Only memory accesses: a branch without its predicate is another program.
std::optional<std::string> withoutPredicate(const std::string &line) {
  // A copy reads as many bytes as a register says, 0 or all.
  size_t bytes = line.rfind("16, %r");
  if (contains(line, "cp.async") && bytes != std::string::npos)
    return line.substr(0, bytes) + "16, 16;";
  size_t guard = line.find('@');
  if (guard == std::string::npos ||
      (!contains(line, " ld.") && !contains(line, " st.")))
    return std::nullopt;
  return line.substr(0, guard) + line.substr(line.find(' ', guard) + 1);
}

/// 16 bytes further: as aligned as before.
std::optional<std::string> otherOffset(const std::string &line) {
  bool touches = contains(line, "ld.shared") || contains(line, "st.shared") ||
                 contains(line, "ldmatrix") || contains(line, "st.global") ||
                 contains(line, "ld.global");
  size_t end = line.find(']');
  if (!touches || end == std::string::npos)
    return std::nullopt;
  size_t plus = line.rfind('+', end);
  size_t open = line.rfind('[', end);
  if (plus == std::string::npos || plus < open)
    return line.substr(0, end) + "+16" + line.substr(end);
  int offset = std::stoi(line.substr(plus + 1, end - plus - 1));
  return line.substr(0, plus + 1) + std::to_string(offset + 16) +
         line.substr(end);
}

/// What ran in a launch, by line of the PTX.
struct Ran {
  uint64_t count = 0, lanes = 0;
};
std::map<int, Ran> profileOf(const std::function<void()> &launch) {
  Tensor::zeros({1}, f32, Device::sim()); // opens it, for this thread
  void *library = dlopen(AG_SIM_LIBRARY, RTLD_NOW | RTLD_NOLOAD);
  auto find = [&]<typename F>(F *, const char *name) {
    return reinterpret_cast<F *>(dlsym(library, name));
  };
  auto *profile = find(&agSimProfile, "agSimProfile");
  auto *count = find(&agSimProfileCount, "agSimProfileCount");
  auto *row = find(&agSimProfileRow, "agSimProfileRow");
  profile(1);
  launch();
  std::map<int, Ran> ran;
  AgSimRow one;
  for (int n = 0; n < count() && row(n, &one) == 0; ++n) {
    ran[one.line].count += one.count;
    ran[one.line].lanes += one.lanes;
  }
  profile(0);
  return ran;
}

/// Does a barrier stand before an access of global memory? It orders accesses
/// of a tensor that this program writes, which may be apart, and the device
/// does not look for races there.
bool ordersGlobalMemory(const std::vector<std::string> &lines, size_t barrier) {
  for (size_t at = barrier + 1; at < lines.size(); ++at)
    if (contains(lines[at], " ld.") || contains(lines[at], "\tld.") ||
        contains(lines[at], " st.") || contains(lines[at], "\tst.") ||
        contains(lines[at], "ldmatrix"))
      return contains(lines[at], ".global");
  return false;
}

struct Outcome {
  size_t planted = 0, reported = 0, wrong = 0;
  /// Of lines that do not run with these inputs, or whose predicate is true for
  /// all threads: nothing has changed.
  size_t idle = 0;
  size_t apart = 0;                   ///< see `ordersGlobalMemory`
  std::vector<std::string> survivors; ///< all others
};

struct Case {
  const char *name, *file;
  Bindings bindings;
  std::function<Results(const Kernel &)> launch; ///< all outputs are made
};

/// Plants the bug in every `step`-th line that has a place for it.
Outcome plant(const Case &one, Plant change, size_t step) {
  Compiler &real = need_compiler();
  BuggyCompiler buggy(real);
  set_compiler(&buggy);
  struct Restore {
    Compiler &real;
    ~Restore() { set_compiler(&real); }
  } restore{real};
  std::string file = one.file;
  std::string path = AG_SOURCE_DIR "/kernels_dsl/" + file;
  std::string name = file.substr(file.rfind('/') + 1);
  name.resize(name.rfind('.'));
  auto run = [&] {
    Results results =
        one.launch(Module::from_file(path).kernel(name, one.bindings));
    std::vector<double> all;
    for (int i = 0; i < results.size(); ++i) {
      std::vector<double> values = results[i].to_vector();
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  };
  std::vector<double> expected;
  std::map<int, Ran> ran = profileOf([&] { expected = run(); });
  std::vector<std::string> lines = linesOf(*buggy.right->object);
  Outcome outcome;
  size_t places = 0;
  for (size_t at = 0; at < lines.size(); ++at) {
    std::optional<std::string> changed = change(lines[at]);
    if (!changed || places++ % step)
      continue;
    buggy.change = [&](const std::string &) {
      std::string text;
      for (size_t i = 0; i < lines.size(); ++i)
        text += (i == at ? *changed : lines[i]) + "\n";
      return text;
    };
    ++outcome.planted;
    try {
      std::vector<double> found = run();
      bool same = found.size() == expected.size();
      for (size_t i = 0; same && i < found.size(); ++i)
        same = found[i] == expected[i] ||
               (found[i] != found[i] && expected[i] != expected[i]);
      Ran here = ran[static_cast<int>(at) + 1];
      bool isIdle = here.lanes == 0 || (change == &withoutPredicate &&
                                        here.lanes == 32 * here.count);
      bool isApart = change == &withoutBarrier && ordersGlobalMemory(lines, at);
      if (same && isIdle)
        ++outcome.idle;
      else if (same && isApart)
        ++outcome.apart;
      else if (same)
        outcome.survivors.push_back(fmt::format("{}: {}", at + 1, lines[at]));
      else
        ++outcome.wrong;
    } catch (const BackendError &) {
      ++outcome.reported;
    }
  }
  return outcome;
}

Tensor there(const Dims &sizes, DType dtype, uint64_t seed) {
  return Tensor::randn(sizes, dtype, Device::sim(), seed);
}

/// 0, 1, 2, ..., each divided by `slowly`.
Tensor rising(const Dims &sizes, int slowly = 1) {
  Tensor x = Tensor::empty(sizes, i32);
  auto *at = static_cast<int32_t *>(x.data());
  for (int64_t i = 0; i < x.elements(); ++i)
    at[i] = static_cast<int32_t>(i / slowly);
  return x.to(Device::sim());
}

std::vector<Case> cases() {
  return {
      {"flash_f16",
       "flash/flash_fwd.ag",
       {{"causal", true}},
       [](const Kernel &kernel) {
         return kernel(there({1, 1, 70, 40}, f16, 1),
                       there({1, 1, 100, 40}, f16, 2),
                       there({1, 1, 100, 40}, f16, 3));
       }},
      // From sm_90 on its tiles take turns in one buffer each.
      {"flash_turns_f16",
       "flash/flash_fwd.ag",
       {{"stages", 1}},
       [](const Kernel &kernel) {
         return kernel(there({1, 1, 70, 128}, f16, 1),
                       there({1, 1, 200, 128}, f16, 2),
                       there({1, 1, 200, 128}, f16, 3));
       }},
      {"flash_f32",
       "flash/flash_fwd.ag",
       {{"causal", true}},
       [](const Kernel &kernel) {
         return kernel(there({1, 1, 37, 20}, f32, 1),
                       there({1, 1, 300, 20}, f32, 2),
                       there({1, 1, 300, 20}, f32, 3));
       }},
      {"matmul_f16",
       "matmul/matmul.ag",
       {{"BM", 64}, {"BN", 64}},
       [](const Kernel &kernel) {
         return kernel(there({70, 104}, f16, 1), there({104, 56}, f16, 2));
       }},
      {"layer_norm",
       "norm/layer_norm.ag",
       {},
       [](const Kernel &kernel) {
         return kernel(there({9, 2500}, f32, 1), there({2500}, f32, 2),
                       there({2500}, f32, 3));
       }},
      {"landmark_f16",
       "landmark/landmark_fwd.ag",
       {},
       [](const Kernel &kernel) {
         return kernel(there({1, 1, 100, 40}, f16, 1),
                       there({1, 1, 164, 40}, f16, 2),
                       there({1, 1, 164, 40}, f16, 3));
       }},
      {"qk_sparse",
       "dynamic_sparse/qk_sparse_fwd.ag",
       {},
       [](const Kernel &kernel) {
         return kernel(there({1, 1, 70, 24}, f16, 1),
                       there({1, 1, 90, 24}, f16, 2),
                       there({1, 1, 90, 24}, f16, 3), rising({1, 1, 70}),
                       rising({1, 1, 90}));
       }},
      {"hash_sparse",
       "dynamic_sparse/hash_sparse_fwd.ag",
       {},
       [](const Kernel &kernel) {
         return kernel(there({1, 1, 70, 24}, f16, 1),
                       there({1, 1, 90, 24}, f16, 2),
                       there({1, 1, 90, 24}, f16, 3), rising({1, 1, 70}),
                       rising({1, 1, 90}), rising({1, 1, 70}, 30),
                       rising({1, 1, 90}, 30));
       }},
      {"linear",
       "blockwise/linear_fwd.ag",
       {{"act", 1}, {"BM", 64}},
       [](const Kernel &kernel) {
         return kernel(there({70, 104}, bf16, 1), there({56, 104}, bf16, 2),
                       there({56}, bf16, 3));
       }},
      {"cross_entropy",
       "blockwise/cross_entropy_fwd.ag",
       {},
       [](const Kernel &kernel) {
         return kernel(there({70, 300}, f32, 1), rising({70}));
       }},
      {"dilated",
       "dilated/dilated_fwd.ag",
       {{"causal", true}},
       [](const Kernel &kernel) {
         return kernel(
             there({1, 1, 150, 24}, f16, 1), there({1, 1, 150, 24}, f16, 2),
             there({1, 1, 150, 24}, f16, 3), none, none, none, 100, 2);
       }},
      {"decode_split",
       "flash/decode_split.ag",
       {{"S", 2}},
       [](const Kernel &kernel) {
         return kernel(there({1, 1, 4, 2, 40}, f16, 1),
                       there({1, 1, 150, 40}, f16, 2),
                       there({1, 1, 150, 40}, f16, 3),
                       Tensor::full({1}, 140, i32, Device::sim()));
       }},
      {"rotary",
       "rotary/rotary.ag",
       {},
       [](const Kernel &kernel) {
         return kernel(there({1, 2, 50, 24}, f32, 1), there({60, 24}, f32, 2));
       }},
      {"radix_pass",
       "dynamic_sparse/radix_pass.ag",
       {},
       [](const Kernel &kernel) {
         return kernel(
             Tensor::uniform({1, 100, 2}, i32, Device::sim(), 1, 0, 1000),
             rising({1, 100, 2}), none, none, 4);
       }},
      {"descent",
       "colt5/coordinate_descent.ag",
       {},
       [](const Kernel &kernel) {
         return kernel(there({9, 300}, f32, 1), none,
                       Tensor::full({9}, 20, f32, Device::sim()), none, none,
                       3);
       }},
  };
}

void print(const Case &one, const char *what, const Outcome &found) {
  fmt::print("{:12} {:10} {:4} planted, {:4} reported, {:4} wrong results, "
             "{:4} idle, {:4} apart, {:4} harmless\n",
             one.name, what, found.planted, found.reported, found.wrong,
             found.idle, found.apart, found.survivors.size());
}

TEST(PlantedBugs, MissingBarriersAreReported) {
  for (const Case &one : cases()) {
    Outcome found = plant(one, &withoutBarrier, 1);
    print(one, "barrier", found);
    EXPECT_GE(found.reported + found.apart, 1u) << one.name;
    EXPECT_EQ(found.wrong, 0u) << one.name;
    // Behind a loop that loads ahead, a barrier keeps the buffer that was read
    // last: after so many trips it may be another than the one written next.
    // Two loops that load ahead may stand in a kernel.
    EXPECT_LE(found.survivors.size(), 2u)
        << one.name << " "
        << fmt::format("{}", fmt::join(found.survivors, "\n"));
  }
}

TEST(PlantedBugs, MissingWaitsAreReported) {
  size_t reported = 0;
  for (const Case &one : cases()) {
    Outcome found = plant(one, &withoutWait, 1);
    print(one, "wait", found);
    reported += found.reported;
    EXPECT_EQ(found.wrong, 0u) << one.name;
    // Waiting for all groups, a program need not tell the last ones apart.
    for (const std::string &line : found.survivors)
      EXPECT_TRUE(contains(line, "commit")) << one.name << " " << line;
  }
  EXPECT_GE(reported, 4u);
}

/// Harmless are a `wgmma.fence` where registers stay as the product before left
/// them, the barrier of a stage that so few iterations never reach, and a fence
/// before a loop whose memory an earlier loop's fence has made visible.
TEST(PlantedBugs, MissingFencesAreReported) {
  size_t reported = 0, planted = 0;
  for (const Case &one : cases()) {
    Outcome found = plant(one, &withoutFence, 1);
    print(one, "fence", found);
    reported += found.reported;
    planted += found.planted;
    EXPECT_EQ(found.wrong, 0u) << one.name;
    size_t proxies = 0;
    for (const std::string &line : found.survivors) {
      proxies += contains(line, "fence.proxy");
      EXPECT_TRUE(contains(line, "wgmma.fence") ||
                  contains(line, "mbarrier.init") || proxies == 1)
          << one.name << " " << line;
    }
  }
  if (planted == 0)
    GTEST_SKIP() << "kernels for this chip have no fences";
  EXPECT_GE(reported, planted / 3);
}

size_t stores(const std::vector<std::string> &lines) {
  return static_cast<size_t>(
      std::count_if(lines.begin(), lines.end(), [](const std::string &line) {
        return contains(line, "st.");
      }));
}

/// A load beyond a row's end may be harmless: it gives elements of the next
/// row, which meet zeros in a product. A store is where several threads hold
/// copies of an element, of which one writes.
TEST(PlantedBugs, MissingPredicatesAreFound) {
  for (const Case &one : cases()) {
    Outcome found = plant(one, &withoutPredicate, 3);
    print(one, "predicate", found);
    EXPECT_GE(found.reported + found.wrong, 2u) << one.name;
    EXPECT_LE(stores(found.survivors), found.planted / 8) << one.name;
  }
}

/// A read elsewhere may hit what is equal, padding, and a store elsewhere may
/// keep padding equal.
TEST(PlantedBugs, OtherOffsetsAreFound) {
  for (const Case &one : cases()) {
    Outcome found = plant(one, &otherOffset, 7);
    print(one, "offset", found);
    EXPECT_GE(found.reported + found.wrong, (found.planted - found.idle) / 3)
        << one.name;
    EXPECT_LE(stores(found.survivors), found.planted / 8) << one.name;
  }
}

} // namespace
} // namespace attn_grid::test
