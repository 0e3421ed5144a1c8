#include "runtime/HostCopy.h"
#include "runtime/Overlap.h"
#include "runtime/cuda/Gpu.h"

namespace attn_grid::detail {

HostCopy::HostCopy(const TensorView &tensor, Contents contents)
    : tensor_(tensor), elements_{static_cast<std::byte *>(tensor.data()),
                                 tensor.dtype(), tensor.strides()} {
  if (tensor.device() == Device::cpu() || tensor.elements() == 0)
    return;
  ByteRange range = range_of(tensor);
  first_ = reinterpret_cast<std::byte *>(range.first);
  bytes_.resize(static_cast<size_t>(range.last - range.first + 1));
  elements_.data = bytes_.data() + (elements_.data - first_);
  if (contents == Contents::read || !tensor.is_contiguous())
    Gpu::of(tensor.device()).copy_out(bytes_.data(), first_, bytes_.size());
}

void HostCopy::write_back() const {
  if (!bytes_.empty())
    Gpu::of(tensor_.device()).copy_in(first_, bytes_.data(), bytes_.size());
}

} // namespace attn_grid::detail
