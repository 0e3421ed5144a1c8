#ifndef AG_COMPILER_COMPILER_H
#define AG_COMPILER_COMPILER_H
/// The compiler's facade: source text in; an artifact, one stage's text, or
/// diagnostics out. No MLIR type crosses it.
///
///     EmitResult r = emit(text, "flash.ag", {}, specialization, Stage::tile);
///     if (!r.ok) print(r.diagnostics);

#include "attn_grid/ahead.hpp"
#include "attn_grid/artifact.hpp"

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace attn_grid::compiler {

#define AG_COMPILER_API __attribute__((visibility("default")))

/// Where `emit` stops. `tile`, `split` and `llvm` are there for all targets,
/// `vector`, `assembly` and `object` for CPUs, the others for GPUs.
enum class Stage {
  tile,     ///< the ag dialect, as the front end makes it
  split,    ///< the same after the tile phase: masks are bounds and branches
  vector,   ///< vectors, loops and addresses, before LLVM
  llvm,     ///< optimised LLVM IR
  assembly, ///< the machine's assembly
  object,   ///< a relocatable object file
  gpu,      ///< GPUs: what one thread does, before LLVM
  ptx,      ///< GPUs: PTX text
  cubin,    ///< GPUs: the machine code that `ptxas` makes of it
};

struct EmitResult {
  std::string output; ///< text, or an object's bytes
  std::string diagnostics;
  bool ok = false;
  /// Is the kernel right, but not to be had for this target?
  bool unsupported = false;
};

/// What `emit` does on the way.
struct EmitOptions {
  Stage stage = Stage::tile; ///< where it stops
  /// Shall LLVM optimise? What it computes is the same.
  bool optimize = true;
  /// Is given the IR after each pass that changes it; empty: nothing is made.
  std::function<void(std::string_view)> afterPass;
};

/// Compiles one kernel of a source to one stage.
AG_COMPILER_API EmitResult emit(std::string_view source, std::string_view name,
                                const std::vector<std::string> &includeDirs,
                                const Specialization &specialization,
                                const Target &target,
                                const EmitOptions &options,
                                const FunctionBindings &functions = {});

/// Goes on from the text of a stage to a later one: MLIR of `tile`, `split`,
/// `vector` or `gpu`, which the text says itself (`ag.stage`), or LLVM IR.
/// `name` is what messages call the text; LLVM IR is known by its `.ll`.
AG_COMPILER_API EmitResult resume(std::string_view text, std::string_view name,
                                  const Target &target,
                                  const EmitOptions &options);

/// A kernel to build ahead of time.
struct BuildKernel {
  std::string source; ///< text
  std::string file;   ///< what messages call it
  std::string kernel;
  AheadFunction function; ///< its `signature` is set by the build
  std::vector<Specialization> variants;
};

struct BuildRequest {
  std::string name; ///< of the library
  std::vector<std::string> includeDirs;
  std::vector<BuildKernel> kernels;
  /// In the order of `cpu_archs`, of one processor family.
  std::vector<Target> targets;
};

struct BuildResult {
  AheadLibrary library;
  std::string object;             ///< bytes
  std::vector<std::string> files; ///< that were read, and of the prelude
  std::string diagnostics;
  bool ok = false;
  /// Are the kernels right, but not to be had for a target?
  bool unsupported = false;
};

/// Compiles variants of kernels to one object, which stands on the runtime
/// alone. Equal requests give equal bytes.
AG_COMPILER_API BuildResult build(const BuildRequest &request);

/// All diagnostics of a source; empty if there are none.
AG_COMPILER_API std::string check(std::string_view source,
                                  std::string_view name,
                                  const std::vector<std::string> &includeDirs);

/// Serves an editor by the language server protocol until it leaves; gives the
/// exit status.
AG_COMPILER_API int serveLanguage(std::istream &in, std::ostream &out);

/// The functions above, for programs that load this library only when they
/// need it: `ag_compiler_functions` gives them.
struct Functions {
  decltype(&compiler::emit) emit;
  decltype(&compiler::resume) resume;
  decltype(&compiler::build) build;
  decltype(&compiler::check) check;
  decltype(&compiler::serveLanguage) serveLanguage;
};

} // namespace attn_grid::compiler

extern "C" AG_COMPILER_API const attn_grid::compiler::Functions *
ag_compiler_functions();

#endif
