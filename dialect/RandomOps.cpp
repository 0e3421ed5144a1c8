// Verifier of ag.philox: philox_c1.

#include "dialect/AgOps.h"
#include "dialect/Verify.h"

using namespace mlir;

namespace attn_grid::ir {

LogicalResult PhiloxOp::verify() {
  ArrayRef<int64_t> shape = shapeOf(getResult().getType());
  for (auto [i, value] : llvm::enumerate(getOperands())) {
    unsigned bits = i < 2 ? 64 : 32;
    if (shapeOf(value.getType()) != shape ||
        !getElementTypeOrSelf(value).isInteger(bits)) // philox_c1
      return emitOpError("expected operand ")
             << i << " to hold i" << bits << " in shape " << formatShape(shape)
             << ", but got " << value.getType();
  }
  if (!getElementTypeOrSelf(getResult()).isInteger(32)) // philox_c1
    return emitOpError("expected 'result' to hold i32, but got ")
           << getResult().getType();
  return verifyTile(*this, "result", getResult().getType());
}

} // namespace attn_grid::ir
