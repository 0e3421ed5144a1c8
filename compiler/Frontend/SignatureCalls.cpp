// Calls in the expressions of a kernel's head: `ceildiv(M, BM)`, `present(x)`.

#include "compiler/Frontend/SignatureImpl.h"
#include "compiler/Frontend/Suggest.h"

namespace attn_grid::compiler {

using namespace ast;
using Op = attn_grid::Expr::Op;

namespace {
/// A function that a head may call. What it gives: `Same` as its arguments.
struct HeadFunction {
  std::string_view name;
  Op op;
  size_t arity;
  enum Rule : uint8_t { Same, ToFloat, Integers } rule;
};
} // namespace

static constexpr HeadFunction functions[] = {
    {"min", Op::min, 2, HeadFunction::Same},
    {"max", Op::max, 2, HeadFunction::Same},
    {"abs", Op::abs, 1, HeadFunction::Same},
    {"sqrt", Op::sqrt, 1, HeadFunction::ToFloat},
    {"exp2", Op::exp2, 1, HeadFunction::ToFloat},
    {"log2", Op::log2, 1, HeadFunction::ToFloat},
    {"next_pow2", Op::next_pow2, 1, HeadFunction::Integers},
    {"ceildiv", Op::ceildiv, 2, HeadFunction::Integers},
    {"floordiv", Op::floordiv, 2, HeadFunction::Integers},
    {"floormod", Op::floormod, 2, HeadFunction::Integers},
};

static bool checkArguments(const CallExpr &call, const std::string &name,
                           size_t count, Diagnostics &diags) {
  if (!call.generics.empty()) {
    diags.error(call.generics[0].range, "`" + name + "` is not generic");
    return false;
  }
  for (const Arg &arg : call.args)
    if (arg.name) {
      diags.error(arg.name->range, "`" + name + "` has no argument `" +
                                       arg.name->text + "` here");
      return false;
    }
  if (call.args.size() == count)
    return true;
  diags.error(call.range, "`" + name + "` takes " + std::to_string(count) +
                              (count == 1 ? " argument" : " arguments") +
                              ", found " + std::to_string(call.args.size()));
  return false;
}

/// `where(condition, a, b)`.
std::optional<SignatureBuilder::Sort>
SignatureBuilder::emitWhere(const CallExpr &call, const HeadScope &scope,
                            attn_grid::Expr &out) {
  std::optional<Sort> condition = emit(*call.args[0].value, scope, out);
  if (!condition || !wantBool(*condition, call.args[0].value->range))
    return std::nullopt;
  std::optional<Sort> a = emit(*call.args[1].value, scope, out);
  std::optional<Sort> b = a ? emit(*call.args[2].value, scope, out) : a;
  if (!b)
    return std::nullopt;
  if ((*a == Sort::Bool) != (*b == Sort::Bool) && *a != Sort::Any &&
      *b != Sort::Any) {
    diags.error(call.range, "`where` chooses between two bools or two numbers");
    return std::nullopt;
  }
  push(out, Op::where);
  return *a == *b ? *a : Sort::Number;
}

std::optional<SignatureBuilder::Sort>
SignatureBuilder::emitCall(const CallExpr &call, const HeadScope &scope,
                           attn_grid::Expr &out) {
  const auto *callee = dynAs<NameExpr>(call.callee);
  std::string name = callee ? callee->name : "";
  if (name == "where")
    return checkArguments(call, name, 3, diags) ? emitWhere(call, scope, out)
                                                : std::nullopt;
  if (name == "present" || name == "bits") {
    if (!checkArguments(call, name, 1, diags))
      return std::nullopt;
    const auto *arg = dynAs<NameExpr>(call.args[0].value);
    if (name == "bits") {
      int type = arg ? typeIndex(arg->name) : -1;
      std::optional<DType> known = arg ? dtype_named(arg->name) : std::nullopt;
      if (type >= 0)
        push(out, Op::type_bits, type);
      else if (known)
        push(out, Op::int_literal, 0,
             *known == DType::boolean ? 1 : 8 * int64_t(size_of(*known)));
      else
        diags.error(call.args[0].range, "`bits` takes a type, as in `bits(T)`");
      return type >= 0 || known ? std::optional(Sort::Int) : std::nullopt;
    }
    for (size_t i = 0; arg && i < kernel.params.size(); ++i)
      if (kernel.params[i].name.text == arg->name &&
          kernel.params[i].optional) {
        push(out, Op::present, static_cast<int>(i));
        return Sort::Bool;
      }
    diags.error(call.args[0].range,
                "`present` takes an optional tensor of this kernel");
    return std::nullopt;
  }
  for (const HeadFunction &function : functions) {
    if (function.name != name)
      continue;
    if (!checkArguments(call, name, function.arity, diags))
      return std::nullopt;
    Sort result = Sort::Int;
    for (const Arg &arg : call.args) {
      std::optional<Sort> sort = emit(*arg.value, scope, out);
      if (!sort || !(function.rule == HeadFunction::Integers
                         ? wantInteger(*sort, arg.value->range)
                         : wantNumber(*sort, arg.value->range)))
        return std::nullopt;
      if (*sort != Sort::Int && result != Sort::Float)
        result = *sort == Sort::Float ? Sort::Float : Sort::Number;
    }
    push(out, function.op);
    return function.rule == HeadFunction::ToFloat ? Sort::Float : result;
  }
  std::vector<std::string> known = {"where", "present", "bits"};
  for (const HeadFunction &function : functions)
    known.emplace_back(function.name);
  DiagnosticBuilder error = diags.error(
      call.callee->range, std::string(scope.what) + " cannot call " +
                              (callee ? "`" + name + "`" : "this"));
  if (auto meant = closest(name, known))
    error.note("did you mean `" + *meant + "`?");
  else
    error.note("it may call where, min, max, abs, sqrt, exp2, log2, ceildiv, "
               "floordiv, floormod, next_pow2, bits and present");
  return std::nullopt;
}

} // namespace attn_grid::compiler
