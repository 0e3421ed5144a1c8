#ifndef AG_RUNTIME_COMPILERLIBRARY_H
#define AG_RUNTIME_COMPILERLIBRARY_H
/// The compiler's shared library, which is opened when something has to be
/// compiled: most processes find their variants on disk, and LLVM is large.

#include "attn_grid/artifact.hpp"
#include <string>

namespace attn_grid::detail {

/// The build of the compiler that `need_compiler` gives, found out without
/// loading it; empty if there is none, or it does not say.
std::string compiler_build();

/// The build id that the linker put into an ELF file for this machine, in hex;
/// empty if the file has none, or is damaged.
std::string build_id_of(const std::string &path);

} // namespace attn_grid::detail

#endif
