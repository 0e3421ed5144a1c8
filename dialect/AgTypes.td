#ifndef AG_DIALECT_AGTYPES_TD
#define AG_DIALECT_AGTYPES_TD

include "mlir/IR/OpBase.td"

// Scalars of a tile program: bool is i1; integers are signless (signedness is
// in the operation); 16- and 8-bit floats are values like any other.
def Ag_Scalar : AnyTypeOf<[I1, I8, I16, I32, I64, F16, BF16, F32, F64,
                           F8E4M3FN, F8E5M2], "scalar">;

// A tile: static extents, each a power of two, at most 2^20 elements.
// `Verify.h` checks what the constraint cannot say.
def Ag_Tile : RankedTensorOf<[Ag_Scalar], [HasStaticShapePred], "tile">;
def Ag_MaskTile : RankedTensorOf<[I1], [HasStaticShapePred],
                                 "mask tile">;
// A value of rank 0 is the scalar itself, never `tensor<f32>`.
def Ag_Value : AnyTypeOf<[Ag_Scalar, Ag_Tile], "scalar or tile">;

// A kernel's tensor.
def Ag_Tensor : MemRefOf<[Ag_Scalar]>;

// An index of one dimension: a scalar i32 (an element, or where a range
// begins), or a tile of i32 of rank 1 (those elements, in that order).
def Ag_Index : AnyTypeOf<[I32, 1DTensorOf<[I32]>],
                         "i32 or tile of i32 of rank 1">;

#endif
