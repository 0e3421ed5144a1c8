#ifndef AG_COMPILER_FRONTEND_SUGGEST_H
#define AG_COMPILER_FRONTEND_SUGGEST_H
/// "did you mean ...?"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attn_grid::compiler {

/// The candidate that differs from `name` by the fewest typing mistakes, if
/// that is few enough to be meant: one for short names, up to a third of the
/// letters for longer ones. The first of several that are as close.
std::optional<std::string> closest(std::string_view name,
                                   const std::vector<std::string> &candidates);

} // namespace attn_grid::compiler

#endif
