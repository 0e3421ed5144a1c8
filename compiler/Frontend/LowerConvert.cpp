// How a datum becomes a value of a wanted type: constants adapt, tiles repeat,
// and nothing changes its precision or kind silently.

#include "compiler/Frontend/Lowering.h"

using namespace mlir;

namespace attn_grid::compiler {

bool Lowering::expectValue(const Operand &operand) {
  const Datum &datum = operand.datum;
  switch (datum.kind) {
  case Datum::Kind::constant:
  case Datum::Kind::tile:
    return true;
  case Datum::Kind::poison:
    return false;
  case Datum::Kind::tensor:
    error(operand.range, "expected a scalar or tile, found the tensor `" +
                             datum.tensor->name + "`")
        .note("read its elements: `" + datum.tensor->name + "[...]`");
    return false;
  case Datum::Kind::absent:
    error(operand.range, "`" + quote(operand.range) + "` may be absent")
        .note("name it only under `const if present(" + quote(operand.range) +
              ") { ... }`");
    return false;
  case Datum::Kind::tuple:
    error(operand.range, "expected a scalar or tile, found a tuple")
        .note("take it apart at once: `let (a, b) = ...;`");
    return false;
  default:
    error(operand.range, "expected a scalar or tile, found " + describe(datum));
    return false;
  }
}

Datum Lowering::alone(const Datum &datum, SourceRange range) {
  if (!datum.isConstant())
    return datum;
  DType element = typeAlone(datum.constant.kind);
  std::string why = whyNotA(element, datum.constant);
  if (!why.empty())
    return poison(range, why);
  return Datum::of(numerics().constant(element, {}, datum.constant));
}

std::optional<TileValue> Lowering::asTile(const Operand &operand) {
  if (!expectValue(operand))
    return std::nullopt;
  Datum value = alone(operand.datum, operand.range);
  if (value.isPoison())
    return std::nullopt;
  return value.tile;
}

/// `cast<f32>(x)`, with the author's own text for x.
static std::string castOf(DType type, const std::string &text) {
  return "`cast<" + std::string(name_of(type)) + ">(" + text + ")`";
}

std::optional<TileValue> Lowering::adapt(const Operand &operand, DType element,
                                         llvm::StringRef what,
                                         const Shape *shape) {
  if (!expectValue(operand))
    return std::nullopt;
  if (operand.datum.isConstant()) {
    std::string why = whyNotA(element, operand.datum.constant);
    if (why.empty())
      return numerics().constant(element, {}, operand.datum.constant);
    error(operand.range, what.str() + ": " + why);
    return std::nullopt;
  }
  const TileValue &tile = operand.datum.tile;
  if (tile.element == element)
    return tile;
  TileType wanted{element, shape ? Shape(*shape) : tile.type().shape};
  error(operand.range, what.str() + ": expected " + format(wanted) +
                           ", found " + format(tile.type()))
      .note(isBool(element)
                ? "compare it: `" + quote(operand.range) + " != 0`"
                : "convert it: " + castOf(element, quote(operand.range)));
  return std::nullopt;
}

std::optional<TileValue> Lowering::convert(const Operand &operand,
                                           const TileType &type,
                                           llvm::StringRef what) {
  std::optional<TileValue> value =
      adapt(operand, type.element, what, &type.shape);
  if (!value)
    return std::nullopt;
  if (!broadcastsTo(value->shape(), type.shape)) {
    error(operand.range, what.str() + ": expected " + format(type) +
                             ", found " + format(value->type()));
    return std::nullopt;
  }
  return numerics().broadcast(*value, type.shape);
}

Datum Lowering::convertTo(const Operand &operand, const DataType &type,
                          llvm::StringRef what) {
  const Datum &datum = operand.datum;
  if (datum.isPoison())
    return Datum::poison();
  if (!type.structure && type.tuple.empty()) {
    auto value = convert(operand, type.tile, what);
    return value ? Datum::of(*value) : Datum::poison();
  }
  if (!type.tuple.empty() && datum.kind == Datum::Kind::tuple &&
      datum.parts.size() == type.tuple.size()) {
    std::vector<Datum> parts;
    for (auto [part, want] : llvm::zip(datum.parts, type.tuple)) {
      parts.push_back(convertTo({part, operand.range}, want, what));
      if (parts.back().isPoison())
        return Datum::poison();
    }
    return Datum::ofTuple(std::move(parts));
  }
  if (type.structure && datum.structure == type.structure)
    return datum;
  return poison(operand.range, what.str() + ": expected " + format(type) +
                                   ", found " + describe(datum));
}

/// The type that two different ones would best be converted to: floats before
/// integers, wide before narrow.
static DType widerOf(DType a, DType b) {
  if (is_float(a) != is_float(b))
    return is_float(a) ? a : b;
  if (isHalf(a) && isHalf(b))
    return DType::f32;
  return bitsOf(a) >= bitsOf(b) ? a : b;
}

std::optional<DType> Lowering::commonElement(llvm::ArrayRef<Operand> operands,
                                             llvm::StringRef what,
                                             SourceRange at) {
  const Operand *first = nullptr;
  bool anyFloat = false, anyInt = false, anyBool = false;
  for (const Operand &operand : operands) {
    if (!expectValue(operand))
      return std::nullopt;
    if (operand.datum.isConstant()) {
      auto kind = operand.datum.constant.kind;
      anyFloat |= kind == ConstParam::Kind::floating;
      anyInt |= kind == ConstParam::Kind::integer;
      anyBool |= kind == ConstParam::Kind::boolean;
      continue;
    }
    if (!first) {
      first = &operand;
      continue;
    }
    DType have = operand.datum.tile.element;
    DType want = first->datum.tile.element;
    if (have == want)
      continue;
    DType wide = widerOf(have, want);
    const Operand &narrow = have == wide ? *first : operand;
    auto message = error(at, what.str() + " needs one type, found " +
                                 std::string(name_of(want)) + " and " +
                                 std::string(name_of(have)));
    message.label(first->range, format(first->datum.tile.type()))
        .label(operand.range, format(operand.datum.tile.type()));
    if (isHalf(have) && isHalf(want))
      message.note("convert both to f32 first: " +
                   castOf(wide, quote(narrow.range)));
    else
      message.note("convert one: " + castOf(wide, quote(narrow.range)));
    return std::nullopt;
  }
  if (first)
    return first->datum.tile.element;
  if (anyBool && (anyInt || anyFloat)) {
    error(at, what.str() + " needs one type, found bool and a number");
    return std::nullopt;
  }
  if (anyBool)
    return DType::boolean;
  return anyFloat ? DType::f32 : DType::i32;
}

std::optional<llvm::SmallVector<TileValue, 3>>
Lowering::unify(llvm::ArrayRef<Operand> operands, llvm::StringRef what,
                SourceRange at) {
  std::optional<DType> element = commonElement(operands, what, at);
  if (!element)
    return std::nullopt;
  llvm::SmallVector<TileValue, 3> values;
  Shape shape;
  for (const Operand &operand : operands) {
    std::optional<TileValue> value = adapt(operand, *element, what);
    if (!value)
      return std::nullopt;
    std::optional<Shape> both = broadcastShape(shape, value->shape());
    if (!both) {
      auto message =
          error(at, what.str() + " needs shapes that repeat to one, found " +
                        format(shape) + " and " + format(value->shape()));
      for (const Operand &other : operands)
        if (other.datum.isTile())
          message.label(other.range, format(other.datum.tile.type()));
      return std::nullopt;
    }
    shape = *both;
    values.push_back(*value);
  }
  if (!checkTileShape(shape, at))
    return std::nullopt;
  for (TileValue &value : values)
    value = numerics().broadcast(value, shape);
  return values;
}

} // namespace attn_grid::compiler
