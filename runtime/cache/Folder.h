#ifndef AG_RUNTIME_CACHE_FOLDER_H
#define AG_RUNTIME_CACHE_FOLDER_H
/// Opens the cache's folder, if nobody else can change what is in it.

#include "runtime/cache/FileSystem.h"
#include <string>

namespace attn_grid::detail {

/// Opens a folder by its path, making what is missing of it with mode 0700.
///
/// Goes from the root down, looks at each folder after it is open, and follows
/// no symbolic link, so that nobody can put another in its place between the
/// look and the use. The last folder must be the user's own and not writable by
/// others; those above it must be the user's or root's, and not writable by
/// others unless they are sticky, as /tmp is.
///
/// Gives no descriptor, and the reason, if that is not so or a call fails.
Descriptor open_folder(FileSystem &files, const std::string &path, bool create,
                       std::string &reason);

/// May the user alone write this? `kind` is S_IFDIR or S_IFREG.
bool is_private(const struct stat &status, mode_t kind, uid_t user);

/// "cannot {what} {name}: {errno's text}"
std::string describe_errno(const char *what, const std::string &name);

} // namespace attn_grid::detail

#endif
