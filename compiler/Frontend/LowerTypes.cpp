// Types as written, under the current bindings.

#include "compiler/Frontend/Lowering.h"

using namespace mlir;

namespace attn_grid::compiler {

bool Lowering::checkTileShape(llvm::ArrayRef<int64_t> shape, SourceRange at) {
  int64_t elements = 1;
  for (int64_t extent : shape) {
    elements *= extent; // each is at most 2^20, and we stop at once
    if (elements > ir::maxTileElements) {
      error(at, "a tile has at most " + std::to_string(ir::maxTileElements) +
                    " elements, found " + format(shape));
      return false;
    }
  }
  return true;
}

std::optional<DataType> Lowering::evalType(const ast::TypeExpr &type) {
  switch (type.kind) {
  case ast::TypeExpr::Kind::Named:
    return evalNamedType(static_cast<const ast::NamedType &>(type));
  case ast::TypeExpr::Kind::Acc: {
    std::optional<DType> element = evalElementType(type);
    if (!element)
      return std::nullopt;
    return DataType{{*element, {}}, nullptr, {}};
  }
  case ast::TypeExpr::Kind::Tile: {
    const auto &tile = static_cast<const ast::TileType &>(type);
    std::optional<DType> element = evalElementType(*tile.element);
    std::optional<Shape> shape = evalShape(tile.dims, type.range);
    if (!element || !shape)
      return std::nullopt;
    return DataType{{*element, *shape}, nullptr, {}};
  }
  case ast::TypeExpr::Kind::Tuple: {
    DataType result;
    for (const auto &element :
         static_cast<const ast::TupleType &>(type).elements) {
      std::optional<DataType> one = evalType(*element);
      if (!one)
        return std::nullopt;
      result.tuple.push_back(std::move(*one));
    }
    return result;
  }
  case ast::TypeExpr::Kind::Tensor:
    error(type.range, "a tensor is only a parameter; make a part of one with "
                      "`view(t[...])`");
    return std::nullopt;
  case ast::TypeExpr::Kind::Function:
    error(type.range, "a function type is only that of a function parameter");
    return std::nullopt;
  }
  return std::nullopt;
}

std::optional<DType> Lowering::evalElementType(const ast::TypeExpr &type) {
  if (const auto *acc = ast::dynAs<ast::AccType>(&type)) {
    std::optional<DType> of = evalElementType(*acc->of);
    if (!of)
      return std::nullopt;
    return acc_of(*of);
  }
  if (type.kind == ast::TypeExpr::Kind::Named) {
    std::optional<DataType> named =
        evalNamedType(static_cast<const ast::NamedType &>(type));
    if (!named)
      return std::nullopt;
    if (!named->structure)
      return named->tile.element;
  }
  error(type.range,
        "expected a scalar type, found `" + quote(type.range) + "`");
  return std::nullopt;
}

std::optional<DataType> Lowering::evalNamedType(const ast::NamedType &type) {
  const std::string &name = type.name.text;
  std::optional<DType> scalar;
  if (auto number = scope().find(name)) {
    const Datum &value = scope()[*number].value;
    if (value.isPoison())
      return std::nullopt;
    if (value.kind == Datum::Kind::type)
      scalar = value.type;
  }
  const ast::Decl *global = globals.find(name, type.range.file);
  if (const auto *decl = ast::dynAs<ast::StructDecl>(global)) {
    Bindings bindings(decl->generics.size());
    if (!bindExplicit(decl->generics, type.generics, name, bindings))
      return std::nullopt;
    Frame own;
    own.decl = decl;
    own.name = name;
    Frame *user = std::exchange(frame, &own);
    bool bound = declareGenerics(decl->generics, bindings, name, type.range);
    frame = user;
    if (!bound)
      return std::nullopt;
    std::vector<StructType::Binding> complete;
    for (const auto &binding : bindings)
      complete.push_back(*binding);
    const StructType *structure =
        instantiate(*decl, std::move(complete), type.range);
    if (!structure)
      return std::nullopt;
    return DataType{{}, structure, {}};
  }
  if (!scalar && !global)
    scalar = dtype_named(name);
  if (scalar && type.generics.empty())
    return DataType{{*scalar, {}}, nullptr, {}};
  if (scalar)
    error(type.range, "`" + name + "` takes no generic arguments");
  else
    error(type.range, "`" + name + "` is not a type");
  return std::nullopt;
}

std::optional<DType> Lowering::evalTypeArg(const ast::GenericArg &arg) {
  if (arg.type)
    return evalElementType(*arg.type);
  Datum value = eval(*arg.value);
  if (value.kind == Datum::Kind::type)
    return value.type;
  if (!value.isPoison())
    error(arg.range, "expected a type, found " + describe(value));
  return std::nullopt;
}

const StructType *
Lowering::instantiate(const ast::StructDecl &decl,
                      std::vector<StructType::Binding> bindings,
                      SourceRange at) {
  Nest nest(*this, at); // `struct S<const N: int> { x: S<N + 1> }` has no end
  if (nest.tooDeep)
    return nullptr;
  std::string name = decl.name.text;
  for (const StructType::Binding &binding : bindings) {
    name += &binding == &bindings.front() ? "<" : ", ";
    name += binding.isType ? std::string(name_of(binding.type))
                           : format(binding.value);
  }
  if (!bindings.empty())
    name += ">";
  // Two files may each have a private struct of one name.
  std::string key = std::to_string(decl.name.range.file) + ":" + name;
  auto it = structs.find(key);
  if (it != structs.end()) {
    if (!it->second)
      error(at, "struct `" + name + "` contains itself");
    return it->second.get();
  }
  structs[key] = nullptr; // while its fields are looked at
  auto type = std::make_unique<StructType>();
  type->decl = &decl;
  type->name = name;
  Frame own;
  own.decl = &decl;
  own.name = name;
  own.caller = frame;
  own.calledAt = at;
  Frame *user = std::exchange(frame, &own);
  for (auto [param, binding] : llvm::zip(decl.generics, bindings))
    declare(param.name, Symbol::Kind::generic,
            binding.isType ? Datum::ofType(binding.type)
                           : Datum::of(binding.value));
  bool ok = true;
  for (const ast::StructDecl::Field &field : decl.fields) {
    std::optional<DataType> fieldType = evalType(*field.type);
    if (fieldType && !fieldType->tuple.empty()) {
      error(field.range, "a field is a scalar, a tile or a struct");
      fieldType = std::nullopt;
    }
    ok &= fieldType.has_value();
    type->fields.push_back(fieldType.value_or(DataType()));
  }
  frame = user;
  if (!ok) {
    structs.erase(key);
    return nullptr;
  }
  type->bindings = std::move(bindings);
  return (structs[key] = std::move(type)).get();
}

} // namespace attn_grid::compiler
