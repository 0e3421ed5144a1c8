#ifndef AG_RUNTIME_AHEAD_AHEADPROGRAM_H
#define AG_RUNTIME_AHEAD_AHEADPROGRAM_H
/// The variants of an object made ahead of time, in the place of a compiler.

#include "attn_grid/ahead.h"
#include "attn_grid/ahead.hpp"

namespace attn_grid::detail {

/// Answers each request with a variant that was built: the exact one, or one
/// that assumes less of the strides. Immutable and thread-safe.
class AheadProgram final : public Program {
public:
  /// `object` outlives this. Throws `Unsupported` for an object of another
  /// version, `BackendError` for a damaged one.
  explicit AheadProgram(const ag_ahead_library &object);

  const AheadLibrary &library() const { return library_; }
  const std::vector<Signature> &signatures() const override {
    return library_.signatures;
  }
  /// The body for the best instruction set of this machine, or the PTX for the
  /// newest architecture that the GPU runs.
  CompileResult compile(const Specialization &what,
                        const Target &target) const override;

private:
  /// A variant and its body for a target.
  struct Choice {
    const AheadVariant *variant = nullptr; ///< null: none was built
    const AheadBody *body = nullptr;       ///< null: for no such target
  };
  Choice find(const Specialization &what, const Target &target) const;
  std::string missing(const Specialization &what) const;

  AheadLibrary library_;
  std::vector<const void *> code_;
};

} // namespace attn_grid::detail

#endif
