#include "dialect/Verify.h"

#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace attn_grid::ir {

LogicalResult verifyTile(Operation *op, StringRef name, Type type) {
  auto tile = dyn_cast<RankedTensorType>(type);
  if (!tile)
    return success();
  int64_t elements = 1;
  for (int64_t extent : tile.getShape()) {
    if (extent < 1 || !llvm::isPowerOf2_64(extent)) // tile_c1
      return op->emitOpError("expected each extent of '")
             << name << "' to be a power of two, but got " << extent;
    if (extent > maxTileElements || elements * extent > maxTileElements)
      return op->emitOpError("expected '") // tile_c2
             << name << "' to have at most " << maxTileElements
             << " elements, but got " << formatShape(tile.getShape());
    elements *= extent;
  }
  if (tile.getRank() == 0) // tile_c3
    return op->emitOpError("expected '")
           << name << "' to be a scalar in place of a tile of rank 0";
  return success();
}

ArrayRef<int64_t> shapeOf(Type type) {
  if (auto tile = dyn_cast<RankedTensorType>(type))
    return tile.getShape();
  return {};
}

Type accumulatorType(Type element) {
  MLIRContext *context = element.getContext();
  if (isa<FloatType>(element))
    return element.isF64() ? element : Float32Type::get(context);
  unsigned bits = element.getIntOrFloatBitWidth();
  return IntegerType::get(context, bits <= 32 ? 32 : 64);
}

std::string formatShape(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << '[';
  llvm::interleaveComma(shape, os);
  os << ']';
  return text;
}

} // namespace attn_grid::ir
