#ifndef AG_TOOLS_AGC_ARGUMENTS_H
#define AG_TOOLS_AGC_ARGUMENTS_H
/// From the options of the command line to what a launch takes: consts and
/// dtypes by name, and a value for every parameter.

#include "tools/agc/Spec.h"

#include "attn_grid/module.hpp"

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace attn_grid::agc {

/// `--kernel`, `--set`, `--dtype`, `--variant`: which variant of which kernel.
struct KernelOptions {
  std::string kernel, variant;
  std::vector<std::string> sets, dtypes;

  void addTo(CLI::App &command);
  /// The consts, extents and dtypes that `--set` and `--dtype` bind. Throws
  /// `UsageError`.
  Bindings bindings() const;
  /// The functions that `--set` binds, and the variant; `name` is the kernel's.
  FunctionBindings functions(const std::string &name) const;
  /// The module with these bound. Throws `UsageError` for a value that is
  /// neither a number nor meant for a function parameter.
  Module bind(const Module &module) const;
};

/// The position among `signatures` of the kernel that was named, or of the
/// only one. Throws `UsageError` if none was named and there are several.
size_t findKernel(const std::vector<Signature> &signatures,
                  const std::string &name);

/// NAME and VALUE of `NAME=VALUE`. Throws `UsageError` that shows `option`.
std::pair<std::string, std::string> splitAssignment(const std::string &text,
                                                    std::string_view option);

/// The position of the parameter of that name. Throws `KeyError`.
size_t findParam(const Signature &signature, std::string_view name);

/// The value of one parameter.
struct Value {
  const Param *param = nullptr;
  std::string source; ///< where it came from, for the report
  std::optional<Tensor> tensor;
  std::optional<Scalar> scalar;
};

/// A kernel and a value for each parameter that needs one. A parameter with
/// neither tensor nor scalar is left to the runtime: it is absent, has a
/// default, or is an output that the launch makes.
struct BoundArguments {
  Kernel kernel;
  std::vector<Value> values; ///< one per parameter

  /// The list that `Kernel::prepare_list` takes.
  std::vector<Arg> list() const;
};

/// What `--arg`, `--save` and `--seed` say.
struct ArgumentOptions {
  std::vector<std::string> args; ///< NAME=SPEC
  /// Parameters that must be there at the end: an optional output among them
  /// is made.
  std::vector<std::string> wanted;
  uint64_t seed = 0;
  Device device;
};

/// Loads and makes what was given, and draws what was left out at random.
/// Throws `InvalidArgument` that names the extents missing.
BoundArguments bindArguments(const Module &module, const std::string &kernel,
                             Bindings bindings, const ArgumentOptions &options);

} // namespace attn_grid::agc

#endif
