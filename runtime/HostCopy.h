#ifndef AG_RUNTIME_HOSTCOPY_H
#define AG_RUNTIME_HOSTCOPY_H
/// The elements of a tensor where the host can touch them.

#include "attn_grid/tensor.hpp"
#include "runtime/Elements.h"

namespace attn_grid::detail {

/// Of a tensor on the host its own memory; of another a copy of all bytes
/// between its first and its last, gaps included.
class HostCopy {
public:
  enum class Contents { read, unspecified };

  /// `unspecified`: all elements are written before any is read. Bytes in gaps
  /// keep what they hold in either case. Throws `BackendError`.
  explicit HostCopy(const TensorView &tensor,
                    Contents contents = Contents::read);

  const Elements &elements() const { return elements_; }
  /// Brings what was written to the device.
  void write_back() const;

private:
  const TensorView &tensor_;
  Elements elements_;
  std::byte *first_ = nullptr; // on the device
  std::vector<std::byte> bytes_;
};

} // namespace attn_grid::detail

#endif
