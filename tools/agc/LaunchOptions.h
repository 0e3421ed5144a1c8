#ifndef AG_TOOLS_AGC_LAUNCHOPTIONS_H
#define AG_TOOLS_AGC_LAUNCHOPTIONS_H
/// What the commands that launch a kernel have in common: which one, with which
/// arguments, where.

#include "tools/agc/Arguments.h"
#include "tools/agc/Command.h"
#include "tools/agc/VariantOptions.h"

#include <string>
#include <vector>

namespace attn_grid::agc {

/// A launch that is ready, and what it was made from.
struct PreparedLaunch {
  Device device;
  BoundArguments bound;
  Launch launch;
};

struct LaunchOptions {
  SourceOptions source;
  KernelOptions kernel;
  std::vector<std::string> args; ///< NAME=SPEC
  uint64_t seed = 0;
  std::string device; ///< empty: AG_DEVICE, else `cpu`

  /// Adds FILE, -I, the kernel's options, --arg, --seed and --device.
  void addTo(CLI::App &command, const std::string &devices);
  /// `wanted`: parameters that must be there at the end.
  PreparedLaunch prepare(std::vector<std::string> wanted = {}) const;
};

/// How `--arg` describes tensors, for the end of `--help`.
extern const char *const specHelp;

} // namespace attn_grid::agc

#endif
