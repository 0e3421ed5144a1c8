#ifndef AG_RUNTIME_HOST_PROCESSOR_H
#define AG_RUNTIME_HOST_PROCESSOR_H
/// The processor that this process runs on.

#include <string>

namespace attn_grid::detail {

/// Everything of the processor that the compiler may look at: its model and
/// what it can do. Two processes with the same text may share compiled code.
/// Empty if this system does not tell.
const std::string &processor();

} // namespace attn_grid::detail

#endif
