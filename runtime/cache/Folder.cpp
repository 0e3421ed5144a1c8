#include "runtime/cache/Folder.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>

namespace attn_grid::detail {

std::string describe_errno(const char *what, const std::string &name) {
  return fmt::format("cannot {} {}: {}", what, name, std::strerror(errno));
}

static constexpr mode_t others_write = S_IWGRP | S_IWOTH;

bool is_private(const struct stat &status, mode_t kind, uid_t user) {
  return (status.st_mode & S_IFMT) == kind && status.st_uid == user &&
         (status.st_mode & others_write) == 0;
}

/// Can only the user, or root, replace what is in this folder?
static bool is_safe_above(const struct stat &status, uid_t user) {
  bool sticky = status.st_mode & S_ISVTX;
  return S_ISDIR(status.st_mode) &&
         (status.st_uid == user || status.st_uid == 0) &&
         ((status.st_mode & others_write) == 0 || sticky);
}

Descriptor open_folder(FileSystem &files, const std::string &path, bool create,
                       std::string &reason) {
  namespace fs = std::filesystem;
  fs::path full = fs::path(path).lexically_normal();
  if (!full.is_absolute()) {
    reason = fmt::format("{} is no absolute path", path);
    return {};
  }
  uid_t user = files.user();
  // Folders above need not be readable, only searchable.
  int flags = O_PATH | O_DIRECTORY;
  std::string done = "/";
  Descriptor folder(files, files.open_at(AT_FDCWD, "/", flags, 0));
  fs::path below = full.relative_path();
  if (!below.has_filename()) // a slash at the end
    below = below.parent_path();
  for (auto part = below.begin();; ++part) {
    struct stat status;
    if (!folder || files.stat(folder.get(), &status) != 0) {
      reason = describe_errno("open", done);
      return {};
    }
    bool last = part == below.end();
    if (last ? !is_private(status, S_IFDIR, user)
             : !is_safe_above(status, user)) {
      reason = fmt::format("{} belongs to another user, or others may write it",
                           done);
      return {};
    }
    if (last)
      return folder;
    std::string name = part->string();
    done = (fs::path(done) / name).string();
    if (std::next(part) == below.end())
      flags = O_RDONLY | O_DIRECTORY;
    int opened = files.open_at(folder.get(), name.c_str(), flags, 0);
    if (opened < 0 && errno == ENOENT && create) {
      // Another process may make it meanwhile.
      if (files.make_folder_at(folder.get(), name.c_str()) != 0 &&
          errno != EEXIST) {
        reason = describe_errno("make", done);
        return {};
      }
      opened = files.open_at(folder.get(), name.c_str(), flags, 0);
    }
    if (opened < 0 && (errno == ELOOP || errno == ENOTDIR)) {
      reason = fmt::format("{} is a symbolic link, or no folder", done);
      return {};
    }
    if (opened < 0) {
      reason = describe_errno("open", done);
      return {};
    }
    folder = Descriptor(files, opened);
  }
}

} // namespace attn_grid::detail
