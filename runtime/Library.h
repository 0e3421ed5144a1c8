#ifndef AG_RUNTIME_LIBRARY_H
#define AG_RUNTIME_LIBRARY_H
/// Where the libraries lie that this one opens when it needs them.

#include <string>

namespace attn_grid::detail {

/// The path of a file beside this library; empty if there is none.
std::string path_beside(const char *name);

} // namespace attn_grid::detail

#endif
