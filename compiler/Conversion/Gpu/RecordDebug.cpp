// Prints and asserts on GPUs: words of a tensor that the runtime adds to the
// launch, and reads when it is over (`ag_debug_words` in artifact.hpp).
//
//     ag.assert %c, "why"     ->    if (!%c) debug[0] = number of the assert
//     ag.print "text", %t     ->    at = atomic_add(debug[1], words of a
//     record)
//                                   debug[2 + at ...] = number, words, values
//
// A record that does not fit falls outside the tensor, where nothing is
// written.

#include "compiler/Conversion/Gpu/LowerToThreads.h"
#include "compiler/Conversion/Passes.h"

#include "attn_grid/artifact.hpp"
#include "dialect/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <numeric>

using namespace mlir;

namespace attn_grid::compiler {

#define GEN_PASS_DEF_RECORDDEBUG
#include "compiler/Conversion/Passes.h.inc"

using namespace ir;

namespace {

class Recorder {
public:
  explicit Recorder(KernelOp kernel)
      : kernel(kernel), b(kernel.getLoc(), kernel.getContext()) {}

  void run() {
    SmallVector<Operation *> found;
    kernel->walk([&](Operation *op) {
      if (isa<PrintOp, AssertOp>(op))
        found.push_back(op);
    });
    if (found.empty())
      return;
    addTensor();
    for (Operation *op : found) {
      b.setLoc(op->getLoc());
      b.setInsertionPoint(op);
      if (auto print = dyn_cast<PrintOp>(op))
        record(print);
      else
        record(cast<AssertOp>(op));
      op->erase();
    }
    kernel->setAttr(gpu::assertsAttr, b.getArrayAttr(asserts));
    kernel->setAttr(gpu::printsAttr, b.getArrayAttr(prints));
  }

private:
  /// One more argument, the last.
  void addTensor() {
    Type word = b.getI32Type();
    Type pointer = MemRefType::get({}, word);
    unsigned number = kernel.getArgumentTypes().size();
    Block &entry = kernel.getBody().front();
    Value argument = entry.addArgument(pointer, kernel.getLoc());
    SmallVector<Type> types(kernel.getArgumentTypes());
    types.push_back(pointer);
    SmallVector<Attribute> attributes;
    for (unsigned i = 0; i < number; ++i)
      attributes.push_back(kernel.getArgAttrDict(i) ? kernel.getArgAttrDict(i)
                                                    : b.getDictionaryAttr({}));
    attributes.push_back(b.getDictionaryAttr(
        {b.getNamedAttr(KernelOp::accessAttr, b.getStringAttr("inout")),
         b.getNamedAttr(KernelOp::nameAttr, b.getStringAttr("debug"))}));
    kernel.setFunctionType(FunctionType::get(b.getContext(), types, {}));
    kernel.setArgAttrsAttr(b.getArrayAttr(attributes));

    b.setInsertionPointToStart(&entry);
    auto words = static_cast<int64_t>(ag_debug_words);
    auto layout = StridedLayoutAttr::get(b.getContext(), 0, {1});
    tensor = memref::ReinterpretCastOp::create(
        b, MemRefType::get({words}, word, layout), argument, /*offset=*/0,
        ArrayRef<int64_t>{words}, ArrayRef<int64_t>{1});
  }

  Value word(int64_t value) {
    return arith::ConstantOp::create(
        b, b.getI32IntegerAttr(static_cast<int32_t>(value)));
  }
  void store(Value value, Value at) {
    auto tile = dyn_cast<RankedTensorType>(value.getType());
    int64_t extent = tile ? tile.getNumElements() : 0;
    StoreOp::create(b, value, tensor, ValueRange{at}, ValueRange{}, Value(),
                    ArrayRef<int64_t>{extent});
  }

  void record(AssertOp op) {
    asserts.push_back(op.getMessageAttr());
    Value wrong = arith::XOrIOp::create(
        b, op.getCondition(),
        arith::ConstantOp::create(b, b.getBoolAttr(true)));
    auto branch = scf::IfOp::create(b, wrong, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    store(word(static_cast<int64_t>(asserts.size())), word(0));
  }

  /// The value's words: one or two tiles of i32 without a shape, low ones
  /// first.
  SmallVector<Value> wordsOf(Value value) {
    auto tile = dyn_cast<RankedTensorType>(value.getType());
    Type element = getElementTypeOrSelf(value.getType());
    auto shaped = [&](Type type) {
      return tile ? Type(tile.clone(type)) : type;
    };
    unsigned bits = element.getIntOrFloatBitWidth();
    if (isa<FloatType>(element)) {
      if (bits < 32)
        value = arith::ExtFOp::create(b, shaped(b.getF32Type()), value);
      bits = std::max(bits, 32u);
      value =
          arith::BitcastOp::create(b, shaped(b.getIntegerType(bits)), value);
    } else if (bits == 1) {
      value = arith::ExtUIOp::create(b, shaped(b.getI32Type()), value);
    } else if (bits < 32) {
      value = arith::ExtSIOp::create(b, shaped(b.getI32Type()), value);
    }
    SmallVector<Value> words{value};
    if (bits == 64) {
      auto narrow = [&](Value wide) -> Value {
        return arith::TruncIOp::create(b, shaped(b.getI32Type()), wide);
      };
      TypedAttr shift = b.getI64IntegerAttr(32);
      if (tile)
        shift = DenseElementsAttr::get(cast<ShapedType>(shaped(b.getI64Type())),
                                       Attribute(shift));
      Value high =
          arith::ShRUIOp::create(b, value, arith::ConstantOp::create(b, shift));
      words = {narrow(value), narrow(high)};
    }
    if (tile && tile.getRank() != 1)
      for (Value &part : words)
        part = ReshapeOp::create(
            b, RankedTensorType::get({tile.getNumElements()}, b.getI32Type()),
            part);
    return words;
  }

  /// As the CPU's prints have it: narrow floats are f32.
  static DType printedType(Type element) {
    if (isa<FloatType>(element))
      return element.isF64() ? DType::f64 : DType::f32;
    switch (element.getIntOrFloatBitWidth()) {
    case 1:
      return DType::boolean;
    case 64:
      return DType::i64;
    default:
      return DType::i32;
    }
  }

  void record(PrintOp op) {
    SmallVector<Value> parts;
    SmallVector<Attribute> values;
    for (Value value : op.getValues()) {
      parts.append(wordsOf(value));
      SmallVector<int64_t> description{static_cast<int64_t>(
          printedType(getElementTypeOrSelf(value.getType())))};
      llvm::append_range(description, shapeOf(value.getType()));
      values.push_back(b.getDenseI64ArrayAttr(description));
    }
    prints.push_back(b.getArrayAttr(
        {b.getStringAttr(op.getText()), b.getArrayAttr(values)}));
    int64_t words = 2;
    for (Value part : parts)
      words += isa<RankedTensorType>(part.getType())
                   ? cast<RankedTensorType>(part.getType()).getNumElements()
                   : 1;
    Value at = AtomicOp::create(b, b.getI32Type(), AtomicKind::add, word(words),
                                tensor, ValueRange{word(1)}, ValueRange{},
                                Value(), ArrayRef<int64_t>{0})
                   .getResult();
    int64_t offset = 2;
    auto put = [&](Value part, int64_t count) {
      store(part, arith::AddIOp::create(b, at, word(offset)));
      offset += count;
    };
    put(word(static_cast<int64_t>(prints.size()) - 1), 1);
    put(word(words), 1);
    for (Value part : parts) {
      auto tile = dyn_cast<RankedTensorType>(part.getType());
      put(part, tile ? tile.getNumElements() : 1);
    }
  }

  KernelOp kernel;
  ImplicitLocOpBuilder b;
  Value tensor;
  SmallVector<Attribute> asserts, prints;
};

struct RecordDebugPass : impl::RecordDebugBase<RecordDebugPass> {
  void runOnOperation() override { Recorder(getOperation()).run(); }
};

} // namespace

} // namespace attn_grid::compiler
