#ifndef AG_COMPILER_CONVERSION_CPU_LOWERTOVECTOR_H
#define AG_COMPILER_CONVERSION_CPU_LOWERTOVECTOR_H
/// From a tile program to loops over vectors, for one CPU.

#include "dialect/AgOps.h"

namespace attn_grid::compiler::cpu {

/// What the lowering must know of the machine.
struct VectorTarget {
  int64_t vectorBits = 128; // the widest vectors worth using
  int64_t registers = 16;   // how many of them
  bool fma = false;         // fused multiply-add is one instruction
  /// How many products of bf16 an instruction adds to each sum: 1 if there is
  /// none, 2 for vdpbf16ps of AVX512_BF16, 32 for tdpbf16ps of AMX.
  int64_t bf16Products = 1;
};

/// On the entry: the bytes of scratch that a thread needs, an i64.
inline constexpr llvm::StringLiteral scratchBytesAttr = "ag.scratch_bytes";

/// On the entry: the messages of its asserts, an array of strings. Assert
/// number i, from 1, sets `ag_context::failed` to i.
inline constexpr llvm::StringLiteral assertsAttr = "ag.asserts";

/// On the entry, if there are dots by instructions that add several products.
inline constexpr llvm::StringLiteral bf16ProductsAttr = "ag.bf16_products";

/// Replaces `kernel` by two functions in the same module: `<name>`, with the
/// interface of `Artifact::CpuEntry`, and the body of one program.
llvm::LogicalResult lowerToVector(ir::KernelOp kernel,
                                  const VectorTarget &target);

} // namespace attn_grid::compiler::cpu

#endif
