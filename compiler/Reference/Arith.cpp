// arith: numbers of one place at a time. Integers wrap; floats follow IEEE 754
// and round once; those of 16 bits compute in f32 first.

#include "compiler/Reference/Interpreter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;
using namespace mlir::arith;

namespace attn_grid::compiler::reference {

using Wide = __int128;

static Wide floorDivide(Wide x, Wide y) {
  return x / y - ((x % y != 0) && ((x < 0) != (y < 0)));
}

/// Divisions and shifts, where some operands have no result upstream: those
/// set `undefined`, and get what the language says.
static std::optional<Wide> divideOrShift(Operation *op, int64_t a, int64_t b,
                                         Type type, bool &undefined) {
  uint64_t ua = asUnsigned(a, type), ub = asUnsigned(b, type);
  if (isa<DivSIOp, DivUIOp, CeilDivSIOp, CeilDivUIOp, FloorDivSIOp, RemSIOp,
          RemUIOp>(op)) {
    if (b == 0) {
      undefined = true;
      return isa<RemSIOp>(op) ? Wide(a) : isa<RemUIOp>(op) ? Wide(ua) : 0;
    }
    if (isa<DivUIOp>(op))
      return ua / ub;
    if (isa<CeilDivUIOp>(op))
      return ua / ub + (ua % ub != 0);
    if (isa<RemUIOp>(op))
      return ua % ub;
    Wide quotient = isa<DivSIOp, RemSIOp>(op) ? Wide(a) / b
                    : isa<FloorDivSIOp>(op)   ? floorDivide(a, b)
                                              : -floorDivide(-Wide(a), b);
    undefined = wrap(Wide(a) / b, type) != Wide(a) / b;
    return isa<RemSIOp>(op) ? Wide(a) % b : quotient;
  }
  if (!isa<ShLIOp, ShRSIOp, ShRUIOp>(op))
    return std::nullopt;
  unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  undefined = ub >= width;
  if (isa<ShRSIOp>(op))
    return Wide(a) >> std::min<uint64_t>(ub, width - 1);
  if (ub >= width)
    return 0;
  return isa<ShLIOp>(op) ? Wide(a) << ub : Wide(ua >> ub);
}

/// An operation of integers whose operands and result have type `type`.
static std::optional<Wide> integer(Operation *op, int64_t a, int64_t b,
                                   Type type) {
  uint64_t ua = asUnsigned(a, type), ub = asUnsigned(b, type);
  if (isa<AddIOp>(op))
    return Wide(a) + b;
  if (isa<SubIOp>(op))
    return Wide(a) - b;
  if (isa<MulIOp>(op))
    return Wide(a) * b;
  if (isa<AndIOp>(op))
    return a & b;
  if (isa<OrIOp>(op))
    return a | b;
  if (isa<XOrIOp>(op))
    return a ^ b;
  if (isa<MinUIOp>(op))
    return std::min(ua, ub);
  if (isa<MaxUIOp>(op))
    return std::max(ua, ub);
  if (type.isInteger(1)) // signed, true is -1
    a = -a, b = -b;
  if (isa<MinSIOp>(op))
    return std::min(a, b);
  if (isa<MaxSIOp>(op))
    return std::max(a, b);
  return std::nullopt;
}

static bool compare(CmpIPredicate predicate, int64_t a, int64_t b, Type type) {
  uint64_t ua = asUnsigned(a, type), ub = asUnsigned(b, type);
  if (type.isInteger(1)) // signed, true is -1
    a = -a, b = -b;
  switch (predicate) {
  case CmpIPredicate::eq:
    return a == b;
  case CmpIPredicate::ne:
    return a != b;
  case CmpIPredicate::slt:
    return a < b;
  case CmpIPredicate::sle:
    return a <= b;
  case CmpIPredicate::sgt:
    return a > b;
  case CmpIPredicate::sge:
    return a >= b;
  case CmpIPredicate::ult:
    return ua < ub;
  case CmpIPredicate::ule:
    return ua <= ub;
  case CmpIPredicate::ugt:
    return ua > ub;
  case CmpIPredicate::uge:
    return ua >= ub;
  }
  return false;
}

static bool compare(CmpFPredicate predicate, double a, double b) {
  bool unordered = a != a || b != b;
  switch (predicate) {
  case CmpFPredicate::AlwaysFalse:
    return false;
  case CmpFPredicate::OEQ:
    return a == b;
  case CmpFPredicate::OGT:
    return a > b;
  case CmpFPredicate::OGE:
    return a >= b;
  case CmpFPredicate::OLT:
    return a < b;
  case CmpFPredicate::OLE:
    return a <= b;
  case CmpFPredicate::ONE:
    return a < b || a > b;
  case CmpFPredicate::ORD:
    return !unordered;
  case CmpFPredicate::UEQ:
    return unordered || a == b;
  case CmpFPredicate::UGT:
    return unordered || a > b;
  case CmpFPredicate::UGE:
    return unordered || a >= b;
  case CmpFPredicate::ULT:
    return unordered || a < b;
  case CmpFPredicate::ULE:
    return unordered || a <= b;
  case CmpFPredicate::UNE:
    return a != b;
  case CmpFPredicate::UNO:
    return unordered;
  case CmpFPredicate::AlwaysTrue:
    return true;
  }
  return false;
}

/// An operation of floats, exact or correctly rounded in f64; rounded to `type`
/// by the caller. (To f32 that is as good as rounding once: f64 has more than
/// twice its digits.)
static std::optional<double> floating(Operation *op, double a, double b) {
  if (isa<AddFOp>(op))
    return a + b;
  if (isa<SubFOp>(op))
    return a - b;
  if (isa<MulFOp>(op))
    return a * b;
  if (isa<DivFOp>(op))
    return a / b;
  if (isa<RemFOp>(op))
    return std::fmod(a, b);
  if (isa<NegFOp>(op))
    return -a;
  // With a NaN either operand will do.
  if (isa<MinNumFOp>(op))
    return a < b ? a : b;
  if (isa<MaxNumFOp>(op))
    return a > b ? a : b;
  return std::nullopt;
}

/// A float as an integer: truncated, saturated, 0 for a NaN.
static int64_t toInteger(double x, Type type, bool isSigned) {
  unsigned width = type.getIntOrFloatBitWidth();
  APSInt result(width, !isSigned);
  bool exact;
  APFloat(x).convertToInteger(result, APFloat::rmTowardZero, &exact);
  return wrap(isSigned ? result.getSExtValue()
                       : static_cast<int64_t>(result.getZExtValue()),
              type);
}

/// Conversions, by the types of operand and result.
static std::optional<Number> convert(Operation *op, Number x, Type from,
                                     Type to) {
  if (isa<ExtFOp, TruncFOp>(op))
    return Number::of(roundTo(x.real, to));
  if (isa<ExtSIOp, IndexCastOp, TruncIOp>(op)) // an i1 is held as 0 or 1
    return Number::of(
        wrap(isa<TruncIOp>(op) || !from.isInteger(1) ? x.whole : -x.whole, to));
  if (isa<ExtUIOp, IndexCastUIOp>(op))
    return Number::of(wrap(asUnsigned(x.whole, from), to));
  if (isa<SIToFPOp, UIToFPOp>(op)) {
    bool isSigned = isa<SIToFPOp>(op);
    int64_t n = isSigned && from.isInteger(1) ? -x.whole : x.whole;
    uint64_t u = asUnsigned(x.whole, from);
    if (to.isF64())
      return Number::of(isSigned ? double(n) : double(u));
    return Number::of(roundTo(isSigned ? float(n) : float(u), to));
  }
  if (isa<FPToSIOp, FPToUIOp>(op))
    return Number::of(toInteger(x.real, to, isa<FPToSIOp>(op)));
  if (isa<arith::BitcastOp>(op))
    return fromBits(reference::bitsOf(x, from), to);
  return std::nullopt;
}

static LogicalResult runConstant(Interpreter &run, arith::ConstantOp op) {
  Tile tile(op.getType());
  auto number = [&](Attribute value) {
    if (auto real = dyn_cast<FloatAttr>(value))
      return fromBits(real.getValue().bitcastToAPInt().getZExtValue(),
                      tile.element);
    return Number::of(
        wrap(cast<IntegerAttr>(value).getValue().getSExtValue(), tile.element));
  };
  if (auto elements = dyn_cast<DenseElementsAttr>(op.getValue())) {
    for (auto [into, value] :
         llvm::zip_equal(tile.elements, elements.getValues<Attribute>()))
      into = number(value);
  } else if (isa<FloatAttr, IntegerAttr>(op.getValue())) {
    tile.elements.front() = number(op.getValue());
  } else {
    return op.emitError("the reference does not know this constant");
  }
  run.set(op.getResult(), std::move(tile));
  return success();
}

Handled runArith(Interpreter &run, Operation *op) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return runConstant(run, constant);
  if (op->getName().getDialectNamespace() != "arith" ||
      op->getNumResults() != 1 || op->getNumOperands() == 0)
    return std::nullopt;
  Type from = getElementTypeOrSelf(op->getOperand(0).getType());
  Type to = getElementTypeOrSelf(op->getResult(0).getType());
  bool unknown = false, undefined = false;
  elementwise(run, op, [&](ArrayRef<Number> x) {
    Number a = x[0], b = x.size() > 1 ? x[1] : Number();
    if (isa<SelectOp>(op))
      return a.whole ? b : x[2];
    if (auto cmp = dyn_cast<CmpIOp>(op))
      return Number::of(
          int64_t(compare(cmp.getPredicate(), a.whole, b.whole, from)));
    if (auto cmp = dyn_cast<CmpFOp>(op))
      return Number::of(int64_t(compare(cmp.getPredicate(), a.real, b.real)));
    if (std::optional<Number> converted = convert(op, a, from, to))
      return *converted;
    if (isa<FloatType>(from)) {
      if (std::optional<double> real = floating(op, a.real, b.real))
        return Number::of(roundResult(*real, to));
    } else {
      if (std::optional<Wide> whole = integer(op, a.whole, b.whole, to))
        return Number::of(wrap(*whole, to));
      bool here = false;
      if (std::optional<Wide> whole =
              divideOrShift(op, a.whole, b.whole, to, here)) {
        undefined |= here;
        return Number::of(wrap(*whole, to));
      }
    }
    unknown = true;
    return Number();
  });
  if (unknown)
    return std::nullopt;
  if (undefined && run.isStrict())
    return op->emitError("a division by zero, an overflowing one, or a shift "
                         "by the width or more is undefined");
  return success();
}

} // namespace attn_grid::compiler::reference
