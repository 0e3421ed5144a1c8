#ifndef AG_TOOLS_AGC_BUILDPLAN_H
#define AG_TOOLS_AGC_BUILDPLAN_H
/// What `agc build` builds: from lists on the command line to variants.

#include "compiler/Compiler.h"

#include "attn_grid/module.hpp"

#include <string>
#include <vector>

namespace attn_grid::agc {

/// The options that choose variants. A name may be qualified with its kernel:
/// `flash_fwd.D=64,128`.
struct BuildOptions {
  std::vector<std::string> kernels;         ///< empty: all
  std::vector<std::string> sets, dtypes;    ///< NAME=VALUE,VALUE
  std::vector<std::string> present, absent; ///< optional tensors
  std::vector<std::string> lastStrides;     ///< NAME=0|1|any
  std::vector<std::string> targets;         ///< TARGET,TARGET
};

/// A source file.
struct BuildSource {
  std::string file, text;
  Module module;
};

/// The kernels and variants that the options ask for. C functions are called
/// `<prefix><kernel>`. Throws `UsageError` or an `ag::Error` that names what is
/// wrong.
std::vector<compiler::BuildKernel>
planBuild(const std::vector<BuildSource> &sources, const BuildOptions &options,
          const std::string &prefix);

/// The targets of a list, each once, in the order in which a body is chosen.
/// `cpu` is every instruction set of this machine's processor family. Throws
/// `UsageError`, or `KeyError` that lists what there is.
std::vector<Target> planTargets(const std::vector<std::string> &lists);

} // namespace attn_grid::agc

#endif
