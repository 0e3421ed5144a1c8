#ifndef AG_RUNTIME_FILE_H
#define AG_RUNTIME_FILE_H
/// Whole files.

#include <string>
#include <string_view>

namespace attn_grid::detail {

/// The bytes of a regular file. Throws `BackendError` that names the file and
/// the reason.
std::string read_file(const std::string &path);

/// Writes or replaces a file. Throws `BackendError`.
void write_file(const std::string &path, std::string_view bytes);

} // namespace attn_grid::detail

#endif
