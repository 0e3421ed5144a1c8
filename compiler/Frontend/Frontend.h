#ifndef AG_COMPILER_FRONTEND_FRONTEND_H
#define AG_COMPILER_FRONTEND_FRONTEND_H
/// The front end: `.ag` text to the `ag` dialect.
///
///     auto program = parseProgram(text, "flash.ag", {"include"});
///     if (program->diagnostics.hasErrors())
///       return program->diagnostics.render();
///     Diagnostics diags(program->sources);
///     auto module = lowerKernel(*program, specialization, context, diags);
///
/// A generic kernel has one tree; each specialization is lowered from it anew.

#include "compiler/Frontend/BindFunctions.h"
#include "compiler/Frontend/Globals.h"
#include "compiler/Frontend/Parser.h"

#include "attn_grid/artifact.hpp"
#include "attn_grid/signature.hpp"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <functional>

namespace attn_grid::compiler {

/// A source file with all it imports: parsed, its names resolved, and its
/// kernels' signatures made. Immutable once made; lowering only reads it.
struct ParsedProgram {
  SourceManager sources;
  FileId root = 0;
  ast::Tree tree;
  std::optional<Globals> globals;
  std::vector<Signature> signatures; // of the root's kernels without errors
  std::vector<GivenText> givenTexts; // by a host
  BoundFunctions bound;
  Diagnostics diagnostics; // of parsing, names and signatures

  explicit ParsedProgram(std::vector<std::string> includeDirs)
      : sources(std::move(includeDirs)), diagnostics(sources) {}
  ParsedProgram(const ParsedProgram &) = delete;
  ParsedProgram &operator=(const ParsedProgram &) = delete;

  /// The kernel of that name in the root file and its signature, or null.
  const ast::KernelDecl *findKernel(std::string_view name) const;
  const Signature *findSignature(std::string_view name) const;
};

/// Parses a text. `name` is what messages call it, and the place from where
/// its imports are looked for; then come `includeDirs` and the prelude.
/// `imports` are files, path and text, that are not read from disk. With
/// `functions` the program has the signature of their kernel alone.
std::unique_ptr<ParsedProgram>
parseProgram(std::string text, std::string name,
             std::vector<std::string> includeDirs = {},
             const std::vector<SourceFile> &imports = {},
             const FunctionBindings &functions = {});

/// Is told the type of each name while a kernel is lowered, at the name's
/// declaration: `tile<f32>[64, 64]`.
using TypeObserver = std::function<void(SourceRange, const std::string &)>;

/// Lowers one kernel for one specialization: a module with one `ag.kernel`,
/// every operation with its place in the source, or null and diagnostics.
/// `program` has no errors.
mlir::OwningOpRef<mlir::ModuleOp>
lowerKernel(const ParsedProgram &program, const Specialization &,
            mlir::MLIRContext &context, Diagnostics &diags,
            const TypeObserver &observer = {});

/// Lowers every kernel under representative bindings and reports the mistakes:
/// float types as f32, and where that is clean as f16 and f64; ints as i32;
/// consts by their defaults, else 64, 1.0 or false; all optional tensors given,
/// then none. `program` has no errors.
void checkProgram(const ParsedProgram &program, mlir::MLIRContext &context,
                  Diagnostics &diags, const TypeObserver &observer = {});

} // namespace attn_grid::compiler

#endif
