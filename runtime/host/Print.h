#ifndef AG_RUNTIME_HOST_PRINT_H
#define AG_RUNTIME_HOST_PRINT_H
/// The `print` and `assert` of kernels.

#include "attn_grid/artifact.hpp"
#include <cstdint>
#include <exception>
#include <string_view>

namespace attn_grid::detail {

/// What the programs of one thread share, and the first exception of what they
/// called.
struct HostContext : ag_context {
  std::exception_ptr thrown;
};

/// `ag_context::print`: writes the text and the values to standard output, or
/// to what `ag::set_print_sink` set, in one piece. A scalar follows the text
/// on its line; a tile begins on the next, a line per row.
/// The context is a `HostContext`. Generated code cannot be unwound: what is
/// thrown here, by the sink above all, is kept there.
void print_values(ag_context *context, const char *text, uint64_t text_bytes,
                  const ag_printed *values, uint64_t count) noexcept;

/// Throws `BackendError` with the message of assert `number`, from 1, of the
/// kernel called `name`.
[[noreturn]] void throw_failed_assert(const Artifact &artifact, uint32_t number,
                                      std::string_view name);

} // namespace attn_grid::detail

#endif
