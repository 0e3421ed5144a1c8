#ifndef AG_COMPILER_CONVERSION_GPU_TENSORBOX_H
#define AG_COMPILER_CONVERSION_GPU_TENSORBOX_H
/// Boxes of tensors that the GPU copies to shared memory by itself (the tensor
/// memory accelerator of sm_90). The host describes the tensor by a
/// `CUtensorMap`, an argument of the kernel.

#include "dialect/AgOps.h"

#include "llvm/ADT/SmallVector.h"

#include <optional>

namespace attn_grid::compiler::gpu {

/// What the host must know to make a map.
struct TensorBox {
  /// A number, or the number of the kernel's argument that has it.
  struct Number {
    int64_t value = 0;
    bool isArgument = false;
    bool operator==(const Number &) const = default;
  };
  struct Dim {
    Number size, stride; // in elements
    int64_t box = 1;
    bool operator==(const Dim &) const = default;
  };
  int64_t argument = 0; // of the tensor's memory
  int64_t elementBytes = 2;
  int64_t lineBytes = 128;        // of the swizzle: 128, 64, 32
  llvm::SmallVector<Dim, 5> dims; // the innermost first
  bool operator==(const TensorBox &) const = default;

  /// As one row of numbers, for `tensorMapsAttr`.
  llvm::SmallVector<int64_t> flatten() const;
};

/// A load of a tile as copies of boxes.
struct BoxLoad {
  TensorBox box;
  /// For each dimension, the innermost first, where the tile begins: the sum of
  /// two, of which null is 0.
  llvm::SmallVector<std::pair<mlir::OpFoldResult, mlir::OpFoldResult>, 5> at;
  unsigned columns = 0, rows = 0; // dimensions of the tile's axes
  int64_t tileColumns = 0, tileRows = 0;
  int64_t panels = 1; // that a box has, each as wide as a line
};

/// Nothing if the load is not of that kind: it is of two axes, the last one
/// with a stride of 1, of a kernel's regular tensor or one that leaves out
/// dimensions of it.
std::optional<BoxLoad> asBoxLoad(ir::LoadOp load);

} // namespace attn_grid::compiler::gpu

#endif
