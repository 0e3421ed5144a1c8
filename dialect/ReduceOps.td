#ifndef AG_DIALECT_REDUCEOPS_TD
#define AG_DIALECT_REDUCEOPS_TD

include "dialect/AgAttrs.td"
include "dialect/AgDialect.td"
include "dialect/AgTypes.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Ag_ReduceOp : Ag_Op<"reduce", [Pure]> {
  let summary = "combine a tile's elements over some axes, and drop those";
  let description = [{
    `kind` says how: `sum`, `prod`, `min`, `max` (with a NaN: either operand),
    `umin`, `umax` (unsigned), `any`, `all` (of masks), `argmin`, `argmax` (the
    first wins, a NaN never; one axis). Elements of masks count as 0 and 1. A
    `sum` of 16-bit floats is f32, of integers up to 32 bits i32, else i64;
    `argmin`, `argmax` give i32; the others keep the element type.

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

def Ag_ReduceWithOp : Ag_Op<"reduce_with", [RecursivelySpeculatable,
    RecursiveMemoryEffects, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "combine a tile's elements over one axis by a function";
  let description = [{
    The region takes two elements and yields one; it is associative, not
    necessarily commutative: elements combine in the order of the axis.

    * (C1) `axis` is an axis of `input`.
    * (C2) `result` has the shape that is left and the element type of `input`.
    * (C3) the region takes two values of that type and yields one.

    Example:
    ```mlir
    %r = ag.reduce_with %x axis 0 : tensor<64xf32> -> f32 {
    ^bb0(%a: f32, %b: f32):
      %m = arith.mulf %a, %b : f32
      ag.yield %m : f32
    }
    ```
  }];
  let arguments = (ins Ag_Tile:$input, I64Attr:$axis);
  let results = (outs Ag_Value:$result);
  let regions = (region SizedRegion<1>:$combine);
  let assemblyFormat = [{
    $input `axis` $axis attr-dict `:` type($input) `->` type($result) $combine
  }];
  let hasVerifier = 1;
}

def Ag_ScanOp : Ag_Op<"scan", [Pure]> {
  let summary = "running sums or products along one axis";
  let description = [{
    `result[i] = input[0] + ... + input[i]` along `axis`, inclusive. A sum has
    the element type that `ag.reduce sum` gives.

    * (C1) `axis` is an axis of `input`.
    * (C2) `result` has the shape of `input` and the element type that `kind`
      gives.

    Example: `%s = ag.scan sum %x axis 0 : tensor<64xf16> -> tensor<64xf32>`
  }];
  let arguments = (ins Ag_ScanKind:$kind, Ag_Tile:$input, I64Attr:$axis);
  let results = (outs Ag_Tile:$result);
  let assemblyFormat = "$kind $input `axis` $axis attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Ag_ScanWithOp : Ag_Op<"scan_with", [RecursivelySpeculatable,
    RecursiveMemoryEffects, SingleBlockImplicitTerminator<"YieldOp">,
    AllTypesMatch<["input", "result"]>]> {
  let summary = "running combinations along one axis by a function";
  let description = [{
    Like `ag.reduce_with`, keeping every intermediate result.

    * (C1) `axis` is an axis of `input`.
    * (C2) the region takes two values of the element type and yields one.

    Example:
    ```mlir
    %r = ag.scan_with %x axis 0 : tensor<64xi32> {
    ^bb0(%a: i32, %b: i32):
      %m = arith.maxsi %a, %b : i32
      ag.yield %m : i32
    }
    ```
  }];
  let arguments = (ins Ag_Tile:$input, I64Attr:$axis);
  let results = (outs Ag_Tile:$result);
  let regions = (region SizedRegion<1>:$combine);
  let assemblyFormat = "$input `axis` $axis attr-dict `:` type($input) $combine";
  let hasVerifier = 1;
}

def Ag_YieldOp : Ag_Op<"yield", [Pure, Terminator, ReturnLike,
    ParentOneOf<["ReduceWithOp", "ScanWithOp"]>]> {
  let summary = "gives a region's value to the operation around it";
  let description = [{
    Example: `ag.yield %m : f32`
  }];
  let arguments = (ins Variadic<Ag_Scalar>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{ }]>];
}

def Ag_SortOp : Ag_Op<"sort", [Pure]> {
  let summary = "sort a tile along one axis, and others in the same order";
  let description = [{
    `results[0]` is `keys` in ascending order along `axis`, NaN last; equal keys
    keep their order. `results[i]` is `payloads[i - 1]` in the same order.
    Unsigned keys are compared as such if `isUnsigned`.

    * (C1) `axis` is an axis of `keys`.
    * (C2) keys and payloads have one shape; the results have their types.

    Example: `%k, %i = ag.sort %x, %n axis 0 : tensor<64xf32>, tensor<64xi32>`
  }];
  let arguments = (ins Variadic<Ag_Tile>:$inputs, I64Attr:$axis,
                       UnitAttr:$isUnsigned);
  let results = (outs Variadic<Ag_Tile>:$results);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

#endif
