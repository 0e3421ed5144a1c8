#include "attn_grid/dlpack.hpp"
#include "attn_grid/error.hpp"
#include "runtime/OutOfMemory.h"
#include <dlpack/dlpack.h>
#include <fmt/format.h>
#include <memory>
#include <optional>

namespace attn_grid {

/// Of DLPack 0.8; the header may be older.
static constexpr uint8_t dlpack_bool = 6;

static std::optional<DLDataType> dlpack_type(DType dtype) {
  auto make = [&](int code) {
    return DLDataType{static_cast<uint8_t>(code),
                      static_cast<uint8_t>(8 * size_of(dtype)), 1};
  };
  switch (dtype) {
  case boolean:
    return make(dlpack_bool);
  case i8:
  case i16:
  case i32:
  case i64:
    return make(kDLInt);
  case u8:
  case u16:
  case u32:
    return make(kDLUInt);
  case f16:
  case f32:
  case f64:
    return make(kDLFloat);
  case bf16:
    return make(kDLBfloat);
  case f8e4m3:
  case f8e5m2:
    return std::nullopt;
  }
  return std::nullopt;
}

static DType dtype_of(DLDataType type) {
  for (int i = 0; i < numDTypes; ++i) {
    auto own = dlpack_type(static_cast<DType>(i));
    if (own && own->code == type.code && own->bits == type.bits &&
        own->lanes == type.lanes)
      return static_cast<DType>(i);
  }
  throw Unsupported(fmt::format("from_dlpack: no dtype is of DLPack's code {} "
                                "with {} bits and {} lanes",
                                type.code, type.bits, type.lanes));
}

static Device device_of(DLDevice device) {
  if (device.device_type == kDLCPU)
    return Device::cpu();
  if (device.device_type != kDLCUDA)
    throw Unsupported(fmt::format(
        "from_dlpack: the tensor is on DLPack's device {}, and only the CPU's "
        "({}) and CUDA's ({}) are supported",
        static_cast<int>(device.device_type), static_cast<int>(kDLCPU),
        static_cast<int>(kDLCUDA)));
  Device found = Device::cuda(device.device_id);
  found.check();
  return found;
}

static DLDevice dlpack_device(Device device) {
  switch (device.kind()) {
  case Device::Kind::cpu:
    return {kDLCPU, 0};
  case Device::Kind::cuda:
    return {kDLCUDA, device.index()};
  case Device::Kind::sim:
    break;
  }
  throw Unsupported("to_dlpack: DLPack has no name for the device `sim`; "
                    "bring the tensor to the CPU first");
}

namespace {
/// Keeps another library's tensor.
struct Imported {
  DLManagedTensor *managed = nullptr;
  Imported() = default;
  Imported(const Imported &) = delete;
  ~Imported() {
    if (managed && managed->deleter)
      managed->deleter(managed);
  }
};
} // namespace

Tensor from_dlpack(DLManagedTensor *managed) try {
  if (!managed)
    throw InvalidArgument("from_dlpack: the tensor is null");
  const DLTensor &tensor = managed->dl_tensor;
  Device device = device_of(tensor.device);
  DType dtype = dtype_of(tensor.dtype);
  if (tensor.ndim < 0 || (tensor.ndim > 0 && !tensor.shape))
    throw InvalidArgument("from_dlpack: the tensor has no shape");
  auto rank = static_cast<size_t>(tensor.ndim);
  Dims sizes(std::span<const int64_t>(tensor.shape, rank));
  auto *data = static_cast<std::byte *>(tensor.data);
  if (data)
    data += tensor.byte_offset;
  // Without strides the elements are in row-major order.
  TensorView view =
      tensor.strides
          ? TensorView(data, dtype, sizes,
                       Dims(std::span<const int64_t>(tensor.strides, rank)),
                       device)
          : TensorView(data, dtype, sizes, device);
  if (!data && view.elements() > 0)
    throw InvalidArgument("from_dlpack: the tensor has elements and no data");
  // Its memory comes before its contents: if there is none, nothing is deleted.
  auto owner = std::make_shared<Imported>();
  owner->managed = managed;
  return Tensor(view, std::move(owner));
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

namespace {
/// What `manager_ctx` of an exported tensor points to.
struct Exported {
  Tensor tensor; // keeps the memory
  Dims sizes, strides;
  DLManagedTensor managed{};
};
} // namespace

DLManagedTensor *to_dlpack(const Tensor &tensor) try {
  std::optional<DLDataType> type = dlpack_type(tensor.dtype());
  if (!type)
    throw Unsupported(fmt::format(
        "to_dlpack: DLPack has no name for {}; convert the tensor first",
        name_of(tensor.dtype())));
  DLDevice device = dlpack_device(tensor.device());
  auto exported = std::make_unique<Exported>(
      Exported{tensor, tensor.sizes(), tensor.strides(), {}});
  DLManagedTensor &managed = exported->managed;
  managed.dl_tensor.data = tensor.data();
  managed.dl_tensor.device = device;
  managed.dl_tensor.ndim = tensor.rank();
  managed.dl_tensor.dtype = *type;
  managed.dl_tensor.shape = exported->sizes.begin();
  managed.dl_tensor.strides = exported->strides.begin();
  managed.dl_tensor.byte_offset = 0;
  managed.manager_ctx = exported.get();
  managed.deleter = [](DLManagedTensor *self) {
    delete static_cast<Exported *>(self->manager_ctx);
  };
  return &exported.release()->managed;
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

} // namespace attn_grid
