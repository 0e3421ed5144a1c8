#ifndef AG_TEST_AHEAD_VIEW_H
#define AG_TEST_AHEAD_VIEW_H
/// A tensor as C sees it.

#include "attn_grid/ahead.h"
#include "attn_grid/tensor.hpp"

namespace attn_grid::test {

/// Lives as long as the call that it is passed to.
class View {
public:
  View(const TensorView &tensor)
      : sizes_(tensor.sizes()), strides_(tensor.strides()),
        view_{tensor.data(),
              static_cast<ag_dtype>(tensor.dtype()),
              tensor.rank(),
              sizes_.begin(),
              strides_.begin(),
              static_cast<ag_device_kind>(tensor.device().kind()),
              tensor.device().index()} {}
  View(const View &) = delete;
  operator const ag_array *() const { return &view_; }
  ag_array *operator->() { return &view_; }

private:
  Dims sizes_, strides_;
  ag_array view_;
};

} // namespace attn_grid::test

#endif
