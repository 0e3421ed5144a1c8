#ifndef AG_DIALECT_REDUCEOPS_TD
#define AG_DIALECT_REDUCEOPS_TD

include "dialect/AgAttrs.td"
include "dialect/AgDialect.td"
include "dialect/AgTypes.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Ag_ReduceOp : Ag_Op<"reduce", [Pure]> {
  let summary = "combine a tile's elements over some axes, and drop those";
  let description = [{
    `kind` says how: `sum`, `prod`, `min`, `max` (with a NaN: either operand),
    `umin`, `umax` (unsigned), `any`, `all` (of masks), `argmin`, `argmax` (the
    first wins; one axis). A `sum` of 16-bit floats is f32, of integers up to 32
    bits i32, else i64; `argmin`, `argmax` give i32; the others keep the element
    type.

    * (C1) `axes` are different axes of `input`, in ascending order, at least one.
    * (C2) `result` has the shape that is left; it is a scalar if none is.
    * (C3) `result` has the element type that `kind` gives.
    * (C4) `any` and `all` take masks, `umin` and `umax` integers, `argmin` and
      `argmax` one axis.

    Example: `%top = ag.reduce max %s axes [1] : tensor<64x64xf32> -> tensor<64xf32>`
  }];
  let arguments = (ins Ag_ReduceKind:$kind, Ag_Tile:$input,
                       DenseI64ArrayAttr:$axes);
  let results = (outs Ag_Value:$result);
  let assemblyFormat = [{
    $kind $input `axes` $axes attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
  let extraClassDeclaration = [{
    /// The element type that reducing `element` by `kind` gives.
    static ::mlir::Type resultElementType(ReduceKind kind, ::mlir::Type element);
  }];
}

#endif
