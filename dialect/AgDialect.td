#ifndef AG_DIALECT_AGDIALECT_TD
#define AG_DIALECT_AGDIALECT_TD

include "mlir/IR/OpBase.td"

def Ag_Dialect : Dialect {
  let name = "ag";
  let summary = "Tile programs: what a kernel means, before any target is chosen";
  let description = [{
    A kernel is a program over tiles. Tiles are builtin ranked `tensor`s of
    static shape; scalars are builtin scalars; elementwise arithmetic is `arith`
    and `math`, control flow `scf`. A kernel's tensors are strided `memref`s,
    made by `memref.reinterpret_cast` from the kernel's arguments. This dialect
    adds what upstream lacks. See README.md.
  }];
  let cppNamespace = "::attn_grid::ir";
  let useDefaultTypePrinterParser = 0;
  // Folds of our ops give constants, which are `arith.constant`.
  let hasConstantMaterializer = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

class Ag_Op<string mnemonic, list<Trait> traits = []>
    : Op<Ag_Dialect, mnemonic, traits>;

#endif
