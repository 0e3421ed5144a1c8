#ifndef AG_RUNTIME_HOST_OBJECTLOADER_H
#define AG_RUNTIME_HOST_OBJECTLOADER_H
/// Loads what the code generator wrote, a relocatable ELF object for x86-64,
/// into this process. The same for a variant just compiled and one from disk.
///
///     LoadedObject loaded = load_object(bytes, "flash_fwd");
///     loaded.entry(args, 0, programs, &context);
///
/// It knows the few relocations that our code generator emits and a list of
/// library functions that generated code may call; all else is an error, so no
/// object reaches a symbol of the host program. Any bytes end in a result or an
/// error: every offset is checked. What the code does when it runs is not
/// checked.

#include "attn_grid/artifact.hpp"
#include <memory>
#include <string_view>

namespace attn_grid::detail {

/// A function of a loaded object, and what keeps its code in memory.
struct LoadedObject {
  Artifact::CpuEntry entry = nullptr;
  std::shared_ptr<void> code;
};

/// Loads `object` and finds the function `symbol` in it. Code is never writable
/// and executable at once. Throws `BackendError` for an object that is damaged
/// or asks for what kernels never need, or if there is no memory for it;
/// `Unsupported` for an object of another machine. Thread-safe.
LoadedObject load_object(std::string_view object, std::string_view symbol);

} // namespace attn_grid::detail

#endif
