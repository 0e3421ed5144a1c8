#ifndef AG_TEST_SIM_ORACLE_H
#define AG_TEST_SIM_ORACLE_H
/// What an instruction computes, told from its name alone, in wide integers and
/// reals: slow, and written without a look at the device.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sim_test {

struct Answer {
  uint64_t bits = 0;
  /// Any NaN is as good as another.
  bool isNan = false;
  /// How many units in the last place it may be off: 0 for what PTX defines to
  /// be exact.
  int ulps = 0;
};

/// A type of PTX such as `s32` or `bf16`.
struct PtxType {
  char kind = 'b'; ///< b, u, s, f (IEEE), h (bf16), t (tf32)
  int bits = 32;
  bool pair = false; ///< two of 16 bits
};
std::optional<PtxType> typeOf(const std::string &name);

/// The result for those operands; nothing where PTX leaves it open (a division
/// by 0).
std::optional<Answer> answer(const std::vector<std::string> &parts,
                             const std::vector<uint64_t> &operands);

/// Do the bits of a result of `type` agree with it?
bool agrees(const Answer &answer, uint64_t found, PtxType type);

} // namespace sim_test

#endif
