// Where the environment wants the disk cache.

#include "runtime/cache/DiskStore.h"
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <optional>

namespace attn_grid::detail {

/// A variable of the environment, unless this program runs with rights that who
/// set it may not have.
static std::optional<std::string> variable(const char *name) {
  const char *text = ::secure_getenv(name);
  return text ? std::optional<std::string>(text) : std::nullopt;
}

std::string DiskStore::folder_of_environment() {
  if (std::optional<std::string> folder = variable("AG_CACHE_DIR")) {
    if (folder->empty() || *folder == "off")
      return {};
    std::error_code error;
    std::filesystem::path full = std::filesystem::absolute(*folder, error);
    return error ? std::string() : full.string();
  }
  // The convention of XDG: a relative path does not count.
  if (std::optional<std::string> caches = variable("XDG_CACHE_HOME"))
    if (caches->starts_with("/"))
      return *caches + "/attentiongrid";
  if (std::optional<std::string> home = variable("HOME"))
    if (home->starts_with("/"))
      return *home + "/.cache/attentiongrid";
  return {};
}

static void print_warning(const std::string &trouble) {
  fmt::print(stderr,
             "attn_grid: warning: the cache on disk cannot be used as it "
             "should: {}. AG_CACHE_DIR names another folder, or `off`\n",
             trouble);
}

/// `512M`, `2G`, or a number of bytes.
static std::optional<uint64_t> parse_size(std::string_view text) {
  uint64_t number = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  int shift = unit.empty()  ? 0
              : unit == "K" ? 10
              : unit == "M" ? 20
              : unit == "G" ? 30
                            : -1;
  if (error != std::errc() || shift < 0 || number > (UINT64_MAX >> 1) >> shift)
    return std::nullopt;
  return number << shift;
}

DiskStore *DiskStore::process() {
  // Never destroyed: launches may run while the process exits.
  static DiskStore *store = []() -> DiskStore * {
    std::string folder = folder_of_environment();
    if (folder.empty())
      return nullptr;
    uint64_t limit = default_limit;
    if (std::optional<std::string> text = variable("AG_CACHE_LIMIT")) {
      if (std::optional<uint64_t> size = parse_size(*text))
        limit = *size;
      else
        print_warning(fmt::format("AG_CACHE_LIMIT must be a number of bytes, "
                                  "or one with K, M or G, found `{}`",
                                  text->substr(0, 32)));
    }
    return new DiskStore(real_file_system(), std::move(folder), limit,
                         print_warning);
  }();
  return store;
}

} // namespace attn_grid::detail
