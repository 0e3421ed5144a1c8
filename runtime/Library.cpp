#include "runtime/Library.h"
#include <dlfcn.h>
#include <filesystem>

namespace attn_grid::detail {

std::string path_beside(const char *name) {
  Dl_info info;
  if (!::dladdr(reinterpret_cast<void *>(&path_beside), &info) ||
      !info.dli_fname)
    return {};
  std::filesystem::path path =
      std::filesystem::path(info.dli_fname).parent_path() / name;
  std::error_code error;
  return std::filesystem::exists(path, error) ? path.string() : std::string();
}

} // namespace attn_grid::detail
