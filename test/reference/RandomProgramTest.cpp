// Random programs: the reference and the CPU agree exactly.
//
//     AG_RANDOM_PROGRAMS=20000 AgReferenceTests --gtest_filter='Random*'
//     AG_RANDOM_SEED=17 ...     the first seed; for a failure, one program

#include "test/reference/RandomProgram.h"

#include <cstdlib>
#include <gtest/gtest.h>

namespace attn_grid::test {
namespace {

int64_t numberFrom(const char *variable, int64_t otherwise) {
  const char *text = std::getenv(variable);
  return text ? std::atoll(text) : otherwise;
}

TEST(RandomPrograms, Agree) {
  int64_t first = numberFrom("AG_RANDOM_SEED", 0);
  int64_t count = numberFrom("AG_RANDOM_PROGRAMS", 400);
  int failures = 0;
  for (int64_t seed = first; seed < first + count && failures < 20; ++seed) {
    Case program = randomProgram(seed);
    std::string text = disagreement(program);
    EXPECT_EQ(text, "") << "AG_RANDOM_SEED=" << seed
                        << " AG_RANDOM_PROGRAMS=1\n"
                        << program.text();
    failures += !text.empty();
  }
}

} // namespace
} // namespace attn_grid::test
