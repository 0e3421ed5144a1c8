// Random masks against their definition: what MaskRanges says is surely true
// must be true for every value of the loop variable, and -ag-split-masked-loops
// must not change what a kernel does, whatever its integers are.

#include "compiler/Analysis/MaskRanges.h"
#include "compiler/Transforms/Passes.h"
#include "test/support/MaskPrograms.h"
#include "test/support/TileEvaluator.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace attn_grid;
using namespace attn_grid::compiler;
using namespace attn_grid::test;

namespace {

/// How many random programs; more of them for a longer search.
unsigned countPrograms() {
  const char *count = std::getenv("AG_MASK_PROGRAMS");
  return count ? std::atoi(count) : 1500;
}

/// Values of quantities in a running program.
class Point {
public:
  Point(const Quantities &quantities, const TileEvaluator &run)
      : quantities(quantities), run(run) {}

  /// Nothing if a quantity has no value yet.
  std::optional<__int128> value(const Polynomial &polynomial) const {
    __int128 sum = 0;
    for (const Term &term : polynomial.getTerms()) {
      __int128 product = term.coefficient;
      for (unsigned id : term.factors) {
        std::optional<int64_t> factor = quantity(id);
        if (!factor)
          return std::nullopt;
        product *= *factor;
      }
      sum += product;
    }
    return sum;
  }

  std::optional<bool> holds(const Condition &condition) const {
    switch (condition.getKind()) {
    case Condition::Kind::no:
    case Condition::Kind::yes:
      return condition.isTrue();
    case Condition::Kind::atLeastZero:
      if (auto number = value(condition.getPolynomial()))
        return *number >= 0;
      return std::nullopt;
    case Condition::Kind::allOf:
    case Condition::Kind::anyOf:
      break;
    }
    auto left = holds(condition.getLeft()), right = holds(condition.getRight());
    if (!left || !right)
      return std::nullopt;
    return condition.getKind() == Condition::Kind::allOf ? *left && *right
                                                         : *left || *right;
  }

  std::optional<__int128> value(const Bound &bound) const {
    if (bound.getKind() == Bound::Kind::fraction) {
      auto top = value(bound.getPolynomial());
      if (!top)
        return std::nullopt;
      return floorDivide(*top, bound.getDivisor());
    }
    auto left = value(bound.getLeft()), right = value(bound.getRight());
    if (!left || !right)
      return std::nullopt;
    bool isMin = bound.getKind() == Bound::Kind::minOf;
    return (*left < *right) == isMin ? left : right;
  }

  std::optional<int64_t> quantity(unsigned id) const {
    const Quantity &source = quantities[id];
    if (source.kind == Quantity::Kind::quotient) {
      auto top = value(source.numerator);
      return top ? std::optional<int64_t>(floorDivide(*top, source.divisor))
                 : std::nullopt;
    }
    if (!run.isComputed(source.value))
      return std::nullopt;
    const Elements &elements = run[source.value];
    auto [min, max] = std::minmax_element(elements.begin(), elements.end());
    return source.kind == Quantity::Kind::tileMax ? *max : *min;
  }

  static __int128 floorDivide(__int128 a, int64_t b) {
    return a / b - (a % b < 0);
  }

private:
  const Quantities &quantities;
  const TileEvaluator &run;
};

struct Statistics {
  unsigned runs = 0, tests = 0, surelyTrue = 0, surelyFalse = 0;
  unsigned iterations = 0, iterationsLeft = 0;
  unsigned masks = 0, masksLeft = 0;
};

class MaskRangesTest : public ::testing::Test {
protected:
  MaskRangesTest() {
    DialectRegistry registry;
    ir::registerTileDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  OwningOpRef<ModuleOp> parse(const std::string &text) {
    return parseSourceString<ModuleOp>(text, &context);
  }

  static ir::KernelOp kernelOf(ModuleOp module) {
    return *module.getOps<ir::KernelOp>().begin();
  }

  bool split(ModuleOp module) {
    PassManager passes(&context);
    passes.addNestedPass<ir::KernelOp>(createSplitMaskedLoops());
    return succeeded(passes.run(module)) && succeeded(verify(module));
  }

  /// Facts and intervals of the loop's values in each iteration of one run.
  void checkFacts(ir::KernelOp kernel,
                  const llvm::StringMap<int64_t> &arguments, int64_t program,
                  const std::string &text, Statistics &statistics);

  MLIRContext context;
};

std::string show(const llvm::StringMap<int64_t> &arguments, int64_t program) {
  std::string text = "program " + std::to_string(program);
  for (const auto &argument : arguments)
    text += ", " + argument.getKey().str() + " = " +
            std::to_string(argument.getValue());
  return text;
}

void MaskRangesTest::checkFacts(ir::KernelOp kernel,
                                const llvm::StringMap<int64_t> &arguments,
                                int64_t program, const std::string &text,
                                Statistics &statistics) {
  auto loop = *kernel.getOps<scf::ForOp>().begin();
  // Masks of 16 elements, so that lines of 4 are worth reducing.
  MaskRanges ranges(loop, 16);
  auto onTest = [&](TileEvaluator &run, scf::IfOp test) {
    if (test->getParentOp() != loop)
      return;
    for (Operation &op : loop.getBody()->without_terminator()) {
      if (&op == test)
        break;
      for (Value value : op.getResults()) {
        if (integerWidth(value.getType()) == 0)
          continue;
        const Elements &elements = run[value];
        auto [min, max] = std::minmax_element(elements.begin(), elements.end());
        if (integerWidth(value.getType()) == 1) {
          MaskFacts facts = ranges.ofMask(value);
          Point point(ranges.getQuantities(), run);
          bool allTrue = point.holds(facts.allTrue).value_or(false);
          bool allFalse = point.holds(facts.allFalse).value_or(false);
          if (value == test.getCondition()) {
            ++statistics.tests;
            statistics.surelyTrue += allTrue;
            statistics.surelyFalse += allFalse;
          }
          ASSERT_TRUE(!allTrue || *min == 1)
              << text << show(arguments, program);
          ASSERT_TRUE(!allFalse || *max == 0)
              << text << show(arguments, program);
          continue;
        }
        Interval interval = ranges.ofInteger(value);
        Point point(ranges.getQuantities(), run);
        if (!point.holds(interval.guard).value_or(false))
          continue;
        if (interval.low.isKnown()) {
          ASSERT_LE(int64_t(point.value(interval.low).value_or(*min)), *min)
              << text << show(arguments, program);
        }
        if (interval.high.isKnown()) {
          ASSERT_GE(int64_t(point.value(interval.high).value_or(*max)), *max)
              << text << show(arguments, program);
        }
      }
    }
    // The ranges of quantities are those of every run.
    const Quantities &quantities = ranges.getQuantities();
    for (unsigned id = 0; id < quantities.size(); ++id) {
      std::optional<int64_t> number = Point(quantities, run).quantity(id);
      if (!number)
        continue;
      ASSERT_GE(*number, quantities[id].range.min)
          << text << show(arguments, program);
      ASSERT_LE(*number, quantities[id].range.max)
          << text << show(arguments, program);
    }
  };
  TileEvaluator run(arguments, {program});
  run.onTest = [&](scf::IfOp test) { onTest(run, test); };
  run.evaluate(kernel);
}

/// Sound on random masks: facts, intervals, and the pass built on them.
TEST_F(MaskRangesTest, FactsHoldAndThePassChangesNothing) {
  Statistics statistics;
  for (unsigned seed = 0; seed < countPrograms(); ++seed) {
    MaskProgram program(seed);
    OwningOpRef<ModuleOp> before = parse(program.text);
    OwningOpRef<ModuleOp> after = parse(program.text);
    ASSERT_TRUE(before && after) << program.text;
    ASSERT_TRUE(split(*after)) << program.text;
    Random random(seed);
    for (unsigned round = 0; round < 12; ++round) {
      llvm::StringMap<int64_t> arguments = MaskProgram::arguments(random);
      // A program id exists only if the grid has programs.
      if (arguments["e1"] == 0)
        continue;
      int64_t id = pick(random, 0, 1) ? 0 : arguments["e1"] - 1;
      TileEvaluator original(arguments, {id});
      if (!original.evaluate(kernelOf(*before))) {
        ASSERT_EQ(original.error, "too many iterations") << program.text;
        continue;
      }
      TileEvaluator transformed(arguments, {id});
      ASSERT_TRUE(transformed.evaluate(kernelOf(*after))) << transformed.error;
      ASSERT_EQ(original.trace, transformed.trace)
          << "seed " << seed << "\n"
          << program.text << show(arguments, id);
      checkFacts(kernelOf(*before), arguments, id, program.text, statistics);
      if (HasFatalFailure())
        return;
      ++statistics.runs;
      auto count = [](TileEvaluator &run, const char *op) {
        return run.counts.lookup(op);
      };
      statistics.masks += count(original, "arith.cmpi");
      statistics.masksLeft += count(transformed, "arith.cmpi");
    }
  }
  std::printf("%u runs, %u tests: %u surely true, %u surely false\n",
              statistics.runs, statistics.tests, statistics.surelyTrue,
              statistics.surelyFalse);
  // Or the facts would be worthless, and the test with them.
  EXPECT_GT(statistics.surelyTrue, statistics.tests / 50);
  EXPECT_GT(statistics.surelyFalse, statistics.tests / 50);
}

/// A kernel over the keys j of a block of 8 rows i that begins at `8 * block`;
/// `mask` makes `%keep` of `%i`, `%j` and the arguments.
std::string kernelWithMask(const std::string &mask) {
  return R"(ag.kernel @k(%out: memref<i32> {ag.name = "out", ag.access = "out"},
    %M: i32 {ag.name = "M", ag.extent}, %N: i32 {ag.name = "N", ag.extent},
    %P: i32 {ag.name = "P"}, %W: i32 {ag.name = "W", ag.extent}) {
  %t = memref.reinterpret_cast %out to offset: [0], sizes: [1], strides: [1] : memref<i32> to memref<1xi32, strided<[1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 8 : i32
  %ahead = arith.constant 7 : i32
  %padded = arith.addi %M, %ahead : i32
  %blocks = arith.divsi %padded, %size : i32
  %block = ag.program_id %blocks : i32
  %m = arith.muli %block, %size : i32
  %iota = ag.iota : tensor<8xi32>
  %base = tensor.splat %m : tensor<8xi32>
  %row = arith.addi %base, %iota : tensor<8xi32>
  %i = ag.broadcast %row along [0] : tensor<8xi32> -> tensor<8x8xi32>
  %all = arith.constant dense<true> : tensor<8x8xi1>
  %n8 = tensor.splat %N : tensor<8x8xi32>
  %p8 = tensor.splat %P : tensor<8x8xi32>
  %w8 = tensor.splat %W : tensor<8x8xi32>
  %past = arith.subi %N, %M : i32
  %delta = tensor.splat %past : tensor<8x8xi32>
  %sum = scf.for %n = %zero to %N step %size iter_args(%acc = %zero) -> (i32) : i32 {
    %start = tensor.splat %n : tensor<8xi32>
    %col = arith.addi %start, %iota : tensor<8xi32>
    %j = ag.broadcast %col along [1] : tensor<8xi32> -> tensor<8x8xi32>
)" + mask +
         R"(
    %some = ag.reduce any %keep axes [0, 1] : tensor<8x8xi1> -> i1
    %next = scf.if %some -> (i32) {
      %ones = arith.extui %keep : tensor<8x8xi1> to tensor<8x8xi32>
      %count = ag.reduce sum %ones axes [0, 1] : tensor<8x8xi32> -> i32
      %new = arith.addi %acc, %count : i32
      scf.yield %new : i32
    } else {
      scf.yield %acc : i32
    }
    scf.yield %next : i32
  }
  ag.store %sum, %t[%zero] : i32, memref<1xi32, strided<[1]>>
  ag.return
})";
}

struct NamedMask {
  const char *name;
  const char *text;
};

/// The same masks as a hand-written kernel would split: it would compute
/// exactly the tiles that keep something, and mask exactly those that do not
/// keep all.
const NamedMask masks[] = {
    {"padding", "%keep = arith.cmpi slt, %j, %n8 : tensor<8x8xi32>"},
    {"causal", R"(
    %in = arith.cmpi slt, %j, %n8 : tensor<8x8xi32>
    %last = arith.addi %i, %delta : tensor<8x8xi32>
    %below = arith.cmpi sle, %j, %last : tensor<8x8xi32>
    %keep = arith.andi %in, %below : tensor<8x8xi1>)"},
    {"window", R"(
    %d = arith.subi %i, %j : tensor<8x8xi32>
    %near = arith.cmpi slt, %d, %w8 : tensor<8x8xi32>
    %below = arith.cmpi sle, %j, %i : tensor<8x8xi32>
    %keep = arith.andi %near, %below : tensor<8x8xi1>)"},
    {"band", R"(
    %d = arith.subi %i, %j : tensor<8x8xi32>
    %a = math.absi %d : tensor<8x8xi32>
    %keep = arith.cmpi sle, %a, %w8 : tensor<8x8xi32>)"},
    {"prefix", R"(
    %first = arith.cmpi slt, %j, %p8 : tensor<8x8xi32>
    %below = arith.cmpi sle, %j, %i : tensor<8x8xi32>
    %keep = arith.ori %first, %below : tensor<8x8xi1>)"},
    {"future", R"(
    %below = arith.cmpi sle, %j, %i : tensor<8x8xi32>
    %keep = arith.xori %below, %all : tensor<8x8xi1>)"},
    {"sinks_and_window", R"(
    %d = arith.subi %i, %w8 : tensor<8x8xi32>
    %near = arith.cmpi sgt, %j, %d : tensor<8x8xi32>
    %one = arith.constant dense<1> : tensor<8x8xi32>
    %first = arith.cmpi slt, %j, %one : tensor<8x8xi32>
    %keep = arith.ori %near, %first : tensor<8x8xi1>)"},
    {"segments", R"(
    %c = arith.constant dense<16> : tensor<8x8xi32>
    %a = arith.divsi %i, %c : tensor<8x8xi32>
    %b = arith.divsi %j, %c : tensor<8x8xi32>
    %keep = arith.cmpi eq, %a, %b : tensor<8x8xi32>)"},
};

/// Masks are computed only where a hand-split kernel would compute them.
TEST_F(MaskRangesTest, DoesTheWorkOfAHandSplit) {
  for (const NamedMask &mask : masks) {
    std::string text = kernelWithMask(mask.text);
    OwningOpRef<ModuleOp> before = parse(text), after = parse(text);
    ASSERT_TRUE(before && after) << text;
    ASSERT_TRUE(split(*after));
    for (int64_t extent : {0, 1, 8, 61, 64})
      for (int64_t width : {1, 9, 30})
        for (int64_t program = 0; program * 8 < extent; ++program) {
          llvm::StringMap<int64_t> arguments;
          arguments["M"] = extent;
          arguments["N"] = extent + (width == 9 ? 5 : 0);
          arguments["P"] = width;
          arguments["W"] = width;
          unsigned partial = 0;
          TileEvaluator original(arguments, {program});
          original.onTest = [&](scf::IfOp test) {
            auto any = test.getCondition().getDefiningOp<ir::ReduceOp>();
            const Elements &keep = original[any.getInput()];
            auto [min, max] = std::minmax_element(keep.begin(), keep.end());
            partial += *min != *max;
          };
          TileEvaluator run(arguments, {program});
          ASSERT_TRUE(original.evaluate(kernelOf(*before))) << original.error;
          ASSERT_TRUE(run.evaluate(kernelOf(*after))) << run.error;
          EXPECT_EQ(original.trace, run.trace);
          // Each `any` is one mask computed.
          EXPECT_EQ(run.counts.lookup("ag.reduce any"), partial)
              << mask.name << " " << show(arguments, program);
        }
  }
}

} // namespace
