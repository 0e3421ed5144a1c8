#ifndef ATTN_GRID_STREAM_HPP
#define ATTN_GRID_STREAM_HPP
/// Work that runs in order, beside the host and beside other streams.
///
///   ag::Stream stream = ag::Stream::create(ag::Device::cpu());
///   {
///     ag::StreamScope scope(stream);
///     flash(q, k, v, ag::out(o));   // queued: the call returns at once
///   }
///   stream.synchronize();           // now `o` is there
///
/// A launch goes to the calling thread's current stream of the tensors' device:
/// that of the innermost `StreamScope`, else the device's default stream. The
/// default stream of `cpu` is the calling thread itself: a launch returns when
/// it has run. On a GPU, where a default stream is the driver's, copies and
/// fills go to the current stream too; on `cpu` they happen at once, whatever
/// is queued: synchronize first.
///
/// What a queued launch reads and writes stays alive until it has run; outputs
/// that the launch made do so by themselves. Streams and events are cheap
/// handles, and thread-safe.

#include "attn_grid/device.hpp"
#include <memory>

namespace attn_grid {

namespace detail {
class StreamState;
class EventState;
/// The calling thread's stream of a device; null is the default stream.
StreamState *current_stream(Device device) noexcept;
} // namespace detail

/// A place in a stream: what was queued before it has run, or has not.
class AG_API Event {
public:
  /// Has it been reached?
  bool done() const;
  /// Waits until it is. Throws `BackendError` if a GPU failed on the way.
  void synchronize() const;
  /// The time from `begin` to this, in milliseconds; waits for both. Throws
  /// `InvalidArgument` unless both are of one device.
  double milliseconds_since(const Event &begin) const;

private:
  friend class Stream;
  explicit Event(std::shared_ptr<detail::EventState> state)
      : state_(std::move(state)) {}
  std::shared_ptr<detail::EventState> state_;
};

/// An order of launches on a device. What is queued runs, also if the last
/// handle goes: on `cpu` that waits for it.
class AG_API Stream {
public:
  /// A stream of its own. Throws what `Device::check` throws.
  static Stream create(Device device);
  /// The device's default stream.
  static Stream default_of(Device device);
  /// Where a launch of this thread on that device goes.
  static Stream current(Device device);
  /// A stream of the CUDA driver that someone else made (a `CUstream` or
  /// `cudaStream_t`), who also destroys it, later. Launches on it can be
  /// captured in a graph if they were prepared. Throws `InvalidArgument` for
  /// `cpu`.
  static Stream wrap(Device device, void *handle);

  Device device() const { return device_; }
  /// The driver's `CUstream`; null for a default stream, and on `cpu`.
  void *handle() const;
  /// Has all that was queued run?
  bool done() const;
  /// Waits until it has. Throws `BackendError`, or what the print sink threw,
  /// for the first launch that failed since the last call; those behind it have
  /// run all the same.
  void synchronize() const;
  /// The place behind all that is queued now.
  Event record() const;
  /// What is queued from now on runs after that event, of any device.
  void wait(const Event &event) const;

private:
  friend detail::StreamState *detail::current_stream(Device device) noexcept;
  Stream(Device device, std::shared_ptr<detail::StreamState> state)
      : device_(device), state_(std::move(state)) {}
  Device device_;
  std::shared_ptr<detail::StreamState> state_; // null: the default stream
};

/// Makes a stream its thread's current one of its device, until it goes out of
/// scope. Scopes end in the reverse of the order they began in.
class AG_API StreamScope {
public:
  explicit StreamScope(Stream stream);
  ~StreamScope();
  StreamScope(const StreamScope &) = delete;
  StreamScope &operator=(const StreamScope &) = delete;

private:
  friend class Stream;
  friend detail::StreamState *detail::current_stream(Device device) noexcept;
  Stream stream_;
  const StreamScope *outer_;
};

} // namespace attn_grid

namespace ag = attn_grid;

#endif
