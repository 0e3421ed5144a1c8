// Whether any element of a mask is true, without looking at all of them.
//
//     any(n + iota(64)[None, :] <= m + iota(64)[:, None])   ->   n <= m + 63
//
// Where each comparison of a mask only becomes truer along an axis, or only
// falser, one corner of the tile decides: the one where it is truest for `any`,
// the opposite one for `all`. Integers may wrap, so each sum on the way must
// be known not to.

#include "compiler/Analysis/StaticRanges.h"
#include "compiler/Transforms/Passes.h"
#include "dialect/AgOps.h"
#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

#include <optional>

using namespace mlir;

namespace attn_grid::compiler {

#define GEN_PASS_DEF_FOLDMONOTONEMASKS
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// Per axis of a tile: whether its elements grow (1), fall (-1) or stay.
using Slopes = SmallVector<int, 4>;

Slopes flat(Value tile) { return Slopes(ir::shapeOf(tile.getType()).size()); }

/// The slopes of a sum; nothing if its parts go in opposite directions.
std::optional<Slopes> sum(const std::optional<Slopes> &a,
                          const std::optional<Slopes> &b, int sign = 1) {
  if (!a || !b)
    return std::nullopt;
  Slopes slopes = *a;
  for (auto [slope, other] : llvm::zip(slopes, *b)) {
    if (slope * other * sign < 0)
      return std::nullopt;
    if (other)
      slope = other * sign;
  }
  return slopes;
}

class Monotony {
public:
  /// The slopes of a tile of integers, or of a mask (true is more than false).
  std::optional<Slopes> of(Value tile) {
    Operation *op = tile.getDefiningOp();
    if (!isa<RankedTensorType>(tile.getType()))
      return Slopes();
    if (!op || ++looks > mostLooks)
      return std::nullopt;
    if (isa<ir::IotaOp>(op))
      return Slopes{1};
    if (isa<tensor::SplatOp>(op) || matchPattern(tile, m_Constant()))
      return isSplat(tile) ? std::optional(flat(tile)) : std::nullopt;
    if (auto broadcast = dyn_cast<ir::BroadcastOp>(op))
      return ofBroadcast(broadcast);
    if (isa<arith::ExtSIOp>(op) && !isMask(op->getOperand(0)))
      return of(op->getOperand(0));
    if (isa<arith::AddIOp>(op) && staysInside(op, 1))
      return sum(of(op->getOperand(0)), of(op->getOperand(1)));
    if (isa<arith::SubIOp>(op) && staysInside(op, -1))
      return sum(of(op->getOperand(0)), of(op->getOperand(1)), -1);
    // Of masks.
    if (isa<arith::AndIOp, arith::OrIOp>(op) && isMask(tile))
      return sum(of(op->getOperand(0)), of(op->getOperand(1)));
    if (auto compare = dyn_cast<arith::CmpIOp>(op))
      return ofComparison(compare);
    return std::nullopt;
  }

private:
  static bool isMask(Value tile) {
    return getElementTypeOrSelf(tile.getType()).isInteger(1);
  }
  static bool isSplat(Value tile) {
    SplatElementsAttr constant;
    return tile.getDefiningOp<tensor::SplatOp>() ||
           matchPattern(tile, m_Constant(&constant));
  }
  std::optional<Slopes> ofBroadcast(ir::BroadcastOp op) {
    std::optional<Slopes> input = of(op.getInput());
    if (!input)
      return std::nullopt;
    Slopes slopes = flat(op.getResult());
    ArrayRef<int64_t> shape = ir::shapeOf(op.getInput().getType());
    for (auto [axis, to] : llvm::enumerate(op.getAxes()))
      if (shape[axis] != 1)
        slopes[to] = (*input)[axis];
    return slopes;
  }
  std::optional<Slopes> ofComparison(arith::CmpIOp op) {
    if (isMask(op.getLhs()))
      return std::nullopt;
    std::optional<Slopes> lhs = of(op.getLhs()), rhs = of(op.getRhs());
    switch (op.getPredicate()) {
    case arith::CmpIPredicate::slt:
    case arith::CmpIPredicate::sle:
      return sum(rhs, lhs, -1);
    case arith::CmpIPredicate::sgt:
    case arith::CmpIPredicate::sge:
      return sum(lhs, rhs, -1);
    default:
      return std::nullopt;
    }
  }
  /// Whether a + sign * b is never out of its type.
  bool staysInside(Operation *op, int64_t sign) {
    unsigned width = integerWidth(op->getResult(0).getType());
    if (width == 0 || width > 32)
      return false;
    Range a = ranges.of(op->getOperand(0)), b = ranges.of(op->getOperand(1));
    Range all = rangeOfWidth(width);
    int64_t low = a.min + (sign > 0 ? b.min : -b.max);
    int64_t high = a.max + (sign > 0 ? b.max : -b.min);
    return low >= all.min && high <= all.max;
  }
  StaticRanges ranges;
  /// A part that many others share is looked at for each.
  static constexpr unsigned mostLooks = 256;
  unsigned looks = 0;
};

/// The element of `tile`, whose slopes are known, at a corner: per axis its
/// first or last position.
Value elementAt(OpBuilder &b, Value tile, ArrayRef<bool> atEnd) {
  if (!isa<RankedTensorType>(tile.getType()))
    return tile;
  Location loc = tile.getLoc();
  Operation *op = tile.getDefiningOp();
  if (auto splat = dyn_cast<tensor::SplatOp>(op))
    return splat.getInput();
  SplatElementsAttr constant;
  if (matchPattern(tile, m_Constant(&constant)))
    return arith::ConstantOp::create(
        b, loc, cast<TypedAttr>(constant.getSplatValue<Attribute>()));
  ArrayRef<int64_t> shape = ir::shapeOf(tile.getType());
  if (isa<ir::IotaOp>(op))
    return arith::ConstantOp::create(
        b, loc,
        b.getIntegerAttr(getElementTypeOrSelf(tile.getType()),
                         atEnd[0] ? shape[0] - 1 : 0));
  if (auto broadcast = dyn_cast<ir::BroadcastOp>(op)) {
    SmallVector<bool> input;
    for (int64_t axis : broadcast.getAxes())
      input.push_back(atEnd[axis]);
    // An axis of extent 1 has one position, the first.
    for (auto [axis, extent] :
         llvm::enumerate(ir::shapeOf(broadcast.getInput().getType())))
      if (extent == 1)
        input[axis] = false;
    return elementAt(b, broadcast.getInput(), input);
  }
  IRMapping mapping;
  for (Value operand : op->getOperands())
    mapping.map(operand, elementAt(b, operand, atEnd));
  Operation *scalar = b.clone(*op, mapping);
  scalar->getResult(0).setType(getElementTypeOrSelf(tile.getType()));
  return scalar->getResult(0);
}

struct FoldMonotoneMasks : impl::FoldMonotoneMasksBase<FoldMonotoneMasks> {
  void runOnOperation() override {
    SmallVector<ir::ReduceOp> tests;
    getOperation().walk([&](ir::ReduceOp op) {
      bool isTest = op.getKind() == ir::ReduceKind::any ||
                    op.getKind() == ir::ReduceKind::all;
      if (isTest && !isa<RankedTensorType>(op.getResult().getType()))
        tests.push_back(op);
    });
    for (ir::ReduceOp op : tests) {
      std::optional<Slopes> slopes = Monotony().of(op.getInput());
      if (!slopes)
        continue;
      bool wantsTruest = op.getKind() == ir::ReduceKind::any;
      SmallVector<bool> corner;
      for (int slope : *slopes)
        corner.push_back((slope > 0) == wantsTruest && slope != 0);
      OpBuilder b(op);
      op.getResult().replaceAllUsesWith(elementAt(b, op.getInput(), corner));
      op.erase();
    }
  }
};

} // namespace
} // namespace attn_grid::compiler
