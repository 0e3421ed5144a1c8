// Bugs planted into kernels: from a kernel's PTX all variants with one barrier,
// one wait or one predicate removed, or one offset changed. Each must be found
// by the software device's checks, or change what the kernel computes.

#include "attn_grid/artifact.hpp"
#include "attn_grid/sim.h"
#include "test/kernels/KernelCase.h"

#include <dlfcn.h>
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
  if (!contains(line, "cp.async.wait") && !contains(line, "cp.async.commit"))
    return std::nullopt;
  return std::string();
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

struct Outcome {
  int planted = 0, reported = 0, wrong = 0;
  /// Of lines that do not run with these inputs, or whose predicate is true for
  /// all threads: nothing has changed.
  int idle = 0;
  std::vector<std::string> survivors; ///< all others
};

struct Case {
  const char *name, *file;
  Bindings bindings;
  std::function<Tensor(const Kernel &)> launch;
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
    return one.launch(Module::from_file(path).kernel(name, one.bindings))
        .to_vector();
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
      if (same && isIdle)
        ++outcome.idle;
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

std::vector<Case> cases() {
  return {
      {"flash_f16",
       "flash/flash_fwd.ag",
       {{"causal", true}},
       [](const Kernel &kernel) {
         return kernel(there({1, 1, 70, 40}, f16, 1),
                       there({1, 1, 100, 40}, f16, 2),
                       there({1, 1, 100, 40}, f16, 3))["o"];
       }},
      {"flash_f32",
       "flash/flash_fwd.ag",
       {{"causal", true}},
       [](const Kernel &kernel) {
         return kernel(there({1, 1, 37, 20}, f32, 1),
                       there({1, 1, 300, 20}, f32, 2),
                       there({1, 1, 300, 20}, f32, 3))["o"];
       }},
      {"matmul_f16",
       "matmul/matmul.ag",
       {{"BM", 64}, {"BN", 64}},
       [](const Kernel &kernel) {
         return kernel(there({70, 104}, f16, 1), there({104, 56}, f16, 2))["c"];
       }},
      {"layer_norm",
       "norm/layer_norm.ag",
       {},
       [](const Kernel &kernel) {
         return kernel(there({9, 2500}, f32, 1), there({2500}, f32, 2),
                       there({2500}, f32, 3))["y"];
       }},
  };
}

void print(const Case &one, const char *what, const Outcome &found) {
  fmt::print("{:12} {:10} {:4} planted, {:4} reported, {:4} wrong results, "
             "{:4} idle, {:4} harmless\n",
             one.name, what, found.planted, found.reported, found.wrong,
             found.idle, found.survivors.size());
}

TEST(PlantedBugs, MissingBarriersAreReported) {
  for (const Case &one : cases()) {
    Outcome found = plant(one, &withoutBarrier, 1);
    print(one, "barrier", found);
    EXPECT_GE(found.reported, 1) << one.name;
    EXPECT_EQ(found.wrong, 0) << one.name;
    for (const std::string &line : found.survivors)
      ADD_FAILURE() << one.name << " " << line;
  }
}

TEST(PlantedBugs, MissingWaitsAreReported) {
  int reported = 0;
  for (const Case &one : cases()) {
    Outcome found = plant(one, &withoutWait, 1);
    print(one, "wait", found);
    reported += found.reported;
    EXPECT_EQ(found.wrong, 0) << one.name;
    // Waiting for all groups, a program need not tell the last ones apart.
    for (const std::string &line : found.survivors)
      EXPECT_TRUE(contains(line, "commit")) << one.name << " " << line;
  }
  EXPECT_GE(reported, 4);
}

/// A store without its predicate never is harmless. A load beyond a row's end
/// may be: it gives elements of the next row, which meet zeros in a product.
TEST(PlantedBugs, MissingPredicatesAreFound) {
  for (const Case &one : cases()) {
    Outcome found = plant(one, &withoutPredicate, 3);
    print(one, "predicate", found);
    EXPECT_GE(found.reported + found.wrong, 2) << one.name;
    for (const std::string &line : found.survivors)
      EXPECT_TRUE(contains(line, "ld.global") || contains(line, "cp.async"))
          << one.name << " " << line;
  }
}

/// Nor is a store elsewhere. A read elsewhere may hit what is equal: padding.
TEST(PlantedBugs, OtherOffsetsAreFound) {
  for (const Case &one : cases()) {
    Outcome found = plant(one, &otherOffset, 7);
    print(one, "offset", found);
    EXPECT_GE(found.reported + found.wrong, found.planted / 2) << one.name;
    for (const std::string &line : found.survivors)
      EXPECT_FALSE(contains(line, "st.")) << one.name << " " << line;
  }
}

} // namespace
} // namespace attn_grid::test
