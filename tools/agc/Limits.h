#ifndef AG_TOOLS_AGC_LIMITS_H
#define AG_TOOLS_AGC_LIMITS_H
/// What a command may take: for those who run kernels that others wrote.

#include <CLI/CLI.hpp>

namespace attn_grid::agc {

/// Adds --time-limit and --memory-limit. A command that goes beyond one ends at
/// once, wherever it is, with a message and `exitMistake`; files that are being
/// written are left as they were.
void addLimits(CLI::App &command);

} // namespace attn_grid::agc

#endif
