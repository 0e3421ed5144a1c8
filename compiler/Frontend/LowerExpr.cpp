// Expressions: names, indexing, members, structs, constants.

#include "compiler/Frontend/Lowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace attn_grid::compiler {

Datum Lowering::eval(const ast::Expr &expr) {
  Nest nest(*this, expr.range);
  if (nest.tooDeep)
    return Datum::poison();
  At at(*this, expr.range);
  return evalKind(expr);
}

Datum Lowering::evalKind(const ast::Expr &expr) {
  switch (expr.kind) {
  case ast::Expr::Kind::IntLiteral:
    return Datum::of(
        constInt(static_cast<const ast::IntLiteral &>(expr).value));
  case ast::Expr::Kind::FloatLiteral:
    return Datum::of(
        constFloat(static_cast<const ast::FloatLiteral &>(expr).value));
  case ast::Expr::Kind::BoolLiteral:
    return Datum::of(
        constBool(static_cast<const ast::BoolLiteral &>(expr).value));
  case ast::Expr::Kind::StringLiteral:
    return poison(expr.range, "expected a value, found a string");
  case ast::Expr::Kind::Name:
    return evalName(static_cast<const ast::NameExpr &>(expr));
  case ast::Expr::Kind::Unary:
    return evalUnary(static_cast<const ast::UnaryExpr &>(expr));
  case ast::Expr::Kind::Binary:
    return evalBinary(static_cast<const ast::BinaryExpr &>(expr));
  case ast::Expr::Kind::Call:
    return evalCall(static_cast<const ast::CallExpr &>(expr));
  case ast::Expr::Kind::Maker:
    return evalMaker(static_cast<const ast::MakerExpr &>(expr));
  case ast::Expr::Kind::Struct:
    return evalStruct(static_cast<const ast::StructExpr &>(expr), nullptr);
  case ast::Expr::Kind::Index:
    return evalIndex(static_cast<const ast::IndexExpr &>(expr));
  case ast::Expr::Kind::Member:
    return evalMember(static_cast<const ast::MemberExpr &>(expr));
  case ast::Expr::Kind::List:
    return poison(expr.range, "expected a value, found a list");
  }
  return Datum::poison();
}

/// What a declaration is called in messages.
static const char *nounOf(const ast::Decl &decl) {
  switch (decl.kind) {
  case ast::Decl::Kind::Const:
    return "const";
  case ast::Decl::Kind::Struct:
    return "struct";
  case ast::Decl::Kind::Fn:
    return "function";
  case ast::Decl::Kind::Kernel:
    return "kernel";
  case ast::Decl::Kind::Variant:
    return "variant";
  }
  return "name";
}

Datum Lowering::evalName(const ast::NameExpr &expr) {
  if (auto number = scope().find(expr.name))
    return scope()[*number].value;
  if (const ast::Decl *decl = globals.find(expr.name, expr.range.file)) {
    if (const auto *constant = ast::dynAs<ast::ConstDecl>(decl))
      return globalConst(*constant, expr.range);
    error(expr.range, "expected a value, found the " +
                          std::string(nounOf(*decl)) + " `" + expr.name + "`")
        .note(decl->name.range, "it is declared here");
    return Datum::poison();
  }
  if (auto type = dtype_named(expr.name))
    return Datum::ofType(*type);
  if (auto builtin = builtinName(expr.name))
    return *builtin;
  if (expr.name == "zeros" || expr.name == "full")
    return poison(expr.range, "`" + expr.name + "` needs one element type: `" +
                                  expr.name + "<f32>[...]`");
  if (findBuiltin(expr.name))
    return poison(expr.range, "expected a value, found the builtin function `" +
                                  expr.name + "`");
  return poison(expr.range, "unknown name `" + expr.name + "`");
}

Datum Lowering::globalConst(const ast::ConstDecl &decl, SourceRange use) {
  auto [it, isNew] = globalConsts.try_emplace(&decl, std::nullopt);
  if (!isNew) {
    if (it->second)
      return *it->second;
    return poison(use,
                  "the const `" + decl.name.text + "` is defined by itself");
  }
  // Its expression sees no name of the function that asks.
  Frame *user = frame;
  Frame own;
  own.decl = &decl;
  own.name = decl.name.text;
  frame = &own;
  auto value = evalConst(*decl.value, "a const");
  frame = user;
  Datum datum = value ? Datum::of(*value) : Datum::poison();
  globalConsts[&decl] = datum;
  return datum;
}

Datum Lowering::evalIndex(const ast::IndexExpr &expr) {
  Datum base = eval(*expr.base);
  switch (base.kind) {
  case Datum::Kind::poison:
    return base;
  case Datum::Kind::tensor: {
    std::optional<Access> access = evalAccess(expr);
    if (!access || !checkReadable(*access))
      return Datum::poison();
    return load(*access, Value(), Value());
  }
  case Datum::Kind::constant:
  case Datum::Kind::tile: {
    auto tile = asTile({base, expr.base->range});
    return tile ? indexTile(expr, *tile) : Datum::poison();
  }
  default:
    expectValue({base, expr.base->range});
    return Datum::poison();
  }
}

Datum Lowering::evalMember(const ast::MemberExpr &expr) {
  Datum base = eval(*expr.base);
  if (base.isPoison())
    return base;
  const std::string &member = expr.member.text;
  if (base.kind == Datum::Kind::structure) {
    const auto &fields = base.structure->decl->fields;
    for (auto [field, part] : llvm::zip(fields, base.parts))
      if (field.name.text == member)
        return part;
    error(expr.member.range,
          "`" + base.structure->name + "` has no field `" + member + "`")
        .note(base.structure->decl->name.range, "it is declared here");
    return Datum::poison();
  }
  if (!expectValue({base, expr.base->range}))
    return Datum::poison();
  if (member != "T" || !base.isTile())
    return poison(expr.member.range,
                  describe(base) + " has no field `" + member + "`");
  size_t rank = base.tile.shape().size();
  if (rank < 2)
    return poison(expr.member.range, "`.T` swaps the last two axes, but " +
                                         describe(base) + " has only " +
                                         std::to_string(rank));
  llvm::SmallVector<int64_t> axes = allAxes(rank);
  std::swap(axes[rank - 1], axes[rank - 2]);
  return transpose(base.tile, axes);
}

Datum Lowering::evalAs(const ast::Expr &expr, const DataType &expected) {
  const auto *structure = ast::dynAs<ast::StructExpr>(&expr);
  if (!structure)
    return eval(expr);
  Nest nest(*this, expr.range);
  if (nest.tooDeep)
    return Datum::poison();
  At at(*this, expr.range);
  return evalStruct(*structure, expected.structure);
}

Datum Lowering::evalStruct(const ast::StructExpr &expr,
                           const StructType *expected) {
  const ast::Decl *global = globals.find(expr.name.text, expr.name.range.file);
  const auto *decl = ast::dynAs<ast::StructDecl>(global);
  if (!decl)
    return poison(expr.name.range, "`" + expr.name.text + "` is not a struct");
  std::vector<std::optional<Operand>> values(decl->fields.size());
  bool ok = true;
  for (const ast::StructExpr::Field &field : expr.fields) {
    Operand value{eval(*field.value), field.value->range};
    auto it = llvm::find_if(decl->fields, [&](const auto &known) {
      return known.name.text == field.name.text;
    });
    if (it == decl->fields.end()) {
      error(field.name.range,
            "`" + decl->name.text + "` has no field `" + field.name.text + "`")
          .note(decl->name.range, "it is declared here");
      ok = false;
      continue;
    }
    auto &slot = values[it - decl->fields.begin()];
    if (slot) {
      error(field.name.range, "field `" + field.name.text + "` is given twice")
          .note(slot->range, "first here");
      ok = false;
    }
    ok &= !value.datum.isPoison();
    slot = std::move(value);
  }
  for (auto [field, value] : llvm::zip(decl->fields, values))
    if (!value && ok) {
      error(expr.range, "field `" + field.name.text + "` of `" +
                            decl->name.text + "` is missing")
          .note(field.range, "it is declared here");
      ok = false;
    }
  Bindings bindings(decl->generics.size());
  if (!ok ||
      !bindExplicit(decl->generics, expr.generics, decl->name.text, bindings))
    return Datum::poison();
  if (expected && expected->decl == decl)
    for (auto [binding, known] : llvm::zip(bindings, expected->bindings))
      if (!binding)
        binding = known;
  for (bool last : {false, true})
    for (auto [field, value] : llvm::zip(decl->fields, values))
      infer(decl->generics, *field.type, value->datum, last, bindings);
  // Defaults may use other parameters: declare them in a scope of their own.
  Frame own;
  own.decl = decl;
  own.name = decl->name.text;
  Frame *user = std::exchange(frame, &own);
  bool bound =
      declareGenerics(decl->generics, bindings, decl->name.text, expr.range);
  frame = user;
  if (!bound)
    return Datum::poison();
  std::vector<StructType::Binding> complete;
  for (const auto &binding : bindings)
    complete.push_back(*binding);
  const StructType *type =
      instantiate(*decl, std::move(complete), expr.name.range);
  if (!type)
    return Datum::poison();
  Datum result = Datum::of(Datum::Kind::structure);
  result.structure = type;
  for (auto [index, field] : llvm::enumerate(decl->fields)) {
    Datum part = convertTo(*values[index], type->fields[index],
                           "field `" + field.name.text + "`");
    if (part.isPoison())
      return part;
    result.parts.push_back(std::move(part));
  }
  return result;
}

// ------------------------------------------------------------------ constants

std::optional<ConstValue> Lowering::evalConst(const ast::Expr &expr,
                                              llvm::StringRef what) {
  Datum value = eval(expr);
  if (value.isConstant())
    return value.constant;
  if (value.isPoison())
    return std::nullopt;
  auto message = error(
      expr.range, what.str() + " must be known while compiling, found " +
                      (value.isTile() ? "a run-time " : "") + describe(value));
  if (value.isTile())
    message.note("run-time extents, scalars and what `let` binds are not "
                 "const; use `const x = ...;` of constants");
  return std::nullopt;
}

std::optional<int64_t> Lowering::evalConstInt(const ast::Expr &expr,
                                              llvm::StringRef what) {
  std::optional<ConstValue> value = evalConst(expr, what);
  if (!value)
    return std::nullopt;
  if (value->kind == ConstParam::Kind::integer)
    return value->i;
  error(expr.range, what.str() + " must be an int, found the " +
                        nameOf(value->kind).str() + " constant " +
                        format(*value));
  return std::nullopt;
}

std::optional<bool> Lowering::evalConstBool(const ast::Expr &expr,
                                            llvm::StringRef what) {
  std::optional<ConstValue> value = evalConst(expr, what);
  if (!value)
    return std::nullopt;
  if (value->kind == ConstParam::Kind::boolean)
    return value->i != 0;
  error(expr.range, what.str() + " must be a bool, found the " +
                        nameOf(value->kind).str() + " constant " +
                        format(*value));
  return std::nullopt;
}

std::optional<int64_t> Lowering::evalExtent(const ast::Expr &expr) {
  std::optional<int64_t> extent = evalConstInt(expr, "an extent of a tile");
  if (!extent)
    return std::nullopt;
  if (*extent >= 1 && llvm::isPowerOf2_64(*extent) &&
      *extent <= ir::maxTileElements)
    return extent;
  auto message = error(expr.range, "an extent of a tile must be a power of two "
                                   "up to " +
                                       std::to_string(ir::maxTileElements) +
                                       ", found " + std::to_string(*extent));
  if (*extent > 1 && *extent < ir::maxTileElements)
    message.note("round it up: `next_pow2(" + quote(expr.range) +
                 ")`; elements outside a tensor read as 0");
  return std::nullopt;
}

std::optional<Shape> Lowering::evalShape(llvm::ArrayRef<ast::ExprPtr> dims,
                                         SourceRange range) {
  Shape shape;
  bool ok = true;
  for (const ast::ExprPtr &dim : dims) {
    std::optional<int64_t> extent = evalExtent(*dim);
    ok &= extent.has_value();
    shape.push_back(extent.value_or(1));
  }
  if (!ok || !checkTileShape(shape, range))
    return std::nullopt;
  return shape;
}

std::optional<Value> Lowering::evalCondition(const ast::Expr &expr) {
  Operand operand{eval(expr), expr.range};
  std::optional<TileValue> value = asTile(operand);
  if (!value)
    return std::nullopt;
  if (isBool(value->element) && value->isScalar())
    return value->value;
  auto message = error(expr.range, "a condition must be a scalar bool, found " +
                                       describe(operand.datum));
  if (!value->isScalar())
    message.note("choose elements with `where(c, a, b)`, or reduce with "
                 "`any(c)` or `all(c)`");
  else
    message.note("compare it: `" + quote(expr.range) + " != 0`");
  return std::nullopt;
}

} // namespace attn_grid::compiler
