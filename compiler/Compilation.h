#ifndef AG_COMPILER_COMPILATION_H
#define AG_COMPILER_COMPILATION_H
/// One kernel on its way down, stage by stage.
///
///     Compilation compilation(parsed, specialization);
///     if (compilation.toSplit() && compilation.toVectors(cpu) &&
///     compilation.toLLVM())
///       code = compilation.generate(cpu, CodeKind::object);
///     if (!compilation.ok()) print(compilation.takeMessages());

#include "compiler/Frontend/Frontend.h"
#include "compiler/Target/Codegen.h"
#include "compiler/Target/NvptxCodegen.h"

#include "attn_grid/artifact.hpp"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace attn_grid::compiler {

struct CpuTarget;
struct GpuArch;

/// A context of one compilation. Threads of its own would only get in the way
/// of the host's.
std::unique_ptr<mlir::MLIRContext> makeContext();

class Compilation {
public:
  /// Lowers the kernel of `specialization` to tiles. `program` has it.
  Compilation(const ParsedProgram &program,
              const Specialization &specialization);
  /// Reads MLIR text, as `emit` prints it. `name` is what messages call it.
  Compilation(std::string_view text, std::string_view name);

  /// Gives the IR to `observer` after each pass that changes it.
  void observe(std::function<void(std::string_view)> observer) {
    afterPass = std::move(observer);
  }

  /// Gives the passes of each phase an observer of their own.
  void
  instrument(std::function<std::unique_ptr<mlir::PassInstrumentation>()> make) {
    makeInstrumentation = std::move(make);
  }

  bool ok() const { return module && messages.empty(); }
  /// The mistakes found so far, as text; never empty when not ok.
  std::string takeMessages();

  /// Runs one phase of the pipeline. This and what follows do nothing, and
  /// give nothing, once something has failed.
  bool run(llvm::function_ref<void(mlir::OpPassManager &)> addPhase);
  /// From tiles to tiles: masks become bounds and branches.
  bool toSplit();
  /// From there to vectors and loops.
  bool toVectors(const CpuTarget &cpu);
  /// Or to what one thread of a GPU does.
  bool toThreads(const GpuArch &gpu);
  /// From there to the LLVM dialect.
  bool toLLVM();

  /// All of an artifact but its code. The kernel came from a program and is at
  /// vectors and loops, or at what a thread does.
  Artifact describe() const;

  /// After `toVectors`: are there dots by instructions that add several
  /// products of bf16?
  bool hasBf16Products() const;
  /// Code for a kernel in the LLVM dialect.
  std::optional<llvm::SmallVector<char, 0>> generate(const CpuTarget &cpu,
                                                     CodeKind kind);
  std::optional<llvm::SmallVector<char, 0>> generate(const GpuArch &gpu,
                                                     GpuCodeKind kind);
  /// Optimised LLVM IR for a kernel in the LLVM dialect, or null.
  std::unique_ptr<llvm::Module> translate(const CpuTarget &cpu,
                                          llvm::LLVMContext &context);
  std::unique_ptr<llvm::Module> translate(const GpuArch &gpu,
                                          llvm::LLVMContext &context);

  mlir::ModuleOp get() { return *module; }

private:
  void addMessage(llvm::Error error);

  Compilation();

  const Signature *signature = nullptr;
  Specialization specialization;
  std::function<void(std::string_view)> afterPass;
  std::function<std::unique_ptr<mlir::PassInstrumentation>()>
      makeInstrumentation;
  std::unique_ptr<mlir::MLIRContext> context;
  std::string messages;
  mlir::ScopedDiagnosticHandler handler;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace attn_grid::compiler

#endif
