// Functions that were compiled ahead of time against their definitions. The
// environment says for which instruction set: see CMakeLists.txt.

#include "AgAheadKernels.h"
#include "attn_grid/attn_grid.hpp"
#include "test/ahead/View.h"
#include "test/ahead/calls.h"
#include "test/support/Compare.hpp"
#include "test/support/Reference.hpp"
#include <gtest/gtest.h>

namespace attn_grid::test {
namespace {

struct FlashCase {
  DType dtype = f32;
  int64_t width = 64, queries = 37, keys = 70;
  bool causal = false, lse = true;
  bool strided = false; // last strides other than 1
};

/// A tensor of these sizes whose last dimension is not the fastest.
Tensor turned(const Tensor &tensor) {
  Tensor turned = Tensor::empty({tensor.size(0), tensor.size(1), tensor.size(3),
                                 tensor.size(2)},
                                tensor.dtype())
                      .transpose(2, 3);
  std::vector<double> values = tensor.to_vector();
  size_t next = 0;
  for (int64_t b = 0; b < tensor.size(0); ++b)
    for (int64_t h = 0; h < tensor.size(1); ++h)
      for (int64_t i = 0; i < tensor.size(2); ++i)
        for (int64_t d = 0; d < tensor.size(3); ++d)
          turned.set({b, h, i, d}, values[next++]);
  return turned;
}

void check(const FlashCase &c) {
  Tensor q = Tensor::randn({2, 4, c.queries, c.width}, c.dtype, {}, 1);
  Tensor k = Tensor::randn({2, 2, c.keys, c.width}, c.dtype, {}, 2);
  Tensor v = Tensor::randn({2, 2, c.keys, 32}, c.dtype, {}, 3);
  Tensor o = Tensor::empty({2, 4, c.queries, 32}, c.dtype);
  Tensor lse = Tensor::empty({2, 4, c.queries});
  if (c.strided) {
    q = turned(q), k = turned(k), v = turned(v), o = turned(o);
  }
  double scale = 0.2;
  View lse_view(lse);
  ASSERT_EQ(ahead_flash_fwd(View(q), View(k), View(v), View(o),
                            c.lse ? lse_view : nullptr, &scale, c.causal),
            AG_OK)
      << ag_last_error();
  Attention want = attention(read(q), read(k), read(v), scale, c.causal);
  EXPECT_TRUE(near(o.to_vector(), want.o, forward_tolerance(c.dtype)));
  if (c.lse)
    EXPECT_TRUE(near(lse.to_vector(), want.lse, lse_tolerance(c.dtype)));
}

TEST(Ahead, EveryVariantOfFlash) {
  for (DType dtype : {f16, bf16, f32})
    for (int64_t width : {32, 64})
      for (bool causal : {false, true})
        for (bool lse : {false, true})
          for (bool strided : {false, true}) {
            SCOPED_TRACE(testing::Message()
                         << name_of(dtype) << " D = " << width << " causal "
                         << causal << " lse " << lse << " strided " << strided);
            check({dtype, width, 37, 70, causal, lse, strided});
          }
}

TEST(Ahead, OddSizes) {
  for (int64_t queries : {1, 64, 65})
    for (int64_t keys : {1, 63, 130})
      check({.queries = queries, .keys = keys, .causal = queries <= keys});
  check({.queries = 0});
  check({.keys = 0});
}

TEST(Ahead, DefaultsAreThoseOfTheKernel) {
  Tensor q = Tensor::randn({1, 1, 9, 64}, f32, {}, 1);
  Tensor o = Tensor::empty({1, 1, 9, 32});
  Tensor v = Tensor::randn({1, 1, 9, 32}, f32, {}, 3);
  ASSERT_EQ(ahead_flash_fwd(View(q), View(q), View(v), View(o), nullptr,
                            nullptr, false),
            AG_OK)
      << ag_last_error();
  Attention want = attention(read(q), read(q), read(v), 0.125, false);
  EXPECT_TRUE(near(o.to_vector(), want.o, forward_tolerance(f32)));
}

TEST(Ahead, ScalarsOfAllKinds) {
  Tensor x = Tensor::randn({1000}, f32, {}, 1), y = Tensor::empty({1000});
  Tensor shift = Tensor::randn({1000}, f32, {}, 2);
  int64_t count = 3;
  bool twice = true;
  ASSERT_EQ(ahead_scale(View(x), View(shift), View(y), nullptr, 0.5, &count,
                        &twice, 1),
            AG_OK)
      << ag_last_error();
  for (int64_t i = 0; i < 1000; ++i)
    ASSERT_NEAR(y.at({i}), x.at({i}) * 3 + shift.at({i}), 1e-5);
}

/// Arrays on the software GPU, whose `data` is an address of that.
TEST(Ahead, PtxForArraysOnAGpu) {
  for (DType dtype : {f16, bf16, f32})
    for (bool causal : {false, true})
      for (bool regular : {true, false}) {
        SCOPED_TRACE(regular);
        const Device sim = Device::sim();
        Tensor q = Tensor::randn({1, 2, 37, 64}, dtype, {}, 1);
        Tensor v = Tensor::randn({1, 1, 70, 32}, dtype, {}, 3);
        // A column too many makes rows begin at any address.
        Tensor wide = Tensor::randn({1, 1, 70, 65}, dtype, sim, 2);
        Tensor k = regular ? wide.slice(3, 0, 64).contiguous()
                           : Tensor(wide.slice(3, 1, 65));
        Tensor q_there = q.to(sim), v_there = v.to(sim);
        Tensor o = Tensor::zeros({1, 2, 37, 32}, dtype, sim);
        double scale = 0.2;
        ASSERT_EQ(ahead_flash_fwd(View(q_there), View(k), View(v_there),
                                  View(o), nullptr, &scale, causal),
                  AG_OK)
            << ag_last_error();
        Attention want = attention(read(q), read(k.to(Device::cpu())), read(v),
                                   scale, causal);
        EXPECT_TRUE(near(o.to_vector(), want.o, forward_tolerance(dtype)));
      }
  // From C++, and one place for all tensors of a call.
  Kernel scale = Module::from_ahead(AgAheadKernels_library)
                     .kernel("scale", {{"PARTS", 1}});
  Tensor x = Tensor::ones({300}, f32, Device::sim());
  EXPECT_EQ(scale(x, arg("factor", 2.5))["y"].at({299}), 2.5);
  Tensor here = Tensor::ones({300});
  View y(here);
  EXPECT_EQ(
      ahead_scale(View(x), nullptr, y, nullptr, 2.5, nullptr, nullptr, -1),
      AG_INVALID_ARGUMENT);
}

TEST(Ahead, CallsFromC) {
  std::vector<float> x{1, 2, 3}, y(3);
  ASSERT_EQ(scale_in_c(x.data(), y.data(), 3, 0.5, true), AG_OK)
      << ag_last_error();
  EXPECT_EQ(y, x);
  ASSERT_EQ(scale_in_c(x.data(), y.data(), 3, 0.5, false), AG_OK);
  EXPECT_EQ(y, (std::vector<float>{0.5, 1, 1.5}));
}

TEST(Ahead, StridesMayRepeatAndSkip) {
  Tensor all = Tensor::randn({50}, f32, {}, 1), one = all.slice(0, 3, 4);
  Tensor y = Tensor::empty({100}).slice(0, 0, 100, 2);
  ASSERT_EQ(ahead_scale(View(one.expand({50})), View(all), View(y), nullptr,
                        1.0, nullptr, nullptr, 1),
            AG_OK)
      << ag_last_error();
  for (int64_t i = 0; i < 50; ++i)
    EXPECT_EQ(y.at({i}), static_cast<float>(all.at({3})) +
                             static_cast<float>(all.at({i})));
}

TEST(Ahead, KernelsForCpp) {
  Module module = Module::from_ahead(AgAheadKernels_library);
  EXPECT_EQ(module.kernels(), (std::vector<std::string>{"flash_fwd", "scale"}));
  Tensor x = Tensor::randn({100}, f32, {}, 1);
  Tensor y = module.kernel("scale", {{"PARTS", 1}})(x, arg("factor", 2.0));
  for (int64_t i = 0; i < 100; ++i)
    EXPECT_EQ(y.at({i}), 2 * x.at({i}));
}

} // namespace
} // namespace attn_grid::test
