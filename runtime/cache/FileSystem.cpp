#include "runtime/cache/FileSystem.h"
#include <cerrno>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

namespace attn_grid::detail {

int FileSystem::open_at(int folder, const char *name, int flags, mode_t mode) {
  return ::openat(folder, name, flags | O_CLOEXEC | O_NOFOLLOW, mode);
}
int FileSystem::close(int file) { return ::close(file); }
ssize_t FileSystem::read(int file, void *bytes, size_t size) {
  return ::read(file, bytes, size);
}
ssize_t FileSystem::write(int file, const void *bytes, size_t size) {
  return ::write(file, bytes, size);
}
int FileSystem::sync(int file) { return ::fsync(file); }
int FileSystem::stat(int file, struct stat *result) {
  return ::fstat(file, result);
}
int FileSystem::stat_at(int folder, const char *name, struct stat *result) {
  return ::fstatat(folder, name, result, AT_SYMLINK_NOFOLLOW);
}
int FileSystem::rename_at(int folder, const char *from, const char *to) {
  return ::renameat(folder, from, folder, to);
}
int FileSystem::unlink_at(int folder, const char *name) {
  return ::unlinkat(folder, name, 0);
}
int FileSystem::make_folder_at(int folder, const char *name) {
  return ::mkdirat(folder, name, 0700);
}
int FileSystem::touch(int file) { return ::futimens(file, nullptr); }

int FileSystem::list(int folder, std::vector<std::string> &names) {
  // A descriptor of its own, whose place in the folder no other reader moves.
  int own = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct Close {
    void operator()(DIR *entries) const { ::closedir(entries); }
  };
  std::unique_ptr<DIR, Close> entries(own < 0 ? nullptr : ::fdopendir(own));
  if (!entries) {
    int error = errno;
    if (own >= 0)
      ::close(own);
    errno = error;
    return -1;
  }
  for (;;) {
    errno = 0;
    const dirent *entry = ::readdir(entries.get());
    if (!entry)
      break;
    names.emplace_back(entry->d_name);
  }
  int error = errno;
  entries.reset();
  errno = error;
  return error ? -1 : 0;
}

uid_t FileSystem::user() { return ::geteuid(); }

FileSystem &real_file_system() {
  static FileSystem files;
  return files;
}

} // namespace attn_grid::detail
