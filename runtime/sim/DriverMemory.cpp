// Memory of devices and pinned memory of the host, copies. Everything has
// happened when a call returns, whatever the stream.

#include "runtime/sim/Driver.h"

#include <cstdlib>
#include <cstring>

namespace attn_grid::sim {

AG_SIM_EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  return withDevice([&](Device &device) -> CUresult {
    if (!address || bytes == 0)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult wrong = checkNothingIsCaptured())
      return wrong;
    *address = device.memory.allocate(bytes);
    return *address ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
  });
}
AG_SIM_EXPORT CUresult cuMemFree_v2(CUdeviceptr address) {
  return withDevice([&](Device &device) -> CUresult {
    return address == 0 || device.memory.free(address)
               ? CUDA_SUCCESS
               : CUDA_ERROR_INVALID_VALUE;
  });
}
AG_SIM_EXPORT CUresult cuMemAllocAsync(CUdeviceptr *address, size_t bytes,
                                       CUstream) {
  return cuMemAlloc_v2(address, bytes);
}
AG_SIM_EXPORT CUresult cuMemFreeAsync(CUdeviceptr address, CUstream) {
  return cuMemFree_v2(address);
}
AG_SIM_EXPORT CUresult cuMemGetInfo_v2(size_t *free, size_t *total) {
  return withDevice([&](Device &device) -> CUresult {
    if (!free || !total)
      return CUDA_ERROR_INVALID_VALUE;
    *total = device.memory.total();
    *free = *total - device.memory.used();
    return CUDA_SUCCESS;
  });
}

// --------------------------------------------------------- memory of the host

AG_SIM_EXPORT CUresult cuMemHostAlloc(void **address, size_t bytes, unsigned) {
  return withDevice([&](Device &) -> CUresult {
    if (!address || bytes == 0)
      return CUDA_ERROR_INVALID_VALUE;
    *address = std::malloc(bytes);
    if (!*address)
      return CUDA_ERROR_OUT_OF_MEMORY;
    for (auto &device : state()->devices)
      device->memory.registerHost(*address, bytes);
    return CUDA_SUCCESS;
  });
}
AG_SIM_EXPORT CUresult cuMemAllocHost_v2(void **address, size_t bytes) {
  return cuMemHostAlloc(address, bytes, 0);
}
AG_SIM_EXPORT CUresult cuMemHostRegister_v2(void *address, size_t bytes,
                                            unsigned) {
  return withDevice([&](Device &) -> CUresult {
    if (!address || bytes == 0)
      return CUDA_ERROR_INVALID_VALUE;
    for (auto &device : state()->devices)
      device->memory.registerHost(address, bytes);
    return CUDA_SUCCESS;
  });
}
AG_SIM_EXPORT CUresult cuMemHostUnregister(void *address) {
  return withDevice([&](Device &) -> CUresult {
    bool known = true;
    for (auto &device : state()->devices)
      known &= device->memory.unregisterHost(address);
    return known ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
}
AG_SIM_EXPORT CUresult cuMemFreeHost(void *address) {
  CUresult result = cuMemHostUnregister(address);
  if (result == CUDA_SUCCESS)
    std::free(address);
  return result;
}
AG_SIM_EXPORT CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *address,
                                                    void *host, unsigned) {
  return withDevice([&](Device &device) -> CUresult {
    auto value = reinterpret_cast<uint64_t>(host);
    if (!address || !device.memory.isAllocated(value, 1))
      return CUDA_ERROR_INVALID_VALUE;
    *address = value;
    return CUDA_SUCCESS;
  });
}

// ---------------------------------------------------------------------- copies

/// The device whose memory an address lies in, if it is all there.
static Device *ownerOf(uint64_t address, size_t bytes) {
  for (auto &device : state()->devices)
    if (device->memory.contains(address))
      return device->memory.isAllocated(address, bytes) ? device.get()
                                                        : nullptr;
  return nullptr;
}
static bool isOnDevice(uint64_t address) {
  for (auto &device : state()->devices)
    if (device->memory.contains(address))
      return true;
  return false;
}

/// Addresses of devices are addresses of this process.
static CUresult copy(uint64_t to, uint64_t from, size_t bytes, bool toDevice,
                     bool fromDevice) {
  return withDevice([&](Device &device) -> CUresult {
    if (bytes == 0)
      return CUDA_SUCCESS;
    if (!to || !from)
      return CUDA_ERROR_INVALID_VALUE;
    Device *owner = nullptr;
    if (toDevice && !(owner = ownerOf(to, bytes)) &&
        !device.memory.isAllocated(to, bytes))
      return CUDA_ERROR_INVALID_VALUE;
    if (fromDevice && !ownerOf(from, bytes) &&
        !device.memory.isAllocated(from, bytes))
      return CUDA_ERROR_INVALID_VALUE;
    std::memmove(reinterpret_cast<void *>(to),
                 reinterpret_cast<const void *>(from), bytes);
    if (!owner)
      return CUDA_SUCCESS;
    // What was never written stays so where it arrives.
    Device *source = fromDevice ? ownerOf(from, bytes) : nullptr;
    if (source)
      std::memmove(owner->memory.states(to), source->memory.states(from),
                   bytes);
    else
      owner->memory.markWritten(to, bytes);
    return CUDA_SUCCESS;
  });
}

AG_SIM_EXPORT CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from,
                                       size_t bytes) {
  return copy(to, reinterpret_cast<uint64_t>(from), bytes, true, false);
}
AG_SIM_EXPORT CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from,
                                       size_t bytes) {
  return copy(reinterpret_cast<uint64_t>(to), from, bytes, false, true);
}
AG_SIM_EXPORT CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from,
                                       size_t bytes) {
  return copy(to, from, bytes, true, true);
}
AG_SIM_EXPORT CUresult cuMemcpy(CUdeviceptr to, CUdeviceptr from,
                                size_t bytes) {
  if (!state())
    return CUDA_ERROR_NOT_INITIALIZED;
  return copy(to, from, bytes, isOnDevice(to), isOnDevice(from));
}
/// The same on a stream, perhaps later.
static CUresult enqueued(CUstream stream, std::function<CUresult()> work) {
  return withDevice([&](Device &) { return enqueue(stream, std::move(work)); });
}
AG_SIM_EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from,
                                            size_t bytes, CUstream stream) {
  return enqueued(stream, [=] { return cuMemcpyHtoD_v2(to, from, bytes); });
}
AG_SIM_EXPORT CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from,
                                            size_t bytes, CUstream stream) {
  return enqueued(stream, [=] { return cuMemcpyDtoH_v2(to, from, bytes); });
}
AG_SIM_EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from,
                                            size_t bytes, CUstream stream) {
  return enqueued(stream, [=] { return cuMemcpyDtoD_v2(to, from, bytes); });
}
AG_SIM_EXPORT CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from,
                                     size_t bytes, CUstream stream) {
  return enqueued(stream, [=] { return cuMemcpy(to, from, bytes); });
}

template <typename T>
static CUresult fill(CUdeviceptr to, T value, size_t count) {
  return withDevice([&](Device &device) -> CUresult {
    if (count == 0)
      return CUDA_SUCCESS;
    if (count > SIZE_MAX / sizeof(T) || to % sizeof(T) != 0 ||
        !device.memory.isAllocated(to, count * sizeof(T)))
      return CUDA_ERROR_INVALID_VALUE;
    T *at = reinterpret_cast<T *>(to);
    for (size_t n = 0; n < count; ++n)
      at[n] = value;
    device.memory.markWritten(to, count * sizeof(T));
    return CUDA_SUCCESS;
  });
}
AG_SIM_EXPORT CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value,
                                     size_t count) {
  return fill<uint8_t>(to, value, count);
}
AG_SIM_EXPORT CUresult cuMemsetD16_v2(CUdeviceptr to, unsigned short value,
                                      size_t count) {
  return fill<uint16_t>(to, value, count);
}
AG_SIM_EXPORT CUresult cuMemsetD32_v2(CUdeviceptr to, unsigned value,
                                      size_t count) {
  return fill<uint32_t>(to, value, count);
}
AG_SIM_EXPORT CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value,
                                       size_t count, CUstream stream) {
  return enqueued(stream, [=] { return fill<uint8_t>(to, value, count); });
}
AG_SIM_EXPORT CUresult cuMemsetD16Async(CUdeviceptr to, unsigned short value,
                                        size_t count, CUstream stream) {
  return enqueued(stream, [=] { return fill<uint16_t>(to, value, count); });
}
AG_SIM_EXPORT CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value,
                                        size_t count, CUstream stream) {
  return enqueued(stream, [=] { return fill<uint32_t>(to, value, count); });
}

} // namespace attn_grid::sim
