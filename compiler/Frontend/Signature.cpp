#include "compiler/Frontend/Signature.h"
#include "compiler/Frontend/SignatureImpl.h"
#include "compiler/Frontend/Suggest.h"

#include <algorithm>

namespace attn_grid::compiler {

using namespace ast;

// ----------------------------------------------------------------------- names

template <typename List>
static int indexOf(const List &list, std::string_view name) {
  for (size_t i = 0; i < list.size(); ++i)
    if (list[i].name == name)
      return static_cast<int>(i);
  return -1;
}

int SignatureBuilder::typeIndex(std::string_view name) const {
  return indexOf(sig.types, name);
}
int SignatureBuilder::constIndex(std::string_view name) const {
  return indexOf(sig.consts, name);
}
int SignatureBuilder::extentIndex(std::string_view name) const {
  return indexOf(sig.extents, name);
}

const ast::Param *SignatureBuilder::paramNamed(std::string_view name) const {
  for (const ast::Param &param : kernel.params)
    if (param.name.text == name)
      return &param;
  return nullptr;
}

const ConstDecl *SignatureBuilder::globalConst(std::string_view name) const {
  for (const std::unique_ptr<ast::File> &file : tree.files)
    for (const DeclPtr &decl : file->decls)
      if (const auto *found = dynAs<ConstDecl>(decl);
          found && found->name.text == name &&
          (file->id == kernel.range.file || !name.starts_with('_')))
        return found;
  return nullptr;
}

/// The parser saw to it that the parameters in `<...>` differ, and those in
/// `(...)`; here the two lists are compared.
void SignatureBuilder::checkNames() {
  for (const ast::Param &param : kernel.params)
    for (const GenericParam &generic : kernel.generics)
      if (param.name.text == generic.name.text)
        diags
            .error(param.name.range,
                   "the parameter `" + param.name.text + "` is declared twice")
            .label(generic.name.range, "declared first here");
}

// ----------------------------------------------------------------------- types

std::optional<TypeRef> SignatureBuilder::namedTypeRef(const NamedType &type) {
  const std::string &name = type.name.text;
  TypeRef ref;
  if (int index = typeIndex(name); index >= 0) {
    ref.kind = TypeRef::Kind::param;
    ref.param = index;
  } else if (std::optional<DType> dtype = dtype_named(name)) {
    ref.dtype = *dtype;
  } else {
    std::vector<std::string> known = {"int"};
    for (const TypeParam &param : sig.types)
      known.push_back(param.name);
    for (int i = 0; i < numDTypes; ++i)
      known.emplace_back(name_of(static_cast<DType>(i)));
    DiagnosticBuilder error = diags.error(
        type.range, "`" + name + "` is not an element type of a kernel");
    if (auto meant = closest(name, known))
      error.note("did you mean `" + *meant + "`?");
    else if (name == "float" || name == "double" || name == "half")
      error.note(std::string("did you mean `") +
                 (name == "float"    ? "f32"
                  : name == "double" ? "f64"
                                     : "f16") +
                 "`?");
    else
      error.note("a type parameter is declared in `<...>`, as `" + name +
                 ": float`");
    return std::nullopt;
  }
  if (!type.generics.empty()) {
    diags.error(type.range, "`" + name + "` is not generic");
    return std::nullopt;
  }
  return ref;
}

std::optional<TypeRef> SignatureBuilder::typeRef(const TypeExpr &type) {
  if (const auto *named = dynAs<NamedType>(&type))
    return namedTypeRef(*named);
  if (const auto *acc = dynAs<AccType>(&type)) {
    std::optional<TypeRef> ref = typeRef(*acc->of);
    if (ref && ref->kind == TypeRef::Kind::concrete)
      ref->dtype = acc_of(ref->dtype);
    else if (ref)
      ref->kind = TypeRef::Kind::acc_of_param;
    return ref;
  }
  diags.error(type.range, "a kernel takes tensors and scalars only");
  return std::nullopt;
}

// -------------------------------------------------------------------- generics

void SignatureBuilder::buildGenerics() {
  for (const GenericParam &param : kernel.generics) {
    if (param.kind == GenericParam::Kind::Const) {
      ConstParam &added = sig.consts.emplace_back();
      added.name = param.name.text;
      added.kind = static_cast<ConstParam::Kind>(param.constKind);
      constDecls.push_back(&param);
    } else if (param.kind == GenericParam::Kind::Type) {
      TypeParam added;
      added.name = param.name.text;
      added.kind = static_cast<TypeParam::Class>(param.typeClass);
      // Not yet in the list, so it cannot be its own default.
      if (param.typeDefault) {
        std::optional<TypeRef> ref = typeRef(*param.typeDefault);
        added.has_default = ref.has_value();
        added.default_type = ref.value_or(TypeRef());
        bool fits = !ref || added.kind == TypeParam::Class::any ||
                    (added.kind == TypeParam::Class::floating
                         ? sortOf(*ref) == Sort::Float
                         : sortOf(*ref) == Sort::Int);
        if (!fits)
          diags.error(param.typeDefault->range,
                      "the default of `" + added.name + "` is not " +
                          (added.kind == TypeParam::Class::floating
                               ? "a float type"
                               : "an integer type"));
      }
      sig.types.push_back(std::move(added));
    } else {
      sig.functions.push_back({param.name.text,
                               std::string(sources.text(param.function->range)),
                               param.valueDefault != nullptr,
                               {}});
    }
  }
}

void SignatureBuilder::buildConstDefaults() {
  // A default may use the consts before it: those after are not yet there.
  std::vector<ConstParam> all = std::move(sig.consts);
  sig.consts.clear();
  for (size_t i = 0; i < all.size(); ++i) {
    const GenericParam &param = *constDecls[i];
    bool isBool = all[i].kind == ConstParam::Kind::boolean;
    Sort wanted = isBool                                     ? Sort::Bool
                  : all[i].kind == ConstParam::Kind::integer ? Sort::Int
                                                             : Sort::Float;
    if (param.valueDefault)
      all[i].default_value =
          make(*param.valueDefault, HeadScope{.what = "the default of a const"},
               wanted);
    sig.consts.push_back(std::move(all[i]));
  }
}

// ------------------------------------------------------------------ parameters

/// All but the expressions, which speak of the names that this collects.
void SignatureBuilder::buildParams() {
  for (const ast::Param &param : kernel.params) {
    attn_grid::Param &added = sig.params.emplace_back();
    added.name = param.name.text;
    added.optional = param.optional;
    added.mode = static_cast<attn_grid::Param::Mode>(param.mode);
    const auto *tensor = dynAs<TensorType>(param.type);
    added.is_tensor = tensor != nullptr;
    if (std::optional<TypeRef> ref =
            typeRef(tensor ? *tensor->element : *param.type))
      added.type = *ref;
  }
}

/// Is the expression a number that does not depend on the launch's shapes?
static bool isOffset(const ast::Expr &expr, const Signature &sig) {
  if (expr.kind == ast::Expr::Kind::IntLiteral)
    return true;
  const auto *name = dynAs<NameExpr>(&expr);
  return name && indexOf(sig.consts, name->name) >= 0;
}

/// A dimension that is a name, or a name plus or minus a number, binds it.
void SignatureBuilder::collectExtent(const ast::Expr &dim) {
  const auto *name = dynAs<NameExpr>(&dim);
  if (const auto *binary = dynAs<BinaryExpr>(&dim)) {
    if (binary->op == BinaryOp::Add || binary->op == BinaryOp::Sub)
      if (isOffset(*binary->rhs, sig))
        name = dynAs<NameExpr>(binary->lhs);
    if (!name && binary->op == BinaryOp::Add && isOffset(*binary->lhs, sig))
      name = dynAs<NameExpr>(binary->rhs);
  }
  if (!name || extentIndex(name->name) >= 0 || paramNamed(name->name) ||
      typeIndex(name->name) >= 0 || globalConst(name->name) ||
      dtype_named(name->name))
    return;
  for (const GenericParam &generic : kernel.generics)
    if (generic.kind == GenericParam::Kind::Function &&
        generic.name.text == name->name)
      return;
  int constant = constIndex(name->name);
  if (constant >= 0 && sig.consts[constant].kind != ConstParam::Kind::integer) {
    diags
        .error(name->range,
               "an extent is an integer, but `" + name->name + "` is not")
        .note(constDecls[constant]->range, "it is declared here");
    return;
  }
  if (constant >= 0)
    sig.consts[constant].extent = static_cast<int>(sig.extents.size());
  sig.extents.push_back({name->name, constant});
}

void SignatureBuilder::collectExtents() {
  for (const ast::Param &param : kernel.params)
    if (const auto *tensor = dynAs<TensorType>(param.type))
      for (const ExprPtr &dim : tensor->dims)
        collectExtent(*dim);
}

/// The shape of an `out` must not change with the blocks that tuning picks.
void SignatureBuilder::checkUntuned(const ast::Expr &expr) {
  if (const auto *name = dynAs<NameExpr>(&expr)) {
    for (const TuneEntry &entry : kernel.tune)
      if (entry.name.text == name->name && extentIndex(name->name) < 0)
        diags
            .error(name->range, "the shape of an `out` cannot depend on `" +
                                    name->name + "`, which is tuned")
            .note(entry.range, "it is tuned here");
  } else if (const auto *unary = dynAs<UnaryExpr>(&expr)) {
    checkUntuned(*unary->operand);
  } else if (const auto *binary = dynAs<BinaryExpr>(&expr)) {
    checkUntuned(*binary->lhs);
    checkUntuned(*binary->rhs);
  } else if (const auto *call = dynAs<CallExpr>(&expr)) {
    for (const Arg &arg : call->args)
      checkUntuned(*arg.value);
  }
}

void SignatureBuilder::buildParamExprs(size_t position) {
  const ast::Param &param = kernel.params[position];
  attn_grid::Param &built = sig.params[position];
  if (const auto *tensor = dynAs<TensorType>(param.type)) {
    HeadScope scope{true, static_cast<int>(sig.params.size()), true,
                    "an extent of a tensor"};
    for (const ExprPtr &dim : tensor->dims) {
      if (param.mode == ast::Param::Mode::Out)
        checkUntuned(*dim);
      built.dims.push_back(make(*dim, scope, Sort::Int));
    }
  }
  if (!param.defaultValue)
    return;
  if (built.is_tensor && param.mode != ast::Param::Mode::Out) {
    diags
        .error(param.defaultValue->range,
               "only an `out` tensor is filled before the kernel runs")
        .note("a tensor that may be left away is marked `?`");
    return;
  }
  Sort sort = sortOf(built.type);
  if (sort == Sort::Number)
    sort = Sort::Float; // any number will do
  if (built.is_tensor)
    built.fill = make(*param.defaultValue,
                      HeadScope{.what = "what fills an `out`"}, sort);
  else
    built.default_value = make(*param.defaultValue,
                               HeadScope{true, static_cast<int>(position),
                                         false, "the default of a scalar"},
                               sort);
}

// --------------------------------------------------------------------- clauses

/// What a GPU's lowering takes without a hint.
static std::optional<int64_t> defaultOfHint(std::string_view name) {
  if (name == "warps")
    return defaultWarps;
  if (name == "stages")
    return defaultStages;
  return std::nullopt;
}

void SignatureBuilder::addHint(const std::string &name, int64_t value) {
  ConstParam &added = sig.consts.emplace_back();
  added.name = name;
  added.default_value.nodes.push_back(
      {attn_grid::Expr::Op::int_literal, 0, value, 0});
  added.default_value.text = std::to_string(value);
  added.is_gpu_hint = true;
  constDecls.push_back(nullptr);
}

void SignatureBuilder::buildTune(const TuneEntry &entry) {
  int index = constIndex(entry.name.text);
  std::optional<int64_t> hint = defaultOfHint(entry.name.text);
  if (index < 0 && hint) {
    addHint(entry.name.text, *hint);
    index = constIndex(entry.name.text);
  }
  if (index < 0) {
    std::vector<std::string> known = {"warps", "stages"};
    for (const ConstParam &param : sig.consts)
      known.push_back(param.name);
    DiagnosticBuilder error = diags.error(
        entry.name.range, "`" + entry.name.text +
                              "` is neither a const parameter of the kernel "
                              "nor `warps` or `stages`");
    if (auto meant = closest(entry.name.text, known))
      error.note("did you mean `" + *meant + "`?");
    return;
  }
  ConstParam *param = &sig.consts[index];
  if (param->extent >= 0) {
    diags
        .error(entry.name.range, "`" + entry.name.text +
                                     "` is an extent of a tensor and cannot "
                                     "be tuned")
        .note("the arguments of a launch decide it");
    return;
  }
  if (constDecls[index] && !constDecls[index]->valueDefault) {
    diags
        .error(constDecls[index]->range,
               "`" + entry.name.text + "` is tuned and needs a default")
        .note(entry.range, "it is tuned here");
    return;
  }
  Sort wanted = param->kind == ConstParam::Kind::integer   ? Sort::Int
                : param->kind == ConstParam::Kind::boolean ? Sort::Bool
                                                           : Sort::Float;
  for (const ExprPtr &candidate : entry.candidates) {
    attn_grid::Expr expr =
        make(*candidate, HeadScope{.what = "a candidate of `tune`"}, wanted);
    param->candidates.push_back(std::move(expr));
  }
}

void SignatureBuilder::buildClauses() {
  int scalars = static_cast<int>(sig.params.size());
  for (const ExprPtr &condition : kernel.where)
    sig.where.push_back(
        make(*condition, {true, scalars, false, "`where`"}, Sort::Bool));
  for (const ExprPtr &size : kernel.grid)
    sig.grid.push_back(
        make(*size, {true, scalars, false, "`grid`"}, Sort::Int));
  for (const TuneEntry &entry : kernel.tune)
    buildTune(entry);
}

std::optional<Signature> SignatureBuilder::build() {
  size_t errorsBefore = diags.size();
  sig.name = kernel.name.text;
  sig.doc = kernel.doc;
  checkNames();
  // An expression may speak of any name of the head, so these come first.
  buildGenerics();
  buildParams();
  collectExtents();
  buildConstDefaults();
  for (size_t i = 0; i < kernel.params.size(); ++i)
    buildParamExprs(i);
  buildClauses();
  if (diags.size() != errorsBefore)
    return std::nullopt;
  return std::move(sig);
}

std::optional<Signature> makeSignature(const SourceManager &sources,
                                       const Tree &tree,
                                       const KernelDecl &kernel,
                                       Diagnostics &diags) {
  return SignatureBuilder(sources, tree, kernel, diags).build();
}

std::vector<Signature> makeSignatures(const SourceManager &sources,
                                      const Tree &tree, Diagnostics &diags) {
  std::vector<Signature> signatures;
  for (const DeclPtr &decl : tree.root().decls)
    if (const auto *kernel = dynAs<KernelDecl>(decl))
      if (auto signature = makeSignature(sources, tree, *kernel, diags))
        signatures.push_back(std::move(*signature));
  return signatures;
}

} // namespace attn_grid::compiler
