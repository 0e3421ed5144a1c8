#include "runtime/Stream.h"
#include "attn_grid/error.hpp"
#include "runtime/OutOfMemory.h"
#include "runtime/cuda/Gpu.h"
#include "runtime/cuda/GpuStream.h"
#include "runtime/host/HostStream.h"
#include <fmt/format.h>
#include <system_error>

namespace attn_grid {

using namespace detail;

namespace {

/// This thread's innermost scope.
thread_local constinit const StreamScope *innermost = nullptr;

/// The default stream of a GPU, as one that can be asked.
std::shared_ptr<StreamState> default_stream(Device device) {
  return wrap_gpu_stream(Gpu::of(device), nullptr);
}

} // namespace

Stream Stream::create(Device device) try {
  if (device == Device::cpu())
    return Stream(device, make_host_stream());
  return Stream(device, make_gpu_stream(Gpu::of(device)));
} catch (const std::bad_alloc &) {
  throw_out_of_memory();
} catch (const std::system_error &error) {
  throw BackendError(
      fmt::format("no thread for a stream of the cpu: {}", error.what()));
}

Stream Stream::default_of(Device device) { return Stream(device, nullptr); }

Stream Stream::current(Device device) {
  for (const StreamScope *scope = innermost; scope; scope = scope->outer_)
    if (scope->stream_.device_ == device)
      return scope->stream_;
  return default_of(device);
}

Stream Stream::wrap(Device device, void *handle) try {
  if (device == Device::cpu())
    throw InvalidArgument(
        "only streams of a GPU's driver can be wrapped, found "
        "the device `cpu`");
  return Stream(
      device, wrap_gpu_stream(Gpu::of(device), static_cast<CUstream>(handle)));
} catch (const std::bad_alloc &) {
  throw_out_of_memory();
}

void *Stream::handle() const { return state_ ? state_->handle() : nullptr; }

bool Stream::done() const try {
  if (state_)
    return state_->done();
  return device_ == Device::cpu() || default_stream(device_)->done();
} catch (const std::bad_alloc &) {
  throw_out_of_memory();
}

void Stream::synchronize() const try {
  if (state_)
    state_->synchronize();
  else if (device_ != Device::cpu())
    default_stream(device_)->synchronize();
} catch (const std::bad_alloc &) {
  throw_out_of_memory();
}

Event Stream::record() const try {
  if (state_)
    return Event(state_->record());
  return Event(device_ == Device::cpu() ? make_host_event()
                                        : default_stream(device_)->record());
} catch (const std::bad_alloc &) {
  throw_out_of_memory();
}

void Stream::wait(const Event &event) const try {
  if (state_)
    state_->wait(event.state_);
  else if (device_ == Device::cpu())
    event.state_->synchronize();
  else
    default_stream(device_)->wait(event.state_);
} catch (const std::bad_alloc &) {
  throw_out_of_memory();
}

bool Event::done() const try {
  return state_->done();
} catch (const std::bad_alloc &) {
  throw_out_of_memory();
}

void Event::synchronize() const try {
  state_->synchronize();
} catch (const std::bad_alloc &) {
  throw_out_of_memory();
}

double Event::milliseconds_since(const Event &begin) const try {
  if (begin.state_->device != state_->device)
    throw InvalidArgument(
        fmt::format("expected events of one device, found `{}` and `{}`",
                    begin.state_->device.name(), state_->device.name()));
  return state_->milliseconds_since(*begin.state_);
} catch (const std::bad_alloc &) {
  throw_out_of_memory();
}

StreamScope::StreamScope(Stream stream)
    : stream_(std::move(stream)), outer_(innermost) {
  innermost = this;
}

StreamScope::~StreamScope() { innermost = outer_; }

StreamState *detail::current_stream(Device device) noexcept {
  for (const StreamScope *scope = innermost; scope; scope = scope->outer_)
    if (scope->stream_.device_ == device)
      return scope->stream_.state_.get();
  return nullptr;
}

} // namespace attn_grid
