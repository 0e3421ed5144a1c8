#ifndef AG_TEST_SUPPORT_MASKPROGRAMS_H
#define AG_TEST_SUPPORT_MASKPROGRAMS_H
/// Random kernels with a loop that tests a mask, and arguments for them.
///
///     MaskProgram program(seed);
///     program.text;                     // the kernel, as IR
///     StringMap<int64_t> a = program.arguments(random);
///
/// Tiles are 4x4, so that a mask is often full or empty. The body tests a
/// random mask in one of the forms that the front end makes, and what it does
/// shows: it stores where the mask is, and carries a tile.

#include "llvm/ADT/StringMap.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace attn_grid::test {

using Random = std::mt19937_64;

/// A number from `low` to `high`, both included.
int64_t pick(Random &random, int64_t low, int64_t high);
/// One of `options`.
template <typename T> T pickOf(Random &random, std::vector<T> options) {
  return options[pick(random, 0, options.size() - 1)];
}

class MaskProgram {
public:
  explicit MaskProgram(uint64_t seed);

  /// Arguments by name: small ones, and ones near the limits of an i32.
  static llvm::StringMap<int64_t> arguments(Random &random);

  std::string text;

private:
  enum class Shape { scalar, row, column, tile };

  std::string type(Shape shape, const std::string &element);
  std::string emit(const std::string &operation);
  std::string constant(Shape shape, int64_t value,
                       const std::string &element = "i32");
  std::string spread(const std::string &value, Shape from, Shape to,
                     const std::string &element);
  std::string scalar(int depth);
  std::string leaf(Shape shape);
  std::string integer(Shape shape, int depth);
  std::string unary(Shape shape, int depth);
  std::string mask(Shape shape, int depth);
  std::string likelyMask();
  std::string condition();
  void loop();
  void body(const std::string &test, const std::string &keep);

  Random random;
  std::string code;
  int next = 0;
  bool inLoop = false;
};

} // namespace attn_grid::test

#endif
