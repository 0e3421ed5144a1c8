#ifndef AG_RUNTIME_CUDA_GPU_H
#define AG_RUNTIME_CUDA_GPU_H
/// A device that speaks CUDA: its memory, copies and launches, in order on the
/// calling thread's current stream.

#include "attn_grid/artifact.hpp"
#include "attn_grid/device.hpp"
#include "runtime/cuda/DebugTensor.h"
#include "runtime/cuda/DriverLibrary.h"
#include <memory>
#include <mutex>
#include <string_view>

namespace attn_grid::detail {

/// Thread-safe.
class Gpu {
public:
  /// Throws `Unsupported` if there is no such device, or it is too old.
  static Gpu &of(Device device);

  Device device() const { return device_; }
  /// What kernels are compiled for.
  const Target &target() const { return target_; }
  /// The device's own name.
  const std::string &description() const { return description_; }

  /// Throws `OutOfMemory` if there is not so much memory.
  std::shared_ptr<void> allocate(size_t bytes);
  /// Returns when the bytes are read: `from` may be changed then.
  void copy_in(void *to, const void *from, size_t bytes);
  /// Returns when the bytes are there.
  void copy_out(void *to, const void *from, size_t bytes);
  /// Fills with elements of 1, 2 or 4 bytes, whose bits are the low ones of
  /// `pattern`.
  void fill(void *to, uint32_t pattern, size_t element_bytes, size_t count);
  /// Waits for all launches. Throws `BackendError` for what went wrong in them.
  void synchronize();

  /// Runs a variant of PTX on `programs` blocks; may return before it has run.
  /// On the software device, and if the kernel asserts or prints, returns when
  /// it has, and throws `BackendError` with what the checks found, or the
  /// message of an assert.
  void launch(const Artifact &artifact, const void *args, uint32_t programs,
              std::string_view name);
  /// What the first launch of a variant does before: nothing of it is allowed
  /// while a graph is captured.
  void load(const Artifact &artifact, std::string_view name);

  DriverLibrary &driver() const { return driver_; }
  /// Makes this the device of the calling thread.
  void make_current() const;

private:
  explicit Gpu(Device device);
  CUstream stream() const;
  void start(const Artifact &artifact, const void *args, uint32_t programs,
             std::string_view name);
  friend class PtxCode;
  /// What `tensor_maps` needs.
  void prepare_zeros();
  template <class Copy> void staged(size_t bytes, Copy copy);

  Device device_;
  DriverLibrary &driver_;
  Target target_;
  std::string description_;
  CUcontext context_ = nullptr;
  // Pinned memory that copies go through, in two halves: one is filled while
  // the other travels.
  std::mutex staging_mutex_;
  void *staging_ = nullptr;
  CUevent travelled_[2] = {};
  DebugTensor debug_;
  std::mutex zeros_mutex_;
  CUdeviceptr zeros_ = 0; // 256 bytes that are 0, if a variant has boxes
};

/// PTX text loaded into devices: what `Artifact::code` of such a variant is.
class PtxCode {
public:
  /// The kernel on that device, loaded when first asked for. Throws
  /// `BackendError` with the driver's own message.
  CUfunction function(Gpu &gpu, const Artifact &artifact,
                      std::string_view name);
  ~PtxCode();

private:
  struct Loaded {
    Gpu *gpu;
    CUmodule module;
    CUfunction function;
  };
  std::mutex mutex_;
  std::vector<Loaded> loaded_;
};

} // namespace attn_grid::detail

#endif
