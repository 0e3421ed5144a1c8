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
        if (!run.isComputed(quantities[id].value))
          return std::nullopt;
        product *= quantity(id);
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
      __int128 divisor = bound.getDivisor();
      return *top / divisor - (*top % divisor < 0);
    }
    auto left = value(bound.getLeft()), right = value(bound.getRight());
    if (!left || !right)
      return std::nullopt;
    bool isMin = bound.getKind() == Bound::Kind::minOf;
    return (*left < *right) == isMin ? left : right;
  }

  int64_t quantity(unsigned id) const {
    const Elements &elements = run[quantities[id].value];
    switch (quantities[id].kind) {
    case Quantity::Kind::scalar:
      return elements[0];
    case Quantity::Kind::tileMin:
      return *std::min_element(elements.begin(), elements.end());
    case Quantity::Kind::tileMax:
      return *std::max_element(elements.begin(), elements.end());
    }
    return 0;
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
      if (!run.isComputed(quantities[id].value))
        continue;
      int64_t number = Point(quantities, run).quantity(id);
      ASSERT_GE(number, quantities[id].range.min)
          << text << show(arguments, program);
      ASSERT_LE(number, quantities[id].range.max)
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

} // namespace
