// Makes a kernel do only the iterations, and the masking, that its masks need.
//
//     for n in 0 .. N step 64 {             for n in first .. end step 64 {
//       keep = mask(n)                        if all_kept(n) {   // scalars
//       if any(keep) {                          body, keep = true
//         body            ->                  } else {
//       } else {                                keep = mask(n)
//         idle                                  if any(keep) { body } else ...
//       }                                     }
//     }                                     }
//
// MaskRanges says when a mask is surely all true, or all false; both suffice
// and neither is necessary, so between them stays the original test. The body
// is copied, never split into several loops: a mask may be full in several
// stretches of the loop, or here and there (documents, buckets), and a scalar
// test per iteration is nothing beside a tile.

#include "compiler/Analysis/MaskRanges.h"
#include "compiler/Transforms/ConditionCode.h"
#include "compiler/Transforms/MaskParts.h"
#include "compiler/Transforms/MaskedLoop.h"
#include "compiler/Transforms/NearMasks.h"
#include "compiler/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/ControlFlowSinkUtils.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;

namespace attn_grid::compiler {

#define GEN_PASS_DEF_SPLITMASKEDLOOPS
#include "compiler/Transforms/Passes.h.inc"

/// A branch of more operations is not copied: nested tests would otherwise
/// double the kernel at each level.
static constexpr unsigned maxCopiedOps = 2000;

static unsigned countOps(Region &region) {
  unsigned count = 0;
  region.walk([&](Operation *) { ++count; });
  return count;
}

/// The elements of the largest mask whose `any` or `all` decides `condition`;
/// 0 if none does.
static int64_t countMaskElements(Value condition) {
  int64_t elements = 0;
  SmallVector<Value> open{condition};
  llvm::SmallPtrSet<Operation *, 8> seen;
  while (!open.empty()) {
    Operation *op = open.pop_back_val().getDefiningOp();
    if (!op || !seen.insert(op).second)
      continue;
    if (auto reduce = dyn_cast<ir::ReduceOp>(op)) {
      auto mask = cast<RankedTensorType>(reduce.getInput().getType());
      if (mask.getElementType().isInteger(1))
        elements = std::max(elements, mask.getNumElements());
    } else if (isa<arith::AndIOp, arith::OrIOp, arith::XOrIOp, arith::SelectOp>(
                   op)) {
      open.append(op->operand_begin(), op->operand_end());
    }
  }
  return elements;
}

static Value constantMask(OpBuilder &builder, Location loc, Type type,
                          bool value) {
  TypedAttr attr = builder.getBoolAttr(value);
  if (auto tile = dyn_cast<RankedTensorType>(type))
    attr = DenseElementsAttr::get(tile, value);
  return arith::ConstantOp::create(builder, loc, attr);
}

/// Copies `branch`, which may be empty, into the empty block `into`, with
/// `known` masks as constants and what is known of `parts`.
static void copyBranch(Region &branch, const KnownMasks &known,
                       const KnownParts *parts, Block *into, Location loc) {
  OpBuilder builder = OpBuilder::atBlockEnd(into);
  IRMapping mapping;
  for (auto [mask, value] : known)
    mapping.map(mask, constantMask(builder, loc, mask.getType(), value));
  if (parts)
    mapping.map(parts->mask, makeRest(builder, *parts));
  if (branch.empty()) {
    scf::YieldOp::create(builder, loc);
    return;
  }
  for (Operation &op : branch.front())
    if (op.getNumResults() != 1 || !known.contains(op.getResult(0)))
      builder.clone(op, mapping);
}

/// In the branch of `test` for `outcome`, an `all` that holds and an `any`
/// that does not make their masks constant.
static void useOutcome(scf::IfOp test, bool outcome, bool surely) {
  Region &branch = outcome ? test.getThenRegion() : test.getElseRegion();
  if (branch.empty())
    return;
  KnownMasks known;
  collectKnownMasks(test.getCondition(), outcome, surely, known);
  OpBuilder builder = OpBuilder::atBlockBegin(&branch.front());
  for (auto [mask, value] : known) {
    Value constant =
        constantMask(builder, test.getLoc(), mask.getType(), value);
    mask.replaceUsesWithIf(constant, [&](OpOperand &use) {
      return branch.isAncestor(use.getOwner()->getParentRegion());
    });
  }
}

/// The constant step of the innermost loop around `test`; else 0.
static int64_t stepAround(scf::IfOp test) {
  auto loop = test->getParentOfType<scf::ForOp>();
  return loop ? getConstantIntValue(loop.getStep()).value_or(0) : 0;
}

/// Puts `test` into the else branch of `if sure`, whose then branch is a copy
/// of what `test` does if its condition is `outcome`: because of all of its
/// mask, or of `parts`.
static scf::IfOp wrapTest(scf::IfOp test, bool outcome, const Condition &sure,
                          MaskRanges &ranges,
                          const KnownParts *parts = nullptr) {
  Location loc = test.getLoc();
  OpBuilder builder(test);
  NearMasks near =
      findNearMasks(outcome ? test.getThenRegion() : test.getElseRegion(), sure,
                    ranges, stepAround(test));
  Value holds =
      ConditionCode(builder, loc, ranges.getQuantities()).test(near.sure);
  auto outer = scf::IfOp::create(builder, loc, test.getResultTypes(), holds,
                                 /*addThenBlock=*/true, /*addElseBlock=*/true);
  KnownMasks known;
  if (parts)
    for (Value part : parts->parts)
      collectKnownMasks(part, true, /*surely=*/true, known);
  else
    collectKnownMasks(test.getCondition(), outcome, /*surely=*/true, known);
  for (Value mask : near.masks)
    known.insert({mask, true});
  outer.getThenRegion().front().clear();
  outer.getElseRegion().front().clear();
  copyBranch(outcome ? test.getThenRegion() : test.getElseRegion(), known,
             parts, outer.thenBlock(), loc);
  test.replaceAllUsesWith(outer.getResults());
  test->moveBefore(outer.elseBlock(), outer.elseBlock()->end());
  builder.setInsertionPointToEnd(outer.elseBlock());
  scf::YieldOp::create(builder, loc, test.getResults());
  return outer;
}

/// Moves what only one branch of `tests`, the later inside the earlier, uses
/// into it: where the scalar test decides, the mask is not computed. What
/// stands before the loop stays there.
static void sinkIntoBranches(ArrayRef<scf::IfOp> tests) {
  // From the innermost: it takes from around the outermost.
  for (scf::IfOp test : llvm::reverse(tests)) {
    DominanceInfo dominance;
    controlFlowSink(
        test->getRegions(), dominance,
        [&](Operation *op, Region *) {
          bool isNear = op->getBlock() == test->getBlock() ||
                        op->getBlock() == tests.front()->getBlock();
          return isNear && isMemoryEffectFree(op);
        },
        [](Operation *op, Region *region) {
          op->moveBefore(&region->front(), region->front().begin());
        });
  }
}

/// Decides `test` by scalars where `facts` about its condition can; an
/// `excluded` outcome does not occur surely.
static void decideByScalars(scf::IfOp test, const MaskFacts &facts,
                            std::optional<bool> excluded, MaskRanges &ranges) {
  unsigned thenOps = countOps(test.getThenRegion());
  unsigned elseOps = countOps(test.getElseRegion());
  SmallVector<scf::IfOp> tests;
  // The branch with the work first.
  for (bool outcome : {thenOps >= elseOps, thenOps < elseOps}) {
    const Condition &sure = outcome ? facts.allTrue : facts.allFalse;
    if (sure.isFalse() || outcome == excluded ||
        (outcome ? thenOps : elseOps) > maxCopiedOps)
      continue;
    if (sure.isTrue()) {
      useOutcome(test, outcome, /*surely=*/true);
      OpBuilder builder(test);
      test.getConditionMutable().assign(
          constantMask(builder, test.getLoc(), builder.getI1Type(), outcome));
      return;
    }
    tests.push_back(wrapTest(test, outcome, sure, ranges));
  }
  if (facts.allTrue.isFalse() && excluded != true && thenOps <= maxCopiedOps) {
    KnownParts parts = findKnownParts(test.getCondition(), ranges);
    if (!parts.sure.isFalse() && !parts.sure.isTrue())
      tests.push_back(wrapTest(test, true, parts.sure, ranges, &parts));
  }
  useOutcome(test, true, /*surely=*/false);
  useOutcome(test, false, /*surely=*/false);
  if (!tests.empty())
    sinkIntoBranches(tests);
}

/// The limits that ConditionCode computes are those of an i32 loop.
static bool mayTighten(scf::ForOp loop) {
  auto type = dyn_cast<IntegerType>(loop.getInductionVar().getType());
  return type && type.getWidth() <= 32 && !loop.getUnsignedCmp();
}

static void splitTest(scf::IfOp test) {
  auto loop = test->getParentOfType<scf::ForOp>();
  int64_t elements = countMaskElements(test.getCondition());
  std::optional<bool> idle;
  if (loop && mayTighten(loop))
    idle = findIdleBranch(loop, test);
  if (elements == 0 && !idle)
    return;
  MaskRanges ranges(loop, elements);
  MaskFacts facts = ranges.ofMask(test.getCondition());
  const Quantities &quantities = ranges.getQuantities();
  std::optional<bool> excluded;
  if (idle) {
    const Condition &skip = *idle ? facts.allTrue : facts.allFalse;
    if (tightenLoop(loop, negate(quantities, skip), quantities))
      excluded = idle;
  }
  if (elements != 0)
    decideByScalars(test, facts, excluded, ranges);
}

namespace {
struct SplitMaskedLoops : impl::SplitMaskedLoopsBase<SplitMaskedLoops> {
  void runOnOperation() override {
    moveInvariantsOut();
    // Inner tests first: a copy of an outer branch then has them split.
    SmallVector<scf::IfOp> tests;
    getOperation().walk<WalkOrder::PostOrder>(
        [&](scf::IfOp test) { tests.push_back(test); });
    for (scf::IfOp test : tests)
      splitTest(test);
    moveInvariantsOut();
    simplify();
  }

  /// A mask's invariant parts, and later the limits of its tests, belong
  /// before the loop.
  void moveInvariantsOut() {
    getOperation().walk<WalkOrder::PostOrder>(
        [](LoopLikeOpInterface loop) { moveLoopInvariantCode(loop); });
  }

  /// Selects by constant masks, `keep`s that keep all and decided tests vanish.
  void simplify() {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    arith::SelectOp::getCanonicalizationPatterns(patterns, context);
    scf::IfOp::getCanonicalizationPatterns(patterns, context);
    for (RegisteredOperationName name : context->getRegisteredOperations())
      if (isa<ir::AgDialect>(name.getDialect()))
        name.getCanonicalizationPatterns(patterns, context);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

} // namespace attn_grid::compiler
