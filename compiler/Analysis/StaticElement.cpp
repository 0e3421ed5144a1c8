#include "compiler/Analysis/StaticElement.h"

#include "dialect/AgOps.h"
#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace attn_grid::compiler {

using Coordinates = llvm::ArrayRef<std::optional<int64_t>>;

/// Expressions of more operations are not looked through.
static constexpr unsigned maxDepth = 16;

static std::optional<APInt> element(Value value, Coordinates at,
                                    unsigned depth) {
  auto type = dyn_cast<IntegerType>(getElementTypeOrSelf(value.getType()));
  Operation *op = value.getDefiningOp();
  if (!op || !type || depth > maxDepth)
    return std::nullopt;
  if (APInt number; matchPattern(value, m_ConstantInt(&number)))
    return number;
  if (isa<tensor::SplatOp>(op))
    return element(op->getOperand(0), {}, depth + 1);
  if (isa<ir::IotaOp>(op) && at[0])
    return APInt(type.getWidth(), static_cast<uint64_t>(*at[0]));
  if (auto broadcast = dyn_cast<ir::BroadcastOp>(op)) {
    SmallVector<std::optional<int64_t>> inner;
    ArrayRef<int64_t> from = ir::shapeOf(broadcast.getInput().getType());
    for (auto [extent, axis] : llvm::zip(from, broadcast.getAxes()))
      inner.push_back(extent == 1 ? std::optional<int64_t>(0) : at[axis]);
    return element(broadcast.getInput(), inner, depth + 1);
  }
  if (auto transpose = dyn_cast<ir::TransposeOp>(op)) {
    SmallVector<std::optional<int64_t>> inner(at.size());
    for (auto [axis, from] : llvm::enumerate(transpose.getPermutation()))
      inner[from] = at[axis];
    return element(transpose.getInput(), inner, depth + 1);
  }
  if (auto compare = dyn_cast<arith::CmpIOp>(op)) {
    std::optional<APInt> a = element(compare.getLhs(), at, depth + 1),
                         b = element(compare.getRhs(), at, depth + 1);
    if (a && b)
      return APInt(1, arith::applyCmpPredicate(compare.getPredicate(), *a, *b));
  }
  return std::nullopt;
}

std::optional<APInt> staticElement(Value value, Coordinates coordinates) {
  return element(value, coordinates, 0);
}

} // namespace attn_grid::compiler
