#ifndef AG_DIALECT_MEMORYOPS_TD
#define AG_DIALECT_MEMORYOPS_TD

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
}

#endif
