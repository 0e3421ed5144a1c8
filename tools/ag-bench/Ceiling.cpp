#include "tools/ag-bench/Ceiling.h"

#include "attn_grid/error.hpp"
#include <dlfcn.h>

namespace attn_grid::bench {

Ceiling loadCeiling(const std::string &path) {
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    throw BackendError(dlerror());
  auto init = reinterpret_cast<int (*)()>(dlsym(library, "f32_init"));
  auto run =
      reinterpret_cast<decltype(Ceiling::run)>(dlsym(library, "f32_run"));
  if (!init || !run)
    throw BackendError(path + ": has no functions f32_init and f32_run");
  if (init() != 0)
    throw BackendError(path + ": f32_init failed");
  return {run};
}

} // namespace attn_grid::bench
