#ifndef AG_DIALECT_MEMORYOPS_TD
#define AG_DIALECT_MEMORYOPS_TD

include "dialect/AgAttrs.td"
include "dialect/AgDialect.td"
include "dialect/AgTypes.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

// How load and store name the elements of a tensor. For dimension d:
// `indices[d]` is an i32 (an element, or where a range begins) or a tile of
// i32; `extents[d]` is 0 for one element (the dimension is dropped), else the
// number of elements of the range or of the index tile. `steps` is empty (all
// ranges are dense) or has one i32 per dimension: how far the elements of its
// range are apart.
def Ag_LoadOp : Ag_Op<"load", [AttrSizedOperandSegments,
    MemoryEffects<[MemRead]>]> {
  let summary = "read a tile of a tensor; outside elements are zero";
  let description = [{
    Reads the elements that the indices name, one index per dimension of the
    tensor. An element outside the tensor, or where `keep` is false, is not
    read: its value is that of `other`, by default 0.

    * (C1) there is one index and one extent per dimension of `tensor`.
    * (C2) a tile index has as many elements as its extent; a scalar index may
      have any extent from 0 (one element, dimension dropped).
    * (C3) `steps` is empty or has one value per dimension.
    * (C4) `result` has the non-zero extents as its shape and the tensor's
      element type; it is a scalar if all extents are 0.
    * (C5) `keep` has the shape of `result`, `other` its type.

    Example:
    ```mlir
    %q = ag.load %t[%b, %m : 64, %z : 128] : memref<?x?x128xf32, strided<[?, ?, 1]>> -> tensor<64x128xf32>
    ```
  }];
  let arguments = (ins Ag_Tensor:$tensor, Variadic<Ag_Index>:$indices,
                       Variadic<I32>:$steps, Optional<AnyType>:$keep,
                       Optional<AnyType>:$other, DenseI64ArrayAttr:$extents);
  let results = (outs Ag_Value:$result);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Ag_StoreOp : Ag_Op<"store", [AttrSizedOperandSegments,
    MemoryEffects<[MemWrite]>]> {
  let summary = "write a tile of a tensor; outside elements are not written";
  let description = [{
    Writes `value` to the elements that the indices name, as `ag.load` reads
    them. An element outside the tensor, or where `keep` is false, is not
    written.

    * (C1) to (C3) as for `ag.load`.
    * (C4) `value` has the non-zero extents as its shape and the tensor's
      element type; it is a scalar if all extents are 0.
    * (C5) `keep` has the shape of `value`.

    Example:
    ```mlir
    ag.store %o, %t[%b, %m : 64, %z : 128] : tensor<64x128xf32>, memref<?x?x128xf32, strided<[?, ?, 1]>>
    ```
  }];
  let arguments = (ins Ag_Value:$value, Ag_Tensor:$tensor,
                       Variadic<Ag_Index>:$indices, Variadic<I32>:$steps,
                       Optional<AnyType>:$keep, DenseI64ArrayAttr:$extents);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Ag_GatherOp : Ag_Op<"gather", [AttrSizedOperandSegments,
    MemoryEffects<[MemRead]>]> {
  let summary = "read elements of a tensor, each at its own place";
  let description = [{
    `result[p] = tensor[indices[0][p], indices[1][p], ...]`. An element outside
    the tensor, or where `keep` is false, is not read: its value is that of
    `other`, by default 0.

    * (C1) there is one index per dimension of `tensor`.
    * (C2) each index is an i32, the same for all of `result`, or a tile of i32
      of its shape.
    * (C3) `result` has the tensor's element type.
    * (C4) `keep` has the shape of `result`, `other` its type.

    Example:
    ```mlir
    %x = ag.gather %t[%i, %b] : (memref<?x?xf32>, tensor<64xi32>, i32) -> tensor<64xf32>
    ```
  }];
  let arguments = (ins Ag_Tensor:$tensor, Variadic<AnyType>:$indices,
                       Optional<AnyType>:$keep, Optional<AnyType>:$other);
  let results = (outs Ag_Value:$result);
  let assemblyFormat = [{
    $tensor `[` $indices `]` (`keep` $keep^)? (`other` $other^)? attr-dict `:`
    functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Ag_ScatterOp : Ag_Op<"scatter", [AttrSizedOperandSegments,
    MemoryEffects<[MemWrite]>]> {
  let summary = "write elements of a tensor, each at its own place";
  let description = [{
    `tensor[indices[0][p], indices[1][p], ...] = value[p]`. An element outside
    the tensor, or where `keep` is false, is not written. Of several writes to
    one element one wins.

    * (C1) to (C4) as for `ag.gather`, with `value` in place of `result`.

    Example:
    ```mlir
    ag.scatter %x, %t[%i, %b] : (tensor<64xf32>, memref<?x?xf32>, tensor<64xi32>, i32) -> ()
    ```
  }];
  let arguments = (ins Ag_Value:$value, Ag_Tensor:$tensor,
                       Variadic<AnyType>:$indices, Optional<AnyType>:$keep);
  let assemblyFormat = [{
    $value `,` $tensor `[` $indices `]` (`keep` $keep^)? attr-dict `:`
    functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Ag_AtomicOp : Ag_Op<"atomic", [AttrSizedOperandSegments,
    MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "update elements of a tensor, and give their old values";
  let description = [{
    For each element that the indices name, as for `ag.store`, replaces it by
    its sum with (`add`), minimum with (`min`, `umin`) or maximum with (`max`,
    `umax`) the element of `value`, in one step that no other program divides.
    `old` holds what was there before, 0 for elements outside the tensor or
    where `keep` is false, which are left alone.

    * (C1) to (C5) as for `ag.store`.
    * (C6) `add` takes elements of 32 or 64 bits; `min` and `max` integers of
      those widths or f32; `umin` and `umax` integers.
    * (C7) `old` has the type of `value`.

    Example:
    ```mlir
    %old = ag.atomic add %x, %t[%b, %m] extents [0, 64] : (tensor<64xf32>, memref<?x?xf32>, i32, i32) -> tensor<64xf32>
    ```
  }];
  let arguments = (ins Ag_AtomicKind:$kind, Ag_Value:$value,
                       Ag_Tensor:$tensor, Variadic<Ag_Index>:$indices,
                       Variadic<I32>:$steps, Optional<AnyType>:$keep,
                       DenseI64ArrayAttr:$extents);
  let results = (outs Ag_Value:$old);
  let assemblyFormat = [{
    $kind $value `,` $tensor `[` $indices `]` `extents` $extents
    (`steps` $steps^)? (`keep` $keep^)? attr-dict `:`
    functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

#endif
