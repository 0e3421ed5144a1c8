#include "compiler/Target/Loader.h"

#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"

#include <atomic>

namespace attn_grid::compiler {

/// One session for the process; it is never torn down, since code may run
/// while the process exits.
static llvm::Expected<llvm::orc::LLJIT *> session() {
  static llvm::Expected<std::unique_ptr<llvm::orc::LLJIT>> *jit = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    auto made = llvm::orc::LLJITBuilder().create();
    return new llvm::Expected<std::unique_ptr<llvm::orc::LLJIT>>(
        std::move(made));
  }();
  if (!*jit)
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "the JIT session could not be made");
  return (*jit)->get();
}

llvm::Expected<LoadedCode> loadObject(llvm::ArrayRef<char> object,
                                      llvm::StringRef symbol) {
  auto jit = session();
  if (!jit)
    return jit.takeError();
  llvm::orc::LLJIT &lljit = **jit;
  static std::atomic<uint64_t> count = 0;
  auto library = lljit.createJITDylib("variant" + std::to_string(++count));
  if (!library)
    return library.takeError();
  llvm::orc::JITDylib &dylib = *library;
  auto owner = std::shared_ptr<void>(&dylib, [&lljit](void *pointer) {
    llvm::consumeError(lljit.getExecutionSession().removeJITDylib(
        *static_cast<llvm::orc::JITDylib *>(pointer)));
  });
  // memset and memcpy, if LLVM made calls of them.
  if (auto process = lljit.getProcessSymbolsJITDylib())
    dylib.addToLinkOrder(*process);
  auto buffer = llvm::MemoryBuffer::getMemBufferCopy(
      llvm::StringRef(object.data(), object.size()), "variant");
  if (llvm::Error error = lljit.addObjectFile(dylib, std::move(buffer)))
    return error;
  auto address = lljit.lookup(dylib, symbol);
  if (!address)
    return address.takeError();
  return LoadedCode{address->toPtr<void *>(), std::move(owner)};
}

} // namespace attn_grid::compiler
