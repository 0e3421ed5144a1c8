#ifndef AG_RUNTIME_SIM_CHIPS_H
#define AG_RUNTIME_SIM_CHIPS_H
/// The GPUs that can be simulated, by what programs ask of them.

#include <span>
#include <string_view>

namespace attn_grid::sim {

struct Chip {
  const char *target; ///< `sm_80`
  const char *name;
  int major, minor;
  int multiprocessors;
  int sharedPerBlock;          ///< bytes, with the function's consent
  int sharedPerMultiprocessor; ///< bytes
  int threadsPerMultiprocessor;
  int l2Bytes;
  int clockKhz;
};

/// All of them.
std::span<const Chip> chips();
/// The chip of a name such as `sm_80`; null if there is none.
const Chip *findChip(std::string_view target);
/// That of AG_SIM_ARCH; sm_80 without it.
const Chip *chipFromEnvironment();

} // namespace attn_grid::sim

#endif
