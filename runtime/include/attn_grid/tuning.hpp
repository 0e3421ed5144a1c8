#ifndef ATTN_GRID_TUNING_HPP
#define ATTN_GRID_TUNING_HPP
/// Consts that tuning has found, for kernels looked up afterwards.
///
///   ag::load_tuning("attention.tuning");      // what `agc tune --save` wrote
///   ag::Kernel flash = module.kernel("flash_fwd");
///   flash(q, k, v);                           // takes the consts found for
///   these
///
/// A file has a line for each kernel, machine, dtypes, sizes (up to the next
/// power of two) and consts that were tuned for. Another source, machine or
/// size finds nothing, and the defaults hold; what a lookup binds by name holds
/// always. The environment variable AG_TUNING names a file that is loaded at
/// the first lookup.

#include "attn_grid/export.hpp"
#include <string>
#include <string_view>

namespace attn_grid {

/// Reads a file and adds its lines: a later one for the same replaces an
/// earlier. Throws `BackendError` if it cannot be read, `InvalidArgument` with
/// the line if it is damaged; then nothing is added.
AG_API void load_tuning(const std::string &path);
/// The same from memory; `name` is what messages call it.
AG_API void add_tuning(std::string_view text,
                       const std::string &name = "tuning");
/// Forgets all that was loaded. Kernels that are there keep what they have.
AG_API void clear_tuning();
/// The lines of both texts; of `added` where both have one for the same.
AG_API std::string merge_tuning(std::string_view text, std::string_view added);

} // namespace attn_grid

namespace ag = attn_grid;

#endif
