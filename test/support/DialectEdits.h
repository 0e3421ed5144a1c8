#ifndef AG_TEST_SUPPORT_DIALECTEDITS_H
#define AG_TEST_SUPPORT_DIALECTEDITS_H
/// Text of the dialect, changed by choices that are bytes: other numbers, types
/// and values in place of those that stand there, lines left out, twice or
/// elsewhere. Most of it still parses.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace attn_grid::compiler::test {

/// The functions and kernels of a file, each without comments.
std::vector<std::string> splitFunctions(const std::string &text);

/// One of `seeds`, changed.
std::string editDialectText(const std::vector<std::string> &seeds,
                            std::span<const uint8_t> choices);

} // namespace attn_grid::compiler::test

#endif
