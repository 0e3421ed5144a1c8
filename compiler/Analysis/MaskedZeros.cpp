#include "compiler/Analysis/MaskedZeros.h"

#include "dialect/AgOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/DenseSet.h"

#include <optional>

using namespace mlir;

namespace attn_grid::compiler {

/// The number that all elements of a constant are.
static std::optional<APFloat> constantOf(Value value) {
  FloatAttr number;
  if (matchPattern(value, m_Constant(&number)))
    return number.getValue();
  SplatElementsAttr splat;
  if (matchPattern(value, m_Constant(&splat)) &&
      isa<FloatType>(splat.getElementType()))
    return splat.getSplatValue<APFloat>();
  return std::nullopt;
}

static bool isMinusInfinity(Value value) {
  std::optional<APFloat> number = constantOf(value);
  return number && number->isInfinity() && number->isNegative();
}

namespace {
/// Finds that a value is never NaN. What a loop carries is not if it neither
/// begins so nor becomes so, taking for granted that it was not before.
class NeverNaN {
public:
  bool of(Value value) {
    if (!assumed.insert(value).second)
      return true;
    if (auto argument = dyn_cast<BlockArgument>(value))
      return ofCarried(argument);
    Operation *op = value.getDefiningOp();
    if (std::optional<APFloat> number = constantOf(value))
      return !number->isNaN();
    if (isa<arith::MaxNumFOp, arith::MinNumFOp>(op))
      return ofOne(op->getOperand(0)) || of(op->getOperand(1));
    if (auto select = dyn_cast<arith::SelectOp>(op))
      return of(select.getTrueValue()) && of(select.getFalseValue());
    if (isa<ir::BroadcastOp, tensor::SplatOp>(op))
      return of(op->getOperand(0));
    unsigned number = cast<OpResult>(value).getResultNumber();
    if (auto loop = dyn_cast<scf::ForOp>(op))
      return of(loop.getRegionIterArgs()[number]);
    if (auto branch = dyn_cast<scf::IfOp>(op))
      return of(branch.thenYield().getOperand(number)) &&
             of(branch.elseYield().getOperand(number));
    return false;
  }

private:
  /// The same, without keeping what was assumed on a way that failed.
  bool ofOne(Value value) {
    llvm::DenseSet<Value> before = assumed;
    bool never = of(value);
    if (!never)
      assumed = std::move(before);
    return never;
  }
  bool ofCarried(BlockArgument argument) {
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    if (!loop || argument == loop.getInductionVar())
      return false;
    unsigned number = argument.getArgNumber() - 1;
    return of(loop.getInitArgs()[number]) &&
           of(loop.getYieldedValues()[number]);
  }
  llvm::DenseSet<Value> assumed;
};
} // namespace

/// Whether `value` is neither NaN nor -inf: `where(top == -inf, 0.0, top)`.
static bool isAboveMinusInfinity(Value value) {
  if (auto broadcast = value.getDefiningOp<ir::BroadcastOp>())
    return isAboveMinusInfinity(broadcast.getInput());
  if (std::optional<APFloat> number = constantOf(value))
    return !number->isNaN() && !(number->isInfinity() && number->isNegative());
  auto select = value.getDefiningOp<arith::SelectOp>();
  auto test = select ? select.getCondition().getDefiningOp<arith::CmpFOp>()
                     : arith::CmpFOp();
  return test && test.getPredicate() == arith::CmpFPredicate::OEQ &&
         test.getLhs() == select.getFalseValue() &&
         isMinusInfinity(test.getRhs()) &&
         isAboveMinusInfinity(select.getTrueValue()) &&
         NeverNaN().of(select.getFalseValue());
}

bool isPositive(Value tile) {
  if (std::optional<APFloat> number = constantOf(tile))
    return !number->isNaN() && !number->isNegative() && !number->isZero();
  auto splat = tile.getDefiningOp<tensor::SplatOp>();
  auto largest = splat ? splat.getInput().getDefiningOp<arith::MaxNumFOp>()
                       : arith::MaxNumFOp();
  return largest && isPositive(largest.getRhs());
}

static bool isMinusInfinityOutside(Value tile, Value keep) {
  Operation *op = tile.getDefiningOp();
  if (auto select = dyn_cast_or_null<arith::SelectOp>(op))
    return select.getCondition() == keep &&
           isMinusInfinity(select.getFalseValue());
  if (auto difference = dyn_cast_or_null<arith::SubFOp>(op))
    return isMinusInfinityOutside(difference.getLhs(), keep) &&
           isAboveMinusInfinity(difference.getRhs());
  if (auto product = dyn_cast_or_null<arith::MulFOp>(op))
    return isMinusInfinityOutside(product.getLhs(), keep) &&
           isPositive(product.getRhs());
  return false;
}

bool isZeroOutside(Value tile, Value keep) {
  Operation *op = tile.getDefiningOp();
  if (isa_and_nonnull<arith::TruncFOp, arith::ExtFOp>(op))
    return isZeroOutside(op->getOperand(0), keep);
  if (isa_and_nonnull<math::Exp2Op, math::ExpOp>(op))
    return isMinusInfinityOutside(op->getOperand(0), keep);
  return false;
}

} // namespace attn_grid::compiler
