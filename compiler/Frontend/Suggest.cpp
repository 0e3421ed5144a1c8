#include "compiler/Frontend/Suggest.h"

#include <algorithm>
#include <numeric>

namespace attn_grid::compiler {

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// The edit distance, where two letters that changed places are one mistake.
/// Letters that differ only in case cost nothing, so that `bm` is taken for
/// `BM`.
static size_t distance(std::string_view a, std::string_view b) {
  // Rows of the usual table: two before, before, and this one.
  std::vector<size_t> older, old(b.size() + 1), row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    older = std::move(old);
    old = row;
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      char x = lower(a[i - 1]), y = lower(b[j - 1]);
      row[j] = std::min({old[j - 1] + (x != y), old[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && x == lower(b[j - 2]) && y == lower(a[i - 2]))
        row[j] = std::min(row[j], older[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::optional<std::string> closest(std::string_view name,
                                   const std::vector<std::string> &candidates) {
  constexpr size_t longest = 64;
  std::optional<std::string> best;
  size_t bestDistance = std::max<size_t>(1, name.size() / 3) + 1;
  if (name.size() > longest)
    return best;
  for (const std::string &candidate : candidates) {
    if (candidate.size() > longest || candidate == name)
      continue;
    size_t d = distance(name, candidate);
    // Of a name of one or two letters a mistake leaves too little.
    if (d >= bestDistance || (d > 0 && name.size() <= 2))
      continue;
    best = candidate;
    bestDistance = d;
  }
  return best;
}

} // namespace attn_grid::compiler
