#ifndef AG_TEST_UNIT_ALLKERNELS_H
#define AG_TEST_UNIT_ALLKERNELS_H
/// The sources of this repository, for tests that need many.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace attn_grid::compiler::test {

/// The text of a file, by its path from the root of the repository.
inline std::string readKernel(const std::string &path) {
  std::ifstream file(std::string(AG_SOURCE_DIR) + "/" + path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The texts of all kernels, wrong ones too, in an order that stays.
inline std::vector<std::string> allKernels() {
  std::vector<std::string> texts;
  std::filesystem::path root(AG_SOURCE_DIR);
  for (const char *folder : {"kernels_dsl", "test/errors"})
    for (const auto &entry :
         std::filesystem::recursive_directory_iterator(root / folder))
      if (entry.path().extension() == ".ag")
        texts.push_back(
            readKernel(entry.path().lexically_relative(root).string()));
  std::sort(texts.begin(), texts.end());
  return texts;
}

} // namespace attn_grid::compiler::test

#endif
