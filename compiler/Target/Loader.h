#ifndef AG_COMPILER_TARGET_LOADER_H
#define AG_COMPILER_TARGET_LOADER_H
/// Loads an object into this process.

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>

namespace attn_grid::compiler {

/// A function of a loaded object, and what keeps its code in memory.
struct LoadedCode {
  void *entry = nullptr;
  std::shared_ptr<void> owner;
};

/// Loads `object` and finds `symbol` in it. Thread-safe.
llvm::Expected<LoadedCode> loadObject(llvm::ArrayRef<char> object,
                                      llvm::StringRef symbol);

} // namespace attn_grid::compiler

#endif
