#ifndef AG_DIALECT_COMPUTEOPS_TD
#define AG_DIALECT_COMPUTEOPS_TD

include "dialect/AgAttrs.td"
include "dialect/AgDialect.td"
include "dialect/AgTypes.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Ag_DotOp : Ag_Op<"dot", [Pure,
    AllTypesMatch<["acc", "result"]>]> {
  let summary = "multiply two tiles and add an accumulator";
  let description = [{
    `result[i, j] = acc[i, j] + sum over k of lhs[i, k] * rhs[k, j]`

    Where `keep[i, k]` is false the product is left out, whatever `rhs` holds,
    NaN included. The order of the sum is the target's choice, the same in every
    run of a variant.

    f32 operands multiply as IEEE f32, unless `precision` allows less: with
    `tf32` a target may round both to TF32 (10 bits behind the point), with
    `tf32x3` it may multiply their upper and lower parts as TF32, all but the
    lowest product. A target without TF32 units multiplies as f32.

    * (C1) `lhs` is MxK, `rhs` is KxN, `acc` is MxN.
    * (C2) dim 1 of `lhs` equals dim 0 of `rhs`; `acc` has the other two.
    * (C3) `lhs` and `rhs` have the same element type, `acc` has its
      accumulator type: f64 for f64, f32 for other floats, i32 for integers up
      to 32 bits, else i64.
    * (C4) `keep` is a mask of `lhs`'s shape.
    * (C5) only f32 operands have a `precision`.

    Example:
    ```mlir
    %s = ag.dot %q, %kt, %zero : tensor<64x128xf16>, tensor<128x64xf16>, tensor<64x64xf32>
    %o = ag.dot %p, %v, %acc keep %m : tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>
    %t = ag.dot %p, %v, %acc precision tf32 : tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>
    ```
  }];
  let arguments = (ins Ag_Tile:$lhs, Ag_Tile:$rhs, Ag_Tile:$acc,
                       Optional<Ag_MaskTile>:$keep,
                       OptionalAttr<Ag_Precision>:$precision);
  let results = (outs Ag_Tile:$result);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

#endif
