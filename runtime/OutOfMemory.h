#ifndef AG_RUNTIME_OUTOFMEMORY_H
#define AG_RUNTIME_OUTOFMEMORY_H
/// How the public functions tell that there is no memory: each that may
/// allocate, if only for the message of another error, ends in
///
///   } catch (const std::bad_alloc &) {
///     detail::throw_out_of_memory();
///   }

#include <new>

namespace attn_grid::detail {

/// Throws `OutOfMemory`, without allocating.
[[noreturn]] void throw_out_of_memory();

} // namespace attn_grid::detail

#endif
