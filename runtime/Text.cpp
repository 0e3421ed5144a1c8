#include "runtime/Text.h"
#include <algorithm>
#include <numeric>

namespace attn_grid::detail {

/// The fewest insertions, deletions and replacements from `a` to `b`.
static size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t(0));
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

std::string suggest(std::string_view name,
                    const std::vector<std::string> &candidates) {
  // Long names cannot be a slip of the fingers for a short one, and comparing
  // them would cost the product of their lengths.
  if (name.size() > 64)
    return "";
  size_t best = std::max<size_t>(1, name.size() / 3) + 1;
  const std::string *nearest = nullptr;
  for (const std::string &candidate : candidates) {
    if (candidate.size() > 64)
      continue;
    size_t distance = edit_distance(name, candidate);
    if (distance < best) {
      best = distance;
      nearest = &candidate;
    }
  }
  return nearest ? "; did you mean `" + *nearest + "`?" : "";
}

std::string quoted_list(const std::vector<std::string> &names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0)
      text += i + 1 == names.size() ? " and " : ", ";
    text += "`" + names[i] + "`";
  }
  return text;
}

} // namespace attn_grid::detail
