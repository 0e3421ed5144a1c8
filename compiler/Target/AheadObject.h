#ifndef AG_COMPILER_TARGET_AHEADOBJECT_H
#define AG_COMPILER_TARGET_AHEADOBJECT_H
/// One object from the code of many variants, what describes them, and a C
/// function per kernel.
///
///     AheadObject object(cpu);
///     uint32_t number = object.addBody(std::move(code), "flash_fwd");
///     object.addFunctions(library);
///     auto bytes = object.write();

#include "compiler/Target/CpuTarget.h"

#include "attn_grid/ahead.hpp"

#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"

namespace attn_grid::compiler {

class AheadObject {
public:
  /// All bodies are for CPUs of the family of `least`, the one with the fewest
  /// instructions: what is no body is made for it.
  explicit AheadObject(const CpuTarget &least);

  /// The context of the code that is added.
  llvm::LLVMContext &context() { return llvmContext; }

  /// Takes a module with the function `entry`, which becomes local to the
  /// object. Gives its position in `ag_ahead_library::code`.
  llvm::Expected<uint32_t> addBody(std::unique_ptr<llvm::Module> code,
                                   llvm::StringRef entry);

  /// The same for PTX text.
  uint32_t addText(llvm::StringRef text);

  /// Adds the variable `<name>_library` and the C functions. Once, at the end.
  void addFunctions(const AheadLibrary &library);

  llvm::Expected<llvm::SmallVector<char, 0>> write();

private:
  llvm::GlobalVariable *addLibrary(const AheadLibrary &library);
  void addFunction(const AheadFunction &function, uint32_t number,
                   llvm::GlobalVariable *library);

  llvm::LLVMContext llvmContext;
  const CpuTarget &least;
  llvm::Module module;
  llvm::SmallVector<llvm::Constant *> code;
};

} // namespace attn_grid::compiler

#endif
