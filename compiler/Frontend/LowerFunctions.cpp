// Functions as values: what a name or `grad(f)` stands for, how one is bound
// to a function parameter, and how one is called.

#include "compiler/Frontend/Lowering.h"

using namespace mlir;

namespace attn_grid::compiler {

std::optional<FunctionRef> Lowering::resolveFunction(const ast::Expr &expr) {
  if (const auto *name = ast::dynAs<ast::NameExpr>(&expr)) {
    if (auto number = scope().find(name->name)) {
      const Datum &value = scope()[*number].value;
      if (value.kind == Datum::Kind::function)
        return *value.function;
      if (!value.isPoison())
        error(expr.range, "expected a function, found " + describe(value));
      return std::nullopt;
    }
    const ast::Decl *decl = globals.find(name->name, expr.range.file);
    if (const auto *fn = ast::dynAs<ast::FnDecl>(decl))
      return FunctionRef{fn, nullptr, 0};
    auto message = error(expr.range, "`" + name->name + "` is not a function");
    if (!decl && findBuiltin(name->name))
      message.note("a builtin is no value; wrap it: `fn f(x: f32) -> f32 { "
                   "return " +
                   name->name + "(x); }`");
    return std::nullopt;
  }
  const auto *call = ast::dynAs<ast::CallExpr>(&expr);
  const auto *callee = call ? ast::dynAs<ast::NameExpr>(call->callee) : nullptr;
  if (!callee || callee->name != "grad" || scope().find("grad") ||
      globals.find("grad", callee->range.file)) {
    error(expr.range, "expected a function")
        .note("a function is the name of a `fn`, a function parameter, or "
              "`grad(f)`");
    return std::nullopt;
  }
  if (call->args.size() != 1 || call->args[0].name || !call->generics.empty()) {
    error(expr.range, "`grad` takes one function: `grad(f)(x, ...)`");
    return std::nullopt;
  }
  std::optional<FunctionRef> of = resolveFunction(*call->args[0].value);
  if (of)
    ++of->derivative;
  return of;
}

Datum Lowering::callValue(const FunctionRef &fn, const ast::CallExpr &call) {
  std::vector<Operand> args;
  if (!call.generics.empty())
    return poison(call.generics.front().range,
                  "a function that is a value takes no generic arguments");
  for (const ast::Arg &arg : call.args) {
    if (arg.name)
      return poison(arg.name->range,
                    "arguments of a function that is a value go by position, "
                    "found `" +
                        arg.name->text + " = `");
    args.push_back({eval(*arg.value), arg.value->range});
    if (args.back().datum.isPoison())
      return Datum::poison();
  }
  return applyFunction(fn, args, call.callee->range, call.range);
}

Datum Lowering::applyFunction(const FunctionRef &fn,
                              llvm::ArrayRef<Operand> operands, SourceRange at,
                              SourceRange whole) {
  const ast::FnDecl &decl = *fn.decl;
  if (!mayCall(decl, at))
    return Datum::poison();
  if (operands.size() != decl.params.size()) {
    error(at, "`" + fn.name() + "` takes " +
                  std::to_string(decl.params.size()) +
                  (decl.params.size() == 1 ? " argument" : " arguments") +
                  ", found " + std::to_string(operands.size()))
        .note(decl.name.range, "it is declared here");
    return Datum::poison();
  }
  std::vector<std::optional<Operand>> args(operands.begin(), operands.end());
  return callWith(fn, args, Bindings(decl.generics.size()), at, whole);
}

// -------------------------------------------------------- function parameters

std::string Lowering::typeText(const FunctionRef &fn) {
  std::string text = "(";
  for (const ast::Param &param : fn.decl->params)
    text += (text.size() > 1 ? ", " : "") +
            std::string(program.sources.text(param.type->range));
  text += ")";
  if (fn.decl->result)
    text += " -> " + std::string(program.sources.text(fn.decl->result->range));
  return text;
}

bool Lowering::checkFunctionType(const ast::GenericParam &param,
                                 const FunctionRef &fn, SourceRange at) {
  const ast::FunctionType &wanted = *param.function;
  const ast::FnDecl &decl = *fn.decl;
  bool fits = wanted.params.size() == decl.params.size() &&
              (wanted.result != nullptr) == (decl.result != nullptr);
  // The types of a generic function follow from the arguments of each call.
  if (fits && decl.generics.empty()) {
    std::vector<const ast::TypeExpr *> expected, found;
    for (const ast::TypePtr &type : wanted.params)
      expected.push_back(type.get());
    for (const ast::Param &own : decl.params)
      found.push_back(own.type.get());
    if (wanted.result) {
      expected.push_back(wanted.result.get());
      found.push_back(decl.result.get());
    }
    Frame own;
    own.decl = &decl;
    own.name = fn.name();
    declareSurroundings(own, fn);
    for (auto [want, have] : llvm::zip(expected, found)) {
      if (have->kind == ast::TypeExpr::Kind::Tensor) {
        fits = false;
        break;
      }
      std::optional<DataType> wantType = evalType(*want);
      Frame *user = std::exchange(frame, &own);
      std::optional<DataType> haveType = evalType(*have);
      frame = user;
      if (!wantType || !haveType)
        return false;
      fits &= *wantType == *haveType;
    }
  }
  if (!fits)
    error(at, "`" + fn.name() + "` does not fit the function parameter `" +
                  param.name.text + "`: expected `" +
                  std::string(program.sources.text(wanted.range)) +
                  "`, found `" + typeText(fn) + "`")
        .note(decl.name.range, "the function is declared here")
        .note(param.range, "the parameter is declared here");
  return fits;
}

std::shared_ptr<const FunctionRef>
Lowering::bindFunction(const ast::Expr &expr) {
  std::optional<FunctionRef> fn = resolveFunction(expr);
  if (!fn)
    return nullptr;
  return std::make_shared<const FunctionRef>(*fn);
}

void Lowering::declareSurroundings(Frame &own, const FunctionRef &fn) {
  if (fn.surroundings)
    for (const Symbol &symbol : *fn.surroundings)
      own.scope.declare(symbol);
}

} // namespace attn_grid::compiler
