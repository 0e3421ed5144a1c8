// `agc check`: every kernel under bindings that stand for the others.

#include "compiler/Frontend/Frontend.h"

using namespace mlir;

namespace attn_grid::compiler {

/// The value of a const expression of the head, by the values of the consts
/// before it. Only what defaults are made of in practice: anything else is left
/// to a launch, which has the evaluator.
static std::optional<ConstValue>
literalValue(const Expr &expr, const std::vector<ConstValue> &consts) {
  if (expr.nodes.size() != 1)
    return std::nullopt;
  const Expr::Node &node = expr.nodes.front();
  switch (node.op) {
  case Expr::Op::int_literal:
    return ConstValue{ConstParam::Kind::integer, node.i, 0};
  case Expr::Op::float_literal:
    return ConstValue{ConstParam::Kind::floating, 0, node.f};
  case Expr::Op::bool_literal:
    return ConstValue{ConstParam::Kind::boolean, node.i, 0};
  case Expr::Op::constant:
    if (static_cast<size_t>(node.index) < consts.size())
      return consts[node.index];
    return std::nullopt;
  default:
    return std::nullopt;
  }
}

static ConstValue representative(const ConstParam &param,
                                 const std::vector<ConstValue> &before) {
  if (auto value = literalValue(param.default_value, before)) {
    if (value->kind == param.kind)
      return *value;
    if (param.kind == ConstParam::Kind::floating)
      return {param.kind, 0, static_cast<double>(value->i)};
  }
  switch (param.kind) {
  case ConstParam::Kind::integer:
    return {param.kind, 64, 0};
  case ConstParam::Kind::floating:
    return {param.kind, 0, 1.0};
  case ConstParam::Kind::boolean:
    return {param.kind, 0, 0};
  }
  return {};
}

/// The dtype that stands for a class of types.
static DType representative(const TypeParam &param, DType floating) {
  return param.kind == TypeParam::Class::integer ? DType::i32 : floating;
}

static Specialization makeBinding(const Signature &signature, DType floating,
                                  bool optionals) {
  Specialization spec;
  spec.kernel = signature.name;
  for (const TypeParam &param : signature.types) {
    if (param.has_default && param.default_type.kind == TypeRef::Kind::concrete)
      spec.types.push_back(param.default_type.dtype);
    else if (param.has_default &&
             param.default_type.param < static_cast<int>(spec.types.size()))
      spec.types.push_back(param.default_type.kind == TypeRef::Kind::param
                               ? spec.types[param.default_type.param]
                               : acc_of(spec.types[param.default_type.param]));
    else
      spec.types.push_back(representative(param, floating));
  }
  for (const ConstParam &param : signature.consts)
    spec.consts.push_back(representative(param, spec.consts));
  for (const Param &param : signature.params) {
    spec.present.push_back(!param.optional || optionals);
    spec.last_stride.push_back(param.is_tensor && !param.dims.empty() ? 1 : -1);
  }
  return spec;
}

void checkProgram(const ParsedProgram &program, MLIRContext &context,
                  Diagnostics &diags, const TypeObserver &observer) {
  for (const Signature &signature : program.signatures) {
    bool hasFloats = llvm::any_of(signature.types, [](const TypeParam &param) {
      return param.kind != TypeParam::Class::integer;
    });
    bool hasOptionals = llvm::any_of(
        signature.params, [](const Param &param) { return param.optional; });
    for (DType floating : {DType::f32, DType::f16, DType::f64}) {
      size_t before = diags.size();
      for (bool optionals : {true, false})
        if (optionals || hasOptionals)
          lowerKernel(program, makeBinding(signature, floating, optionals),
                      context, diags, observer);
      // What is wrong in f32 is most likely wrong for the same reason in f16.
      if (diags.size() != before || !hasFloats)
        break;
    }
  }
}

} // namespace attn_grid::compiler
