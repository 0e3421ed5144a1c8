// Dispatch, constants, broadcasts and the operations that need no guard. The
// integer divisions and shifts are in NumericsInt.cpp, the conversions in
// NumericsCast.cpp.

#include "compiler/Frontend/Numerics.h"

#include "dialect/AgOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <numeric>

using namespace mlir;

namespace attn_grid::compiler {

/// `a * b + c` may be contracted; nothing else is relaxed.
static constexpr arith::FastMathFlags contract = arith::FastMathFlags::contract;

bool isComparison(BinaryKind kind) { return kind >= BinaryKind::eq; }

bool isFloatFunction(UnaryKind kind) { return kind >= UnaryKind::floor; }

TileValue Numerics::constant(DType element, llvm::ArrayRef<int64_t> shape,
                             const ConstValue &value) {
  TileType type{element, Shape(shape.begin(), shape.end())};
  if (is_float(element))
    return constantFloat(type, value.kind == ConstParam::Kind::floating
                                   ? value.f
                                   : static_cast<double>(value.i));
  return constantInt(type, value.i);
}

TileValue Numerics::constantInt(const TileType &type, int64_t value) {
  Type ir = irType(builder.getContext(), type);
  APInt bits(bitsOf(type.element), static_cast<uint64_t>(value),
             /*isSigned=*/true, /*implicitTrunc=*/true);
  TypedAttr attr = builder.getIntegerAttr(getElementTypeOrSelf(ir), bits);
  if (auto tile = dyn_cast<RankedTensorType>(ir))
    attr = SplatElementsAttr::get(tile, bits);
  return {arith::ConstantOp::create(builder, loc, attr), type.element};
}

TileValue Numerics::constantFloat(const TileType &type, double value) {
  Type ir = irType(builder.getContext(), type);
  auto element = cast<FloatType>(getElementTypeOrSelf(ir));
  APFloat number(value);
  bool lossy;
  number.convert(element.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                 &lossy);
  TypedAttr attr = FloatAttr::get(element, number);
  if (auto tile = dyn_cast<RankedTensorType>(ir))
    attr = SplatElementsAttr::get(tile, number);
  return {arith::ConstantOp::create(builder, loc, attr), type.element};
}

TileValue Numerics::broadcast(TileValue value, llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t> axes(value.shape().size());
  std::iota(axes.begin(), axes.end(),
            static_cast<int64_t>(shape.size() - axes.size()));
  return broadcastAlong(value, shape, axes);
}

TileValue Numerics::broadcastAlong(TileValue value,
                                   llvm::ArrayRef<int64_t> shape,
                                   llvm::ArrayRef<int64_t> axes) {
  if (value.shape() == shape)
    return value;
  auto type = RankedTensorType::get(shape, value.value.getType());
  if (!value.isScalar())
    type = RankedTensorType::get(shape,
                                 getElementTypeOrSelf(value.value.getType()));
  if (value.isScalar())
    return {builder.createOrFold<tensor::SplatOp>(loc, type, value.value),
            value.element};
  // A repeat of a repeat is one: look through to the tile that is repeated.
  llvm::SmallVector<int64_t> along(axes);
  Value input = value.value;
  if (auto inner = input.getDefiningOp<ir::BroadcastOp>()) {
    along.clear();
    for (int64_t axis : inner.getAxes())
      along.push_back(axes[axis]);
    input = inner.getInput();
  } else if (auto splat = input.getDefiningOp<tensor::SplatOp>()) {
    return {builder.createOrFold<tensor::SplatOp>(loc, type, splat.getInput()),
            value.element};
  }
  return {builder.createOrFold<ir::BroadcastOp>(loc, type, input, along),
          value.element};
}

TileValue Numerics::binary(BinaryKind kind, TileValue lhs, TileValue rhs) {
  if (isComparison(kind))
    return compare(kind, lhs, rhs);
  return is_float(lhs.element) ? floatBinary(kind, lhs, rhs)
                               : intBinary(kind, lhs, rhs);
}

TileValue Numerics::floatBinary(BinaryKind kind, TileValue lhs, TileValue rhs) {
  Value a = lhs.value, b = rhs.value;
  auto result = [&](Value value) { return TileValue{value, lhs.element}; };
  switch (kind) {
  case BinaryKind::add:
    return result(builder.createOrFold<arith::AddFOp>(loc, a, b, contract));
  case BinaryKind::sub:
    return result(builder.createOrFold<arith::SubFOp>(loc, a, b, contract));
  case BinaryKind::mul:
    return result(builder.createOrFold<arith::MulFOp>(loc, a, b, contract));
  case BinaryKind::div:
    return result(builder.createOrFold<arith::DivFOp>(loc, a, b));
  case BinaryKind::mod:
    return result(builder.createOrFold<arith::RemFOp>(loc, a, b));
  case BinaryKind::min:
    return result(builder.createOrFold<arith::MinNumFOp>(loc, a, b));
  case BinaryKind::max:
    return result(builder.createOrFold<arith::MaxNumFOp>(loc, a, b));
  default:
    return lhs; // the caller refuses the others for floats
  }
}

TileValue Numerics::compare(BinaryKind kind, TileValue lhs, TileValue rhs) {
  // Indexed by `kind - eq`: == != < <= > >=.
  using arith::CmpFPredicate, arith::CmpIPredicate;
  static constexpr CmpFPredicate floats[] = {
      CmpFPredicate::OEQ, CmpFPredicate::UNE, CmpFPredicate::OLT,
      CmpFPredicate::OLE, CmpFPredicate::OGT, CmpFPredicate::OGE};
  static constexpr CmpIPredicate signs[] = {
      CmpIPredicate::eq,  CmpIPredicate::ne,  CmpIPredicate::slt,
      CmpIPredicate::sle, CmpIPredicate::sgt, CmpIPredicate::sge};
  static constexpr CmpIPredicate noSigns[] = {
      CmpIPredicate::eq,  CmpIPredicate::ne,  CmpIPredicate::ult,
      CmpIPredicate::ule, CmpIPredicate::ugt, CmpIPredicate::uge};
  size_t which =
      static_cast<size_t>(kind) - static_cast<size_t>(BinaryKind::eq);
  Value result;
  if (is_float(lhs.element))
    result = builder.createOrFold<arith::CmpFOp>(loc, floats[which], lhs.value,
                                                 rhs.value);
  else if (is_unsigned(lhs.element))
    result = builder.createOrFold<arith::CmpIOp>(loc, noSigns[which], lhs.value,
                                                 rhs.value);
  else
    result = builder.createOrFold<arith::CmpIOp>(loc, signs[which], lhs.value,
                                                 rhs.value);
  return {result, DType::boolean};
}

TileValue Numerics::unary(UnaryKind kind, TileValue value) {
  if (!is_float(value.element))
    return intUnary(kind, value);
  // A 16-bit float computes in f32 and rounds; a change of sign is exact.
  bool exact = kind == UnaryKind::neg || kind == UnaryKind::abs;
  if (isHalf(value.element) && !exact) {
    TileValue wide = cast(value, DType::f32);
    return cast({floatFunction(kind, wide.value), DType::f32}, value.element);
  }
  return {floatFunction(kind, value.value), value.element};
}

Value Numerics::floatFunction(UnaryKind kind, Value x) {
  switch (kind) {
  case UnaryKind::neg:
    return builder.createOrFold<arith::NegFOp>(loc, x);
  case UnaryKind::abs:
    return builder.createOrFold<math::AbsFOp>(loc, x);
  case UnaryKind::floor:
    return builder.createOrFold<math::FloorOp>(loc, x);
  case UnaryKind::ceil:
    return builder.createOrFold<math::CeilOp>(loc, x);
  case UnaryKind::round:
    return builder.createOrFold<math::RoundEvenOp>(loc, x);
  case UnaryKind::sqrt:
    return builder.createOrFold<math::SqrtOp>(loc, x);
  case UnaryKind::rsqrt:
    return builder.createOrFold<math::RsqrtOp>(loc, x);
  case UnaryKind::rcp: { // 1 / x, for which a target may have a short cut
    bool wide = getElementTypeOrSelf(x).isF64();
    TileValue value{x, wide ? DType::f64 : DType::f32};
    return builder.createOrFold<arith::DivFOp>(
        loc, constantFloat(value.type(), 1.0).value, x,
        arith::FastMathFlags::arcp);
  }
  case UnaryKind::exp:
    return builder.createOrFold<math::ExpOp>(loc, x);
  case UnaryKind::exp2:
    return builder.createOrFold<math::Exp2Op>(loc, x);
  case UnaryKind::log:
    return builder.createOrFold<math::LogOp>(loc, x);
  case UnaryKind::log2:
    return builder.createOrFold<math::Log2Op>(loc, x);
  case UnaryKind::tanh:
    return builder.createOrFold<math::TanhOp>(loc, x);
  case UnaryKind::erf:
    return builder.createOrFold<math::ErfOp>(loc, x);
  case UnaryKind::sin:
    return builder.createOrFold<math::SinOp>(loc, x);
  case UnaryKind::cos:
    return builder.createOrFold<math::CosOp>(loc, x);
  case UnaryKind::sigmoid: { // 1 / (1 + exp(-x))
    bool wide = getElementTypeOrSelf(x).isF64();
    TileValue value{x, wide ? DType::f64 : DType::f32};
    TileValue one = constantFloat(value.type(), 1.0);
    TileValue power = unary(UnaryKind::exp, unary(UnaryKind::neg, value));
    return binary(BinaryKind::div, one, binary(BinaryKind::add, one, power))
        .value;
  }
  case UnaryKind::bitNot:
  case UnaryKind::logicalNot:
    break; // the caller refuses these for floats
  }
  return x;
}

TileValue Numerics::fma(TileValue a, TileValue b, TileValue c) {
  DType element = a.element;
  if (isHalf(element)) {
    a = cast(a, DType::f32);
    b = cast(b, DType::f32);
    c = cast(c, DType::f32);
  }
  TileValue wide{
      builder.createOrFold<math::FmaOp>(loc, a.value, b.value, c.value),
      a.element};
  return cast(wide, element);
}

TileValue Numerics::power(TileValue base, int64_t exponent) {
  if (isHalf(base.element))
    return cast(power(cast(base, DType::f32), exponent), base.element);
  ConstValue one{ConstParam::Kind::integer, 1, 0};
  TileValue result = constant(base.element, base.shape(), one);
  bool started = false;
  uint64_t left = exponent < 0 ? 0 - static_cast<uint64_t>(exponent)
                               : static_cast<uint64_t>(exponent);
  for (TileValue square = base; left;
       square = binary(BinaryKind::mul, square, square)) {
    if (left & 1)
      result = started ? binary(BinaryKind::mul, result, square) : square;
    started |= left & 1;
    left >>= 1;
    if (!left)
      break;
  }
  if (exponent >= 0)
    return result;
  return binary(BinaryKind::div, constant(base.element, base.shape(), one),
                result);
}

TileValue Numerics::select(TileValue condition, TileValue lhs, TileValue rhs) {
  return {builder.createOrFold<arith::SelectOp>(loc, condition.value, lhs.value,
                                                rhs.value),
          lhs.element};
}

} // namespace attn_grid::compiler
