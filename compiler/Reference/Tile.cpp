#include "compiler/Reference/Tile.h"

#include "mlir/IR/TypeUtilities.h"

#include <cstring>

using namespace mlir;

namespace attn_grid::compiler::reference {

static unsigned widthOf(Type element) {
  return element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
}

Tile::Tile(Type type) : element(getElementTypeOrSelf(type)) {
  int64_t count = 1;
  for (int64_t extent : ir::shapeOf(type)) {
    shape.push_back(extent);
    count *= extent;
  }
  elements.resize(count);
}

static int64_t linear(ArrayRef<int64_t> place, ArrayRef<int64_t> shape) {
  int64_t index = 0;
  for (auto [at, extent] : llvm::zip_equal(place, shape))
    index = index * extent + at;
  return index;
}

Number &Tile::at(ArrayRef<int64_t> place) {
  return elements[linear(place, shape)];
}

Number Tile::at(ArrayRef<int64_t> place) const {
  return elements[linear(place, shape)];
}

char *Tensor::find(ArrayRef<int64_t> indices) const {
  int64_t offset = 0;
  for (auto [index, size, stride] : llvm::zip_equal(indices, sizes, strides)) {
    if (index < 0 || index >= size)
      return nullptr;
    offset += index * stride;
  }
  return pointer + offset * bytesOf(element);
}

unsigned bytesOf(Type element) { return (widthOf(element) + 7) / 8; }

Number readNumber(const char *pointer, Type element) {
  uint64_t bits = 0;
  std::memcpy(&bits, pointer, bytesOf(element));
  if (element.isInteger(1))
    return Number::of(int64_t(bits != 0));
  return fromBits(bits, element);
}

void writeNumber(char *pointer, Number number, Type element) {
  uint64_t bits = bitsOf(number, element);
  std::memcpy(pointer, &bits, bytesOf(element));
}

double roundTo(double x, Type element) {
  if (element.isF64())
    return x;
  if (element.isF32())
    return static_cast<float>(x);
  APFloat number(x);
  bool lossy;
  number.convert(cast<FloatType>(element).getFloatSemantics(),
                 APFloat::rmNearestTiesToEven, &lossy);
  return number.convertToDouble();
}

double roundResult(double x, Type element) {
  return roundTo(widthOf(element) < 32 ? static_cast<float>(x) : x, element);
}

int64_t wrap(__int128 n, Type element) {
  unsigned width = widthOf(element);
  uint64_t bits = static_cast<uint64_t>(n);
  return width == 1 ? bits & 1 : llvm::SignExtend64(bits, width);
}

uint64_t asUnsigned(int64_t n, Type element) {
  return static_cast<uint64_t>(n) &
         llvm::maskTrailingOnes<uint64_t>(widthOf(element));
}

uint64_t bitsOf(Number number, Type element) {
  if (!isa<FloatType>(element))
    return asUnsigned(number.whole, element);
  APFloat value(number.real);
  bool lossy;
  value.convert(cast<FloatType>(element).getFloatSemantics(),
                APFloat::rmNearestTiesToEven, &lossy);
  return value.bitcastToAPInt().getZExtValue();
}

Number fromBits(uint64_t bits, Type element) {
  auto floats = dyn_cast<FloatType>(element);
  if (!floats)
    return Number::of(wrap(bits, element));
  unsigned width = widthOf(element);
  APFloat value(floats.getFloatSemantics(),
                APInt(width, bits & llvm::maskTrailingOnes<uint64_t>(width)));
  return Number::of(value.convertToDouble());
}

Number fromSlot(uint64_t slot, Type element) {
  char bytes[sizeof slot];
  std::memcpy(bytes, &slot, sizeof slot);
  return readNumber(bytes, element);
}

void forEachPlace(ArrayRef<int64_t> shape,
                  llvm::function_ref<void(const Place &)> visit) {
  Place place(shape.size(), 0);
  for (;;) {
    visit(place);
    int64_t axis = shape.size();
    while (--axis >= 0 && ++place[axis] == shape[axis])
      place[axis] = 0;
    if (axis < 0)
      return;
  }
}

} // namespace attn_grid::compiler::reference
