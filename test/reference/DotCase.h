#ifndef AG_TEST_REFERENCE_DOTCASE_H
#define AG_TEST_REFERENCE_DOTCASE_H
/// Products of two tiles that lie in memory, as cases of agreement.

#include "test/reference/Agreement.h"

#include <fmt/format.h>

namespace attn_grid::test {

/// The type in which products of `element` are summed.
inline std::string accumulator(const std::string &element) {
  if (element == "f64" || element == "i64")
    return element;
  return element[0] == 'i' ? "i32" : "f32";
}

/// o = c + x y, of MxK and KxN. `columns` names how y lies.
inline Case dotCase(const std::string &element, int64_t m, int64_t n, int64_t k,
                    Layout x, Layout y, Layout o) {
  std::string acc = accumulator(element);
  Case c;
  c.tensor("x", element, {m, k}, x);
  c.tensor("y", element, {k, n}, y);
  c.tensor("c", acc, {m, n}, o);
  c.tensor("o", acc, {m, n}, o).out();
  c.body = fmt::format(R"(
  %a = ag.load %x[%c0 : {0}, %c0 : {2}] : $x -> tensor<{0}x{2}x{3}>
  %b = ag.load %y[%c0 : {2}, %c0 : {1}] : $y -> tensor<{2}x{1}x{3}>
  %s = ag.load %c[%c0 : {0}, %c0 : {1}] : $c -> tensor<{0}x{1}x{4}>
  %r = ag.dot %a, %b, %s : tensor<{0}x{2}x{3}>, tensor<{2}x{1}x{3}>, tensor<{0}x{1}x{4}>
  ag.store %r, %o[%c0 : {0}, %c0 : {1}] : tensor<{0}x{1}x{4}>, $o)",
                       m, n, k, element, acc);
  return c;
}

} // namespace attn_grid::test

#endif
