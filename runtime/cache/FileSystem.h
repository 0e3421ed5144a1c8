#ifndef AG_RUNTIME_CACHE_FILESYSTEM_H
#define AG_RUNTIME_CACHE_FILESYSTEM_H
/// The system calls of the disk cache: all of them, so that tests make each
/// fail, or die at each.

#include "attn_grid/export.hpp"
#include <cstddef>
#include <string>
#include <sys/stat.h>
#include <sys/types.h>
#include <vector>

namespace attn_grid::detail {

/// Each function is one system call and returns what that returns: a negative
/// number and `errno` if it failed.
class AG_API FileSystem {
public:
  virtual ~FileSystem() = default;
  virtual int open_at(int folder, const char *name, int flags, mode_t mode);
  virtual int close(int file);
  virtual ssize_t read(int file, void *bytes, size_t size);
  virtual ssize_t write(int file, const void *bytes, size_t size);
  virtual int sync(int file);
  virtual int stat(int file, struct stat *result);
  /// Of a name, not of what a symbolic link names.
  virtual int stat_at(int folder, const char *name, struct stat *result);
  virtual int rename_at(int folder, const char *from, const char *to);
  virtual int unlink_at(int folder, const char *name);
  virtual int make_folder_at(int folder, const char *name);
  /// Sets the file's times to now.
  virtual int touch(int file);
  /// Adds the names in a folder.
  virtual int list(int folder, std::vector<std::string> &names);
  /// Who this process acts as.
  virtual uid_t user();
};

/// The operating system's.
AG_API FileSystem &real_file_system();

/// A file that is open until this goes.
class Descriptor {
public:
  Descriptor() = default;
  Descriptor(FileSystem &files, int number) : files_(&files), number_(number) {}
  Descriptor(Descriptor &&other) noexcept
      : files_(other.files_), number_(other.release()) {}
  Descriptor &operator=(Descriptor &&other) noexcept {
    if (this != &other) {
      reset();
      files_ = other.files_;
      number_ = other.release();
    }
    return *this;
  }
  ~Descriptor() { reset(); }

  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  void reset() {
    if (number_ >= 0)
      files_->close(release());
  }

private:
  int release() {
    int number = number_;
    number_ = -1;
    return number;
  }
  FileSystem *files_ = nullptr;
  int number_ = -1;
};

} // namespace attn_grid::detail

#endif
