// Memory that a kernel may touch: strides, alignment, overlap.

#include "attn_grid/error.hpp"
#include "runtime/Binder.h"
#include "runtime/Overlap.h"
#include <fmt/format.h>

namespace attn_grid::detail {

void Binder::check_tensor(size_t i, const TensorView &tensor) const {
  const std::string &name = params()[i].name;
  for (int dim = 0; dim < tensor.rank(); ++dim)
    if (tensor.strides()[dim] < 0)
      throw InvalidArgument(fmt::format(
          "{}`{}` has stride {} in dimension {}, expected 0 or more", prefix(),
          name, tensor.strides()[dim], dim));
  auto address = reinterpret_cast<uintptr_t>(tensor.data());
  if (address == 0 && tensor.elements() > 0)
    throw InvalidArgument(
        fmt::format("{}`{}` has elements, and no memory", prefix(), name));
  if (address % size_of(tensor.dtype()) != 0)
    throw InvalidArgument(fmt::format(
        "{}`{}` is not aligned: expected an address that is a multiple of {}, "
        "found {:#x}",
        prefix(), name, size_of(tensor.dtype()), address));
}

/// A written tensor shares no element with another parameter, and has none
/// twice.
void Binder::check_overlap(size_t written,
                           std::span<const ByteRange> ranges) const {
  const std::string &name = params()[written].name;
  const TensorView &tensor = *this->tensor(written);
  if (overlaps_itself(tensor))
    throw InvalidArgument(fmt::format(
        "{}`{}` is written, but has elements twice: sizes {}, strides {}",
        prefix(), name, to_string(tensor.sizes()),
        to_string(tensor.strides())));
  for (size_t i = 0; i < params().size(); ++i) {
    if (i == written || !ranges[i].meets(ranges[written]))
      continue;
    if (overlap(tensor, *this->tensor(i)))
      throw InvalidArgument(
          fmt::format("{}`{}` is written, but shares memory with `{}`",
                      prefix(), name, params()[i].name));
  }
}

void Binder::bind_device() {
  size_t first = params().size();
  for (size_t i = 0; i < params().size(); ++i) {
    const TensorView *view = tensor(i);
    if (!view)
      continue;
    if (first == params().size()) {
      first = i;
      device_ = view->device();
    } else if (view->device() != device_) {
      throw InvalidArgument(fmt::format(
          "{}`{}` is on {}, but `{}` is on {}: bring all tensors of a launch "
          "to one device, with to(...)",
          prefix(), params()[i].name, view->device().name(),
          params()[first].name, device_.name()));
    }
  }
}

void Binder::check_memory() const {
  Inline<ByteRange, 16> ranges(params().size()); // of nothing: meets nothing
  for (size_t i = 0; i < params().size(); ++i) {
    if (const TensorView *view = tensor(i)) {
      check_tensor(i, *view);
      ranges[i] = range_of(*view);
    }
  }
  for (size_t i = 0; i < params().size(); ++i)
    if (tensor(i) && params()[i].mode != Param::Mode::in)
      check_overlap(i, ranges);
}

} // namespace attn_grid::detail
