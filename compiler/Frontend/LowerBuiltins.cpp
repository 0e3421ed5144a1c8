// Builtin functions: the table, how a call's arguments find their places, and
// the functions that fit nowhere else.

#include "compiler/Frontend/BuiltinCall.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace attn_grid::compiler {

template <typename Kind> static constexpr int num(Kind kind) {
  return static_cast<int>(kind);
}

llvm::ArrayRef<BuiltinEntry> Lowering::builtinTable() {
  using L = Lowering;
  using U = UnaryKind;
  using B = BinaryKind;
  using R = ir::ReduceKind;
  using A = ir::AtomicKind;
  // Parameters: `x` must be given, `x~` may be, `x?` may be by its name. `*`:
  // the method places its arguments itself.
  static const BuiltinEntry table[] = {
      {"abs", &L::builtinUnary, "x", num(U::abs)},
      {"floor", &L::builtinUnary, "x", num(U::floor)},
      {"ceil", &L::builtinUnary, "x", num(U::ceil)},
      {"round", &L::builtinUnary, "x", num(U::round)},
      {"sqrt", &L::builtinUnary, "x", num(U::sqrt)},
      {"rsqrt", &L::builtinUnary, "x", num(U::rsqrt)},
      {"rcp", &L::builtinUnary, "x", num(U::rcp)},
      {"exp", &L::builtinUnary, "x", num(U::exp)},
      {"exp2", &L::builtinUnary, "x", num(U::exp2)},
      {"log", &L::builtinUnary, "x", num(U::log)},
      {"log2", &L::builtinUnary, "x", num(U::log2)},
      {"tanh", &L::builtinUnary, "x", num(U::tanh)},
      {"erf", &L::builtinUnary, "x", num(U::erf)},
      {"sigmoid", &L::builtinUnary, "x", num(U::sigmoid)},
      {"sin", &L::builtinUnary, "x", num(U::sin)},
      {"cos", &L::builtinUnary, "x", num(U::cos)},
      {"ceildiv", &L::builtinBinary, "x y", num(B::ceildiv)},
      {"floordiv", &L::builtinBinary, "x y", num(B::floordiv)},
      {"floormod", &L::builtinBinary, "x y", num(B::floormod)},
      {"fma", &L::builtinFma, "a b c", 0},
      {"where", &L::builtinWhere, "condition a b", 0},
      {"cast", &L::builtinCast, "x", 0},
      {"bitcast", &L::builtinBitcast, "x", 0},
      {"bits", &L::builtinBits, "type", 0},
      {"next_pow2", &L::builtinNextPow2, "n", 0},
      {"present", &L::builtinPresent, "tensor", 0},
      {"program_id", &L::builtinProgramId, "", 0},
      {"static_assert", &L::builtinStaticAssert, "condition message~", 0},
      {"iota", &L::builtinIota, "n", 0},
      {"load", &L::builtinLoad, "elements other? keep?", 0},
      {"store", &L::builtinStore, "elements value keep?", 0},
      {"view", &L::builtinView, "part", 0},
      {"min", &L::builtinMinMax, "x y~ axis?", num(R::min)},
      {"max", &L::builtinMinMax, "x y~ axis?", num(R::max)},
      {"sum", &L::builtinReduce, "x axis?", num(R::sum)},
      {"any", &L::builtinReduce, "x axis?", num(R::any)},
      {"all", &L::builtinReduce, "x axis?", num(R::all)},
      {"argmin", &L::builtinReduce, "x axis?", num(R::argmin)},
      {"argmax", &L::builtinReduce, "x axis?", num(R::argmax)},
      {"dot", &L::builtinDot, "a b acc? keep? precision?", 0},
      {"reshape", &L::builtinReshape, "x shape", 0},
      {"permute", &L::builtinPermute, "x axes", 0},
      {"broadcast", &L::builtinBroadcast, "x shape", 0},
      {"reduce", &L::builtinCombine, "x f axis?", 0},
      {"scan", &L::builtinCombine, "x f axis?", 0},
      {"cumsum", &L::builtinScan, "x axis?", num(ir::ScanKind::sum)},
      {"cumprod", &L::builtinScan, "x axis?", num(ir::ScanKind::prod)},
      {"sort", &L::builtinSort, "*", 0},
      {"gather", &L::builtinGather, "*", 0},
      {"scatter", &L::builtinScatter, "*", 0},
      {"atomic_add", &L::builtinAtomic, "elements value keep?", num(A::add)},
      {"atomic_max", &L::builtinAtomic, "elements value keep?", num(A::max)},
      {"atomic_min", &L::builtinAtomic, "elements value keep?", num(A::min)},
      {"philox", &L::builtinPhilox, "seed offset c2 c1 c0 lane", 0},
      {"grad", &L::builtinGrad, "*", 0},
      {"print", &L::builtinPrint, "*", 0},
      {"assert", &L::builtinAssert, "condition message~", 0},
      {"zeros", &L::builtinMaker, "*", 0},
      {"full", &L::builtinMaker, "*", 0},
  };
  return table;
}

const BuiltinEntry *Lowering::findBuiltin(llvm::StringRef name) {
  static const llvm::StringMap<const BuiltinEntry *> byName = [] {
    llvm::StringMap<const BuiltinEntry *> map;
    for (const BuiltinEntry &entry : builtinTable())
      map[entry.name] = &entry;
    return map;
  }();
  return byName.lookup(name);
}

std::vector<llvm::StringRef> Lowering::builtinFunctions() {
  std::vector<llvm::StringRef> names;
  for (const BuiltinEntry &entry : builtinTable())
    names.push_back(entry.name);
  return names;
}

std::optional<Datum> Lowering::builtinName(llvm::StringRef name) {
  if (name == "LOG2E")
    return Datum::of(constFloat(1.4426950408889634));
  if (name == "LN2")
    return Datum::of(constFloat(0.6931471805599453));
  if (name == "PI")
    return Datum::of(constFloat(3.141592653589793));
  if (name == "inf")
    return Datum::of(constFloat(std::numeric_limits<double>::infinity()));
  if (name == "nan")
    return Datum::of(constFloat(std::numeric_limits<double>::quiet_NaN()));
  return std::nullopt;
}

/// Puts the arguments in the places of the parameters; false after an error.
bool Lowering::placeArguments(BuiltinCall &call) {
  llvm::SmallVector<llvm::StringRef> params;
  call.entry.params.split(params, ' ', -1, /*KeepEmpty=*/false);
  call.args.assign(params.size(), nullptr);
  size_t positional = 0;
  while (positional < params.size() && !params[positional].ends_with("?"))
    ++positional;
  size_t position = 0;
  for (const ast::Arg &arg : call.call.args) {
    size_t index = arg.name ? 0 : position++;
    if (arg.name) {
      while (index < params.size() &&
             params[index].rtrim("?~") != arg.name->text)
        ++index;
      if (index == params.size()) {
        error(arg.name->range, "`" + call.what() + "` has no parameter `" +
                                   arg.name->text + "`");
        return false;
      }
    } else if (index >= positional) {
      auto message = error(
          arg.range,
          "`" + call.what() + "` takes " + std::to_string(positional) +
              (positional == 1 ? " argument" : " arguments") +
              " by position, found " + std::to_string(call.call.args.size()));
      if (index < params.size())
        message.note("give it by name: `" + params[index].rtrim("?~").str() +
                     " = " + quote(arg.range) + "`");
      return false;
    }
    if (call.args[index]) {
      error(arg.range, "this argument of `" + call.what() + "` is given twice");
      return false;
    }
    call.args[index] = &arg;
  }
  for (auto [param, arg] : llvm::zip(params, call.args))
    if (!arg && !param.ends_with("?") && !param.ends_with("~")) {
      error(call.call.range,
            "`" + call.what() + "` needs its argument `" + param.str() + "`");
      return false;
    }
  return true;
}

/// For builtins with any number of arguments: those by position, and those of
/// `names`, which may be null.
bool Lowering::splitArguments(BuiltinCall &call,
                              llvm::ArrayRef<llvm::StringRef> names,
                              Arguments &args) {
  if (!call.call.generics.empty()) {
    error(call.at(), "`" + call.what() + "` takes no generic arguments");
    return false;
  }
  args.named.assign(names.size(), nullptr);
  for (const ast::Arg &arg : call.call.args) {
    if (!arg.name) {
      args.positional.push_back(&arg);
      continue;
    }
    const auto *name = llvm::find(names, arg.name->text);
    if (name == names.end()) {
      error(arg.name->range,
            "`" + call.what() + "` has no parameter `" + arg.name->text + "`");
      return false;
    }
    args.named[name - names.begin()] = &arg;
  }
  return true;
}

Datum Lowering::evalBuiltin(llvm::StringRef name, const ast::CallExpr &expr) {
  BuiltinCall call{*this, *findBuiltin(name), expr, {}};
  bool isCast = name == "cast" || name == "bitcast";
  if (call.entry.params == "*")
    return (this->*call.entry.lower)(call);
  if (!placeArguments(call))
    return Datum::poison();
  if (isCast ? expr.generics.size() != 1 : !expr.generics.empty())
    return poison(expr.callee->range,
                  isCast ? "`" + call.what() +
                               "` needs the type to convert to: `" +
                               call.what() + "<f32>(x)`"
                         : "`" + call.what() + "` takes no generic arguments");
  return (this->*call.entry.lower)(call);
}

/// The makers are no calls: `zeros<T>[M, N]`.
Datum Lowering::builtinMaker(BuiltinCall &call) {
  return poison(call.at(), "`" + call.what() +
                               "` needs its shape in brackets: `" +
                               call.what() + "<f32>[M, N]" +
                               (call.entry.name == "full" ? "(x)`" : "`"));
}

Datum Lowering::builtinBits(BuiltinCall &call) {
  Operand type = call.operand(0);
  if (type.datum.kind == Datum::Kind::type)
    return Datum::of(
        constInt(8 * static_cast<int64_t>(size_of(type.datum.type))));
  if (type.datum.isPoison())
    return type.datum;
  return poison(type.range,
                "`bits` needs a type, found " + describe(type.datum));
}

Datum Lowering::builtinNextPow2(BuiltinCall &call) {
  std::optional<int64_t> n =
      evalConstInt(call.expr(0), "the argument of `next_pow2`");
  if (!n)
    return Datum::poison();
  return constantOr(foldNextPow2(constInt(*n)), call.at());
}

Datum Lowering::builtinPresent(BuiltinCall &call) {
  const auto *name = ast::dynAs<ast::NameExpr>(&call.expr(0));
  std::optional<unsigned> number =
      name ? scope().find(name->name) : std::nullopt;
  if (number) {
    const Datum &value = scope()[*number].value;
    if (value.isTensor() || value.kind == Datum::Kind::absent)
      return Datum::of(constBool(value.isTensor()));
    if (value.isPoison())
      return value;
  }
  return poison(call.expr(0).range, "`present` needs a tensor parameter");
}

Datum Lowering::builtinProgramId(BuiltinCall &) {
  if (programIds.empty())
    return Datum::poison(); // the grid has a mistake
  if (programIds.size() == 1)
    return Datum::of(programIds.front());
  std::vector<Datum> parts;
  for (const TileValue &id : programIds)
    parts.push_back(Datum::of(id));
  return Datum::ofTuple(std::move(parts));
}

Datum Lowering::builtinStaticAssert(BuiltinCall &call) {
  std::optional<bool> holds = evalConstBool(call.expr(0), "a static assertion");
  if (!holds || *holds)
    return Datum::of(Datum::Kind::none);
  std::string text = "static assertion failed";
  if (call.has(1)) {
    const auto *message = ast::dynAs<ast::StringLiteral>(&call.expr(1));
    if (!message)
      return poison(call.expr(1).range, "expected a message in quotes");
    text += ": " + message->value;
  }
  return poison(call.expr(0).range, text);
}

Datum Lowering::evalMaker(const ast::MakerExpr &expr) {
  bool isFull = expr.name.text == "full";
  if (!isFull && expr.name.text != "zeros")
    return poison(expr.name.range, "`" + expr.name.text +
                                       "` makes no tile; `zeros<T>[M, N]` and "
                                       "`full<T>[M, N](x)` do");
  if (expr.generics.size() != 1)
    return poison(expr.name.range, "`" + expr.name.text +
                                       "` needs one element type: `" +
                                       expr.name.text + "<f32>[M, N]`");
  size_t wanted = isFull ? 1 : 0;
  if (expr.args.size() != wanted || (!isFull && expr.hasArgs))
    return poison(expr.name.range, isFull
                                       ? "`full` needs its value: `full<T>[M, "
                                         "N](x)`"
                                       : "`zeros` takes no value");
  std::optional<DType> element = evalTypeArg(expr.generics.front());
  std::optional<Shape> shape = evalShape(expr.dims, expr.range);
  if (!element || !shape)
    return Datum::poison();
  if (!isFull)
    return Datum::of(numerics().constant(*element, *shape, constInt(0)));
  const ast::Expr &value = *expr.args.front().value;
  std::optional<TileValue> filled =
      convert({eval(value), value.range}, {*element, *shape}, "`full`");
  return filled ? Datum::of(*filled) : Datum::poison();
}

} // namespace attn_grid::compiler
