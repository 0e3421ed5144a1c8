#ifndef AG_COMPILER_TARGET_SINGLELANESTORES_H
#define AG_COMPILER_TARGET_SINGLELANESTORES_H
/// Keeps LLVM 22's x86 backend from writing outside a lane.

namespace llvm {
class Module;
} // namespace llvm

namespace attn_grid::compiler {

/// Replaces masked stores of one lane, known while compiling, by plain stores
/// of that lane. Where the value was truncated, the backend would merge the
/// two, and store the lane in its width before the truncation: four bytes for
/// an element of two (`reduceMaskedStoreToScalarStore` in X86ISelLowering.cpp
/// does not ask whether the store truncates).
void storeSingleLanes(llvm::Module &module);

} // namespace attn_grid::compiler

#endif
