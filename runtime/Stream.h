#ifndef AG_RUNTIME_STREAM_H
#define AG_RUNTIME_STREAM_H
/// What `Stream` and `Event` point to: one kind for the CPU, one for GPUs.

#include "attn_grid/stream.hpp"
#include <functional>
#include <memory>

namespace attn_grid::detail {

class EventState {
public:
  virtual ~EventState() = default;
  virtual bool done() = 0;
  virtual void synchronize() = 0;
  /// From `begin`, an event of the same device.
  virtual double milliseconds_since(EventState &begin) = 0;

  Device device;

protected:
  explicit EventState(Device device) : device(device) {}
};

class StreamState {
public:
  virtual ~StreamState() = default;
  virtual bool done() = 0;
  virtual void synchronize() = 0;
  virtual std::shared_ptr<EventState> record() = 0;
  virtual void wait(std::shared_ptr<EventState> event) = 0;
  virtual void *handle() const = 0;
  /// Queues work of the host. A GPU's stream takes none.
  virtual void add(std::function<void()> work) = 0;
};

} // namespace attn_grid::detail

#endif
