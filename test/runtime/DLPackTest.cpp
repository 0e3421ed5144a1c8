// Tensors to and from DLPack, without a copy.

#include "attn_grid/dlpack.hpp"
#include "attn_grid/error.hpp"
#include <dlpack/dlpack.h>
#include <gmock/gmock.h>

using namespace attn_grid;
using testing::HasSubstr;
using testing::ThrowsMessage;

namespace {

TEST(DLPack, RoundTripSharesMemory) {
  for (int i = 0; i < numDTypes; ++i) {
    auto dtype = static_cast<DType>(i);
    if (dtype == f8e4m3 || dtype == f8e5m2)
      continue;
    Tensor tensor =
        Tensor::iota({2, 3, 4}, dtype).transpose().slice(1, 1, 4, 2);
    Tensor back = from_dlpack(to_dlpack(tensor));
    EXPECT_EQ(back.data(), tensor.data());
    EXPECT_EQ(back.dtype(), dtype) << name_of(dtype);
    EXPECT_EQ(back.sizes(), tensor.sizes());
    EXPECT_EQ(back.strides(), tensor.strides());
  }
}

TEST(DLPack, MemoryLivesAsLongAsItsLastUser) {
  Tensor tensor = Tensor::full({5}, 2.5);
  std::weak_ptr<void> memory = tensor.owner();
  DLManagedTensor *managed = to_dlpack(tensor);
  tensor = Tensor();
  EXPECT_EQ(managed->dl_tensor.ndim, 1);
  EXPECT_EQ(managed->dl_tensor.shape[0], 5);
  Tensor back = from_dlpack(managed);
  Tensor part = back.slice(0, 4, 5);
  back = Tensor();
  EXPECT_FALSE(memory.expired());
  EXPECT_EQ(part.item(), 2.5);
  part = Tensor();
  EXPECT_TRUE(memory.expired());
}

/// A tensor of another library.
struct Foreign {
  float data[6] = {0, 1, 2, 3, 4, 5};
  int64_t shape[2] = {1, 4};
  int deleted = 0;
  DLManagedTensor managed{};
  Foreign() {
    managed.dl_tensor.data = data;
    managed.dl_tensor.device = {kDLCPU, 0};
    managed.dl_tensor.ndim = 2;
    managed.dl_tensor.dtype = {kDLFloat, 32, 1};
    managed.dl_tensor.shape = shape;
    managed.dl_tensor.byte_offset = 8;
    managed.manager_ctx = this;
    managed.deleter = [](DLManagedTensor *self) {
      ++static_cast<Foreign *>(self->manager_ctx)->deleted;
    };
  }
};

TEST(DLPack, OffsetsAndTensorsWithoutStrides) {
  Foreign foreign;
  {
    Tensor tensor = from_dlpack(&foreign.managed);
    EXPECT_EQ(tensor.to_vector(), (std::vector<double>{2, 3, 4, 5}));
    EXPECT_EQ(tensor.strides(), (Dims{4, 1}));
  }
  EXPECT_EQ(foreign.deleted, 1);
  foreign.managed.deleter = nullptr; // one that nobody has to delete
  from_dlpack(&foreign.managed);
}

TEST(DLPack, WhatIsRefusedStaysTheCallers) {
  auto refuse = [](auto change, auto kind, const char *why) {
    Foreign foreign;
    change(foreign.managed.dl_tensor);
    EXPECT_THAT([&] { from_dlpack(&foreign.managed); },
                ThrowsMessage<decltype(kind)>(HasSubstr(why)));
    EXPECT_EQ(foreign.deleted, 0);
  };
  Unsupported unsupported("");
  InvalidArgument invalid("");
  refuse([](DLTensor &t) { t.device.device_type = kDLMetal; }, unsupported,
         "only the CPU's");
  refuse([](DLTensor &t) { t.dtype = {kDLComplex, 64, 1}; }, unsupported,
         "code 5 with 64 bits");
  refuse([](DLTensor &t) { t.dtype.lanes = 4; }, unsupported, "4 lanes");
  refuse([](DLTensor &t) { t.ndim = -1; }, invalid, "no shape");
  refuse([](DLTensor &t) { t.shape = nullptr; }, invalid, "no shape");
  refuse([](DLTensor &t) { t.data = nullptr; }, invalid, "no data");
  static int64_t many[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  refuse(
      [](DLTensor &t) {
        t.ndim = 9;
        t.shape = many;
      },
      invalid, "8");
  static int64_t negative[2] = {1, -4};
  refuse([](DLTensor &t) { t.shape = negative; }, invalid, "");
  EXPECT_THROW(from_dlpack(nullptr), InvalidArgument);
  EXPECT_THAT([] { to_dlpack(Tensor::zeros({1}, f8e4m3)); },
              ThrowsMessage<Unsupported>(HasSubstr("f8e4m3")));
}

} // namespace
