// Verifiers and assembly of ag.load, ag.store, ag.atomic:
//   load_c1 to c5, store_c1 to c5 (one implementation), atomic_c6 to c7.

#include "dialect/AgOps.h"
#include "dialect/Verify.h"

using namespace mlir;

namespace attn_grid::ir {

/// The conditions that load, store and atomic share; `tile` is what is read or
/// written.
template <typename Op>
static LogicalResult verifyAccess(Op op, Type tile, Value keep,
                                  StringRef name) {
  auto tensor = cast<MemRefType>(op.getTensor().getType());
  ArrayRef<int64_t> extents = op.getExtents();
  if (static_cast<int64_t>(op.getIndices().size()) != tensor.getRank() ||
      extents.size() != op.getIndices().size()) // access_c1
    return op.emitOpError("expected one index and one extent for each of the ")
           << tensor.getRank() << " dimensions of 'tensor', but got "
           << op.getIndices().size() << " and " << extents.size();
  SmallVector<int64_t> shape;
  for (auto [d, index] : llvm::enumerate(op.getIndices())) {
    auto list = dyn_cast<RankedTensorType>(index.getType());
    if (extents[d] < 0 || (list && list.getDimSize(0) != extents[d]))
      return op.emitOpError("expected extent ") // access_c2
             << d << " to fit its index, but got " << extents[d];
    if (extents[d] > 0)
      shape.push_back(extents[d]);
  }
  if (!op.getSteps().empty() &&
      op.getSteps().size() != op.getIndices().size()) // access_c3
    return op.emitOpError("expected no steps or one per dimension, but got ")
           << op.getSteps().size();
  if (shapeOf(tile) != ArrayRef<int64_t>(shape) ||
      getElementTypeOrSelf(tile) != tensor.getElementType()) // access_c4
    return op.emitOpError("expected '")
           << name << "' to have shape " << formatShape(shape)
           << " and element type " << tensor.getElementType() << ", but got "
           << tile;
  if (keep && (!getElementTypeOrSelf(keep).isInteger(1) ||
               shapeOf(keep.getType()) != ArrayRef<int64_t>(shape)))
    return op.emitOpError("expected 'keep' to be a mask of shape ") // access_c5
           << formatShape(shape) << ", but got " << keep.getType();
  return verifyTile(op, name, tile);
}

LogicalResult LoadOp::verify() {
  if (getOther() && getOther().getType() != getResult().getType()) // load_c5
    return emitOpError("expected 'other' to have the type of 'result', ")
           << getResult().getType() << ", but got " << getOther().getType();
  return verifyAccess(*this, getResult().getType(), getKeep(), "result");
}

LogicalResult StoreOp::verify() {
  return verifyAccess(*this, getValue().getType(), getKeep(), "value");
}

LogicalResult AtomicOp::verify() {
  Type element = getElementTypeOrSelf(getValue().getType());
  unsigned bits = element.getIntOrFloatBitWidth();
  bool wide = bits == 32 || bits == 64;
  bool fits = false;
  switch (getKind()) {
  case AtomicKind::add:
    fits = wide;
    break;
  case AtomicKind::min:
  case AtomicKind::max:
    fits = wide && (isa<IntegerType>(element) || element.isF32());
    break;
  case AtomicKind::umin:
  case AtomicKind::umax:
    fits = wide && isa<IntegerType>(element);
    break;
  }
  if (!fits) // atomic_c6
    return emitOpError("expected elements that '")
           << stringifyAtomicKind(getKind()) << "' can update, but got "
           << element;
  if (getOld().getType() != getValue().getType()) // atomic_c7
    return emitOpError("expected 'old' to have the type of 'value', ")
           << getValue().getType() << ", but got " << getOld().getType();
  return verifyAccess(*this, getValue().getType(), getKeep(), "value");
}

// Assembly of an access: `%t[%b, %m : 64, %c : 32 step %s]`; an index tile is
// written like a scalar index, its type follows in the type list.

static void printAccess(OpAsmPrinter &p, Value tensor, OperandRange indices,
                        OperandRange steps, ArrayRef<int64_t> extents) {
  p << ' ' << tensor << '[';
  for (auto [d, index] : llvm::enumerate(indices)) {
    if (d)
      p << ", ";
    p << index;
    if (extents[d])
      p << " : " << extents[d];
    if (!steps.empty())
      p << " step " << steps[d];
  }
  p << ']';
}

namespace {
/// An access as parsed, before its types are known.
struct ParsedAccess {
  OpAsmParser::UnresolvedOperand tensor;
  SmallVector<OpAsmParser::UnresolvedOperand> indices, steps;
  SmallVector<int64_t> extents;
};
} // namespace

static ParseResult parseAccess(OpAsmParser &parser, ParsedAccess &access) {
  if (parser.parseOperand(access.tensor))
    return failure();
  return parser.parseCommaSeparatedList(
      OpAsmParser::Delimiter::Square, [&]() -> ParseResult {
        int64_t extent = 0;
        if (parser.parseOperand(access.indices.emplace_back()))
          return failure();
        if (succeeded(parser.parseOptionalColon()) &&
            parser.parseInteger(extent))
          return failure();
        if (succeeded(parser.parseOptionalKeyword("step")) &&
            parser.parseOperand(access.steps.emplace_back()))
          return failure();
        access.extents.push_back(extent);
        return success();
      });
}

/// Gives the tensor, the indices and the steps their types: an index is i32
/// unless the list `indexTypes` (`, [i32, tensor<4xi32>]`) says otherwise.
static ParseResult resolveAccess(OpAsmParser &parser, OperationState &result,
                                 const ParsedAccess &access, Type tensorType,
                                 ArrayRef<Type> indexTypes) {
  Type i32 = parser.getBuilder().getI32Type();
  SmallVector<Type> types(indexTypes);
  if (types.empty())
    types.assign(access.indices.size(), i32);
  return failure(
      parser.resolveOperand(access.tensor, tensorType, result.operands) ||
      parser.resolveOperands(access.indices, types, parser.getNameLoc(),
                             result.operands) ||
      parser.resolveOperands(access.steps, i32, result.operands));
}

static ParseResult parseIndexTypes(OpAsmParser &parser,
                                   SmallVectorImpl<Type> &types) {
  if (failed(parser.parseOptionalKeyword("indices")))
    return success();
  return failure(parser.parseLSquare() || parser.parseTypeList(types) ||
                 parser.parseRSquare());
}

static void printIndexTypes(OpAsmPrinter &p, OperandRange indices) {
  if (llvm::all_of(indices.getTypes(),
                   [](Type type) { return type.isInteger(32); }))
    return;
  p << " indices [" << indices.getTypes() << ']';
}

ParseResult LoadOp::parse(OpAsmParser &parser, OperationState &result) {
  ParsedAccess access;
  OpAsmParser::UnresolvedOperand keep, other;
  bool hasKeep = false, hasOther = false;
  MemRefType tensorType;
  Type resultType;
  SmallVector<Type> indexTypes;
  if (parseAccess(parser, access))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("keep"))) {
    hasKeep = true;
    if (parser.parseOperand(keep))
      return failure();
  }
  if (succeeded(parser.parseOptionalKeyword("other"))) {
    hasOther = true;
    if (parser.parseOperand(other))
      return failure();
  }
  if (parser.parseOptionalAttrDict(result.attributes) || parser.parseColon() ||
      parser.parseType(tensorType) || parseIndexTypes(parser, indexTypes) ||
      parser.parseArrow() || parser.parseType(resultType) ||
      resolveAccess(parser, result, access, tensorType, indexTypes))
    return failure();
  Builder &builder = parser.getBuilder();
  Type keepType = builder.getI1Type();
  if (auto tile = dyn_cast<RankedTensorType>(resultType))
    keepType = tile.clone(keepType);
  if ((hasKeep && parser.resolveOperand(keep, keepType, result.operands)) ||
      (hasOther && parser.resolveOperand(other, resultType, result.operands)))
    return failure();
  result.addAttribute("extents", builder.getDenseI64ArrayAttr(access.extents));
  result.addAttribute(
      getOperandSegmentSizeAttr(),
      builder.getDenseI32ArrayAttr(
          {1, static_cast<int32_t>(access.indices.size()),
           static_cast<int32_t>(access.steps.size()), hasKeep, hasOther}));
  result.addTypes(resultType);
  return success();
}

void LoadOp::print(OpAsmPrinter &p) {
  printAccess(p, getTensor(), getIndices(), getSteps(), getExtents());
  if (getKeep())
    p << " keep " << getKeep();
  if (getOther())
    p << " other " << getOther();
  p.printOptionalAttrDict((*this)->getAttrs(),
                          {"extents", getOperandSegmentSizeAttr()});
  p << " : " << getTensor().getType();
  printIndexTypes(p, getIndices());
  p << " -> " << getResult().getType();
}

ParseResult StoreOp::parse(OpAsmParser &parser, OperationState &result) {
  ParsedAccess access;
  OpAsmParser::UnresolvedOperand value, keep;
  bool hasKeep = false;
  Type valueType;
  MemRefType tensorType;
  SmallVector<Type> indexTypes;
  if (parser.parseOperand(value) || parser.parseComma() ||
      parseAccess(parser, access))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("keep"))) {
    hasKeep = true;
    if (parser.parseOperand(keep))
      return failure();
  }
  if (parser.parseOptionalAttrDict(result.attributes) || parser.parseColon() ||
      parser.parseType(valueType) || parser.parseComma() ||
      parser.parseType(tensorType) || parseIndexTypes(parser, indexTypes) ||
      parser.resolveOperand(value, valueType, result.operands) ||
      resolveAccess(parser, result, access, tensorType, indexTypes))
    return failure();
  Builder &builder = parser.getBuilder();
  Type keepType = builder.getI1Type();
  if (auto tile = dyn_cast<RankedTensorType>(valueType))
    keepType = tile.clone(keepType);
  if (hasKeep && parser.resolveOperand(keep, keepType, result.operands))
    return failure();
  result.addAttribute("extents", builder.getDenseI64ArrayAttr(access.extents));
  result.addAttribute(
      getOperandSegmentSizeAttr(),
      builder.getDenseI32ArrayAttr(
          {1, 1, static_cast<int32_t>(access.indices.size()),
           static_cast<int32_t>(access.steps.size()), hasKeep}));
  return success();
}

void StoreOp::print(OpAsmPrinter &p) {
  p << ' ' << getValue() << ',';
  printAccess(p, getTensor(), getIndices(), getSteps(), getExtents());
  if (getKeep())
    p << " keep " << getKeep();
  p.printOptionalAttrDict((*this)->getAttrs(),
                          {"extents", getOperandSegmentSizeAttr()});
  p << " : " << getValue().getType() << ", " << getTensor().getType();
  printIndexTypes(p, getIndices());
}

} // namespace attn_grid::ir
