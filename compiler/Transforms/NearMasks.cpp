#include "compiler/Transforms/NearMasks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace attn_grid::compiler {

/// Whether `condition` is a conjunction; then its comparisons are `parts`.
static bool collectConjuncts(const Condition &condition,
                             SmallVectorImpl<Polynomial> &parts) {
  switch (condition.getKind()) {
  case Condition::Kind::yes:
    return true;
  case Condition::Kind::atLeastZero:
    parts.push_back(condition.getPolynomial());
    return true;
  case Condition::Kind::allOf:
    return collectConjuncts(condition.getLeft(), parts) &&
           collectConjuncts(condition.getRight(), parts);
  default:
    return false;
  }
}

NearMasks findNearMasks(Region &branch, const Condition &sure,
                        MaskRanges &ranges, int64_t step) {
  NearMasks near{sure, {}};
  SmallVector<Polynomial> known;
  if (branch.empty() || !collectConjuncts(sure, known))
    return near;
  const Quantities &quantities = ranges.getQuantities();
  auto isNear = [&](const Polynomial &needed) {
    return llvm::any_of(known, [&](const Polynomial &part) {
      Polynomial ahead = quantities.subtract(part, needed);
      return ahead.isKnown() && quantities.range(ahead).max <= step;
    });
  };
  for (auto compare : branch.front().getOps<arith::CmpIOp>()) {
    if (!isa<RankedTensorType>(compare.getType()))
      continue;
    Condition all = ranges.ofMask(compare.getResult()).allTrue;
    SmallVector<Polynomial> needed;
    if (all.isFalse() || !collectConjuncts(all, needed) ||
        !llvm::all_of(needed, isNear))
      continue;
    Condition both = allOf(near.sure, all);
    if (both.isFalse())
      continue;
    near.sure = both;
    near.masks.push_back(compare.getResult());
  }
  return near;
}

} // namespace attn_grid::compiler
