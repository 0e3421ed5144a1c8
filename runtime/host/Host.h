#ifndef AG_RUNTIME_HOST_HOST_H
#define AG_RUNTIME_HOST_HOST_H
/// The CPU device: runs a kernel's programs on the threads of this process.

#include "attn_grid/artifact.hpp"
#include <cstdint>
#include <string_view>

namespace attn_grid::detail {

/// Runs the programs [0, programs) and returns when all are done. `args` is the
/// flat struct of the artifact. Throws `BackendError` if one of them fails;
/// `name` is the kernel's, for the message.
void run_on_host(const Artifact &artifact, const void *args, uint32_t programs,
                 std::string_view name);

} // namespace attn_grid::detail

#endif
