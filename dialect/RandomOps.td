#ifndef AG_DIALECT_RANDOMOPS_TD
#define AG_DIALECT_RANDOMOPS_TD

include "dialect/AgDialect.td"
include "dialect/AgTypes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Ag_PhiloxOp : Ag_Op<"philox", [Pure]> {
  let summary = "a word of Philox 4x32-10, for every element";
  let description = [{
    Word `lane` (mod 4) of the random block whose key is
    `(seed & 0xffffffff, (seed >> 32) ^ (offset >> 32))` and whose counter is
    `(c0, c1, c2, offset & 0xffffffff)`; the same bits on every target.
    (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011.)

    * (C1) the operands have one shape; `seed` and `offset` hold i64, the others
      i32; `result` has that shape and holds i32.

    Example:
    ```mlir
    %r = ag.philox %seed, %offset, %c2, %c1, %c0, %lane : (i64, i64, i32, i32, i32, i32) -> i32
    ```
  }];
  let arguments = (ins Ag_Value:$seed, Ag_Value:$offset, Ag_Value:$c2,
                       Ag_Value:$c1, Ag_Value:$c0, Ag_Value:$lane);
  let results = (outs Ag_Value:$result);
  let assemblyFormat = [{
    $seed `,` $offset `,` $c2 `,` $c1 `,` $c0 `,` $lane attr-dict `:`
    functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif
