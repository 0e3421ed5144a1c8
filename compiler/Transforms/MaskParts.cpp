#include "compiler/Transforms/MaskParts.h"

#include "compiler/Analysis/StaticElement.h"
#include "dialect/AgOps.h"
#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace attn_grid::compiler {

/// Masks of more operations are not looked through.
static constexpr unsigned maxDepth = 16;

/// The parts of a conjunction that broadcasts may stand before.
static void collectParts(Value mask, SmallVectorImpl<Value> &parts,
                         unsigned depth = 0) {
  Operation *op = mask.getDefiningOp();
  if (op && depth <= maxDepth && isa<arith::AndIOp, ir::BroadcastOp>(op)) {
    for (Value operand : op->getOperands())
      collectParts(operand, parts, depth + 1);
    return;
  }
  parts.push_back(mask);
}

KnownParts findKnownParts(Value condition, MaskRanges &ranges) {
  KnownParts known;
  auto any = condition.getDefiningOp<ir::ReduceOp>();
  if (!any || any.getKind() != ir::ReduceKind::any ||
      isa<RankedTensorType>(any.getResult().getType()))
    return known;
  SmallVector<Value> parts;
  collectParts(any.getInput(), parts);
  Condition sure = Condition::yes();
  for (Value part : parts) {
    Condition all = ranges.ofMask(part).allTrue;
    if (!all.isFalse()) {
      sure = allOf(sure, all);
      known.parts.push_back(part);
      continue;
    }
    // The rest must be true together somewhere: in their first element.
    SmallVector<std::optional<int64_t>> origin(
        ir::shapeOf(part.getType()).size(), 0);
    std::optional<APInt> first = staticElement(part, origin);
    if (!first || first->isZero())
      return known;
  }
  if (known.parts.empty() || known.parts.size() == parts.size())
    return known;
  known.mask = any.getInput();
  known.sure = sure;
  return known;
}

/// Null if nothing is left: all true.
static Value makeRest(OpBuilder &builder, Value mask, ArrayRef<Value> parts) {
  if (llvm::is_contained(parts, mask))
    return nullptr;
  Operation *op = mask.getDefiningOp();
  if (auto both = dyn_cast_or_null<arith::AndIOp>(op)) {
    Value a = makeRest(builder, both.getLhs(), parts),
          b = makeRest(builder, both.getRhs(), parts);
    if (!a || !b)
      return a ? a : b;
    return builder.createOrFold<arith::AndIOp>(op->getLoc(), a, b);
  }
  if (auto broadcast = dyn_cast_or_null<ir::BroadcastOp>(op)) {
    Value inner = makeRest(builder, broadcast.getInput(), parts);
    if (!inner || inner == broadcast.getInput())
      return inner ? mask : inner;
    IRMapping mapping;
    mapping.map(broadcast.getInput(), inner);
    return builder.clone(*op, mapping)->getResult(0);
  }
  return mask;
}

Value makeRest(OpBuilder &builder, const KnownParts &known) {
  return makeRest(builder, known.mask, known.parts);
}

} // namespace attn_grid::compiler
