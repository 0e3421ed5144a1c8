#ifndef AG_COMPILER_TRANSFORMS_PASSES_TD
#define AG_COMPILER_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def CombineBounds : Pass<"ag-combine-bounds", "::attn_grid::ir::KernelOp"> {
  let summary = "Compare a tile's positions once per element";
  let description = [{
    `n + iota <= a and n + iota < b` becomes `iota <= min(a, b - 1) - n`: one
    comparison with a number that each row has one of, and nothing per column
    that an iteration changes; lower bounds alike. `any` of what lies between
    bounds is decided by these alone, without a look at the columns. Where a
    difference might wrap, all stays.
    Examples: test/compiler/Transforms/combine-bounds.mlir, @causal and @band.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FoldMonotoneMasks : Pass<"ag-fold-monotone-masks",
                             "::attn_grid::ir::KernelOp"> {
  let summary = "Decide `any` and `all` of a monotone mask by one element";
  let description = [{
    A mask made of comparisons of positions, which along each axis all become
    truer or all falser, has an element that is true if any is (a corner of the
    tile), and another that is true only if all are. `ag.reduce any` and `all`
    over the whole mask become that element. Sums that might wrap are left alone.
    Example: test/compiler/Transforms/fold-monotone-masks.mlir, @causal.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def HoistScale : Pass<"ag-hoist-scale", "::attn_grid::ir::KernelOp"> {
  let summary = "Move the softmax scale from the score tile to the query tile";
  let description = [{
    `(q . kt) * c` multiplies once per score; `(q * c) . kt` once per query
    element, outside the loop over keys. The language allows to regroup products
    with scalars, but never to round a 16-bit operand again, so this is for f32
    and f64. Either operand may be the one that the loop leaves alone. Scales one
    after the other become one first.

    Of the scale of a 16-bit dot only the sign goes to the query. Then
    `max(s * c)` is `max(s) * c`, a mask of `-inf` goes in front of the multiply
    too, and the multiply becomes one with the subtraction of the maximum.
    Example: test/compiler/Transforms/hoist-scale.mlir, @hoist_scale_in_loop.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
}

def SeparateLoops : Pass<"ag-separate-loops", "::attn_grid::ir::KernelOp"> {
  let summary = "One loop for the iterations without a mask, one for the rest";
  let description = [{
    Where the body of an `scf.for` has an `scf.if` that one stretch of its
    iterations takes, the loop becomes two if that begins with the first (`n <=
    limit`, or several such), else three (`floor <= n` too). Loads and stores of
    the stretch that the limits prove to lie inside their tensor get the
    attribute `ag.inside`, the list of those dimensions. For GPUs: what a loop
    loads in every iteration can be loaded ahead.
    Example: test/compiler/Transforms/separate-loops.mlir, @flash and @window.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect"];
}

def SeparateStores : Pass<"ag-separate-stores", "::attn_grid::ir::KernelOp"> {
  let summary = "One comparison for a tile that is stored";
  let description = [{
    A store along rows whose length is not known before the launch becomes two:
    one for tiles that lie inside, with the attribute `ag.inside`, and one for
    the others. For GPUs: the first is made of whole vectors.
    Example: test/compiler/Transforms/separate-stores.mlir, @rows.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect"];
}

def SplitMaskedLoops : Pass<"ag-split-masked-loops",
                            "::attn_grid::ir::KernelOp"> {
  let summary = "Do only the iterations, and the masking, that a mask needs";
  let description = [{
    For each `scf.if` on `any` or `all` of a mask, interval arithmetic
    (Analysis/MaskRanges) finds when the mask is surely true everywhere, and
    when surely false. Then

    1. a loop whose body does nothing where the mask is surely false
       (`continue unless any(keep)`) runs only from the first to the last
       iteration where it is not,
    2. a scalar test goes before the mask is computed: where it decides, the
       `if` runs a copy of the branch in which the mask is a constant, so that
       selects by it and `keep` of a dot vanish; the mask is computed only where
       the test leaves it open. Of a mask that is never all true a part may be
       (`cols <= rows and iota < 63`): then the copy has the other part for its
       mask.

    The tests and bounds are 64-bit; where the kernel's integers may have
    wrapped they conclude nothing. The kernel's result stays the same, bit for
    bit. Example: test/compiler/Transforms/split-causal.mlir, @causal.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect"];
}

#endif
