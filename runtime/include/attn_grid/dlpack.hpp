#ifndef ATTN_GRID_DLPACK_HPP
#define ATTN_GRID_DLPACK_HPP
/// Tensors of other libraries, and ours for them, without a copy, by DLPack:
/// PyTorch, NumPy, JAX and CuPy speak it.
///
///   ag::Tensor q = ag::from_dlpack(managed);    // takes it over
///   DLManagedTensor *o = ag::to_dlpack(result); // whoever gets it deletes it
///
/// The struct is that of `dlpack/dlpack.h`, which only those who look into it
/// need.

#include "attn_grid/tensor.hpp"

struct DLManagedTensor;

namespace attn_grid {

/// A tensor that shares the memory of another library's, and calls its deleter
/// when the last view of it goes. Throws `InvalidArgument` for null, more than
/// 8 dimensions, or sizes that make no sense, and `Unsupported` for another
/// device, a dtype that has no counterpart here, or vector elements; then the
/// caller keeps `managed`. Thread-safe.
AG_API Tensor from_dlpack(DLManagedTensor *managed);

/// Shares a tensor with another library, which calls the deleter once when it
/// is done; until then the memory stays, whatever becomes of `tensor`. Throws
/// `Unsupported` for 8-bit floats, which DLPack cannot name.
AG_API DLManagedTensor *to_dlpack(const Tensor &tensor);

} // namespace attn_grid

namespace ag = attn_grid;

#endif
