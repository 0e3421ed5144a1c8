#include "runtime/CompilerLibrary.h"
#include "attn_grid/error.hpp"
#include "runtime/Library.h"
#include <atomic>
#include <dlfcn.h>
#include <elf.h>
#include <fmt/format.h>
#include <fstream>
#include <mutex>

namespace attn_grid {
namespace {

constexpr const char *library_name = AG_COMPILER_LIBRARY;

std::atomic<Compiler *> registered = nullptr;
/// What the library registered when `need_compiler` opened it.
std::atomic<Compiler *> opened = nullptr;

std::string library_path() { return detail::path_beside(library_name); }

} // namespace

Compiler *registered_compiler() {
  return registered.load(std::memory_order_acquire);
}

void set_compiler(Compiler *compiler) {
  registered.store(compiler, std::memory_order_release);
}

Compiler &need_compiler() {
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  if (Compiler *compiler = registered_compiler())
    return *compiler;
  std::string path = library_path();
  // It registers itself, and stays: compiled code does not need it, but its
  // threads and tables outlive any use.
  void *handle = ::dlopen(path.empty() ? library_name : path.c_str(),
                          RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!handle) {
    const char *why = ::dlerror();
    throw Unsupported(fmt::format("this program has no compiler: {} cannot be "
                                  "loaded ({})",
                                  library_name, why ? why : "no reason given"));
  }
  opened = registered_compiler();
  if (!opened)
    throw Unsupported(
        fmt::format("{} holds no compiler for this program", library_name));
  return *opened;
}

namespace detail {

namespace {
/// Reads a part of a file; nothing if it is not all there.
template <class T> bool read_at(std::ifstream &file, uint64_t offset, T &into) {
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(reinterpret_cast<char *>(&into), sizeof into);
  return static_cast<bool>(file);
}
} // namespace

std::string build_id_of(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  Elf64_Ehdr header;
  if (!file || !read_at(file, 0, header) ||
      header.e_phentsize != sizeof(Elf64_Phdr))
    return {};
  for (uint64_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (!read_at(file, header.e_phoff + i * sizeof segment, segment))
      return {};
    if (segment.p_type != PT_NOTE || segment.p_filesz > 4096)
      continue;
    constexpr auto aligned = [](uint64_t size) { return (size + 3) & ~3ull; };
    uint64_t at = 0;
    Elf64_Nhdr note;
    while (at + sizeof note <= segment.p_filesz &&
           read_at(file, segment.p_offset + at, note)) {
      uint64_t text = at + sizeof note + aligned(note.n_namesz);
      if (note.n_type == NT_GNU_BUILD_ID && note.n_descsz <= 64) {
        std::string id;
        for (uint64_t k = 0; k < note.n_descsz; ++k) {
          uint8_t byte;
          if (!read_at(file, segment.p_offset + text + k, byte))
            return {};
          id += fmt::format("{:02x}", byte);
        }
        return id;
      }
      at = text + aligned(note.n_descsz);
    }
  }
  return {};
}

std::string compiler_build() {
  Compiler *compiler = registered_compiler();
  if (compiler && compiler != opened.load())
    return compiler->build();
  static const std::string build = [] {
    std::string path = library_path();
    return path.empty() ? std::string() : build_id_of(path);
  }();
  return build;
}

} // namespace detail
} // namespace attn_grid
