#ifndef AG_TEST_SUPPORT_COMPARE_HPP
#define AG_TEST_SUPPORT_COMPARE_HPP
/// Comparisons of whole results, for GoogleTest.

#include "test/support/Tolerance.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <vector>

namespace attn_grid::test {

/// Is every element within the tolerance? Infinities and NaN must be where they
/// are expected. Says how many are not, and which is the worst.
inline testing::AssertionResult near(const std::vector<double> &found,
                                     const std::vector<double> &wanted,
                                     Tolerance tolerance) {
  if (found.size() != wanted.size())
    return testing::AssertionFailure() << "expected " << wanted.size()
                                       << " elements, found " << found.size();
  size_t wrong = 0, worst = 0;
  double excess = -1;
  for (size_t i = 0; i < found.size(); ++i) {
    double difference = std::abs(found[i] - wanted[i]);
    double bound = tolerance.atol + tolerance.rtol * std::abs(wanted[i]);
    bool same = found[i] == wanted[i] ||
                (std::isnan(found[i]) && std::isnan(wanted[i]));
    if (same || difference <= bound)
      continue;
    ++wrong;
    // A NaN that was not expected is worse than any number.
    double over = std::isnan(difference) ? HUGE_VAL : difference - bound;
    if (over > excess) {
      excess = over;
      worst = i;
    }
  }
  if (!wrong)
    return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << wrong << " of " << found.size() << " elements are off; the worst, "
         << worst << ", is " << found[worst] << ", expected " << wanted[worst]
         << " (atol " << tolerance.atol << ", rtol " << tolerance.rtol << ")";
}

/// The largest absolute difference; elements equal to the expected ones,
/// infinities among them, do not count.
inline double max_error(const std::vector<double> &found,
                        const std::vector<double> &wanted) {
  double error = 0;
  for (size_t i = 0; i < found.size(); ++i)
    if (found[i] != wanted[i])
      error = std::max(error, std::abs(found[i] - wanted[i]));
  return error;
}

} // namespace attn_grid::test

#endif
