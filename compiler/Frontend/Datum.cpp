#include "compiler/Frontend/Datum.h"

#include "compiler/Frontend/FunctionRef.h"

using namespace mlir;

namespace attn_grid::compiler {

std::string format(const DataType &type) {
  if (type.structure)
    return type.structure->name;
  if (type.tuple.empty())
    return format(type.tile);
  std::string text = "(";
  for (const DataType &element : type.tuple)
    text += (text.size() > 1 ? ", " : "") + format(element);
  return text + ")";
}

std::string describe(const Datum &datum) {
  switch (datum.kind) {
  case Datum::Kind::poison:
    return "a mistake";
  case Datum::Kind::none:
    return "nothing";
  case Datum::Kind::constant:
    return "the " + nameOf(datum.constant.kind).str() + " constant " +
           format(datum.constant);
  case Datum::Kind::tensor: {
    std::string dims;
    for (const Datum &extent : datum.tensor->extents)
      dims += (dims.empty() ? "" : ", ") +
              (extent.isConstant() ? format(extent.constant) : "?");
    return "tensor<" + std::string(name_of(datum.tensor->element)) + ">[" +
           dims + "]";
  }
  case Datum::Kind::absent:
    return "an absent tensor";
  case Datum::Kind::type:
    return "the type " + std::string(name_of(datum.type));
  case Datum::Kind::tuple:
    return "a tuple";
  case Datum::Kind::function:
    return "the function `" + datum.function->name() + "`";
  case Datum::Kind::tile:
  case Datum::Kind::structure:
    break;
  }
  return format(typeOf(datum));
}

DataType typeOf(const Datum &datum) {
  DataType type;
  if (datum.isTile())
    type.tile = datum.tile.type();
  else if (datum.isConstant())
    type.tile.element = typeAlone(datum.constant.kind);
  type.structure = datum.structure;
  if (datum.kind == Datum::Kind::tuple)
    for (const Datum &part : datum.parts)
      type.tuple.push_back(typeOf(part));
  return type;
}

void flatten(const Datum &datum, llvm::SmallVectorImpl<Value> &values) {
  if (datum.isTile())
    values.push_back(datum.tile.value);
  for (const Datum &part : datum.parts)
    flatten(part, values);
}

void refill(Datum &datum, llvm::ArrayRef<Value> &values) {
  if (datum.isTile() && !values.empty()) {
    datum.tile.value = values.front();
    values = values.drop_front();
  }
  for (Datum &part : datum.parts)
    refill(part, values);
}

} // namespace attn_grid::compiler
