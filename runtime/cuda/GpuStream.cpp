#include "runtime/cuda/GpuStream.h"
#include "attn_grid/error.hpp"
#include "runtime/cuda/Gpu.h"

namespace attn_grid::detail {
namespace {

class GpuEvent : public EventState {
public:
  GpuEvent(Gpu &gpu, CUstream stream) : EventState(gpu.device()), gpu_(gpu) {
    gpu.make_current();
    gpu.driver().check(gpu.driver().cuEventCreate(&event, 0), "cuEventCreate");
    CUresult result = gpu.driver().cuEventRecord(event, stream);
    if (result != CUDA_SUCCESS)
      destroy();
    gpu.driver().check(result, "cuEventRecord");
  }
  ~GpuEvent() override { destroy(); }

  bool done() override {
    gpu_.make_current();
    CUresult result = gpu_.driver().cuEventQuery(event);
    if (result == CUDA_ERROR_NOT_READY)
      return false;
    gpu_.driver().check(result, "a launch before an event");
    return true;
  }
  void synchronize() override {
    gpu_.make_current();
    gpu_.driver().check(gpu_.driver().cuEventSynchronize(event),
                        "a launch before an event");
  }
  double milliseconds_since(EventState &begin) override {
    begin.synchronize();
    synchronize();
    float milliseconds = 0;
    gpu_.driver().check(
        gpu_.driver().cuEventElapsedTime(
            &milliseconds, static_cast<GpuEvent &>(begin).event, event),
        "cuEventElapsedTime");
    return milliseconds;
  }

  CUevent event = nullptr;

private:
  void destroy() noexcept {
    try {
      gpu_.make_current();
      gpu_.driver().cuEventDestroy_v2(event);
    } catch (const Error &) { // a broken driver has nothing to destroy
    }
  }
  Gpu &gpu_;
};

class GpuStream : public StreamState {
public:
  GpuStream(Gpu &gpu, CUstream stream, bool owned)
      : gpu_(gpu), stream_(stream), owned_(owned) {}
  ~GpuStream() override {
    if (!owned_)
      return;
    try {
      gpu_.make_current();
      // What is queued runs all the same.
      gpu_.driver().cuStreamDestroy_v2(stream_);
    } catch (const Error &) { // a broken driver has nothing to destroy
    }
  }

  bool done() override {
    gpu_.make_current();
    CUresult result = gpu_.driver().cuStreamQuery(stream_);
    if (result == CUDA_ERROR_NOT_READY)
      return false;
    gpu_.driver().check(result, "a launch before");
    return true;
  }
  void synchronize() override {
    gpu_.make_current();
    gpu_.driver().check(gpu_.driver().cuStreamSynchronize(stream_),
                        "a launch before");
  }
  std::shared_ptr<EventState> record() override {
    return std::make_shared<GpuEvent>(gpu_, stream_);
  }
  void wait(std::shared_ptr<EventState> event) override {
    // Another driver's event, or the CPU's, is waited for here.
    if (event->device.kind() != gpu_.device().kind())
      return event->synchronize();
    gpu_.make_current();
    gpu_.driver().check(gpu_.driver().cuStreamWaitEvent(
                            stream_, static_cast<GpuEvent &>(*event).event, 0),
                        "cuStreamWaitEvent");
  }
  void *handle() const override { return stream_; }
  void add(std::function<void()>) override {
    throw Unsupported("a GPU's stream takes no work of the host");
  }

private:
  Gpu &gpu_;
  CUstream stream_;
  bool owned_;
};

} // namespace

std::shared_ptr<StreamState> make_gpu_stream(Gpu &gpu) {
  gpu.make_current();
  CUstream stream = nullptr;
  // Flag 0: the default stream and this one wait for each other, so that what
  // the host copied is there.
  gpu.driver().check(gpu.driver().cuStreamCreate(&stream, 0), "cuStreamCreate");
  return std::make_shared<GpuStream>(gpu, stream, /*owned=*/true);
}

std::shared_ptr<StreamState> wrap_gpu_stream(Gpu &gpu, CUstream handle) {
  return std::make_shared<GpuStream>(gpu, handle, /*owned=*/false);
}

} // namespace attn_grid::detail
