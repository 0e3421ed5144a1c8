// Streams and events: in order and eager. What was asked for has happened.

#include "runtime/sim/Driver.h"

namespace attn_grid::sim {

/// The default streams are small numbers, not objects.
static bool isStream(CUstream stream) {
  return reinterpret_cast<uintptr_t>(stream) <= 2 || object<Stream>(stream);
}

AG_SIM_EXPORT CUresult cuStreamCreate(CUstream *stream, unsigned) {
  return withDevice([&](Device &) -> CUresult {
    if (!stream)
      return CUDA_ERROR_INVALID_VALUE;
    *stream = publish<CUstream>(new Stream);
    return CUDA_SUCCESS;
  });
}
AG_SIM_EXPORT CUresult cuStreamCreateWithPriority(CUstream *stream,
                                                  unsigned flags, int) {
  return cuStreamCreate(stream, flags);
}
AG_SIM_EXPORT CUresult cuStreamDestroy_v2(CUstream stream) {
  return take<Stream>(stream) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}
AG_SIM_EXPORT CUresult cuStreamSynchronize(CUstream stream) {
  return withDevice([&](Device &) -> CUresult {
    return isStream(stream) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  });
}
AG_SIM_EXPORT CUresult cuStreamQuery(CUstream stream) {
  return cuStreamSynchronize(stream);
}
AG_SIM_EXPORT CUresult cuStreamWaitEvent(CUstream stream, CUevent event,
                                         unsigned) {
  return isStream(stream) && object<Event>(event) ? CUDA_SUCCESS
                                                  : CUDA_ERROR_INVALID_HANDLE;
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
  found->time = std::chrono::steady_clock::now();
  found->isRecorded = true;
  return CUDA_SUCCESS;
}
AG_SIM_EXPORT CUresult cuEventSynchronize(CUevent event) {
  return object<Event>(event) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
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
