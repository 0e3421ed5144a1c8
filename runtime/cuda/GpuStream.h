#ifndef AG_RUNTIME_CUDA_GPUSTREAM_H
#define AG_RUNTIME_CUDA_GPUSTREAM_H
/// Streams and events of the driver.

#include "runtime/Stream.h"
#include "runtime/cuda/DriverLibrary.h"

namespace attn_grid::detail {

class Gpu;

std::shared_ptr<StreamState> make_gpu_stream(Gpu &gpu);
/// Of a handle that someone else owns; null is the default stream.
std::shared_ptr<StreamState> wrap_gpu_stream(Gpu &gpu, CUstream handle);

} // namespace attn_grid::detail

#endif
