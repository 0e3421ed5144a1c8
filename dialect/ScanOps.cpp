// Verifiers and assembly of ag.reduce_with, ag.scan, ag.scan_with, ag.sort:
//   reduce_with_c1 to c3, scan_c1 to c2, scan_with_c1 to c2, sort_c1 to c2.

#include "dialect/AgOps.h"
#include "dialect/Verify.h"

using namespace mlir;

namespace attn_grid::ir {

static LogicalResult verifyAxis(Operation *op, int64_t axis,
                                RankedTensorType tile, StringRef name) {
  if (axis < 0 || axis >= tile.getRank()) // *_c1
    return op->emitOpError("expected 'axis' to be an axis of '")
           << name << "', which has rank " << tile.getRank() << ", but got "
           << axis;
  return success();
}

/// A region (T, T) -> T.
static LogicalResult verifyCombine(Operation *op, Region &region,
                                   Type element) {
  Block &block = region.front();
  auto yield =
      dyn_cast_or_null<YieldOp>(block.empty() ? nullptr : &block.back());
  bool fits = block.getNumArguments() == 2 &&
              llvm::all_of(block.getArgumentTypes(),
                           [&](Type type) { return type == element; }) &&
              yield && yield.getValues().size() == 1 &&
              yield.getValues().front().getType() == element;
  if (!fits) // *_with
    return op->emitOpError("expected 'combine' to take two values of type ")
           << element << " and to yield one";
  return success();
}

LogicalResult ReduceWithOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  if (failed(verifyAxis(*this, getAxis(), input, "input")))
    return failure();
  SmallVector<int64_t> shape(input.getShape());
  shape.erase(shape.begin() + getAxis());
  Type element = input.getElementType();
  if (shapeOf(getResult().getType()) != ArrayRef<int64_t>(shape) ||
      getElementTypeOrSelf(getResult()) != element) // reduce_with_c2
    return emitOpError("expected 'result' to have shape ")
           << formatShape(shape) << " and element type " << element
           << ", but got " << getResult().getType();
  if (failed(verifyCombine(*this, getCombine(), element)))
    return failure();
  return verifyTile(*this, "input", input);
}

LogicalResult ScanOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (failed(verifyAxis(*this, getAxis(), input, "input")))
    return failure();
  Type want = getKind() == ScanKind::sum
                  ? accumulatorType(input.getElementType())
                  : input.getElementType();
  if (result.getShape() != input.getShape() ||
      result.getElementType() != want) // scan_c2
    return emitOpError("expected 'result' to be ")
           << input.clone(want) << ", but got " << result;
  return verifyTile(*this, "input", input);
}

LogicalResult ScanWithOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  if (failed(verifyAxis(*this, getAxis(), input, "input")) ||
      failed(verifyCombine(*this, getCombine(), input.getElementType())))
    return failure();
  return verifyTile(*this, "input", input);
}

LogicalResult SortOp::verify() {
  if (getInputs().empty() || getResultTypes() != getInputs().getTypes())
    return emitOpError( // sort_c2
        "expected keys, and results of the types of keys and payloads");
  auto keys = cast<RankedTensorType>(getInputs().front().getType());
  if (failed(verifyAxis(*this, getAxis(), keys, "keys")))
    return failure();
  for (Value payload : getInputs().drop_front())
    if (shapeOf(payload.getType()) != keys.getShape()) // sort_c2
      return emitOpError("expected payloads to have the shape of the keys, ")
             << formatShape(keys.getShape()) << ", but got "
             << formatShape(shapeOf(payload.getType()));
  return verifyTile(*this, "keys", keys);
}

ParseResult SortOp::parse(OpAsmParser &parser, OperationState &result) {
  SmallVector<OpAsmParser::UnresolvedOperand> inputs;
  SmallVector<Type> types;
  IntegerAttr axis;
  if (parser.parseOperandList(inputs) || parser.parseKeyword("axis") ||
      parser.parseAttribute(axis, parser.getBuilder().getI64Type(), "axis",
                            result.attributes) ||
      parser.parseOptionalAttrDict(result.attributes) ||
      parser.parseColonTypeList(types) ||
      parser.resolveOperands(inputs, types, parser.getNameLoc(),
                             result.operands))
    return failure();
  result.addTypes(types);
  return success();
}

void SortOp::print(OpAsmPrinter &p) {
  p << ' ' << getInputs() << " axis " << getAxis();
  p.printOptionalAttrDict((*this)->getAttrs(), {"axis"});
  p << " : " << getInputs().getTypes();
}

} // namespace attn_grid::ir
