#ifndef AG_DIALECT_SHAPEOPS_TD
#define AG_DIALECT_SHAPEOPS_TD

include "dialect/AgDialect.td"
include "dialect/AgTypes.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Ag_IotaOp : Ag_Op<"iota", [Pure]> {
  let summary = "the numbers 0, 1, 2, ...";
  let description = [{
    * (C1) `result` is a tile of i32 of rank 1.

    Example: `%cols = ag.iota : tensor<64xi32>`
  }];
  let results = (outs Ag_Tile:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Ag_BroadcastOp : Ag_Op<"broadcast", [Pure]> {
  let summary = "repeat a tile along new axes and along axes of extent 1";
  let description = [{
    Axis `a` of `input` becomes axis `axes[a]` of `result`; the other axes of
    `result` are new. `result[.., i, ..] = input[.., i or 0, ..]`. For a scalar,
    use `tensor.splat`.

    * (C1) `axes` has one entry per axis of `input`, ascending, each an axis of
      `result`.
    * (C2) each extent of `input` is 1 or that of the axis it becomes.
    * (C3) `input` and `result` have the same element type.

    Example: `%r = ag.broadcast %rows along [0] : tensor<64xi32> -> tensor<64x32xi32>`
  }];
  let arguments = (ins Ag_Tile:$input, DenseI64ArrayAttr:$axes);
  let results = (outs Ag_Tile:$result);
  let assemblyFormat = "$input `along` $axes attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Ag_TransposeOp : Ag_Op<"transpose", [Pure]> {
  let summary = "permute a tile's axes";
  let description = [{
    Axis `a` of `result` is axis `permutation[a]` of `input`.

    * (C1) `permutation` is a permutation of the axes of `input`.
    * (C2) `result` has the permuted shape and `input`'s element type.

    Example: `%kt = ag.transpose %k [1, 0] : tensor<64x128xf32> -> tensor<128x64xf32>`
  }];
  let arguments = (ins Ag_Tile:$input, DenseI64ArrayAttr:$permutation);
  let results = (outs Ag_Tile:$result);
  let assemblyFormat = "$input $permutation attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Ag_ReshapeOp : Ag_Op<"reshape", [Pure]> {
  let summary = "the same elements, in row-major order, in another shape";
  let description = [{
    * (C1) `input` and `result` have as many elements and the same element type.

    Example: `%r = ag.reshape %x : tensor<64x1xf32> -> tensor<64xf32>`
  }];
  let arguments = (ins Ag_Tile:$input);
  let results = (outs Ag_Tile:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

#endif
