#ifndef AG_COMPILER_FRONTEND_SLOTS_H
#define AG_COMPILER_FRONTEND_SLOTS_H
/// The flat argument struct of a variant: which slots it has, in their order.
/// The arguments of the `ag.kernel` are exactly these.

#include "attn_grid/artifact.hpp"

namespace attn_grid::compiler {

/// For each present tensor its pointer and a stride per dimension (the last is
/// left out if it is compiled in), then the extents that are not compiled in,
/// then the scalars; each in the order of the signature. `spec` fits it.
std::vector<Slot> argumentSlots(const Signature &signature,
                                const Specialization &spec);

/// True if the binding has an entry for everything in the signature.
bool fits(const Signature &signature, const Specialization &spec);

} // namespace attn_grid::compiler

#endif
