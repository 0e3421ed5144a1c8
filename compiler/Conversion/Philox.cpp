// Philox 4x32-10.
//
// J. Salmon, M. Moraes, R. Dror, D. Shaw: "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011. Ten rounds of two 32x32-bit multiplications. Key and
// counter are laid out as spec/flash.md 5 says.

#include "compiler/Conversion/Philox.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace attn_grid::compiler {

Value emitPhilox(ImplicitLocOpBuilder &b, ArrayRef<Value> operands) {
  int64_t lanes = 1;
  for (Value operand : operands)
    if (auto vector = dyn_cast<VectorType>(operand.getType()))
      lanes = vector.getDimSize(0);
  auto vectorOf = [&](Type element) {
    return lanes == 1 ? element : Type(VectorType::get({lanes}, element));
  };
  Type i32 = vectorOf(b.getI32Type()), i64 = vectorOf(b.getI64Type());
  auto widen = [&](Value value, int64_t count) -> Value {
    if (count == 1 || isa<VectorType>(value.getType()))
      return value;
    return vector::BroadcastOp::create(
        b, VectorType::get({count}, value.getType()), value);
  };
  auto constant = [&](TypedAttr value) -> Value {
    return arith::ConstantOp::create(b, value);
  };
  auto word = [&](uint32_t value) {
    return widen(constant(b.getI32IntegerAttr(value)), lanes);
  };
  auto low = [&](Value wide) -> Value {
    return arith::TruncIOp::create(b, i32, widen(wide, lanes));
  };
  auto high = [&](Value wide) -> Value {
    Value shift = widen(constant(b.getI64IntegerAttr(32)), lanes);
    return arith::TruncIOp::create(
        b, i32, arith::ShRUIOp::create(b, widen(wide, lanes), shift));
  };
  auto exclusiveOr = [&](Value x, Value y) -> Value {
    return arith::XOrIOp::create(b, x, y);
  };
  Value seed = operands[0], offset = operands[1];
  Value key0 = low(seed), key1 = exclusiveOr(high(seed), high(offset));
  Value c[4] = {widen(operands[4], lanes), widen(operands[3], lanes),
                widen(operands[2], lanes), low(offset)};
  for (int round = 0; round < 10; ++round) {
    auto product = [&](uint32_t factor, Value x) -> Value {
      Value wide = widen(constant(b.getI64IntegerAttr(factor)), lanes);
      return arith::MulIOp::create(b, arith::ExtUIOp::create(b, i64, x), wide);
    };
    Value p0 = product(0xD2511F53u, c[0]), p1 = product(0xCD9E8D57u, c[2]);
    Value next[4] = {exclusiveOr(exclusiveOr(high(p1), c[1]), key0), low(p1),
                     exclusiveOr(exclusiveOr(high(p0), c[3]), key1), low(p0)};
    std::copy(next, next + 4, c);
    key0 = arith::AddIOp::create(b, key0, word(0x9E3779B9u));
    key1 = arith::AddIOp::create(b, key1, word(0xBB67AE85u));
  }
  Value which = arith::AndIOp::create(b, widen(operands[5], lanes), word(3));
  Value result = c[3];
  for (int lane = 2; lane >= 0; --lane) {
    Value same =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, which, word(lane));
    result = arith::SelectOp::create(b, same, c[lane], result);
  }
  return result;
}

} // namespace attn_grid::compiler
