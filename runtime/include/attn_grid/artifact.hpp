#ifndef ATTN_GRID_ARTIFACT_HPP
#define ATTN_GRID_ARTIFACT_HPP
/// What the compiler hands to the runtime, and the interface through which the
/// runtime asks for it. Plain data: no LLVM, no MLIR.

#include "attn_grid/export.hpp"
#include "attn_grid/signature.hpp"
#include "attn_grid/target.hpp"
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// A value that a kernel's `print` hands over: dense, in row-major order.
struct ag_printed {
  uint64_t dtype;         ///< an attn_grid::DType
  uint64_t rank;          ///< 0: a scalar
  const int64_t *extents; ///< `rank` of them
  const void *data;
};

/// Words of the tensor that a GPU's kernel writes its asserts and prints to.
/// The first is the number of an assert that failed, from 1, the second how
/// many words the records take, which follow: the number of the print, how many
/// words it has, and its values, low words before high ones.
inline constexpr uint32_t ag_debug_words = 1u << 18;

/// What a running CPU kernel may use of its surroundings. One per thread and
/// launch; C layout, because generated code reads it.
struct ag_context {
  void *scratch;   ///< `Artifact::scratch_bytes`, aligned to 64
  uint32_t failed; ///< position in `Artifact::asserts` of one that failed, + 1
  uint32_t reserved;
  /// Prints a text and `count` values as one piece.
  void (*print)(ag_context *, const char *text, uint64_t text_bytes,
                const ag_printed *values, uint64_t count);
};

namespace attn_grid {

/// One 8-byte slot of the flat argument struct.
struct Slot {
  enum class Kind : uint8_t {
    pointer, // of params[param]
    stride,  // of params[param], dimension `dim`, in elements, i64
    extent,  // extents[index], i64
    scalar,  // params[param] in its own type, in the low bytes
  };
  Kind kind;
  int param = 0; // or the extent's position
  int dim = 0;
};

/// A `print` of a GPU's kernel.
struct PrintSite {
  struct Value {
    DType dtype = f32;
    std::vector<int64_t> extents; ///< none: a scalar
  };
  std::string text;
  std::vector<Value> values;
};

/// A tensor of which a GPU's kernel copies boxes to shared memory: PTX takes a
/// `CUtensorMap` of each as its second parameter.
struct TensorBox {
  /// A number, or the slot of the flat argument struct that has it.
  struct Number {
    int64_t value = 0;
    bool is_slot = false;
  };
  struct Dim {
    Number size, stride; ///< in elements
    uint32_t box = 1;
  };
  uint32_t slot = 0; ///< of the pointer
  uint32_t element_bytes = 2;
  uint32_t line_bytes = 128; ///< of the swizzle: 128, 64, 32
  std::vector<Dim> dims;     ///< the innermost first
};

/// A compiled variant. The compiler gives its object; the runtime loads that
/// into this process and sets `entry`.
struct Artifact {
  /// Runs the linear program numbers [begin, end). `args` is the flat struct
  /// that `slots` describes.
  using CpuEntry = void (*)(const void *args, uint32_t begin, uint32_t end,
                            ag_context *);
  CpuEntry entry = nullptr;
  std::shared_ptr<void> code; // keeps the code alive
  /// A relocatable ELF object that holds the function `symbol`, an entry. Null
  /// for a variant whose entry was there from the start.
  std::shared_ptr<const std::string> object;
  std::string symbol;
  std::vector<Slot> slots;
  size_t scratch_bytes = 0;
  /// Of PTX: threads and bytes of shared memory of a program's block. `object`
  /// is the text then, `entry` is null. 0 threads: it is for a CPU.
  uint32_t block_threads = 0;
  uint32_t shared_bytes = 0;
  std::vector<TensorBox> boxes;
  std::vector<std::string> asserts; // the messages of `assert`s
  std::vector<PrintSite> prints;    // of PTX
  /// Of PTX: does it take one more argument, a tensor of `ag_debug_words`?
  bool has_debug = false;
  /// May subnormal numbers count as 0 while it runs?
  bool flush_subnormals = true;
  double compile_ms = 0;
};

/// What a compile gives: an artifact, or diagnostics as text (file, line,
/// column, the line with a caret; one per mistake).
struct CompileResult {
  std::shared_ptr<const Artifact> artifact;
  std::string diagnostics;
  /// Is the kernel right, but not to be had for this target?
  bool unsupported = false;
};

/// A parsed and checked source file, from which variants are made. Immutable
/// and thread-safe.
class AG_API Program {
public:
  virtual ~Program() = default;
  /// The kernels' signatures, in the order of the source.
  virtual const std::vector<Signature> &signatures() const = 0;
  /// Compiles one variant. Never throws for a mistake in the kernel: that is in
  /// the diagnostics.
  virtual CompileResult compile(const Specialization &,
                                const Target &) const = 0;
};

struct ParseResult {
  std::shared_ptr<const Program> program; // null if there were errors
  std::string diagnostics;
  /// Was a file imported that the caller did not give?
  bool read_other_files = false;
};

/// A file and its text.
struct SourceFile {
  std::string path;
  std::string text;
};

/// The one interface between the runtime and the compiler.
class AG_API Compiler {
public:
  virtual ~Compiler() = default;
  /// `name` is what messages call the source; `include_dirs` are searched by
  /// `import` after the folder of `name`. `imports` are files as they were
  /// read before; they are not read again. With `functions` the program has
  /// their kernel alone.
  virtual ParseResult parse(std::string_view source, std::string_view name,
                            const std::vector<std::string> &include_dirs,
                            const std::vector<SourceFile> &imports,
                            const FunctionBindings &functions) = 0;
  /// Names the build of the compiler: two that make different code differ in
  /// it. Empty: what it makes is not kept beyond the process.
  virtual std::string build() const { return {}; }
};

/// The compiler that misses are sent to, or null if none is loaded yet. The
/// library `attn_grid_compiler` registers itself when it is loaded.
AG_API Compiler *registered_compiler();
AG_API void set_compiler(Compiler *);

/// The same, loading `attn_grid_compiler` if none is registered. Throws
/// `Unsupported` if that library is not there.
AG_API Compiler &need_compiler();

} // namespace attn_grid

#endif
