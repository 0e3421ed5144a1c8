#include "compiler/Conversion/Gpu/AccessBuilder.h"

#include "compiler/Conversion/Gpu/Intrinsics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace attn_grid::compiler::gpu {

AccessBuilder::AccessBuilder(ImplicitLocOpBuilder &b, unsigned registers,
                             bool regular)
    : b(b), offsetType(regular ? b.getI32Type() : b.getI64Type()),
      offsets(registers), masks(registers), constants(registers),
      rows(registers) {}

Value AccessBuilder::resize(Value value, Type type) {
  unsigned from = value.getType().getIntOrFloatBitWidth();
  unsigned to = type.getIntOrFloatBitWidth();
  if (from == to)
    return value;
  return from < to ? b.createOrFold<arith::ExtSIOp>(type, value)
                   : b.createOrFold<arith::TruncIOp>(type, value);
}

template <typename Op>
void AccessBuilder::join(Value &value, Value part, Pairs &known) {
  if (!value) {
    value = part;
    return;
  }
  Value &both = known[{value, part}];
  if (!both)
    both = Op::create(b, value, part);
  value = both;
}

void AccessBuilder::addUniform(Value at, Value stride, bool mayBeNegative) {
  Value part = b.createOrFold<arith::MulIOp>(resize(at, offsetType),
                                             resize(stride, offsetType));
  if (mayBeNegative && offsetType.isInteger(32)) {
    for (Value &offset : offsets)
      join<arith::AddIOp>(offset, part, sums);
    return;
  }
  uniform = uniform ? b.createOrFold<arith::AddIOp>(uniform, part) : part;
}

void AccessBuilder::addDimension(ArrayRef<Value> at, Value stride) {
  Value step = resize(stride, offsetType);
  llvm::DenseMap<Value, Value> known;
  for (unsigned reg = 0; reg < offsets.size(); ++reg) {
    Value index = at[at.size() == 1 ? 0 : reg];
    Value &offset = known[index];
    if (!offset)
      offset = b.createOrFold<arith::MulIOp>(resize(index, offsetType), step);
    join<arith::AddIOp>(offsets[reg], offset, sums);
  }
}

void AccessBuilder::addDimension(const Coordinates &at, Value stride,
                                 Value start, bool mayBeNegative, bool apart) {
  IntegerAttr known;
  int64_t most = *llvm::max_element(at.regs);
  // So far below 32 bits that the sum over all dimensions is, too.
  bool isKnown = matchPattern(stride, m_Constant(&known)) &&
                 llvm::isInt<28>(known.getInt()) &&
                 llvm::isInt<28>(known.getInt() * most);
  bool splits = at.separate && most && (isKnown || !(rowStride || apart));
  if (splits && isKnown) {
    for (auto [constant, reg] : llvm::zip_equal(constants, at.regs))
      constant += known.getInt() * reg;
  } else if (splits) {
    rowStride = resize(stride, offsetType);
    rows = at.regs;
  }
  if (splits && !isKnown && mayBeNegative) {
    // Without what the register adds, the sum may need more than 32 bits.
    Value step = resize(rowStride, b.getI64Type());
    for (Value part : {start, at.thread})
      exact.push_back(
          b.createOrFold<arith::MulIOp>(resize(part, b.getI64Type()), step));
    return;
  }
  addDimension(splits ? ArrayRef<Value>(at.thread) : at.sums, stride);
  if (start)
    addUniform(start, stride, mayBeNegative);
}

void AccessBuilder::requireBelow(ArrayRef<Value> at, Value size) {
  llvm::DenseMap<Value, Value> known;
  for (unsigned reg = 0; reg < masks.size(); ++reg) {
    Value index = at[at.size() == 1 ? 0 : reg];
    Value &inside = known[index];
    if (!inside)
      inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, index,
                                     resize(size, index.getType()));
    require(reg, inside);
  }
}

void AccessBuilder::requireBelow(const Coordinates &at, Value start,
                                 Value size) {
  Value left = resize(size, b.getI32Type());
  if (start) // the largest start and the smallest size are 2^31 apart
    left = b.createOrFold<arith::MaxSIOp>(
        b.createOrFold<arith::SubIOp>(left, start),
        arith::ConstantIntOp::create(b, 0, 32));
  left = b.createOrFold<arith::SubIOp>(left, at.thread);
  llvm::DenseMap<uint32_t, Value> known;
  for (auto [reg, here] : llvm::enumerate(at.regs)) {
    Value &inside = known[here];
    if (!inside)
      inside = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, left,
                                     arith::ConstantIntOp::create(b, here, 32));
    require(reg, inside);
  }
}

void AccessBuilder::require(unsigned reg, Value condition) {
  join<arith::AndIOp>(masks[reg], condition, conjunctions);
}

/// `pointer` moved by a number of bytes for each of `count` (i32).
static Value multiplyAdd(ImplicitLocOpBuilder &b, Value count, int64_t bytes,
                         Value pointer) {
  return inlinePtx(b, "mad.wide.s32 $0, $1, " + std::to_string(bytes) + ", $2;",
                   "=l,r,l", pointer.getType(), {count, pointer},
                   /*sideEffects=*/false);
}

Value AccessBuilder::advance(Value pointer, Value offset, Type element,
                             bool apart) {
  // One instruction per address; LLVM would take it apart to move the product
  // before loops, where 64-bit values cost two registers each.
  if (apart && offset.getType().isInteger(32))
    return multiplyAdd(b, offset, element.getIntOrFloatBitWidth() / 8, pointer);
  return LLVM::GEPOp::create(b, pointer.getType(), element, pointer,
                             ValueRange{offset});
}

Value AccessBuilder::advanceRows(Value pointer, int64_t row, Type element) {
  if (rowStride.getType().isInteger(32))
    return multiplyAdd(b, rowStride, row * element.getIntOrFloatBitWidth() / 8,
                       pointer);
  Value offset = b.createOrFold<arith::MulIOp>(
      rowStride, arith::ConstantIntOp::create(b, row, 64));
  return LLVM::GEPOp::create(b, pointer.getType(), element, pointer,
                             ValueRange{offset});
}

Access AccessBuilder::finish(Value pointer, Type element, bool apart) {
  for (Value part : exact)
    pointer = advance(pointer, part, element, apart);
  if (uniform)
    pointer = advance(pointer, uniform, element, apart);
  Access access;
  llvm::DenseMap<std::tuple<Value, int64_t, int64_t>, Value> known;
  for (auto [offset, row, constant] :
       llvm::zip_equal(offsets, rows, constants)) {
    Value at = pointer;
    auto step = [&](std::tuple<Value, int64_t, int64_t> key,
                    llvm::function_ref<Value()> make) {
      Value &value = known[key];
      if (!value)
        value = make();
      at = value;
    };
    if (offset)
      step({offset, 0, 0}, [&] { return advance(at, offset, element, apart); });
    if (row)
      step({offset, row, 0}, [&] { return advanceRows(at, row, element); });
    if (constant)
      step({offset, row, constant}, [&] {
        return LLVM::GEPOp::create(
            b, at.getType(), element, at,
            ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(constant)});
      });
    access.pointers.push_back(at);
  }
  access.masks = masks;
  return access;
}

} // namespace attn_grid::compiler::gpu
