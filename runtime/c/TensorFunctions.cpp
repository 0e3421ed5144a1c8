// The functions of `attn_grid/c.h` on tensors.

#include "attn_grid/dlpack.hpp"
#include "runtime/c/Handle.h"
#include <fmt/format.h>

using namespace attn_grid;
using namespace attn_grid::c;

ag_status ag_tensor_get_info(const ag_tensor *tensor, ag_tensor_info *info) {
  return guarded([&] {
    need(info, "info") = {};
    const Tensor &value = value_of(tensor);
    info->data = value.data();
    info->dtype = static_cast<ag_dtype>(value.dtype());
    info->rank = value.rank();
    std::copy(value.sizes().begin(), value.sizes().end(), info->sizes);
    std::copy(value.strides().begin(), value.strides().end(), info->strides);
    info->elements = value.elements();
    info->is_contiguous = value.is_contiguous();
    info->device = static_cast<ag_device_kind>(value.device().kind());
    info->device_index = value.device().index();
  });
}

void ag_tensor_free(ag_tensor *tensor) { pool<ag_tensor>().free(tensor); }

ag_status ag_tensor_empty(ag_dtype dtype, int rank, const int64_t *sizes,
                          const char *device, ag_tensor **made) {
  return make(made, [&] {
    return Tensor::empty(dims(rank, sizes, "sizes"), dtype_of(dtype),
                         device_named(device));
  });
}

ag_status ag_tensor_full(ag_dtype dtype, int rank, const int64_t *sizes,
                         ag_value value, const char *device, ag_tensor **made) {
  return make(made, [&] {
    return Tensor::full(dims(rank, sizes, "sizes"), scalar_of(value, "`value`"),
                        dtype_of(dtype), device_named(device));
  });
}

ag_status ag_tensor_randn(ag_dtype dtype, int rank, const int64_t *sizes,
                          uint64_t seed, const char *device, ag_tensor **made) {
  return make(made, [&] {
    return Tensor::randn(dims(rank, sizes, "sizes"), dtype_of(dtype),
                         device_named(device), seed);
  });
}

ag_status ag_tensor_uniform(ag_dtype dtype, int rank, const int64_t *sizes,
                            uint64_t seed, double low, double high,
                            const char *device, ag_tensor **made) {
  return make(made, [&] {
    return Tensor::uniform(dims(rank, sizes, "sizes"), dtype_of(dtype),
                           device_named(device), seed, low, high);
  });
}

ag_status ag_tensor_iota(ag_dtype dtype, int rank, const int64_t *sizes,
                         const char *device, ag_tensor **made) {
  return make(made, [&] {
    return Tensor::iota(dims(rank, sizes, "sizes"), dtype_of(dtype),
                        device_named(device));
  });
}

ag_status ag_tensor_from_values(ag_dtype dtype, int rank, const int64_t *sizes,
                                const double *values, size_t count,
                                const char *device, ag_tensor **made) {
  return make(made, [&] {
    if (count > 0)
      need(values, "values");
    return Tensor::from_values(dims(rank, sizes, "sizes"),
                               std::span<const double>(values, count),
                               dtype_of(dtype), device_named(device));
  });
}

namespace {
/// Memory of the host's, which it wants to hear about when it is free.
struct Foreign {
  void (*release)(void *);
  void *context;
  Foreign(void (*release)(void *), void *context)
      : release(release), context(context) {}
  Foreign(const Foreign &) = delete;
  ~Foreign() {
    if (release)
      release(context);
  }
};
} // namespace

ag_status ag_tensor_from_memory(void *data, ag_dtype dtype, int rank,
                                const int64_t *sizes, const int64_t *strides,
                                void (*release)(void *), void *context,
                                const char *device, ag_tensor **made) {
  return make(made, [&] {
    Dims extents = dims(rank, sizes, "sizes");
    Device where = device_named(device);
    TensorView view = strides
                          ? TensorView(data, dtype_of(dtype), extents,
                                       dims(rank, strides, "strides"), where)
                          : TensorView(data, dtype_of(dtype), extents, where);
    if (!data && view.elements() > 0)
      throw InvalidArgument(
          fmt::format("a tensor of sizes {} needs memory, and `data` is NULL",
                      to_string(extents)));
    return Tensor(view, std::make_shared<Foreign>(release, context));
  });
}

ag_status ag_tensor_from_npy(const char *path, const char *device,
                             ag_tensor **made) {
  return make(made, [&] {
    return Tensor::from_npy(text(path, "path"), device_named(device));
  });
}

ag_status ag_tensor_to_npy(const ag_tensor *tensor, const char *path) {
  return guarded([&] { value_of(tensor).to_npy(text(path, "path")); });
}

ag_status ag_tensor_from_dlpack(DLManagedTensor *managed, ag_tensor **made) {
  return make(made, [&] { return from_dlpack(managed); });
}

ag_status ag_tensor_to_dlpack(const ag_tensor *tensor,
                              DLManagedTensor **managed) {
  return guarded([&] {
    need(managed, "managed") = nullptr;
    *managed = to_dlpack(value_of(tensor));
  });
}

ag_status ag_tensor_get(const ag_tensor *tensor, int rank, const int64_t *index,
                        ag_value *value) {
  return guarded([&] {
    need(value, "value") = {};
    *value = value_of_scalar(value_of(tensor).get(dims(rank, index, "index")));
  });
}

ag_status ag_tensor_set(const ag_tensor *tensor, int rank, const int64_t *index,
                        ag_value value) {
  return guarded([&] {
    value_of(tensor).set(dims(rank, index, "index"),
                         scalar_of(value, "`value`"));
  });
}

ag_status ag_tensor_fill(const ag_tensor *tensor, ag_value value) {
  return guarded([&] { value_of(tensor).fill(scalar_of(value, "`value`")); });
}

ag_status ag_tensor_copy_from(const ag_tensor *tensor,
                              const ag_tensor *source) {
  return guarded([&] { value_of(tensor).copy_from(value_of(source)); });
}

ag_status ag_tensor_view(const ag_tensor *tensor, int rank,
                         const int64_t *sizes, ag_tensor **made) {
  return make(
      made, [&] { return value_of(tensor).view(dims(rank, sizes, "sizes")); });
}

ag_status ag_tensor_transpose(const ag_tensor *tensor, int a, int b,
                              ag_tensor **made) {
  return make(made, [&] { return value_of(tensor).transpose(a, b); });
}

ag_status ag_tensor_permute(const ag_tensor *tensor, int rank,
                            const int64_t *order, ag_tensor **made) {
  return make(made, [&] {
    return value_of(tensor).permute(dims(rank, order, "order"));
  });
}

ag_status ag_tensor_slice(const ag_tensor *tensor, int dim, int64_t begin,
                          int64_t end, int64_t step, ag_tensor **made) {
  return make(made,
              [&] { return value_of(tensor).slice(dim, begin, end, step); });
}

ag_status ag_tensor_select(const ag_tensor *tensor, int dim, int64_t index,
                           ag_tensor **made) {
  return make(made, [&] { return value_of(tensor).select(dim, index); });
}

ag_status ag_tensor_unsqueeze(const ag_tensor *tensor, int dim,
                              ag_tensor **made) {
  return make(made, [&] { return value_of(tensor).unsqueeze(dim); });
}

ag_status ag_tensor_expand(const ag_tensor *tensor, int rank,
                           const int64_t *sizes, ag_tensor **made) {
  return make(made, [&] {
    return value_of(tensor).expand(dims(rank, sizes, "sizes"));
  });
}

ag_status ag_tensor_contiguous(const ag_tensor *tensor, ag_tensor **made) {
  return make(made, [&] { return value_of(tensor).contiguous(); });
}

ag_status ag_tensor_clone(const ag_tensor *tensor, ag_tensor **made) {
  return make(made, [&] { return value_of(tensor).clone(); });
}

ag_status ag_tensor_convert(const ag_tensor *tensor, ag_dtype dtype,
                            ag_tensor **made) {
  return make(made, [&] { return value_of(tensor).convert(dtype_of(dtype)); });
}

ag_status ag_tensor_to(const ag_tensor *tensor, const char *device,
                       ag_tensor **made) {
  return make(made, [&] { return value_of(tensor).to(device_named(device)); });
}
