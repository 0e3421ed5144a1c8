#ifndef AG_COMPILER_ANALYSIS_STATICELEMENT_H
#define AG_COMPILER_ANALYSIS_STATICELEMENT_H
/// Elements of tiles that are the same in every run.
///
///     %c = ag.iota : tensor<64xi32>           element 62 of axis 0 is 62
///     %m = arith.cmpi slt, %c, dense<63>      and that one is true

#include "mlir/IR/Value.h"

#include "llvm/ADT/APInt.h"
#include "llvm/ADT/ArrayRef.h"

#include <optional>

namespace attn_grid::compiler {

/// The element of a tile of integers, or the integer, at these coordinates, one
/// for each axis; a coordinate without a value stands for all. Nothing if it
/// depends on those, or on what is only known at run time.
std::optional<llvm::APInt>
staticElement(mlir::Value value,
              llvm::ArrayRef<std::optional<int64_t>> coordinates);

} // namespace attn_grid::compiler

#endif
