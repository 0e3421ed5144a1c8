#include "tools/agc/CompilerFunctions.h"

#include "attn_grid/artifact.hpp"
#include "attn_grid/error.hpp"

#include <dlfcn.h>

namespace attn_grid::agc {

const compiler::Functions &compilerFunctions() {
  static const compiler::Functions *functions = [] {
    need_compiler();
    // Open already; this asks for it by name.
    void *library = dlopen(AG_COMPILER_LIBRARY, RTLD_LAZY | RTLD_NOLOAD);
    void *symbol = library ? dlsym(library, "ag_compiler_functions") : nullptr;
    if (!symbol)
      throw Unsupported("the compiler's library is not that of this agc");
    return reinterpret_cast<decltype(&ag_compiler_functions)>(symbol)();
  }();
  return *functions;
}

} // namespace attn_grid::agc
