#ifndef AG_RUNTIME_CUDA_TENSORMAPS_H
#define AG_RUNTIME_CUDA_TENSORMAPS_H
/// The descriptions of tensors that kernels copy boxes of, for one launch.

#include "attn_grid/artifact.hpp"
#include "runtime/cuda/DriverLibrary.h"

#include <string_view>
#include <vector>

namespace attn_grid::detail {

/// One for each of `artifact.boxes`. `slots` is the flat struct of arguments;
/// `zeros` points to 16 bytes of the device that are 0: what a tensor without
/// elements is described by. Throws `BackendError` if the driver cannot.
std::vector<CUtensorMap> tensor_maps(const DriverLibrary &driver,
                                     const Artifact &artifact,
                                     const uint64_t *slots, CUdeviceptr zeros,
                                     std::string_view kernel);

} // namespace attn_grid::detail

#endif
