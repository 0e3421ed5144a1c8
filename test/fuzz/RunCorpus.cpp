// Runs a fuzz target over files and folders of inputs, and over random inputs,
// always the same: what the tests run of it where there is no libFuzzer.
//
//     SyntaxFuzz [-random=COUNT] [FILE|FOLDER]...

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

using Bytes = std::vector<uint8_t>;

static Bytes readBytes(const std::filesystem::path &path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

static void run(const Bytes &bytes) {
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

int main(int argc, char **argv) {
  std::vector<std::filesystem::path> paths;
  size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    constexpr const char *option = "-random=";
    if (std::strncmp(argv[i], option, std::strlen(option)) == 0) {
      count = std::strtoull(argv[i] + std::strlen(option), nullptr, 10);
      continue;
    }
    if (std::filesystem::is_directory(argv[i])) {
      for (const auto &entry :
           std::filesystem::recursive_directory_iterator(argv[i]))
        if (entry.is_regular_file())
          paths.push_back(entry.path());
    } else {
      paths.emplace_back(argv[i]);
    }
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> corpus = {{}};
  for (const std::filesystem::path &path : paths) {
    corpus.push_back(readBytes(path));
    run(corpus.back());
  }
  std::mt19937 random(7);
  for (size_t i = 0; i < count; ++i) {
    Bytes bytes = corpus[random() % corpus.size()];
    for (size_t changes = 1 + random() % 8; changes > 0; --changes) {
      size_t at = random() % (bytes.size() + 1);
      if (random() % 2 || at == bytes.size())
        bytes.insert(bytes.begin() + at, static_cast<uint8_t>(random()));
      else
        bytes[at] = static_cast<uint8_t>(random());
    }
    run(bytes);
  }
  std::printf("%zu inputs, %zu random ones\n", paths.size(), count);
  return 0;
}
