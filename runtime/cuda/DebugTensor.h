#ifndef AG_RUNTIME_CUDA_DEBUGTENSOR_H
#define AG_RUNTIME_CUDA_DEBUGTENSOR_H
/// Where the kernels of a GPU write what they assert and print. A launch of
/// such a kernel waits until it has run: one at a time uses the tensor.

#include "attn_grid/artifact.hpp"
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

namespace attn_grid::detail {

class Gpu;

class DebugTensor {
public:
  /// Calls `launch` with the tensor's address, prints what the kernel printed,
  /// and throws `BackendError` with the message of an assert that failed.
  template <class Launch>
  void watch(Gpu &gpu, const Artifact &artifact, std::string_view name,
             Launch launch) {
    std::vector<uint32_t> words;
    {
      std::lock_guard lock(mutex_);
      prepare(gpu);
      launch(memory_.get());
      words = read(gpu);
    }
    report(words, artifact, name); // the print sink may launch, too
  }

private:
  void prepare(Gpu &gpu);
  /// The header, and the records as far as there was room.
  std::vector<uint32_t> read(Gpu &gpu);
  static void report(const std::vector<uint32_t> &words,
                     const Artifact &artifact, std::string_view name);

  std::mutex mutex_;
  std::shared_ptr<void> memory_;
};

} // namespace attn_grid::detail

#endif
