// Streams and events: in order and eager. What was asked for has happened, or
// is captured in a graph.

#include "runtime/sim/Driver.h"

namespace attn_grid::sim {

/// The default streams are small numbers, not objects.
static bool isStream(CUstream stream) {
  return reinterpret_cast<uintptr_t>(stream) <= 2 || object<Stream>(stream);
}

AG_SIM_EXPORT CUresult cuStreamCreate(CUstream *stream, unsigned flags) {
  return withDevice([&](Device &) -> CUresult {
    if (!stream || flags > 1)
      return CUDA_ERROR_INVALID_VALUE;
    *stream = publish<CUstream>(new Stream{flags == 0, nullptr});
    return CUDA_SUCCESS;
  });
}
AG_SIM_EXPORT CUresult cuStreamCreateWithPriority(CUstream *stream,
                                                  unsigned flags, int) {
  return cuStreamCreate(stream, flags);
}
AG_SIM_EXPORT CUresult cuStreamDestroy_v2(CUstream stream) {
  std::unique_ptr<Stream> taken = take<Stream>(stream);
  if (!taken)
    return CUDA_ERROR_INVALID_HANDLE;
  std::lock_guard lock(state()->captureMutex);
  if (Graph *graph = taken->capture.get()) {
    graph->isBroken = true;
    std::erase(graph->streams, taken.get());
    if (graph->streams.empty())
      std::erase(state()->captures, taken->capture);
  }
  return CUDA_SUCCESS;
}
/// Waiting for what is captured would be for ever.
AG_SIM_EXPORT CUresult cuStreamSynchronize(CUstream stream) {
  return withDevice([&](Device &) -> CUresult {
    if (!isStream(stream))
      return CUDA_ERROR_INVALID_HANDLE;
    std::lock_guard lock(state()->captureMutex);
    auto *found = object<Stream>(stream);
    if (!found || !found->capture)
      return CUDA_SUCCESS;
    found->capture->isBroken = true;
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  });
}
AG_SIM_EXPORT CUresult cuStreamQuery(CUstream stream) {
  return cuStreamSynchronize(stream);
}
/// A stream that waits for an event of a capture is captured from then on.
AG_SIM_EXPORT CUresult cuStreamWaitEvent(CUstream stream, CUevent event,
                                         unsigned) {
  auto *found = object<Event>(event);
  if (!isStream(stream) || !found)
    return CUDA_ERROR_INVALID_HANDLE;
  std::lock_guard lock(state()->captureMutex);
  if (!found->capture || found->capture->streams.empty()) // or it has ended
    return CUDA_SUCCESS;
  auto *own = object<Stream>(stream);
  if (!own)
    return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
  if (!own->capture) {
    own->capture = found->capture;
    own->capture->streams.push_back(own);
  }
  return own->capture == found->capture ? CUDA_SUCCESS
                                        : CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
}

AG_SIM_EXPORT CUresult cuEventCreate(CUevent *event, unsigned) {
  return withDevice([&](Device &) -> CUresult {
    if (!event)
      return CUDA_ERROR_INVALID_VALUE;
    *event = publish<CUevent>(new Event);
    return CUDA_SUCCESS;
  });
}
AG_SIM_EXPORT CUresult cuEventDestroy_v2(CUevent event) {
  return take<Event>(event) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}
AG_SIM_EXPORT CUresult cuEventRecord(CUevent event, CUstream stream) {
  auto *found = object<Event>(event);
  if (!found || !isStream(stream))
    return CUDA_ERROR_INVALID_HANDLE;
  {
    std::lock_guard lock(state()->captureMutex);
    auto *own = object<Stream>(stream);
    found->capture = own ? own->capture : nullptr;
  }
  found->time = std::chrono::steady_clock::now();
  found->isRecorded = true;
  return CUDA_SUCCESS;
}
/// It would wait for what is only captured.
AG_SIM_EXPORT CUresult cuEventSynchronize(CUevent event) {
  auto *found = object<Event>(event);
  if (!found)
    return CUDA_ERROR_INVALID_HANDLE;
  std::lock_guard lock(state()->captureMutex);
  if (!found->capture || found->capture->streams.empty()) // or it has ended
    return CUDA_SUCCESS;
  found->capture->isBroken = true;
  return CUDA_ERROR_CAPTURED_EVENT;
}
AG_SIM_EXPORT CUresult cuEventQuery(CUevent event) {
  return cuEventSynchronize(event);
}
/// The time that the simulation took.
AG_SIM_EXPORT CUresult cuEventElapsedTime(float *milliseconds, CUevent begin,
                                          CUevent end) {
  auto *first = object<Event>(begin), *last = object<Event>(end);
  if (!first || !last || !first->isRecorded || !last->isRecorded)
    return CUDA_ERROR_INVALID_HANDLE;
  if (!milliseconds)
    return CUDA_ERROR_INVALID_VALUE;
  *milliseconds =
      std::chrono::duration<float, std::milli>(last->time - first->time)
          .count();
  return CUDA_SUCCESS;
}

} // namespace attn_grid::sim
