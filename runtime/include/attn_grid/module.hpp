#ifndef ATTN_GRID_MODULE_HPP
#define ATTN_GRID_MODULE_HPP
/// A source file of kernels.
///
///   ag::Module module = ag::Module::from_file("flash_fwd.ag");
///   ag::Kernel kernel = module.kernel("flash_fwd", {{"causal", true}});
///   ag::Kernel other = module.kernel("flash", {{"score", ag::fn("relu")}});

#include "attn_grid/launch.hpp"
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct ag_ahead_library; // attn_grid/ahead.h

namespace attn_grid {

namespace detail {
class LoadedLibrary;
class ModuleState;
} // namespace detail

/// A parsed and checked source, and the variants made from it so far. A cheap
/// handle; thread-safe. Kernels keep what they need of it alive.
class AG_API Module {
public:
  /// Reads, parses and checks a file. `include_dirs` are searched by `import`
  /// after the file's own folder. Throws `BackendError` if the file cannot be
  /// read, `CompileError` with the diagnostics if it is wrong, `Unsupported` if
  /// the program has no compiler (it links `attn_grid_runtime` alone).
  static Module from_file(const std::string &path,
                          const std::vector<std::string> &include_dirs = {});
  /// The same for text; `name` is what messages call it.
  static Module from_source(std::string_view source,
                            std::string_view name = "source.ag",
                            const std::vector<std::string> &include_dirs = {});

  /// The kernels of an object that `agc build` made, which has a variable of
  /// this type: with launches, for a program that has C++ (from C, call the
  /// functions of its header). Throws `Unsupported` for an object of another
  /// version.
  static Module from_ahead(ag_ahead_library &object);

  /// The kernels' names, in the order of the source.
  std::vector<std::string> kernels() const;
  /// The kernels' signatures, in the order of the source.
  const std::vector<Signature> &signatures() const;
  /// A kernel with consts, dtypes, extents and functions bound by name. Throws
  /// `KeyError` for a name it does not have, `InvalidArgument` and `DTypeError`
  /// for a value that does not fit, `CompileError` with the diagnostics for a
  /// function with a mistake.
  Kernel kernel(std::string_view name, const Bindings &bindings = {}) const;
  /// The module of that kernel alone, with functions or a variant bound to it;
  /// its signature has the variant's parameters, too. `kernel` does this by
  /// itself; here one sees the signature before the rest is bound.
  Module bind(std::string_view kernel, const Bindings &functions) const;

private:
  friend class detail::LoadedLibrary;
  explicit Module(std::shared_ptr<detail::ModuleState> state)
      : state_(std::move(state)) {}
  std::shared_ptr<detail::ModuleState> state_;
};

} // namespace attn_grid

namespace ag = attn_grid;

#endif
