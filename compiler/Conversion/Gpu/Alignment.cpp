#include "compiler/Conversion/Gpu/Alignment.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

#include <numeric>

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler::gpu {

/// More is never asked for, and i32 wraps by a multiple of it.
static constexpr int64_t largestDivisor = 256;

int64_t knownDivisor(Value value, int depth) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return std::gcd(constant.getSExtValue(), largestDivisor);
  if (depth == 0)
    return 1;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    if (!loop || argument != loop.getInductionVar())
      return 1;
    return std::gcd(knownDivisor(loop.getLowerBound(), depth - 1),
                    knownDivisor(loop.getStep(), depth - 1));
  }
  Operation *op = value.getDefiningOp();
  auto of = [&](unsigned i) {
    return knownDivisor(op->getOperand(i), depth - 1);
  };
  if (isa<arith::AddIOp, arith::SubIOp, arith::MinSIOp, arith::MaxSIOp>(op))
    return std::gcd(of(0), of(1));
  if (isa<arith::MulIOp>(op))
    return std::gcd(of(0) * of(1), largestDivisor);
  if (isa<arith::SelectOp>(op))
    return std::gcd(of(1), of(2));
  if (isa<arith::IndexCastOp, arith::ExtSIOp, arith::TruncIOp>(op))
    return of(0);
  return 1;
}

bool isKnownInside(Operation *op, int64_t d) {
  auto inside = op->getAttrOfType<DenseI64ArrayAttr>(insideAttr);
  return inside && llvm::is_contained(inside.asArrayRef(), d);
}

int64_t unitStrideAxis(Value tensor, ArrayRef<int64_t> extents,
                       OperandRange steps) {
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(cast<MemRefType>(tensor.getType())
                 .getStridesAndOffset(strides, offset)))
    return -1;
  int64_t axis = 0;
  for (auto [d, extent] : llvm::enumerate(extents)) {
    if (extent == 0)
      continue;
    if (strides[d] == 1 && (steps.empty() || matchPattern(steps[d], m_One())))
      return axis;
    ++axis;
  }
  return -1;
}

/// How many elements of `bytes` the base of `tensor` is surely a multiple of,
/// up to 16 bytes; then all strides but the one of 1 are, too. 0 if nothing is
/// known.
static int64_t alignedBase(Value tensor, KernelOp kernel, int64_t bytes) {
  if (auto view = tensor.getDefiningOp<memref::SubViewOp>()) {
    int64_t base = alignedBase(view.getSource(), kernel, bytes);
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(view.getSourceType().getStridesAndOffset(strides, offset)))
      return 0;
    // Other dimensions are stepped over by multiples.
    for (auto [stride, first] : llvm::zip(strides, view.getMixedOffsets()))
      if (stride == 1) {
        auto constant = getConstantIntValue(first);
        base = std::gcd(base, constant ? *constant
                                       : knownDivisor(cast<Value>(first)));
      }
    return base;
  }
  auto cast = tensor.getDefiningOp<memref::ReinterpretCastOp>();
  auto argument =
      cast ? dyn_cast<BlockArgument>(cast.getSource()) : BlockArgument();
  bool isRegular = argument && kernel.isRegular(argument.getArgNumber()) &&
                   isConstantIntValue(cast.getMixedOffsets().front(), 0);
  return isRegular ? 16 / bytes : 0;
}

/// How many elements along `unit` an aligned access may touch; `inRow`: none
/// of them beyond the tensor if the first is not.
template <typename Op>
static int64_t alignedElements(Op op, Type element, int64_t unit, bool inRow) {
  int64_t bytes = std::max<int64_t>(element.getIntOrFloatBitWidth() / 8, 1);
  int64_t vector =
      unit < 0 ? 0
               : alignedBase(op.getTensor(),
                             op->template getParentOfType<KernelOp>(), bytes);
  if (vector == 0)
    return 1;
  auto type = cast<MemRefType>(op.getTensor().getType());
  int64_t axis = 0;
  for (auto [d, i] : llvm::enumerate(op.getIndices())) {
    bool isAxis = op.getExtents()[d] != 0;
    if (isAxis && axis++ == unit) {
      // A tile that lies inside has no element beyond the row's end.
      bool mayEnd = inRow && !isKnownInside(op, d);
      if (isa<RankedTensorType>(i.getType()) ||
          (mayEnd && type.isDynamicDim(d)))
        return 1;
      vector = std::gcd(vector, knownDivisor(i));
      if (mayEnd)
        vector = std::gcd(vector, type.getDimSize(d));
      vector = std::gcd(vector, op.getExtents()[d]);
    }
  }
  return vector;
}

int64_t vectorElements(LoadOp op, int64_t unit) {
  return alignedElements(op, getElementTypeOrSelf(op.getResult().getType()),
                         unit, /*inRow=*/true);
}

int64_t vectorElements(StoreOp op, int64_t unit) {
  return alignedElements(op, getElementTypeOrSelf(op.getValue().getType()),
                         unit, /*inRow=*/true);
}

bool startsAligned(LoadOp op, int64_t unit, int64_t bytes) {
  Type element = getElementTypeOrSelf(op.getResult().getType());
  return alignedElements(op, element, unit, /*inRow=*/false) *
             element.getIntOrFloatBitWidth() >=
         8 * bytes;
}

} // namespace attn_grid::compiler::gpu
