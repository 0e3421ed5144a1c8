// Verifier, assembly and folds of ag.dot: dot_c1 to c4.

#include "dialect/AgOps.h"
#include "dialect/Verify.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace attn_grid::ir {

LogicalResult DotOp::verify() {
  auto lhs = cast<RankedTensorType>(getLhs().getType());
  auto rhs = cast<RankedTensorType>(getRhs().getType());
  auto acc = cast<RankedTensorType>(getAcc().getType());
  if (lhs.getRank() != 2 || rhs.getRank() != 2 || acc.getRank() != 2) // dot_c1
    return emitOpError("expected tiles of rank 2, but got ")
           << lhs << ", " << rhs << " and " << acc;
  if (lhs.getDimSize(1) != rhs.getDimSize(0)) // dot_c2
    return emitOpError(
               "expected dim 1 of 'lhs' to equal dim 0 of 'rhs', but got ")
           << lhs.getDimSize(1) << " and " << rhs.getDimSize(0);
  if (acc.getDimSize(0) != lhs.getDimSize(0) ||
      acc.getDimSize(1) != rhs.getDimSize(1)) // dot_c2
    return emitOpError("expected 'acc' to have shape ")
           << formatShape({lhs.getDimSize(0), rhs.getDimSize(1)})
           << ", but got " << formatShape(acc.getShape());
  if (lhs.getElementType() != rhs.getElementType() ||
      acc.getElementType() != accumulatorType(lhs.getElementType())) // dot_c3
    return emitOpError("expected 'lhs' and 'rhs' of one element type and "
                       "'acc' of its accumulator type, but got ")
           << lhs.getElementType() << ", " << rhs.getElementType() << " and "
           << acc.getElementType();
  if (getKeep() && shapeOf(getKeep().getType()) != lhs.getShape()) // dot_c4
    return emitOpError("expected 'keep' to have the shape of 'lhs', ")
           << formatShape(lhs.getShape()) << ", but got "
           << formatShape(shapeOf(getKeep().getType()));
  if (getPrecision() && !lhs.getElementType().isF32()) // dot_c5
    return emitOpError("expected operands of f32 for a precision, but got ")
           << lhs.getElementType();
  for (auto [name, value] :
       {std::pair("lhs", getLhs()), {"rhs", getRhs()}, {"acc", getAcc()}})
    if (failed(verifyTile(*this, name, value.getType())))
      return failure();
  return success();
}

/// `precision tf32`, or nothing.
static ParseResult parsePrecision(OpAsmParser &parser, NamedAttrList &attrs) {
  StringRef name;
  if (failed(parser.parseOptionalKeyword("precision")))
    return success();
  SMLoc at = parser.getCurrentLocation();
  if (parser.parseKeyword(&name))
    return failure();
  std::optional<Precision> precision = symbolizePrecision(name);
  if (!precision)
    return parser.emitError(at, "expected 'tf32' or 'tf32x3'");
  attrs.set("precision", PrecisionAttr::get(parser.getContext(), *precision));
  return success();
}

ParseResult DotOp::parse(OpAsmParser &parser, OperationState &result) {
  OpAsmParser::UnresolvedOperand lhs, rhs, acc, keep;
  RankedTensorType lhsType, rhsType, accType;
  if (parser.parseOperand(lhs) || parser.parseComma() ||
      parser.parseOperand(rhs) || parser.parseComma() ||
      parser.parseOperand(acc))
    return failure();
  bool hasKeep = succeeded(parser.parseOptionalKeyword("keep"));
  if ((hasKeep && parser.parseOperand(keep)) ||
      parsePrecision(parser, result.attributes) ||
      parser.parseOptionalAttrDict(result.attributes) || parser.parseColon() ||
      parser.parseType(lhsType) || parser.parseComma() ||
      parser.parseType(rhsType) || parser.parseComma() ||
      parser.parseType(accType) ||
      parser.resolveOperand(lhs, lhsType, result.operands) ||
      parser.resolveOperand(rhs, rhsType, result.operands) ||
      parser.resolveOperand(acc, accType, result.operands) ||
      (hasKeep && parser.resolveOperand(
                      keep, lhsType.clone(parser.getBuilder().getI1Type()),
                      result.operands)))
    return failure();
  result.addTypes(accType);
  return success();
}

void DotOp::print(OpAsmPrinter &p) {
  p << ' ' << getLhs() << ", " << getRhs() << ", " << getAcc();
  if (getKeep())
    p << " keep " << getKeep();
  if (getPrecision())
    p << " precision " << stringifyPrecision(*getPrecision());
  p.printOptionalAttrDict((*this)->getAttrs(), {getPrecisionAttrName()});
  p << " : " << getLhs().getType() << ", " << getRhs().getType() << ", "
    << getAcc().getType();
}

namespace {
/// dot(a, b, c) keep true -> dot(a, b, c)
struct DropTrueKeep : OpRewritePattern<DotOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DotOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getKeep() || !matchPattern(op.getKeep(), m_One()))
      return rewriter.notifyMatchFailure(op, "'keep' is absent or not true");
    rewriter.modifyOpInPlace(op, [&] { op.getKeepMutable().clear(); });
    return success();
  }
};
} // namespace

void DotOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                        MLIRContext *context) {
  patterns.add<DropTrueKeep>(context);
}

} // namespace attn_grid::ir
