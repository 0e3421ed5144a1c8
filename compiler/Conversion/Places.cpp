#include "compiler/Conversion/Places.h"

#include "dialect/Views.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler {

/// Behind the guards of `a / b` for a b of 0: select(b == 0, 0, a / max(b, 1)).
/// Null operands if `value` is no such quotient.
static std::pair<Value, Value> guardedQuotient(Value value) {
  if (auto select = value.getDefiningOp<arith::SelectOp>()) {
    if (!matchPattern(select.getTrueValue(), m_Zero()))
      return {};
    value = select.getFalseValue();
  }
  auto quotient = value.getDefiningOp<arith::DivSIOp>();
  if (!quotient)
    return {};
  Value divisor = quotient.getRhs();
  if (auto atLeast = divisor.getDefiningOp<arith::MaxSIOp>())
    if (matchPattern(atLeast.getRhs(), m_One()))
      divisor = atLeast.getLhs();
  return {quotient.getLhs(), divisor};
}

/// Whether `i` is `h / (H / G)`, the group of a head: h is a program id below
/// H, and H a multiple of G, which is `size`.
static bool isGroupBelow(Value i, Value size) {
  auto [head, perGroup] = guardedQuotient(i);
  auto ids = head ? head.getDefiningOp<ProgramIdOp>() : ProgramIdOp();
  if (!ids)
    return false;
  auto [heads, groups] = guardedQuotient(perGroup);
  auto kernel = ids->getParentOfType<KernelOp>();
  auto known =
      kernel->getAttrOfType<DenseI64ArrayAttr>(KernelOp::multiplesAttr);
  if (groups != size || !known ||
      ids.getExtents()[cast<OpResult>(head).getResultNumber()] != heads)
    return false;
  auto numberOf = [&](Value value) -> int64_t {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && argument.getOwner() == &kernel.getBody().front()
               ? argument.getArgNumber()
               : -1;
  };
  ArrayRef<int64_t> pairs = known.asArrayRef();
  for (size_t k = 0; k + 1 < pairs.size(); k += 2)
    if (pairs[k] == numberOf(heads) && pairs[k + 1] == numberOf(groups))
      return true;
  return false;
}

bool provablyInside(Value tensor, int64_t d, Value i, int64_t extent,
                    OpFoldResult size) {
  APInt start;
  auto bound = getConstantIntValue(size);
  if (bound && matchPattern(i, m_ConstantInt(&start)))
    return start.getSExtValue() >= 0 &&
           start.getSExtValue() + std::max<int64_t>(extent, 1) <= *bound;
  if (extent != 0)
    return false;
  Value known = sizeValueOf(tensor, d);
  if (!known)
    return false;
  // A program id is less than its grid extent.
  if (auto ids = i.getDefiningOp<ProgramIdOp>())
    return known == ids.getExtents()[llvm::cast<OpResult>(i).getResultNumber()];
  return isGroupBelow(i, known);
}

} // namespace attn_grid::compiler
