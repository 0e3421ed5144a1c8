// One loop for the iterations that need no mask, one for the rest.
//
//     for n in 0 .. N step 64 {          for n in 0 .. mid step 64 { fast }
//       if n <= limit { fast }     ->    for n in mid .. N step 64 { slow }
//       else { slow }
//     }
//
// On a GPU the branch is no cost, but what is in it cannot be loaded ahead of
// its iteration. SplitMaskedLoops made the branch; here it is taken apart where
// it is taken by one stretch of the iterations: the first (causal masks), or
// some in the middle (windows), with a loop for the rest before it too. On the
// way accesses that the condition proves to lie inside their tensors are marked
// so.
//
// A loop that dots contract along, or that goes along rows, has no such branch,
// but its last tiles may stick out: it is taken apart too, so that all others
// are loaded without a test, by whole vectors.

#include "compiler/Analysis/StaticRanges.h"
#include "compiler/Transforms/Passes.h"
#include "dialect/AgOps.h"
#include "dialect/Views.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

#include <optional>

using namespace mlir;

namespace attn_grid::compiler {

#define GEN_PASS_DEF_SEPARATELOOPS
#include "compiler/Transforms/Passes.h.inc"

namespace {
/// A condition that holds in one stretch of a loop's iterations: `floor <=
/// induction and induction <= limit ... and always ...`. All are values from
/// before the loop.
struct Stretch {
  SmallVector<Value> floors, limits; // i64
  SmallVector<Value> always;         // i1
};

/// Takes a condition apart.
class StretchFinder {
public:
  explicit StretchFinder(scf::ForOp loop) : loop(loop), b(loop) {}

  /// Adds what `condition` demands to `stretch`, or what it demands unless
  /// `unless`, an i1, holds. False if it has another form.
  bool collect(Value condition, Stretch &stretch, Value unless = nullptr) {
    Operation *op = condition.getDefiningOp();
    if (++looks > mostLooks)
      return false;
    if (loop.isDefinedOutsideOfLoop(condition)) {
      if (unless)
        condition = arith::OrIOp::create(b, loop.getLoc(), condition, unless);
      stretch.always.push_back(condition);
      return true;
    }
    if (isa_and_nonnull<arith::AndIOp>(op))
      return collect(op->getOperand(0), stretch, unless) &&
             collect(op->getOperand(1), stretch, unless);
    if (isa_and_nonnull<arith::OrIOp>(op) && !unless)
      for (auto [free, rest] : {std::pair(op->getOperand(0), op->getOperand(1)),
                                {op->getOperand(1), op->getOperand(0)}})
        if (loop.isDefinedOutsideOfLoop(free))
          return collect(rest, stretch, free);
    std::optional<Limit> limit = limitOf(condition);
    if (!limit)
      return false;
    if (unless) {
      constexpr int64_t far = int64_t(1) << 62;
      Value none = arith::ConstantOp::create(
          b, loop.getLoc(), b.getI64IntegerAttr(limit->isUpper ? far : -far));
      limit->value =
          arith::SelectOp::create(b, loop.getLoc(), unless, none, limit->value);
    }
    (limit->isUpper ? stretch.limits : stretch.floors).push_back(limit->value);
    return true;
  }

private:
  /// `induction <= value`, or `>=`.
  struct Limit {
    Value value; // i64
    bool isUpper;
  };

  /// A comparison, or an `or` of such in one direction: the looser counts.
  std::optional<Limit> limitOf(Value condition) {
    Operation *op = condition.getDefiningOp();
    if (++looks > mostLooks)
      return std::nullopt;
    if (isa_and_nonnull<arith::OrIOp>(op)) {
      std::optional<Limit> first = limitOf(op->getOperand(0)), second;
      if (!first || !(second = limitOf(op->getOperand(1))) ||
          first->isUpper != second->isUpper)
        return std::nullopt;
      Location loc = loop.getLoc();
      Value looser =
          first->isUpper
              ? Value(
                    arith::MaxSIOp::create(b, loc, first->value, second->value))
              : arith::MinSIOp::create(b, loc, first->value, second->value);
      return Limit{looser, first->isUpper};
    }
    auto compare = dyn_cast_or_null<arith::CmpIOp>(op);
    if (!compare)
      return std::nullopt;
    bool isUpper = compare.getPredicate() == arith::CmpIPredicate::sle;
    auto wide = compare.getLhs().getDefiningOp<arith::ExtSIOp>();
    Value bound = compare.getRhs();
    if ((!isUpper && compare.getPredicate() != arith::CmpIPredicate::sge) ||
        !wide || wide.getIn() != loop.getInductionVar() ||
        !wide.getType().isInteger(64) || !loop.isDefinedOutsideOfLoop(bound))
      return std::nullopt;
    return Limit{bound, isUpper};
  }

  scf::ForOp loop;
  OpBuilder b;
  /// A part that many others share is looked at for each.
  static constexpr unsigned mostLooks = 256;
  unsigned looks = 0;
};
} // namespace

/// If `limit` is `size - c` with an i32 `size`: c, and `size`.
static std::pair<int64_t, Value> belowSize(Value limit) {
  auto sum = limit.getDefiningOp<arith::AddIOp>();
  APInt constant;
  if (!sum || !matchPattern(sum.getRhs(), m_ConstantInt(&constant)))
    return {};
  auto wide = sum.getLhs().getDefiningOp<arith::ExtSIOp>();
  return {-constant.getSExtValue(), wide ? wide.getIn() : Value()};
}

/// Whether an integer that is not negative is surely not above another, as it
/// is the least of that and others (bounds of loops), or 0 instead (the size of
/// a view that begins outside of its tensor).
static bool isAtMost(Value value, Value other, unsigned depth = 8) {
  if (value == other)
    return true;
  Operation *op = value.getDefiningOp();
  if (!op || depth == 0)
    return false;
  auto of = [&](unsigned i) {
    return isAtMost(op->getOperand(i), other, depth - 1);
  };
  if (isa<arith::ExtSIOp>(op))
    return of(0);
  if (isa<arith::TruncIOp>(op)) { // of what fits
    Range range = StaticRanges().of(op->getOperand(0));
    Range all = rangeOfWidth(integerWidth(value.getType()));
    return range.min >= all.min && range.max <= all.max && of(0);
  }
  if (isa<arith::MinSIOp>(op))
    return of(0) || of(1);
  return isa<arith::SelectOp>(op) && of(1) &&
         matchPattern(op->getOperand(2), m_Zero());
}

/// Marks dimensions of `access` that begin at the loop's induction and, because
/// of `limits`, end inside the tensor.
template <typename Op>
static void markInside(Op access, scf::ForOp loop, ArrayRef<Value> limits) {
  if (!access.getSteps().empty() ||
      StaticRanges().of(loop.getLowerBound()).min < 0)
    return;
  SmallVector<int64_t> inside;
  for (auto [d, i] : llvm::enumerate(access.getIndices())) {
    Value size = ir::sizeValueOf(access.getTensor(), d);
    if (i != loop.getInductionVar() || !size)
      continue;
    for (Value limit : limits) {
      auto [distance, of] = belowSize(limit);
      if (of && isAtMost(of, size) && distance >= access.getExtents()[d])
        inside.push_back(d);
    }
  }
  if (!inside.empty())
    access->setAttr(ir::insideAttr,
                    DenseI64ArrayAttr::get(access.getContext(), inside));
}

/// Puts the branch that is taken in the place of `test`.
static void inlineBranch(scf::IfOp test, bool outcome) {
  Block &branch = outcome ? *test.thenBlock() : *test.elseBlock();
  Operation *yield = branch.getTerminator();
  test->getBlock()->getOperations().splice(
      test->getIterator(), branch.getOperations(), branch.begin(),
      yield->getIterator());
  test.replaceAllUsesWith(yield->getOperands());
  test.erase();
}

/// Where `test` is in a copy of its loop.
static scf::IfOp correspondingIn(scf::ForOp copy, scf::IfOp test) {
  int64_t position =
      std::distance(test->getBlock()->begin(), test->getIterator());
  return cast<scf::IfOp>(*std::next(copy.getBody()->begin(), position));
}

/// The first value of the loop's variable that is above all `limits`, or the
/// loop's end, unless no value between them is `beyond` that.
static Value firstAbove(OpBuilder &b, scf::ForOp loop, ArrayRef<Value> limits,
                        bool beyond) {
  Location loc = loop.getLoc();
  Type i64 = b.getI64Type();
  auto wide = [&](Value value) {
    return b.createOrFold<arith::ExtSIOp>(loc, i64, value);
  };
  Value lower = wide(loop.getLowerBound()), upper = wide(loop.getUpperBound());
  Value step = wide(loop.getStep()), limit = limits.front();
  for (Value other : limits.drop_front())
    limit = arith::MinSIOp::create(b, loc, limit, other);
  // floor((limit - lower) / step) + 1 iterations, or none.
  Value zero = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(0));
  Value span = b.createOrFold<arith::AddIOp>(
      loc, b.createOrFold<arith::SubIOp>(loc, limit, lower), step);
  span = arith::MaxSIOp::create(b, loc, span, zero);
  Value count = b.createOrFold<arith::DivUIOp>(loc, span, step);
  Value mid = b.createOrFold<arith::AddIOp>(
      loc, lower, b.createOrFold<arith::MulIOp>(loc, count, step));
  if (beyond)
    mid = arith::MinSIOp::create(b, loc, mid, upper);
  return arith::TruncIOp::create(b, loc, loop.getLowerBound().getType(), mid);
}

/// Makes two loops of one, of which the first, that is returned, ends at `mid`.
static scf::ForOp splitAt(scf::ForOp loop, Value mid) {
  OpBuilder b(loop);
  auto first = cast<scf::ForOp>(b.clone(*loop));
  first.setUpperBound(mid);
  loop.setLowerBound(mid);
  loop.getInitArgsMutable().assign(first.getResults());
  return first;
}

namespace {
/// A loop's iterations before, in and behind a stretch.
struct LoopParts {
  scf::ForOp before, inside, behind; // no `before` where nothing can be there
};
} // namespace

static LoopParts splitAround(scf::ForOp loop, const Stretch &stretch) {
  OpBuilder b(loop);
  Location loc = loop.getLoc();
  // Where the condition never holds, the stretch is empty, at the beginning.
  auto unlessNever = [&](Value mid) {
    for (Value always : stretch.always)
      mid = arith::SelectOp::create(b, loc, always, mid, loop.getLowerBound());
    return mid;
  };
  Value end = stretch.limits.empty()
                  ? loop.getUpperBound()
                  : firstAbove(b, loop, stretch.limits, /*beyond=*/true);
  end = unlessNever(end);
  LoopParts parts;
  if (!stretch.floors.empty()) {
    Value floor = stretch.floors.front();
    for (Value other : ArrayRef(stretch.floors).drop_front())
      floor = arith::MaxSIOp::create(b, loc, floor, other);
    Value one = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(1));
    Value below = arith::SubIOp::create(b, loc, floor, one);
    Value begin = unlessNever(firstAbove(b, loop, below, /*beyond=*/true));
    end = arith::MaxSIOp::create(b, loc, begin, end);
    parts.before = splitAt(loop, begin);
  }
  parts.inside = splitAt(loop, end);
  parts.behind = loop;
  return parts;
}

static void markInside(Region &region, scf::ForOp loop,
                       ArrayRef<Value> limits) {
  region.walk([&](Operation *op) {
    if (auto load = dyn_cast<ir::LoadOp>(op))
      markInside(load, loop, limits);
    else if (auto store = dyn_cast<ir::StoreOp>(op))
      markInside(store, loop, limits);
  });
}

/// How far the tile of an access reaches that ends where its loop ends, along
/// `d` of its dimensions or, if that is not given, any; else 0.
template <typename Op>
static int64_t reachOf(Op access, scf::ForOp loop, std::optional<size_t> only) {
  for (auto [d, index] : llvm::enumerate(access.getIndices()))
    if (Value size = ir::sizeValueOf(access.getTensor(), d);
        index == loop.getInductionVar() && (!only || d == *only) && size &&
        isAtMost(loop.getUpperBound(), size))
      return access.getExtents()[d];
  return 0;
}

/// The same of all accesses of a loop that would profit: those of a loop in
/// which dots contract, and those whose rows the loop goes along, which are
/// read and written by whole vectors where nothing sticks out (masks and biases
/// of a loop whose dots are in a branch).
static int64_t reachOfTiles(scf::ForOp loop) {
  bool hasDots = !loop.getBody()->getOps<ir::DotOp>().empty();
  bool hasDotsInside =
      loop.getBody()
          ->walk([](ir::DotOp) { return WalkResult::interrupt(); })
          .wasInterrupted();
  // What computes much waits for no memory, and needs its registers once.
  constexpr int64_t little = 24;
  int64_t tiles = llvm::count_if(*loop.getBody(), [](Operation &op) {
    return llvm::any_of(op.getResultTypes(), llvm::IsaPred<RankedTensorType>);
  });
  if (!hasDotsInside && tiles > little)
    return 0;
  int64_t reach = 0;
  auto note = [&](auto access, Type type) {
    std::optional<size_t> last = access.getIndices().size() - 1;
    auto tile = dyn_cast<RankedTensorType>(type);
    // A single row is too short for vectors, spread over a block's threads.
    if (hasDots || (tile && tile.getRank() >= 2))
      reach =
          std::max(reach, reachOf(access, loop, hasDots ? std::nullopt : last));
  };
  loop.getBody()->walk([&](Operation *op) {
    if (auto load = dyn_cast<ir::LoadOp>(op))
      note(load, load.getResult().getType());
    else if (auto store = dyn_cast<ir::StoreOp>(op))
      note(store, store.getValue().getType());
  });
  return reach;
}

/// Takes the last iterations of a loop apart, whose tiles stick out.
static void separateEdge(scf::ForOp loop) {
  int64_t reach = reachOfTiles(loop);
  APInt step;
  // With tiles as long as a step the first loop ends at the end or before, and
  // at a multiple of the step, as loads of whole vectors want it.
  if (reach == 0 || !matchPattern(loop.getStep(), m_ConstantInt(&step)) ||
      step.getSExtValue() != reach)
    return;
  OpBuilder b(loop);
  Location loc = loop.getLoc();
  // In the form that `belowSize` knows.
  Value limit = arith::AddIOp::create(
      b, loc,
      arith::ExtSIOp::create(b, loc, b.getI64Type(), loop.getUpperBound()),
      arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(-reach)));
  scf::ForOp first = splitAt(loop, firstAbove(b, loop, limit, false));
  markInside(first.getRegion(), first, limit);
}

static void separate(scf::ForOp loop) {
  if (!loop.getInductionVar().getType().isInteger(32))
    return;
  for (auto test : loop.getBody()->getOps<scf::IfOp>()) {
    Stretch stretch;
    if (test.getElseRegion().empty() ||
        !StretchFinder(loop).collect(test.getCondition(), stretch) ||
        (stretch.limits.empty() && stretch.floors.empty()))
      continue;
    markInside(test.getThenRegion(), loop, stretch.limits);
    LoopParts parts = splitAround(loop, stretch);
    inlineBranch(correspondingIn(parts.inside, test), true);
    if (parts.before)
      inlineBranch(correspondingIn(parts.before, test), false);
    inlineBranch(test, false);
    return;
  }
  separateEdge(loop);
}

namespace {
struct SeparateLoops : impl::SeparateLoopsBase<SeparateLoops> {
  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) { loops.push_back(loop); });
    for (scf::ForOp loop : loops)
      separate(loop);
  }
};
} // namespace

} // namespace attn_grid::compiler
