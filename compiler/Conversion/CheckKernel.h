#ifndef AG_COMPILER_CONVERSION_CHECKKERNEL_H
#define AG_COMPILER_CONVERSION_CHECKKERNEL_H
/// What the lowerings rely on beyond what each operation verifies by itself.
/// The front end makes such kernels only; text of the dialect may be anything.

#include "dialect/AgOps.h"

namespace attn_grid::compiler {

/// Fails, with a message at the place, unless
/// - the kernel and each region in it have one block;
/// - a tensor is a memref.reinterpret_cast of an argument, or a memref.subview
/// of
///   a tensor, and is used as a tensor only;
/// - tiles have static shapes that `ag` operations could have, and types have
///   widths that there are on machines;
/// - operations are of `ag`, `scf`, or scalar arithmetic.
mlir::LogicalResult checkKernel(ir::KernelOp kernel);

} // namespace attn_grid::compiler

#endif
