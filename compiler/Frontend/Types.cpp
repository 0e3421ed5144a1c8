#include "compiler/Frontend/Types.h"

#include "dialect/Verify.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <numeric>

using namespace mlir;

namespace attn_grid::compiler {

llvm::ArrayRef<int64_t> TileValue::shape() const {
  return ir::shapeOf(value.getType());
}

TileType TileValue::type() const {
  return {element, Shape(shape().begin(), shape().end())};
}

Type elementType(MLIRContext *context, DType type) {
  switch (type) {
  case DType::f16:
    return Float16Type::get(context);
  case DType::bf16:
    return BFloat16Type::get(context);
  case DType::f32:
    return Float32Type::get(context);
  case DType::f64:
    return Float64Type::get(context);
  case DType::f8e4m3:
    return Float8E4M3FNType::get(context);
  case DType::f8e5m2:
    return Float8E5M2Type::get(context);
  default:
    return IntegerType::get(context, bitsOf(type));
  }
}

Type irType(MLIRContext *context, const TileType &type) {
  Type element = elementType(context, type.element);
  if (type.shape.empty())
    return element;
  return RankedTensorType::get(type.shape, element);
}

std::string format(const TileType &type) {
  std::string name(name_of(type.element));
  if (type.shape.empty())
    return name;
  return "tile<" + name + ">" + format(type.shape);
}

std::string format(llvm::ArrayRef<int64_t> shape) {
  return ir::formatShape(shape);
}

std::string format(const ConstValue &value) {
  switch (value.kind) {
  case ConstParam::Kind::integer:
    return std::to_string(value.i);
  case ConstParam::Kind::boolean:
    return value.i ? "true" : "false";
  case ConstParam::Kind::floating:
    break;
  }
  if (std::isnan(value.f))
    return "nan";
  if (std::isinf(value.f))
    return value.f < 0 ? "-inf" : "inf";
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::format("%g", value.f);
  if (text.find_first_of(".e") == std::string::npos)
    text += ".0";
  return text;
}

llvm::StringRef nameOf(ConstParam::Kind kind) {
  switch (kind) {
  case ConstParam::Kind::integer:
    return "int";
  case ConstParam::Kind::floating:
    return "float";
  case ConstParam::Kind::boolean:
    return "bool";
  }
  return "";
}

DType typeAlone(ConstParam::Kind kind) {
  switch (kind) {
  case ConstParam::Kind::integer:
    return DType::i32;
  case ConstParam::Kind::floating:
    return DType::f32;
  case ConstParam::Kind::boolean:
    return DType::boolean;
  }
  return DType::i32;
}

std::optional<Shape> broadcastShape(llvm::ArrayRef<int64_t> lhs,
                                    llvm::ArrayRef<int64_t> rhs) {
  if (lhs.size() < rhs.size())
    std::swap(lhs, rhs);
  Shape result(lhs.begin(), lhs.end());
  size_t offset = lhs.size() - rhs.size();
  for (auto [i, extent] : llvm::enumerate(rhs)) {
    int64_t &other = result[offset + i];
    if (other == 1)
      other = extent;
    else if (extent != 1 && extent != other)
      return std::nullopt;
  }
  return result;
}

llvm::SmallVector<int64_t> allAxes(size_t rank) {
  llvm::SmallVector<int64_t> axes(rank);
  std::iota(axes.begin(), axes.end(), int64_t(0));
  return axes;
}

bool broadcastsTo(llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to) {
  if (from.size() > to.size())
    return false;
  auto target = to.take_back(from.size());
  return llvm::all_of_zip(from, target, [](int64_t have, int64_t want) {
    return have == 1 || have == want;
  });
}

std::pair<int64_t, int64_t> rangeOf(DType integer) {
  int bits = bitsOf(integer);
  if (isBool(integer))
    return {0, 1};
  if (is_unsigned(integer))
    return {0, (int64_t(1) << bits) - 1};
  if (bits == 64)
    return {INT64_MIN, INT64_MAX};
  return {-(int64_t(1) << (bits - 1)), (int64_t(1) << (bits - 1)) - 1};
}

} // namespace attn_grid::compiler
