// A `keep` that is true everywhere leaves nothing out, so it goes.

#include "dialect/AgOps.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace attn_grid::ir {

namespace {
/// load(..., keep = true) -> load(...), and so for all that have a `keep`.
template <typename Op> struct DropTrueKeep : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (!op.getKeep() || !matchPattern(op.getKeep(), m_One()))
      return rewriter.notifyMatchFailure(op, "'keep' is absent or not true");
    rewriter.modifyOpInPlace(op, [&] { op.getKeepMutable().clear(); });
    return success();
  }
};
} // namespace

void LoadOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<DropTrueKeep<LoadOp>>(context);
}

void StoreOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                          MLIRContext *context) {
  patterns.add<DropTrueKeep<StoreOp>>(context);
}

void GatherOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *context) {
  patterns.add<DropTrueKeep<GatherOp>>(context);
}

void ScatterOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *context) {
  patterns.add<DropTrueKeep<ScatterOp>>(context);
}

void AtomicOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *context) {
  patterns.add<DropTrueKeep<AtomicOp>>(context);
}

} // namespace attn_grid::ir
