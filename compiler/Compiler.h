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
#include <utility>
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

/// What a unit of the machine is busy for.
struct UnitCycles {
  std::string unit;
  double cycles = 0; ///< of one trip
};

/// A loop of the tile program, or what lies around the loops. Cycles are of one
/// core, or of one multiprocessor that runs this program alone.
struct LoopCost {
  std::string file; ///< empty: around the loops
  int line = 0, depth = 0;
  double trips = 1;       ///< of one program, on average
  bool tripsKnown = true; ///< or does an extent that is missing fix them?
  std::vector<UnitCycles> units;
  std::string bound; ///< the unit that is busy for longest
  double cycles = 0; ///< of all trips of a program, by that unit
};

/// What one pass changed: how many more there are of each operation.
struct PassReport {
  std::string pass;
  std::vector<std::pair<std::string, int64_t>> changes;
};

/// A prediction: see docs/cost-model.md.
struct Explanation {
  bool ok = false;
  /// Is the kernel right, but not to be had for this target?
  bool unsupported = false;
  std::string diagnostics;
  double programs = 0; ///< 0: an extent that fixes them is missing
  double cycles = 0;   ///< of a program, on average
  std::vector<LoopCost> loops;
  size_t scratchBytes = 0; ///< of a CPU
  size_t sharedBytes = 0;  ///< of a GPU, as are the following
  size_t threads = 0;
  size_t registers = 0; ///< of a thread, estimated; 0: not asked for
  size_t blocks = 0;    ///< that a multiprocessor holds
  std::string blocksLimit;
  std::vector<PassReport> passes;
};

struct ExplainOptions {
  /// Extents and integer scalars of a launch, by name.
  std::vector<std::pair<std::string, int64_t>> values;
  bool resources = true; ///< count registers, which takes most of the time
  bool passes = false;   ///< report them
};

/// Predicts what one variant costs, without making code for it.
AG_COMPILER_API Explanation explain(std::string_view source,
                                    std::string_view name,
                                    const std::vector<std::string> &includeDirs,
                                    const Specialization &specialization,
                                    const Target &target,
                                    const ExplainOptions &options,
                                    const FunctionBindings &functions = {});

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
  decltype(&compiler::explain) explain;
  decltype(&compiler::build) build;
  decltype(&compiler::check) check;
  decltype(&compiler::serveLanguage) serveLanguage;
};

} // namespace attn_grid::compiler

extern "C" AG_COMPILER_API const attn_grid::compiler::Functions *
ag_compiler_functions();

#endif
