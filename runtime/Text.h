#ifndef AG_RUNTIME_TEXT_H
#define AG_RUNTIME_TEXT_H
/// Words for messages.

#include <string>
#include <string_view>
#include <vector>

namespace attn_grid::detail {

/// "; did you mean `scale`?" with the candidate nearest to `name`, or nothing
/// if none is near.
std::string suggest(std::string_view name,
                    const std::vector<std::string> &candidates);

/// "`a`, `b` and `c`".
std::string quoted_list(const std::vector<std::string> &names);

} // namespace attn_grid::detail

#endif
