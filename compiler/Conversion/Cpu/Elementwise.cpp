// Values: expressions evaluated at a point, a vector of lanes at a time.
//
// In registers a 16- or 8-bit float is an f32 that its type can represent:
// every operation computes in f32 and rounds (language.md, "Numbers").

#include "compiler/Conversion/Cpu/TileEmitter.h"

#include "compiler/Conversion/Philox.h"

#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn_grid::ir;

namespace attn_grid::compiler::cpu {

Type TileEmitter::registerType(Type element) const {
  return isSmallFloat(element) ? Type(b.getF32Type()) : element;
}

//===----------------------------------------------------------------------===//
// Indices and constants
//===----------------------------------------------------------------------===//

Value TileEmitter::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

Value TileEmitter::addIndex(Value a, Value c) {
  return b.createOrFold<arith::AddIOp>(a, c);
}

Value TileEmitter::mulIndex(Value a, Value c) {
  return b.createOrFold<arith::MulIOp>(a, c);
}

Value TileEmitter::toIndex(Value value) {
  if (value.getType().isIndex())
    return value;
  return b.createOrFold<arith::IndexCastOp>(b.getIndexType(), value);
}

Value TileEmitter::constant(Type type, Attribute value) {
  if (auto number = dyn_cast<FloatAttr>(value)) {
    APFloat converted = number.getValue();
    bool lossy;
    converted.convert(cast<FloatType>(type).getFloatSemantics(),
                      APFloat::rmNearestTiesToEven, &lossy);
    return arith::ConstantOp::create(b, FloatAttr::get(type, converted));
  }
  return arith::ConstantOp::create(b, cast<TypedAttr>(value));
}

Value TileEmitter::widen(Value value, int64_t lanes) {
  if (lanes == 1 || isa<VectorType>(value.getType()))
    return value;
  return vector::BroadcastOp::create(
      b, VectorType::get({lanes}, value.getType()), value);
}

Value TileEmitter::scalar(Value value) {
  if (Value known = scalars.lookup(value))
    return known;
  // A scalar reduction of the group that is still open.
  flush();
  if (Value known = scalars.lookup(value))
    return known;
  fail(value.getDefiningOp(), "this scalar is not available on the CPU");
  return constant(registerType(value.getType()),
                  b.getZeroAttr(registerType(value.getType())));
}

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

Value TileEmitter::remember(Value value, const Point &point, Value result) {
  memo.back()[value].push_back({point, result});
  return result;
}

Value TileEmitter::eval(Value value, const Point &point) {
  if (!isa<RankedTensorType>(value.getType()))
    return scalar(value);
  for (const Memo &scope : llvm::reverse(memo)) {
    auto it = scope.find(value);
    if (it == scope.end())
      continue;
    for (const auto &[where, result] : it->second)
      if (where == point)
        return result;
  }
  auto buffer = buffers.find(value);
  Value result = buffer != buffers.end() ? loadBuffer(buffer->second, point)
                                         : evalDefinition(value, point);
  return remember(value, point, result);
}

Value TileEmitter::evalPerLane(Value value, const Point &point) {
  SmallVector<Value> elements;
  for (int64_t lane = 0; lane < point.lanes; ++lane) {
    Point one{point.coords, -1, 1};
    one.coords[point.laneAxis] =
        addIndex(point.coords[point.laneAxis], index(lane));
    elements.push_back(eval(value, one));
  }
  return vector::FromElementsOp::create(
      b, VectorType::get({point.lanes}, elements.front().getType()), elements);
}

Value TileEmitter::evalIota(const Point &point) {
  Value first =
      b.createOrFold<arith::IndexCastOp>(b.getI32Type(), point.coords.front());
  if (!point.variesAlong(0))
    return first;
  SmallVector<int32_t> steps;
  for (int64_t lane = 0; lane < point.lanes; ++lane)
    steps.push_back(lane);
  auto type = VectorType::get({point.lanes}, b.getI32Type());
  Value lanes = arith::ConstantOp::create(
      b, DenseElementsAttr::get(type, ArrayRef<int32_t>(steps)));
  return arith::AddIOp::create(b, widen(first, point.lanes), lanes);
}

Value TileEmitter::evalDefinition(Value value, const Point &point) {
  Operation *op = value.getDefiningOp();
  if (!op) {
    fail(kernel, "a tile that is no operation's result has no buffer");
    return constant(b.getF32Type(), b.getF32FloatAttr(0));
  }
  if (auto splat = dyn_cast<tensor::SplatOp>(op))
    return scalar(splat.getInput());
  if (auto literal = dyn_cast<arith::ConstantOp>(op)) {
    auto splat = dyn_cast<SplatElementsAttr>(literal.getValue());
    Type type = registerType(getElementTypeOrSelf(value.getType()));
    if (splat)
      return constant(type, splat.getSplatValue<Attribute>());
    fail(op, "the elements of a constant tile must be equal: compute others "
             "from ag.iota");
    return constant(type, b.getZeroAttr(type));
  }
  if (isa<IotaOp>(op))
    return evalIota(point);
  if (auto load = dyn_cast<LoadOp>(op))
    return evalLoad(load, point);
  if (auto gather = dyn_cast<GatherOp>(op))
    return evalGather(gather, point);
  if (auto broadcast = dyn_cast<BroadcastOp>(op)) {
    Point inner;
    ArrayRef<int64_t> from = shapeOf(broadcast.getInput().getType());
    ArrayRef<int64_t> to = shapeOf(value.getType());
    for (auto [a, axis] : llvm::enumerate(broadcast.getAxes())) {
      bool same = from[a] == to[axis];
      inner.coords.push_back(same ? point.coords[axis] : index(0));
      if (same && point.variesAlong(axis)) {
        inner.laneAxis = a;
        inner.lanes = point.lanes;
      }
    }
    return eval(broadcast.getInput(), inner);
  }
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    Point inner{point.coords, -1, 1};
    for (auto [a, from] : llvm::enumerate(transpose.getPermutation())) {
      inner.coords[from] = point.coords[a];
      if (point.variesAlong(a)) {
        inner.laneAxis = from;
        inner.lanes = point.lanes;
      }
    }
    return eval(transpose.getInput(), inner);
  }
  if (auto reshape = dyn_cast<ReshapeOp>(op)) {
    if (point.lanes > 1)
      return evalPerLane(value, point);
    Value linear = index(0);
    for (auto [extent, coord] :
         llvm::zip(shapeOf(value.getType()), point.coords))
      linear = addIndex(mulIndex(linear, index(extent)), coord);
    ArrayRef<int64_t> from = shapeOf(reshape.getInput().getType());
    Point inner;
    inner.coords.resize(from.size());
    for (int64_t a = from.size() - 1; a >= 0; --a) {
      inner.coords[a] = b.createOrFold<arith::RemUIOp>(linear, index(from[a]));
      linear = b.createOrFold<arith::DivUIOp>(linear, index(from[a]));
    }
    return eval(reshape.getInput(), inner);
  }
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(eval(operand, point));
  if (isa<PhiloxOp>(op))
    return emitPhilox(b, operands);
  return elementwise(op, operands);
}

//===----------------------------------------------------------------------===//
// Elementwise operations
//===----------------------------------------------------------------------===//

Value TileEmitter::elementwise(Operation *op, ValueRange operands) {
  int64_t lanes = 1;
  for (Value operand : operands)
    lanes = std::max(lanes, lanesOf(operand));
  SmallVector<Value> wide;
  for (Value operand : operands)
    wide.push_back(widen(operand, lanes));
  Type element = getElementTypeOrSelf(op->getResult(0).getType());
  Value result = elementwiseInRegisters(op, wide, element, lanes);
  // These choose or clear a sign: nothing to round.
  bool exact = isa<arith::SelectOp, arith::NegFOp, math::AbsFOp,
                   arith::MaxNumFOp, arith::MinNumFOp, arith::BitcastOp>(op);
  return exact ? result : roundTo(result, element);
}

Value TileEmitter::elementwiseInRegisters(Operation *op,
                                          ArrayRef<Value> operands,
                                          Type element, int64_t lanes) {
  Type type = vectorOf(registerType(element), lanes);
  // With a NaN either operand will do: one comparison, which x86 has as max.
  if (isa<arith::MaxNumFOp, arith::MinNumFOp>(op)) {
    auto predicate = isa<arith::MaxNumFOp>(op) ? arith::CmpFPredicate::OGT
                                               : arith::CmpFPredicate::OLT;
    Value first = arith::CmpFOp::create(b, predicate, operands[0], operands[1]);
    return arith::SelectOp::create(b, first, operands[0], operands[1]);
  }
  if (isa<arith::ExtFOp, arith::TruncFOp>(op)) {
    Type from = getElementTypeOrSelf(operands[0].getType());
    Type to = registerType(element);
    if (from == to)
      return operands[0];
    if (from.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth())
      return arith::ExtFOp::create(b, type, operands[0]);
    Value narrow = arith::TruncFOp::create(b, type, operands[0]);
    if (!isSmallFloat(element))
      return narrow;
    // f64 to 16 bits in two steps must not round twice: where the first step
    // was inexact, leave the f32 odd, so that the second sees which side.
    Value back = arith::ExtFOp::create(b, operands[0].getType(), narrow);
    auto compare = [&](arith::CmpFPredicate p, Value x, Value y) -> Value {
      return arith::CmpFOp::create(b, p, x, y);
    };
    auto bits = [&](int32_t pattern) {
      return widen(constant(b.getI32Type(), b.getI32IntegerAttr(pattern)),
                   lanes);
    };
    Type ints = vectorOf(b.getI32Type(), lanes);
    Value raw = arith::BitcastOp::create(b, ints, narrow);
    Value inexact = compare(arith::CmpFPredicate::ONE, back, operands[0]);
    Value wideAbs = math::AbsFOp::create(b, operands[0]);
    Value backAbs = math::AbsFOp::create(b, back);
    Value above = compare(arith::CmpFPredicate::OGT, backAbs, wideAbs);
    Value isOdd =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                              arith::AndIOp::create(b, raw, bits(1)), bits(0));
    Value down = arith::SubIOp::create(b, raw, bits(1));
    Value toward = arith::SelectOp::create(b, above, down, raw);
    Value odd = arith::OrIOp::create(b, toward, bits(1));
    Value keep = arith::OrIOp::create(
        b, isOdd,
        arith::XOrIOp::create(
            b, inexact,
            widen(constant(b.getI1Type(), b.getBoolAttr(true)), lanes)));
    Value chosen = arith::SelectOp::create(b, keep, raw, odd);
    return arith::BitcastOp::create(b, type, chosen);
  }
  SmallVector<Value> inputs(operands);
  if (isa<arith::BitcastOp>(op)) {
    Type from = getElementTypeOrSelf(op->getOperand(0).getType());
    if (isSmallFloat(from)) // its true bits
      inputs[0] = arith::TruncFOp::create(b, vectorOf(from, lanes), inputs[0]);
    Value bits =
        arith::BitcastOp::create(b, vectorOf(element, lanes), inputs[0]);
    if (isSmallFloat(element))
      bits = arith::ExtFOp::create(b, type, bits);
    return bits;
  }
  StringRef dialect = op->getName().getDialectNamespace();
  if ((dialect != "arith" && dialect != "math") || op->getNumRegions() ||
      op->getNumResults() != 1) {
    fail(op, "this operation is not supported on the CPU");
    return widen(
        constant(registerType(element), b.getZeroAttr(registerType(element))),
        lanes);
  }
  OperationState state(b.getLoc(), op->getName());
  state.addOperands(inputs);
  state.addTypes(type);
  state.addAttributes(op->getAttrs());
  return b.create(state)->getResult(0);
}

} // namespace attn_grid::compiler::cpu
