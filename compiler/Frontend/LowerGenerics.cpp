// Generic parameters: what is written, what follows from the arguments, what
// the declaration says by default.

#include "compiler/Frontend/Lowering.h"

using namespace mlir;

namespace attn_grid::compiler {

using Binding = StructType::Binding;

/// The number of the parameter of that name, or nothing.
static std::optional<size_t> findParam(llvm::ArrayRef<ast::GenericParam> params,
                                       llvm::StringRef name) {
  for (auto [index, param] : llvm::enumerate(params))
    if (param.name.text == name)
      return index;
  return std::nullopt;
}

static Binding bindType(DType type) {
  Binding binding;
  binding.isType = true;
  binding.type = type;
  return binding;
}

static Binding bindConst(const ConstValue &value) {
  Binding binding;
  binding.value = value;
  return binding;
}

std::optional<Binding> Lowering::evalGenericArg(const ast::GenericParam &param,
                                                const ast::GenericArg &arg) {
  switch (param.kind) {
  case ast::GenericParam::Kind::Type: {
    std::optional<DType> type = evalTypeArg(arg);
    if (!type || !checkTypeClass(param, *type, arg.range))
      return std::nullopt;
    return bindType(*type);
  }
  case ast::GenericParam::Kind::Const: {
    if (!arg.value) {
      error(arg.range, "`" + param.name.text + "` is a const, found a type");
      return std::nullopt;
    }
    std::optional<ConstValue> value =
        evalConst(*arg.value, "`" + param.name.text + "`");
    if (!value || !checkConstKind(param, *value, arg.range))
      return std::nullopt;
    return bindConst(*value);
  }
  case ast::GenericParam::Kind::Function: {
    if (!arg.value) {
      error(arg.range, "`" + param.name.text + "` is a function, found a type");
      return std::nullopt;
    }
    Binding binding;
    binding.function = bindFunction(*arg.value);
    if (!binding.function)
      return std::nullopt;
    return binding;
  }
  }
  return std::nullopt;
}

bool Lowering::bindExplicit(llvm::ArrayRef<ast::GenericParam> params,
                            llvm::ArrayRef<ast::GenericArg> args,
                            llvm::StringRef of, Bindings &bindings) {
  bool ok = true;
  for (auto [position, arg] : llvm::enumerate(args)) {
    std::optional<size_t> index = position;
    if (arg.name)
      index = findParam(params, arg.name->text);
    if (!index || *index >= params.size()) {
      if (arg.name)
        error(arg.name->range,
              ("`" + of + "` has no generic parameter `" + arg.name->text + "`")
                  .str());
      else
        error(arg.range,
              ("`" + of + "` takes " + std::to_string(params.size()) +
               " generic arguments, found " + std::to_string(args.size()))
                  .str());
      return false;
    }
    if (bindings[*index]) {
      error(arg.range, "generic parameter `" + params[*index].name.text +
                           "` is given twice");
      return false;
    }
    bindings[*index] = evalGenericArg(params[*index], arg);
    ok &= bindings[*index].has_value();
  }
  return ok;
}

bool Lowering::checkTypeClass(const ast::GenericParam &param, DType type,
                              SourceRange at) {
  using Class = ast::GenericParam::TypeClass;
  bool fits = param.typeClass == Class::Any ||
              (param.typeClass == Class::Float && is_float(type)) ||
              (param.typeClass == Class::Int && is_int(type));
  if (!fits)
    error(at, "`" + param.name.text + "` must be " +
                  (param.typeClass == Class::Float ? "a float type"
                                                   : "an integer type") +
                  ", found " + std::string(name_of(type)))
        .note(param.range, "it is declared here");
  return fits;
}

bool Lowering::checkConstKind(const ast::GenericParam &param, ConstValue &value,
                              SourceRange at) {
  using Kind = ast::GenericParam::ConstKind;
  ConstParam::Kind wanted =
      param.constKind == Kind::Int     ? ConstParam::Kind::integer
      : param.constKind == Kind::Float ? ConstParam::Kind::floating
                                       : ConstParam::Kind::boolean;
  if (value.kind == wanted)
    return true;
  if (wanted == ConstParam::Kind::floating &&
      value.kind == ConstParam::Kind::integer) {
    value = constFloat(asFloat(value));
    return true;
  }
  error(at, "`" + param.name.text + "` must be " +
                (wanted == ConstParam::Kind::integer    ? "an int"
                 : wanted == ConstParam::Kind::floating ? "a float"
                                                        : "a bool") +
                ", found the " + nameOf(value.kind).str() + " constant " +
                format(value))
      .note(param.range, "it is declared here");
  return false;
}

void Lowering::infer(llvm::ArrayRef<ast::GenericParam> params,
                     const ast::TypeExpr &type, const Datum &datum, bool last,
                     Bindings &bindings) {
  switch (type.kind) {
  case ast::TypeExpr::Kind::Named: {
    const auto &named = static_cast<const ast::NamedType &>(type);
    if (datum.kind == Datum::Kind::structure)
      inferStruct(params, named, *datum.structure, bindings);
    else
      inferElement(params, type, datum, last, bindings);
    return;
  }
  case ast::TypeExpr::Kind::Tile: {
    const auto &tile = static_cast<const ast::TileType &>(type);
    inferElement(params, *tile.element, datum, last, bindings);
    if (!datum.isTile())
      return;
    llvm::ArrayRef<int64_t> shape = datum.tile.shape();
    // Aligned from the right; an extent of 1 may repeat, so it decides last.
    for (size_t back = 1; back <= std::min(shape.size(), tile.dims.size());
         ++back) {
      int64_t extent = shape[shape.size() - back];
      if (extent != 1 || last)
        inferConst(params, *tile.dims[tile.dims.size() - back],
                   constInt(extent), bindings);
    }
    return;
  }
  case ast::TypeExpr::Kind::Tensor: {
    const auto &tensor = static_cast<const ast::TensorType &>(type);
    if (!datum.isTensor())
      return;
    inferElement(params, *tensor.element, datum, last, bindings);
    for (auto [dim, extent] : llvm::zip(tensor.dims, datum.tensor->extents))
      if (extent.isConstant())
        inferConst(params, *dim, extent.constant, bindings);
    return;
  }
  default:
    return; // `acc<T>` does not tell T
  }
}

void Lowering::inferElement(llvm::ArrayRef<ast::GenericParam> params,
                            const ast::TypeExpr &type, const Datum &datum,
                            bool last, Bindings &bindings) {
  const auto *named = ast::dynAs<ast::NamedType>(&type);
  std::optional<size_t> index =
      named ? findParam(params, named->name.text) : std::nullopt;
  if (!index || bindings[*index] ||
      params[*index].kind != ast::GenericParam::Kind::Type)
    return;
  if (datum.isTile())
    bindings[*index] = bindType(datum.tile.element);
  else if (datum.isTensor())
    bindings[*index] = bindType(datum.tensor->element);
  else if (datum.isConstant() && last) {
    // A constant takes any type; it decides only where nothing else does.
    bool wantsFloat =
        params[*index].typeClass == ast::GenericParam::TypeClass::Float;
    bindings[*index] =
        bindType(datum.isInt() && wantsFloat ? DType::f32
                                             : typeAlone(datum.constant.kind));
  }
}

void Lowering::inferStruct(llvm::ArrayRef<ast::GenericParam> params,
                           const ast::NamedType &type,
                           const StructType &structure, Bindings &bindings) {
  if (type.name.text != structure.decl->name.text)
    return;
  for (auto [position, arg] : llvm::enumerate(type.generics)) {
    std::optional<size_t> source = position;
    if (arg.name)
      source = findParam(structure.decl->generics, arg.name->text);
    if (!source || *source >= structure.bindings.size())
      return;
    const Binding &known = structure.bindings[*source];
    if (!known.isType) {
      if (arg.value)
        inferConst(params, *arg.value, known.value, bindings);
      continue;
    }
    // A lone name is an expression, whatever it names.
    const auto *name = ast::dynAs<ast::NameExpr>(arg.value);
    std::optional<size_t> index =
        name ? findParam(params, name->name) : std::nullopt;
    if (index && !bindings[*index] &&
        params[*index].kind == ast::GenericParam::Kind::Type)
      bindings[*index] = known;
  }
}

void Lowering::inferConst(llvm::ArrayRef<ast::GenericParam> params,
                          const ast::Expr &expr, const ConstValue &value,
                          Bindings &bindings) {
  const auto *name = ast::dynAs<ast::NameExpr>(&expr);
  std::optional<size_t> index =
      name ? findParam(params, name->name) : std::nullopt;
  if (index && !bindings[*index] &&
      params[*index].kind == ast::GenericParam::Kind::Const)
    bindings[*index] = bindConst(value);
}

bool Lowering::declareGenerics(llvm::ArrayRef<ast::GenericParam> params,
                               Bindings &bindings, llvm::StringRef of,
                               SourceRange at) {
  for (auto [param, binding] : llvm::zip(params, bindings)) {
    bool isFunction = param.kind == ast::GenericParam::Kind::Function;
    bool isType = param.kind == ast::GenericParam::Kind::Type;
    if (!binding && isType && param.typeDefault) {
      if (auto type = evalElementType(*param.typeDefault))
        binding = bindType(*type);
      else
        return false;
    } else if (!binding && isFunction && param.valueDefault) {
      binding.emplace();
      if (!(binding->function = bindFunction(*param.valueDefault)))
        return false;
    } else if (!binding && !isType && param.valueDefault) {
      if (auto value = evalConst(*param.valueDefault, "a default"))
        binding = bindConst(*value);
      else
        return false;
    }
    if (!binding) {
      error(at,
            ((isFunction ? "no function is given for `" : "cannot infer `") +
             param.name.text + "` of `" + of + "`")
                .str())
          .note(("give it: `" + of + "<" + param.name.text + " = ...>`").str())
          .note(param.range, "it is declared here");
      return false;
    }
    if (isFunction) {
      if (!checkFunctionType(param, *binding->function, at))
        return false;
      declare(param.name, Symbol::Kind::generic, Datum::of(binding->function));
      continue;
    }
    if (isType ? !checkTypeClass(param, binding->type, at)
               : !checkConstKind(param, binding->value, at))
      return false;
    declare(param.name, Symbol::Kind::generic,
            isType ? Datum::ofType(binding->type) : Datum::of(binding->value));
  }
  return true;
}

} // namespace attn_grid::compiler
