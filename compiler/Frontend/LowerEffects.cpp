// What a program says to whoever launched it (`print`, `assert`), and its
// random numbers.

#include "compiler/Frontend/BuiltinCall.h"

using namespace mlir;

namespace attn_grid::compiler {

Datum Lowering::builtinPrint(BuiltinCall &call) {
  Arguments args;
  if (!splitArguments(call, {}, args))
    return Datum::poison();
  if (args.positional.empty())
    return poison(call.call.range, "`print` needs a text: `print(\"x\", x)`");
  const ast::Expr &first = *args.positional[0]->value;
  const auto *text = ast::dynAs<ast::StringLiteral>(&first);
  if (!text)
    return poison(first.range, "`print` begins with a text in quotes: "
                               "`print(\"" +
                                   quote(first.range) + "\", " +
                                   quote(first.range) + ")`");
  llvm::SmallVector<Value> values;
  for (const ast::Arg *arg : llvm::drop_begin(args.positional)) {
    std::optional<TileValue> value =
        asTile({eval(*arg->value), arg->value->range});
    if (!value)
      return Datum::poison();
    // The IR's integers have no sign, 8-bit floats no arithmetic: print them
    // as a type that holds them.
    if (is_unsigned(value->element))
      value = numerics().cast(*value, DType::i64);
    else if (isFloat8(value->element))
      value = numerics().cast(*value, DType::f32);
    values.push_back(value->value);
  }
  ir::PrintOp::create(builder, loc, text->value, values);
  return Datum::of(Datum::Kind::none);
}

Datum Lowering::builtinAssert(BuiltinCall &call) {
  Operand operand = call.operand(0);
  const auto *text =
      call.has(1) ? ast::dynAs<ast::StringLiteral>(&call.expr(1)) : nullptr;
  if (call.has(1) && !text)
    return poison(call.expr(1).range, "expected a message in quotes");
  if (!expectValue(operand))
    return Datum::poison();
  TileType type = typeOf(operand.datum).tile;
  if (!isBool(type.element) || !type.shape.empty()) {
    auto message = error(operand.range, "`assert` needs a bool, found " +
                                            describe(operand.datum));
    if (isBool(type.element))
      message.note("say of which elements: `all(" + quote(operand.range) +
                   ")` or `any(" + quote(operand.range) + ")`");
    return Datum::poison();
  }
  std::optional<TileValue> condition = asTile(operand);
  if (!condition)
    return Datum::poison();
  ir::AssertOp::create(builder, loc, condition->value,
                       text ? text->value
                            : "`" + quote(operand.range) + "` is false");
  return Datum::of(Datum::Kind::none);
}

Datum Lowering::builtinPhilox(BuiltinCall &call) {
  llvm::SmallVector<TileValue, 6> values;
  Shape shape;
  for (size_t i = 0; i < 6; ++i) {
    Operand operand = call.operand(i);
    DType wide = i < 2 ? DType::i64 : DType::i32;
    std::optional<TileValue> value;
    if (operand.datum.isInt())
      value = adapt(operand, i < 2 ? DType::i64 : DType::u32, "`philox`");
    else
      value = asTile(operand);
    if (!value)
      return Datum::poison();
    if (!is_int(value->element))
      return poison(operand.range,
                    "`philox` needs integers, found " + format(value->type()));
    std::optional<Shape> both = broadcastShape(shape, value->shape());
    if (!both)
      return poison(operand.range,
                    "`philox` needs shapes that repeat to one, found " +
                        format(shape) + " and " + format(value->shape()));
    shape = *both;
    values.push_back(numerics().cast(*value, wide));
  }
  if (!checkTileShape(shape, call.call.range))
    return Datum::poison();
  llvm::SmallVector<Value, 6> operands;
  for (const TileValue &value : values)
    operands.push_back(numerics().broadcast(value, shape).value);
  Type type = irType(builder.getContext(), {DType::u32, shape});
  auto op = ir::PhiloxOp::create(builder, loc, type, operands);
  return Datum::of(TileValue{op.getResult(), DType::u32});
}

} // namespace attn_grid::compiler
