#ifndef AG_COMPILER_FRONTEND_SIGNATURE_H
#define AG_COMPILER_FRONTEND_SIGNATURE_H
/// What a launch must know about a kernel, made from its declaration alone: the
/// body is not looked at.
///
///     for (const attn_grid::Signature &s : makeSignatures(tree, diags)) ...

#include "attn_grid/signature.hpp"
#include "compiler/Frontend/AstDecl.h"
#include "compiler/Frontend/Diagnostics.h"
#include <optional>
#include <vector>

namespace attn_grid::compiler {

/// How a GPU runs a program without hints, as `ir::KernelOp` has it.
inline constexpr int64_t defaultWarps = 4, defaultStages = 2;

/// The signature of one kernel of `tree`, or nothing after an error. `warps`
/// and `stages`, if it tunes them, are consts too, hints behind its own.
std::optional<Signature> makeSignature(const SourceManager &sources,
                                       const ast::Tree &tree,
                                       const ast::KernelDecl &kernel,
                                       Diagnostics &diags);

/// The signatures of all kernels of the root file, in the order of the source;
/// those with errors are left out.
std::vector<Signature> makeSignatures(const SourceManager &sources,
                                      const ast::Tree &tree,
                                      Diagnostics &diags);

} // namespace attn_grid::compiler

#endif
