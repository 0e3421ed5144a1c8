#ifndef AG_RUNTIME_OPENPROGRAM_H
#define AG_RUNTIME_OPENPROGRAM_H
/// A source becomes a program: with what the disk remembers, else by the
/// compiler.

#include "runtime/Sources.h"
#include "runtime/cache/DiskStore.h"
#include "runtime/cache/Records.h"
#include <memory>

namespace attn_grid::detail {

struct OpenedProgram {
  std::shared_ptr<const Program> program;
  /// Names its variants on disk; incomplete if they must not be kept.
  Identity identity;
};

/// Names the variants of a source on disk, without loading the compiler.
AG_API Identity identity_of(const Sources &sources);

/// `disk` may be null. A source whose signatures are on disk was once found to
/// be without mistakes, so it is parsed only when a variant of it is missing.
/// Throws `CompileError` with the diagnostics, `Unsupported` without a
/// compiler.
OpenedProgram open_program(Sources sources, DiskStore *disk);

} // namespace attn_grid::detail

#endif
