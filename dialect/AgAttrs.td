#ifndef AG_DIALECT_AGATTRS_TD
#define AG_DIALECT_AGATTRS_TD

include "mlir/IR/EnumAttr.td"

def Ag_ReduceKind : I32EnumAttr<"ReduceKind", "how a reduction combines", [
    I32EnumAttrCase<"sum", 0>,
    I32EnumAttrCase<"prod", 1>,
    I32EnumAttrCase<"min", 2>,
    I32EnumAttrCase<"max", 3>,
    I32EnumAttrCase<"umin", 4>,
    I32EnumAttrCase<"umax", 5>,
    I32EnumAttrCase<"any", 6>,
    I32EnumAttrCase<"all", 7>,
    I32EnumAttrCase<"argmin", 8>,
    I32EnumAttrCase<"argmax", 9>]> {
  let cppNamespace = "::attn_grid::ir";
}

def Ag_AtomicKind : I32EnumAttr<"AtomicKind", "how an atomic update combines", [
    I32EnumAttrCase<"add", 0>,
    I32EnumAttrCase<"min", 1>,
    I32EnumAttrCase<"max", 2>,
    I32EnumAttrCase<"umin", 3>,
    I32EnumAttrCase<"umax", 4>]> {
  let cppNamespace = "::attn_grid::ir";
}

def Ag_Precision : I32EnumAttr<"Precision", "what a product of f32 may lose", [
    I32EnumAttrCase<"tf32", 0>,
    I32EnumAttrCase<"tf32x3", 1>]> {
  let cppNamespace = "::attn_grid::ir";
}

def Ag_ScanKind : I32EnumAttr<"ScanKind", "how a scan combines", [
    I32EnumAttrCase<"sum", 0>,
    I32EnumAttrCase<"prod", 1>]> {
  let cppNamespace = "::attn_grid::ir";
}

#endif
