#ifndef AG_TOOLS_AGC_VARIANTOPTIONS_H
#define AG_TOOLS_AGC_VARIANTOPTIONS_H
/// A variant of a kernel, described without arguments.

#include "tools/agc/Arguments.h"

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace attn_grid::agc {

/// `--kernel`, `--set`, `--dtype`, `--absent`, `--last-stride`.
struct VariantOptions {
  KernelOptions kernel;
  std::vector<std::string> absent, lastStrides;

  void addTo(CLI::App &command);
  /// Was none of them given?
  bool isEmpty() const;
  /// The variant that the options describe: every optional tensor present
  /// unless `--absent`, every last stride 1 unless `--last-stride`. Throws
  /// `UsageError`, or an `ag::Error` that names what has no value.
  Specialization specialize(const Signature &signature,
                            const Bindings &bindings) const;
};

/// The variant of these bindings; `present` has one flag per parameter. Every
/// last stride is 1. Throws an `ag::Error` that names what has no value.
Specialization specialize(const Signature &signature, const Bindings &bindings,
                          const std::vector<bool> &present);

/// 0, 1 or any, which is -1. Throws `UsageError` that names the parameter.
int8_t parseStride(const std::string &name, const std::string &text);

} // namespace attn_grid::agc

#endif
