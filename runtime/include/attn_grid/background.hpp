#ifndef ATTN_GRID_BACKGROUND_HPP
#define ATTN_GRID_BACKGROUND_HPP
/// Launches that do not wait for the variant made for them.
///
///   ag::compile_in_background(true);
///   kernel(q, k.transpose(), v, ag::out(o));  // any strides' variant
///   ag::wait_for_compiles();                  // when there is time
///   kernel(q, k.transpose(), v, ag::out(o));  // the variant for these strides
///
/// A variant is compiled for the last strides of its tensors, on a GPU also for
/// their alignment and reach. One more form assumes none of these: it runs
/// any tensors of its dtypes and consts, more slowly. With this switched on, a
/// launch whose own variant is neither in memory nor on disk runs that form
/// while its own is compiled on a thread of the runtime. The form that assumes
/// nothing is compiled once, by the first launch that needs it, unless it is on
/// disk: a host that prepares one launch of each kernel in advance never waits
/// for strides that it has not seen.
///
/// Both forms compute the same, though not always with the same rounding.

#include "attn_grid/export.hpp"

namespace attn_grid {

/// Switches it on or off for later launches, on every thread; it is off at
/// first. A launch that was prepared keeps the variant that it got.
AG_API void compile_in_background(bool on);

/// Waits until what launches have asked for so far is compiled, or has failed.
/// A variant that does not compile is said once on standard error, and its
/// launches go on with the form that assumes nothing.
AG_API void wait_for_compiles();

} // namespace attn_grid

namespace ag = attn_grid;

#endif
