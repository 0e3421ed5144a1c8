#ifndef AG_DIALECT_DEBUGOPS_TD
#define AG_DIALECT_DEBUGOPS_TD

include "dialect/AgDialect.td"
include "dialect/AgTypes.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Ag_PrintOp : Ag_Op<"print", [MemoryEffects<[MemWrite]>]> {
  let summary = "print a text and values";
  let description = [{
    Prints `text`, then each value: a scalar as a number, a tile row by row.

    Example: `ag.print "row max", %m : tensor<64xf32>`
  }];
  let arguments = (ins StrAttr:$text, Variadic<Ag_Value>:$values);
  let assemblyFormat = "$text (`,` $values^ `:` type($values))? attr-dict";
}

def Ag_AssertOp : Ag_Op<"assert", [MemoryEffects<[MemWrite]>]> {
  let summary = "fail the launch unless a condition holds";
  let description = [{
    The other programs of the launch may still run. The launch reports
    `message`.

    Example: `ag.assert %ok, "a bucket must not be negative"`
  }];
  let arguments = (ins I1:$condition, StrAttr:$message);
  let assemblyFormat = "$condition `,` $message attr-dict";
}

#endif
