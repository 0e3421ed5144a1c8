#ifndef AG_TEST_RUNTIME_CACHEFOLDER_H
#define AG_TEST_RUNTIME_CACHEFOLDER_H
/// What the tests of the disk cache share: a folder of their own, entries, and
/// file systems that fail.

#include "runtime/cache/DiskStore.h"
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace attn_grid::test {

/// A folder that goes with the test.
class TemporaryFolder {
public:
  TemporaryFolder() {
    // In memory where there is such a place: a sync of a disk takes long.
    std::filesystem::path above = ::access("/dev/shm", W_OK) == 0
                                      ? std::filesystem::path("/dev/shm")
                                      : std::filesystem::temp_directory_path();
    std::string pattern = (above / "ag-cache-XXXXXX").string();
    if (!::mkdtemp(pattern.data()))
      throw std::runtime_error("no temporary folder");
    path_ = std::filesystem::canonical(pattern).string();
  }
  ~TemporaryFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  std::string operator/(const std::string &name) const {
    return path_ + "/" + name;
  }

private:
  std::string path_;
};

inline detail::Entry entry_of(int number) {
  return {fmt::format("key {}\n", number), fmt::format("metadata {}", number),
          std::string(1000, static_cast<char>('a' + number % 26))};
}

inline bool operator==(const detail::Entry &a, const detail::Entry &b) {
  return a.key == b.key && a.metadata == b.metadata && a.payload == b.payload;
}

/// A store that keeps its warnings.
struct TestStore {
  explicit TestStore(std::string folder,
                     detail::FileSystem &files = detail::real_file_system(),
                     uint64_t limit = detail::DiskStore::default_limit)
      : store(files, std::move(folder), limit,
              [this](const std::string &text) { warnings.push_back(text); }) {}
  /// Is entry `number` there? One that is there must be whole.
  bool has(int number) {
    detail::Entry wanted = entry_of(number);
    std::optional<detail::Entry> found = store.find(wanted.key);
    if (found)
      EXPECT_EQ(*found == wanted, true);
    return found.has_value();
  }
  std::vector<std::string> warnings;
  detail::DiskStore store;
};

inline std::string read_all(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}
inline void write_all(const std::string &path, const std::string &bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// Counts calls, and lets a test act before each.
class CountingFiles : public detail::FileSystem {
public:
  int calls = 0;

protected:
  /// True: the call fails with the `errno` that was set.
  virtual bool before_call() = 0;
  bool fails() {
    ++calls;
    return before_call();
  }

public:
  // clang-format off
  int open_at(int folder, const char *name, int flags, mode_t mode) override {
    return fails() ? -1 : FileSystem::open_at(folder, name, flags, mode);
  }
  // A close that fails has closed all the same.
  int close(int file) override {
    bool failed = fails();
    int error = errno, result = FileSystem::close(file);
    errno = failed ? error : errno;
    return failed ? -1 : result;
  }
  ssize_t read(int file, void *bytes, size_t size) override {
    return fails() ? -1 : FileSystem::read(file, bytes, size);
  }
  ssize_t write(int file, const void *bytes, size_t size) override {
    return fails() ? -1 : FileSystem::write(file, bytes, size);
  }
  int sync(int file) override { return fails() ? -1 : FileSystem::sync(file); }
  int stat(int file, struct stat *result) override {
    return fails() ? -1 : FileSystem::stat(file, result);
  }
  int stat_at(int folder, const char *name, struct stat *result) override {
    return fails() ? -1 : FileSystem::stat_at(folder, name, result);
  }
  int rename_at(int folder, const char *from, const char *to) override {
    return fails() ? -1 : FileSystem::rename_at(folder, from, to);
  }
  int unlink_at(int folder, const char *name) override {
    return fails() ? -1 : FileSystem::unlink_at(folder, name);
  }
  int make_folder_at(int folder, const char *name) override {
    return fails() ? -1 : FileSystem::make_folder_at(folder, name);
  }
  int touch(int file) override {
    return fails() ? -1 : FileSystem::touch(file);
  }
  int list(int folder, std::vector<std::string> &names) override {
    return fails() ? -1 : FileSystem::list(folder, names);
  }
  // clang-format on
};

} // namespace attn_grid::test

#endif
