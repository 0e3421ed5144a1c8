#ifndef AG_COMPILER_CONVERSION_GPU_LOWERTOTHREADS_H
#define AG_COMPILER_CONVERSION_GPU_LOWERTOTHREADS_H
/// From tile programs to what one thread of an NVIDIA GPU does.

#include "dialect/AgOps.h"

namespace attn_grid::compiler::gpu {

using namespace ir; // the dialect is what this folder is about

/// What the lowering must know about a GPU and a launch.
struct GpuTarget {
  int64_t capability = 80; ///< 80, 86, 89, 90, 100, 120
  bool warpgroups = false; ///< `wgmma`: products of four warps together
  bool boxes = false;      ///< the GPU copies boxes of tensors by itself
  bool slowRings = false;  ///< for loops without the matrix unit, too
  int64_t warps = 4;       ///< of a program; a power of two, at most 32
  int64_t stages = 2;      ///< iterations whose tiles a loop holds; 1: its own
  /// Shared memory that one program may have, in bytes.
  int64_t sharedLimit = 163 * 1024;
};

/// Whether GPUs of a capability copy boxes of tensors by themselves.
constexpr bool copiesBoxes(int64_t capability) { return capability >= 90; }

/// The name of the attribute of a function that says how many bytes of shared
/// memory a launch gives it.
inline constexpr llvm::StringLiteral sharedBytesAttr = "ag.shared_bytes";

/// Of a function that takes maps of tensors as its second parameter: a row of
/// numbers for each (`TensorBox::flatten`).
inline constexpr llvm::StringLiteral tensorMapsAttr = "ag.tensor_maps";

/// Of a kernel that asserts or prints, and of its function: the messages of the
/// asserts, an array of strings; and for each print its text and, for each
/// value, a `DType` and its extents. The last argument is then the tensor that
/// they are written to.
inline constexpr llvm::StringLiteral assertsAttr = "ag.asserts";
inline constexpr llvm::StringLiteral printsAttr = "ag.prints";

/// Replaces `kernel` by an `llvm.func` that takes the flat struct of arguments
/// by value.
llvm::LogicalResult lowerToThreads(KernelOp kernel, const GpuTarget &target);

} // namespace attn_grid::compiler::gpu

#endif
