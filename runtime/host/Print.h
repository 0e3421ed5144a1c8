#ifndef AG_RUNTIME_HOST_PRINT_H
#define AG_RUNTIME_HOST_PRINT_H
/// The `print` of kernels on the CPU.

#include "attn_grid/artifact.hpp"

namespace attn_grid::detail {

/// `ag_context::print`: writes the text and the values to standard output, or
/// to what `ag::set_print_sink` set, in one piece. A scalar follows the text
/// on its line; a tile begins on the next, a line per row.
void print_values(ag_context *, const char *text, uint64_t text_bytes,
                  const ag_printed *values, uint64_t count);

} // namespace attn_grid::detail

#endif
