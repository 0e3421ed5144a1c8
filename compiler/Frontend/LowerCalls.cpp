// Calls of functions: each walks the function's tree in place, under its own
// names.

#include "compiler/Frontend/Lowering.h"

using namespace mlir;

namespace attn_grid::compiler {

Datum Lowering::evalCall(const ast::CallExpr &call) {
  const auto *callee = ast::dynAs<ast::NameExpr>(call.callee);
  if (!callee) { // `grad(f)(x)`
    std::optional<FunctionRef> fn = resolveFunction(*call.callee);
    return fn ? callValue(*fn, call) : Datum::poison();
  }
  const std::string &name = callee->name;
  if (auto number = scope().find(name)) {
    Datum value = scope()[*number].value;
    if (value.kind == Datum::Kind::function)
      return callValue(*value.function, call);
    if (value.isPoison())
      return value;
    return poison(callee->range, "`" + name + "` is not a function");
  }
  const ast::Decl *decl = globals.find(name, callee->range.file);
  if (const auto *fn = ast::dynAs<ast::FnDecl>(decl))
    return callFunction(*fn, call);
  if (!decl && findBuiltin(name))
    return evalBuiltin(name, call);
  auto message =
      error(callee->range, decl && decl->kind == ast::Decl::Kind::Kernel
                               ? "`" + name +
                                     "` is a kernel; kernels are called by "
                                     "hosts only"
                               : "`" + name + "` is not a function");
  if (decl && decl->kind == ast::Decl::Kind::Struct)
    message.note("make a struct with `" + name + " { field: value, ... }`");
  else if (!decl && dtype_named(name))
    message.note("convert with `cast<" + name + ">(x)`");
  return Datum::poison();
}

bool Lowering::mayCall(const ast::FnDecl &fn, SourceRange at) {
  for (const Frame *outer = frame; outer; outer = outer->caller)
    if (outer->decl == &fn) {
      error(at, "`" + fn.name.text +
                    "` calls itself; functions are inlined and cannot be "
                    "recursive");
      return false;
    }
  return true;
}

/// `the 2 parameters` or `the parameter`, for messages.
static std::string countOf(size_t count, const char *what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

bool Lowering::matchArguments(const ast::FnDecl &fn, const ast::CallExpr &call,
                              std::vector<std::optional<Operand>> &args) {
  args.resize(fn.params.size());
  bool ok = true;
  for (auto [position, arg] : llvm::enumerate(call.args)) {
    Operand operand{eval(*arg.value), arg.value->range};
    ok &= !operand.datum.isPoison();
    size_t index = position;
    if (arg.name) {
      index = 0;
      while (index < fn.params.size() &&
             fn.params[index].name.text != arg.name->text)
        ++index;
    }
    if (index >= fn.params.size()) {
      auto message =
          arg.name ? error(arg.name->range, "`" + fn.name.text +
                                                "` has no parameter `" +
                                                arg.name->text + "`")
                   : error(arg.range,
                           "`" + fn.name.text + "` takes " +
                               countOf(fn.params.size(), "argument") +
                               ", found " + std::to_string(call.args.size()));
      message.note(fn.name.range, "it is declared here");
      return false;
    }
    if (args[index]) {
      error(arg.range,
            "parameter `" + fn.params[index].name.text + "` is given twice")
          .note(args[index]->range, "first here");
      return false;
    }
    args[index] = std::move(operand);
  }
  for (auto [param, arg] : llvm::zip(fn.params, args))
    if (ok && !arg && !param.defaultValue && !param.optional) {
      error(call.range, "`" + fn.name.text + "` needs its parameter `" +
                            param.name.text + "`")
          .note(param.range, "it is declared here");
      return false;
    }
  return ok;
}

/// True if the type is a tensor's.
static bool isTensorParam(const ast::Param &param) {
  return param.type->kind == ast::TypeExpr::Kind::Tensor;
}

/// True if the function computes a scalar of scalars, so that applied to tiles
/// it works element by element.
static bool isScalarFunction(const ast::FnDecl &fn) {
  auto isScalar = [](const ast::TypePtr &type) {
    return type && (type->kind == ast::TypeExpr::Kind::Acc ||
                    type->kind == ast::TypeExpr::Kind::Named);
  };
  if (!isScalar(fn.result))
    return false;
  return llvm::all_of(fn.params, [&](const ast::Param &param) {
    return isTensorParam(param) || isScalar(param.type);
  });
}

Datum Lowering::callFunction(const ast::FnDecl &fn, const ast::CallExpr &call) {
  std::vector<std::optional<Operand>> args;
  Bindings bindings(fn.generics.size());
  if (!mayCall(fn, call.callee->range) || !matchArguments(fn, call, args) ||
      !bindExplicit(fn.generics, call.generics, fn.name.text, bindings))
    return Datum::poison();
  return callWith({&fn, nullptr, 0}, args, std::move(bindings),
                  call.callee->range, call.range);
}

Datum Lowering::callWith(const FunctionRef &ref,
                         std::vector<std::optional<Operand>> &args,
                         Bindings bindings, SourceRange at, SourceRange whole) {
  const ast::FnDecl &fn = *ref.decl;
  for (bool last : {false, true})
    for (auto [param, arg] : llvm::zip(fn.params, args))
      if (arg)
        infer(fn.generics, *param.type, arg->datum, last, bindings);
  bool lifted = false;
  if (isScalarFunction(fn))
    for (const auto &arg : args)
      lifted |= arg && arg->datum.isTile() && !arg->datum.tile.isScalar();

  Frame own;
  own.decl = &fn;
  own.name = fn.name.text;
  own.caller = frame;
  own.calledAt = at;
  own.call = whole;
  own.location = loc;
  own.lifted = lifted;
  declareSurroundings(own, ref);
  Frame *user = std::exchange(frame, &own);
  Datum result = Datum::poison();
  if (declareGenerics(fn.generics, bindings, fn.name.text, at) &&
      bindParameters(fn, own, args, lifted, at))
    result = ref.derivative ? runDerivative(ref, own, lifted)
                            : runBody(fn, own, lifted);
  frame = user;
  return result;
}

bool Lowering::bindParameters(const ast::FnDecl &fn, Frame &frame,
                              std::vector<std::optional<Operand>> &args,
                              bool lifted, SourceRange at) {
  // With its bindings the name tells instantiations apart in messages.
  std::string bound;
  for (const ast::GenericParam &param : fn.generics)
    if (auto number = frame.scope.find(param.name.text)) {
      const Datum &value = frame.scope[*number].value;
      bound += (bound.empty() ? "<" : ", ") + param.name.text + " = " +
               (value.kind == Datum::Kind::function ? value.function->name()
                : value.isConstant() ? format(value.constant)
                                     : std::string(name_of(value.type)));
    }
  if (!bound.empty())
    frame.name += bound + ">";
  // Tensors first: the extents they bind may stand in the others' types.
  for (bool tensors : {true, false})
    for (auto [param, arg] : llvm::zip(fn.params, args)) {
      if (isTensorParam(param) != tensors)
        continue;
      if (!arg && param.optional) {
        declare(param.name, Symbol::Kind::param,
                Datum::of(Datum::Kind::absent));
        continue;
      }
      if (!arg)
        arg = Operand{eval(*param.defaultValue), param.defaultValue->range};
      if (!bindParameter(fn, param, *arg, lifted))
        return false;
    }
  return true;
}

bool Lowering::bindParameter(const ast::FnDecl &fn, const ast::Param &param,
                             const Operand &arg, bool lifted) {
  if (arg.datum.isPoison())
    return false;
  if (const auto *tensor = ast::dynAs<ast::TensorType>(param.type))
    return bindTensorParameter(param, *tensor, arg);
  std::optional<DataType> type = evalType(*param.type);
  if (!type)
    return false;
  std::string what =
      "parameter `" + param.name.text + "` of `" + fn.name.text + "`";
  Datum value;
  if (lifted) {
    std::optional<TileValue> tile = adapt(arg, type->tile.element, what);
    value = tile ? Datum::of(*tile) : Datum::poison();
  } else {
    value = convertTo(arg, *type, what);
  }
  if (value.isPoison())
    return false;
  declare(param.name, Symbol::Kind::param, std::move(value));
  return true;
}

bool Lowering::bindTensorParameter(const ast::Param &param,
                                   const ast::TensorType &type,
                                   const Operand &arg) {
  if (arg.datum.kind == Datum::Kind::absent && param.optional) {
    declare(param.name, Symbol::Kind::param, arg.datum);
    return true;
  }
  if (arg.datum.kind == Datum::Kind::absent)
    return expectValue(arg);
  if (!arg.datum.isTensor()) {
    error(arg.range, "parameter `" + param.name.text + "` is a tensor, found " +
                         describe(arg.datum));
    return false;
  }
  std::optional<DType> element = evalElementType(*type.element);
  if (!element)
    return false;
  TensorValue tensor = *arg.datum.tensor;
  if (*element != tensor.element || type.dims.size() != tensor.extents.size()) {
    error(arg.range, "parameter `" + param.name.text + "` is a tensor<" +
                         std::string(name_of(*element)) + "> of rank " +
                         std::to_string(type.dims.size()) + ", found " +
                         describe(arg.datum));
    return false;
  }
  bool reads = param.mode != ast::Param::Mode::Out;
  bool writes = param.mode != ast::Param::Mode::In;
  if ((reads && !tensor.readable) || (writes && !tensor.writable)) {
    error(arg.range, "parameter `" + param.name.text + "` is " +
                         (writes ? "written" : "read") + ", but `" +
                         tensor.name + "` may not be " +
                         (writes && !tensor.writable ? "written" : "read"))
        .note(tensor.declared, "it is declared here");
    return false;
  }
  tensor.readable = reads;
  tensor.writable = writes;
  for (auto [dim, extent] : llvm::zip(type.dims, tensor.extents)) {
    const auto *name = ast::dynAs<ast::NameExpr>(dim);
    if (name && !scope().find(name->name) &&
        !globals.find(name->name, name->range.file)) {
      declare({name->name, name->range}, Symbol::Kind::extent, extent);
      continue;
    }
    Datum wanted = eval(*dim);
    if (wanted.isPoison())
      return false;
    if (!wanted.isConstant())
      continue; // each tensor keeps its own bounds
    if (!extent.isConstant() || extent.constant.i != wanted.constant.i) {
      error(arg.range, "parameter `" + param.name.text + "` has the extent " +
                           format(wanted.constant) + ", found " +
                           describe(arg.datum))
          .note(dim->range, "it is declared here");
      return false;
    }
  }
  declare(param.name, Symbol::Kind::param,
          Datum::of(std::make_shared<const TensorValue>(std::move(tensor))));
  return true;
}

Datum Lowering::runBody(const ast::FnDecl &fn, Frame &frame, bool lifted) {
  Symbol result;
  result.kind = Symbol::Kind::result;
  result.value = Datum::of(Datum::Kind::none);
  frame.resultSymbol = frame.scope.declare(std::move(result));
  if (fn.result) {
    frame.returnsValue = true;
    std::optional<DataType> type = evalType(*fn.result);
    if (!type)
      return Datum::poison();
    frame.result = *type;
  }
  size_t before = diags.size();
  Flow flow = lowerBlock(fn.body);
  if (diags.size() != before || gaveUp)
    return Datum::poison();
  if (fn.result && flow.kind != Flow::Kind::jumps) {
    error(fn.name.range, "`" + fn.name.text + "` must return " +
                             format(*frame.result) + " on every path")
        .note(fn.body.range.atEnd(), "here it ends without");
    return Datum::poison();
  }
  return frame.scope[frame.resultSymbol].value;
}

} // namespace attn_grid::compiler
