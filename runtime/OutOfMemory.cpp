#include "runtime/OutOfMemory.h"
#include "attn_grid/error.hpp"

namespace attn_grid::detail {

/// Made when the library is loaded, since there is no memory for it later.
/// Copies of it share the text.
static const OutOfMemory out_of_memory("not enough memory");

void throw_out_of_memory() { throw out_of_memory; }

} // namespace attn_grid::detail
