// One loop for the iterations that need no mask, one for the rest.
//
//     for n in 0 .. N step 64 {          for n in 0 .. mid step 64 { fast }
//       if n <= limit { fast }     ->    for n in mid .. N step 64 { slow }
//       else { slow }
//     }
//
// On a GPU the branch is no cost, but what is in it cannot be loaded ahead of
// its iteration. SplitMaskedLoops made the branch; here it is taken apart where
// it is taken by the first iterations and by no later one. On the way accesses
// that the condition proves to lie inside their tensors are marked so.
//
// A loop over the extent that a dot contracts, or along rows, has no branch,
// but its last tiles may stick out: it is taken apart too, so that all others
// are loaded without a test, by whole vectors.

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
/// A condition that holds in the first iterations of a loop and in no later
/// one: `induction <= limit and induction <= limit ... and always ...`. All are
/// values from before the loop.
struct Prefix {
  SmallVector<Value> limits; // i64
  SmallVector<Value> always; // i1
};
} // namespace

/// `condition` in that form; no limits if it is another.
static Prefix prefixOf(Value condition, scf::ForOp loop) {
  Prefix prefix;
  SmallVector<Value> open{condition};
  while (!open.empty()) {
    Value part = open.pop_back_val();
    if (loop.isDefinedOutsideOfLoop(part)) {
      prefix.always.push_back(part);
      continue;
    }
    Operation *op = part.getDefiningOp();
    if (auto both = dyn_cast_or_null<arith::AndIOp>(op)) {
      open.append({both.getLhs(), both.getRhs()});
      continue;
    }
    auto compare = dyn_cast_or_null<arith::CmpIOp>(op);
    if (!compare || compare.getPredicate() != arith::CmpIPredicate::sle)
      return {};
    auto wide = compare.getLhs().getDefiningOp<arith::ExtSIOp>();
    if (!wide || wide.getIn() != loop.getInductionVar() ||
        !wide.getType().isInteger(64) ||
        !loop.isDefinedOutsideOfLoop(compare.getRhs()))
      return {};
    prefix.limits.push_back(compare.getRhs());
  }
  return prefix;
}

/// If `limit` is `size - c` with an i32 `size`: c, and `size`.
static std::pair<int64_t, Value> belowSize(Value limit) {
  auto sum = limit.getDefiningOp<arith::AddIOp>();
  APInt constant;
  if (!sum || !matchPattern(sum.getRhs(), m_ConstantInt(&constant)))
    return {};
  auto wide = sum.getLhs().getDefiningOp<arith::ExtSIOp>();
  return {-constant.getSExtValue(), wide ? wide.getIn() : Value()};
}

/// Marks dimensions of `access` that begin at the loop's induction and, because
/// of `limits`, end inside the tensor.
template <typename Op>
static void markInside(Op access, scf::ForOp loop, ArrayRef<Value> limits) {
  APInt lower;
  if (!access.getSteps().empty() ||
      !matchPattern(loop.getLowerBound(), m_ConstantInt(&lower)) ||
      lower.isNegative())
    return;
  SmallVector<int64_t> inside;
  for (auto [d, i] : llvm::enumerate(access.getIndices())) {
    Value size = ir::sizeValueOf(access.getTensor(), d);
    if (i != loop.getInductionVar() || !size)
      continue;
    for (Value limit : limits) {
      auto [distance, of] = belowSize(limit);
      if (of && of == size && distance >= access.getExtents()[d])
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

/// Makes two loops of one, of which the first, that is returned, runs while
/// `prefix` holds.
static scf::ForOp splitAt(scf::ForOp loop, const Prefix &prefix,
                          bool beyond = true) {
  OpBuilder b(loop);
  Value mid = firstAbove(b, loop, prefix.limits, beyond);
  for (Value always : prefix.always)
    mid = arith::SelectOp::create(b, loop.getLoc(), always, mid,
                                  loop.getLowerBound());
  auto first = cast<scf::ForOp>(b.clone(*loop));
  first.setUpperBound(mid);
  loop.setLowerBound(mid);
  loop.getInitArgsMutable().assign(first.getResults());
  return first;
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
    if (index == loop.getInductionVar() && (!only || d == *only) &&
        ir::sizeValueOf(access.getTensor(), d) == loop.getUpperBound())
      return access.getExtents()[d];
  return 0;
}

/// The same of all accesses of a loop that would profit: those of a loop in
/// which dots contract, and those whose rows the loop goes along, which are
/// read and written by whole vectors where nothing sticks out.
static int64_t reachOfTiles(scf::ForOp loop) {
  bool hasDots = !loop.getBody()->getOps<ir::DotOp>().empty();
  // What computes much waits for no memory, and needs its registers once.
  constexpr int64_t little = 24;
  int64_t tiles = llvm::count_if(*loop.getBody(), [](Operation &op) {
    return llvm::any_of(op.getResultTypes(), llvm::IsaPred<RankedTensorType>);
  });
  if (!hasDots && tiles > little)
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
  for (Operation &op : *loop.getBody()) {
    if (auto load = dyn_cast<ir::LoadOp>(op))
      note(load, load.getResult().getType());
    else if (auto store = dyn_cast<ir::StoreOp>(op))
      note(store, store.getValue().getType());
  }
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
  scf::ForOp first = splitAt(loop, Prefix{{limit}, {}}, /*beyond=*/false);
  markInside(first.getRegion(), first, limit);
}

static void separate(scf::ForOp loop) {
  if (!loop.getInductionVar().getType().isInteger(32))
    return;
  for (auto test : loop.getBody()->getOps<scf::IfOp>()) {
    Prefix prefix = prefixOf(test.getCondition(), loop);
    if (prefix.limits.empty() || test.getElseRegion().empty())
      continue;
    markInside(test.getThenRegion(), loop, prefix.limits);
    scf::ForOp first = splitAt(loop, prefix);
    inlineBranch(correspondingIn(first, test), true);
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
