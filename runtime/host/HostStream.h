#ifndef AG_RUNTIME_HOST_HOSTSTREAM_H
#define AG_RUNTIME_HOST_HOSTSTREAM_H
/// Streams of the CPU: a thread for each, which runs what is queued in order.

#include "runtime/Stream.h"

namespace attn_grid::detail {

std::shared_ptr<StreamState> make_host_stream();
/// An event that has been reached.
std::shared_ptr<EventState> make_host_event();
/// Waits for all of them, and throws the first thing that went wrong in one.
void synchronize_host_streams();

} // namespace attn_grid::detail

#endif
