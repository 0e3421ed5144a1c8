#include "runtime/File.h"
#include "attn_grid/error.hpp"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <memory>

namespace attn_grid::detail {

namespace {
struct Close {
  void operator()(std::FILE *file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;
} // namespace

[[noreturn]] static void fail(std::string_view what, const std::string &path,
                              std::string_view why) {
  throw BackendError(fmt::format("cannot {} {}: {}", what, path, why));
}

std::string read_file(const std::string &path) {
  std::error_code error;
  // A directory opens and then cannot be read; a pipe may never end.
  bool regular = std::filesystem::is_regular_file(path, error);
  if (error)
    fail("read", path, error.message());
  if (!regular)
    fail("read", path, "not a regular file");
  File file(std::fopen(path.c_str(), "rb"));
  if (!file)
    fail("read", path, std::strerror(errno));
  std::string bytes;
  bytes.resize(std::filesystem::file_size(path, error));
  if (error)
    fail("read", path, error.message());
  if (std::fread(bytes.data(), 1, bytes.size(), file.get()) != bytes.size())
    fail("read", path, "it ends early");
  return bytes;
}

void write_file(const std::string &path, std::string_view bytes) {
  File file(std::fopen(path.c_str(), "wb"));
  if (!file)
    fail("write", path, std::strerror(errno));
  if (std::fwrite(bytes.data(), 1, bytes.size(), file.get()) != bytes.size() ||
      std::fflush(file.get()) != 0)
    fail("write", path, std::strerror(errno));
}

} // namespace attn_grid::detail
