#include "runtime/cuda/Gpu.h"
#include "attn_grid/error.hpp"
#include "runtime/Stream.h"
#include "runtime/cuda/TensorMaps.h"
#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <map>
#include <vector>

namespace attn_grid::detail {

static constexpr size_t half_bytes = size_t(4) << 20;

static CUdeviceptr address(const void *pointer) {
  return static_cast<CUdeviceptr>(reinterpret_cast<uintptr_t>(pointer));
}

/// The architecture to compile for: of those that the device can run, the
/// latest. Code for `a` runs on that very one only.
static Target target_of(int major, int minor, const std::string &what) {
  const std::string *best = nullptr;
  int best_number = 0;
  for (const std::string &arch : ptx_archs()) {
    int number = std::atoi(arch.c_str() + std::strlen("sm_"));
    bool fits = arch.ends_with('a') ? number == major * 10 + minor
                                    : number <= major * 10 + minor;
    if (fits && number >= best_number) {
      best = &arch;
      best_number = number;
    }
  }
  if (!best)
    throw Unsupported(fmt::format(
        "{} has compute capability {}.{}, kernels need 8.0 or later", what,
        major, minor));
  return {Target::Kind::ptx, *best};
}

Gpu::Gpu(Device device)
    : device_(device), driver_(DriverLibrary::of(device.kind())) {
  if (device.index() >= driver_.devices)
    throw Unsupported(fmt::format(
        "there is no device `{}`: there {} {} of that kind", device.name(),
        driver_.devices == 1 ? "is" : "are", driver_.devices));
  CUdevice handle;
  driver_.check(driver_.cuDeviceGet(&handle, device.index()), "cuDeviceGet");
  char name[256] = {};
  driver_.check(driver_.cuDeviceGetName(name, sizeof name - 1, handle),
                "cuDeviceGetName");
  description_ = name;
  int major = 0, minor = 0;
  driver_.check(
      driver_.cuDeviceGetAttribute(
          &major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, handle),
      "cuDeviceGetAttribute");
  driver_.check(
      driver_.cuDeviceGetAttribute(
          &minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, handle),
      "cuDeviceGetAttribute");
  target_ = target_of(major, minor,
                      fmt::format("{} ({})", device.name(), description_));
  driver_.check(driver_.cuDevicePrimaryCtxRetain(&context_, handle),
                "cuDevicePrimaryCtxRetain");
}

Gpu &Gpu::of(Device device) {
  static std::mutex mutex;
  // Never destroyed: tensors may be freed while a process ends.
  static auto &gpus = *new std::map<std::pair<Device::Kind, int>, Gpu *>;
  std::lock_guard lock(mutex);
  Gpu *&gpu = gpus[{device.kind(), device.index()}];
  if (!gpu)
    gpu = new Gpu(device);
  return *gpu;
}

void Gpu::make_current() const {
  driver_.check(driver_.cuCtxSetCurrent(context_), "cuCtxSetCurrent");
}

CUstream Gpu::stream() const {
  StreamState *current = current_stream(device_);
  return current ? static_cast<CUstream>(current->handle()) : nullptr;
}

// -------------------------------------------------------------------- memory

std::shared_ptr<void> Gpu::allocate(size_t bytes) {
  make_current();
  CUdeviceptr at = 0;
  CUresult result = driver_.cuMemAlloc_v2(&at, std::max<size_t>(bytes, 1));
  if (result == CUDA_ERROR_OUT_OF_MEMORY) {
    size_t free = 0, total = 0;
    driver_.cuMemGetInfo_v2(&free, &total);
    throw OutOfMemory(
        fmt::format("cannot allocate {} bytes on {}: {} of {} bytes are free",
                    bytes, device_.name(), free, total));
  }
  driver_.check(result, "cuMemAlloc");
  return std::shared_ptr<void>(
      reinterpret_cast<void *>(static_cast<uintptr_t>(at)), [this](void *p) {
        if (driver_.cuCtxSetCurrent(context_) == CUDA_SUCCESS)
          driver_.cuMemFree_v2(address(p));
      });
}

/// Calls `copy(half, offset, bytes)` for the pieces of a copy, in turns on the
/// two halves of the pinned memory, when what travelled there has arrived.
template <class Copy> void Gpu::staged(size_t bytes, Copy copy) {
  std::lock_guard lock(staging_mutex_);
  if (!staging_) {
    for (CUevent &event : travelled_)
      driver_.check(driver_.cuEventCreate(&event, 2 /* no timing */),
                    "cuEventCreate");
    driver_.check(driver_.cuMemAllocHost_v2(&staging_, 2 * half_bytes),
                  "cuMemAllocHost");
  }
  for (size_t offset = 0, n = 0; offset < bytes; offset += half_bytes, ++n)
    copy(static_cast<std::byte *>(staging_) + n % 2 * half_bytes,
         travelled_[n % 2], offset, std::min(half_bytes, bytes - offset));
}

void Gpu::copy_in(void *to, const void *from, size_t bytes) {
  if (bytes == 0)
    return;
  make_current();
  staged(bytes, [&](std::byte *half, CUevent arrived, size_t offset,
                    size_t piece) {
    driver_.check(driver_.cuEventSynchronize(arrived), "cuEventSynchronize");
    std::memcpy(half, static_cast<const std::byte *>(from) + offset, piece);
    driver_.check(driver_.cuMemcpyHtoDAsync_v2(address(to) + offset, half,
                                               piece, stream()),
                  "cuMemcpyHtoDAsync");
    driver_.check(driver_.cuEventRecord(arrived, stream()), "cuEventRecord");
  });
}

void Gpu::copy_out(void *to, const void *from, size_t bytes) {
  if (bytes == 0)
    return;
  make_current();
  // A piece is taken out of its half when the next one is on its way.
  std::byte *last_half = nullptr;
  CUevent last_event = nullptr;
  size_t last_offset = 0, last_piece = 0;
  auto take = [&] {
    if (!last_half)
      return;
    driver_.check(driver_.cuEventSynchronize(last_event), "cuEventSynchronize");
    std::memcpy(static_cast<std::byte *>(to) + last_offset, last_half,
                last_piece);
  };
  staged(bytes, [&](std::byte *half, CUevent arrived, size_t offset,
                    size_t piece) {
    driver_.check(driver_.cuMemcpyDtoHAsync_v2(half, address(from) + offset,
                                               piece, stream()),
                  "cuMemcpyDtoHAsync");
    driver_.check(driver_.cuEventRecord(arrived, stream()), "cuEventRecord");
    take();
    last_half = half;
    last_event = arrived;
    last_offset = offset;
    last_piece = piece;
    if (offset + piece == bytes) {
      take();
      last_half = nullptr;
    }
  });
}

void Gpu::fill(void *to, uint32_t pattern, size_t element_bytes, size_t count) {
  if (count == 0)
    return;
  make_current();
  CUresult result =
      element_bytes == 4
          ? driver_.cuMemsetD32Async(address(to), pattern, count, stream())
      : element_bytes == 2
          ? driver_.cuMemsetD16Async(
                address(to), static_cast<uint16_t>(pattern), count, stream())
          : driver_.cuMemsetD8Async(address(to), static_cast<uint8_t>(pattern),
                                    count, stream());
  driver_.check(result, "cuMemsetAsync");
}

void Gpu::synchronize() {
  make_current();
  driver_.check(driver_.cuCtxSynchronize(), "a launch before");
}

// ------------------------------------------------------------------- launches

CUfunction PtxCode::function(Gpu &gpu, const Artifact &artifact,
                             std::string_view name) {
  std::lock_guard lock(mutex_);
  for (const Loaded &loaded : loaded_)
    if (loaded.gpu == &gpu)
      return loaded.function;
  DriverLibrary &driver = gpu.driver();
  // The driver reads up to a 0.
  std::string text = *artifact.object, log(4096, '\0');
  int names[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log.data(), reinterpret_cast<void *>(log.size())};
  Loaded made{&gpu, nullptr, nullptr};
  CUresult result =
      driver.cuModuleLoadDataEx(&made.module, text.c_str(), 2, names, values);
  if (result != CUDA_SUCCESS)
    throw BackendError(fmt::format("{}: {} does not load this kernel: {}\n{}",
                                   name, gpu.device().name(),
                                   driver.error_text(result), log.c_str()));
  result = driver.cuModuleGetFunction(&made.function, made.module,
                                      artifact.symbol.c_str());
  // More than what a kernel may have without consent.
  if (result == CUDA_SUCCESS && artifact.shared_bytes > 48u << 10)
    result = driver.cuFuncSetAttribute(
        made.function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
        static_cast<int>(artifact.shared_bytes));
  if (result != CUDA_SUCCESS) {
    driver.cuModuleUnload(made.module);
    throw BackendError(fmt::format("{}: {} cannot run this kernel: {}", name,
                                   gpu.device().name(),
                                   driver.error_text(result)));
  }
  if (!artifact.boxes.empty())
    gpu.prepare_zeros();
  loaded_.push_back(made);
  return made.function;
}

PtxCode::~PtxCode() {
  for (const Loaded &loaded : loaded_) {
    try {
      loaded.gpu->make_current();
      loaded.gpu->driver().cuModuleUnload(loaded.module);
    } catch (const Error &) { // a broken driver has nothing to unload
    }
  }
}

void Gpu::prepare_zeros() {
  std::lock_guard lock(zeros_mutex_);
  if (zeros_)
    return;
  constexpr size_t bytes = 256;
  CUdeviceptr made = 0;
  driver_.check(driver_.cuMemAlloc_v2(&made, bytes), "cuMemAlloc");
  driver_.check(driver_.cuMemsetD8Async(made, 0, bytes, nullptr),
                "cuMemsetAsync");
  driver_.check(driver_.cuStreamSynchronize(nullptr), "cuStreamSynchronize");
  zeros_ = made;
}

void Gpu::load(const Artifact &artifact, std::string_view name) {
  make_current();
  static_cast<PtxCode *>(artifact.code.get())->function(*this, artifact, name);
}

void Gpu::launch(const Artifact &artifact, const void *args, uint32_t programs,
                 std::string_view name) {
  if (programs == 0)
    return;
  if (!artifact.has_debug)
    return start(artifact, args, programs, name);
  debug_.watch(*this, artifact, name, [&](void *tensor) {
    // The last argument, behind those that the slots describe.
    const auto *slots = static_cast<const uint64_t *>(args);
    std::vector<uint64_t> all(slots, slots + artifact.slots.size());
    all.push_back(reinterpret_cast<uintptr_t>(tensor));
    start(artifact, all.data(), programs, name);
  });
}

void Gpu::start(const Artifact &artifact, const void *args, uint32_t programs,
                std::string_view name) {
  make_current();
  auto *code = static_cast<PtxCode *>(artifact.code.get());
  CUfunction function = code->function(*this, artifact, name);
  std::vector<CUtensorMap> maps = tensor_maps(
      driver_, artifact, static_cast<const uint64_t *>(args), zeros_, name);
  // The flat struct, by value, and the maps, if there are any.
  void *params[] = {const_cast<void *>(args), maps.data()};
  CUresult result = driver_.cuLaunchKernel(
      function, programs, 1, 1, artifact.block_threads, 1, 1,
      artifact.shared_bytes, stream(), params, nullptr);
  std::string reports = driver_.take_reports();
  if (result != CUDA_SUCCESS || !reports.empty())
    throw BackendError(fmt::format(
        "{}: the launch on {} failed{}{}", name, device_.name(),
        result == CUDA_SUCCESS ? "" : ": " + driver_.error_text(result),
        reports.empty() ? "" : "\n" + reports.substr(0, reports.size() - 1)));
}

} // namespace attn_grid::detail
