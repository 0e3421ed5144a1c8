#include "test/kernels/KernelCase.h"
#include "test/support/DeviceKernel.h"

#include <filesystem>
#include <map>

namespace attn_grid::test {

DeviceKernel kernel(const std::string &file, const Bindings &bindings) {
  static std::map<std::string, Module> modules;
  auto it = modules.find(file);
  if (it == modules.end())
    it = modules
             .emplace(file,
                      Module::from_file(AG_SOURCE_DIR "/kernels_dsl/" + file))
             .first;
  return it->second.kernel(std::filesystem::path(file).stem().string(),
                           bindings);
}

Tensor integers(const Dims &sizes, const std::vector<int64_t> &data) {
  std::vector<double> values(data.begin(), data.end());
  return Tensor::from_values(sizes, values, i32);
}

} // namespace attn_grid::test
