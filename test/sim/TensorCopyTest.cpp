// Copies of boxes of tensors, in all swizzles, inside the tensor and beyond its
// ends; the barriers in memory that tell their end; and the checks, both ways.

#include "test/sim/Driver.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

using namespace sim_test;
using testing::HasSubstr;

extern "C" CUresult
cuTensorMapEncodeTiled(CUtensorMap *map, int type, unsigned rank, void *address,
                       const uint64_t *sizes, const uint64_t *strides,
                       const uint32_t *box, const uint32_t *elementStrides,
                       int interleave, int swizzle, int promotion, int fill);

namespace {

/// A tensor of 16-bit numbers, the innermost extent first.
struct Tensor {
  std::vector<uint64_t> sizes, strides; // in bytes, of all but the innermost
  std::vector<uint32_t> box;
  int swizzle = 3; // 128 bytes

  CUresult encode(CUtensorMap &map, CUdeviceptr address) const {
    std::vector<uint32_t> ones(sizes.size(), 1);
    return cuTensorMapEncodeTiled(&map, 1, unsigned(sizes.size()),
                                  reinterpret_cast<void *>(address),
                                  sizes.data(), strides.data(), box.data(),
                                  ones.data(), 0, swizzle, 0, 0);
  }
  uint32_t boxElements() const {
    uint32_t count = 1;
    for (uint32_t extent : box)
      count *= extent;
    return count;
  }
};

struct Texts {
  std::string init = "@%p0 mbarrier.init.shared::cta.b64 [%r10], 1;\n"
                     "fence.mbarrier_init.release.cluster;\nbar.sync 0;\n";
  std::string expect =
      "@%p0 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r10], {};\n";
  std::string wait =
      "again: mbarrier.try_wait.parity.shared::cta.b64 %p1, [%r10], 0;\n"
      "@!%p1 bra again;\n";
};

/// A kernel of two warps that copies a box at `at` to shared memory and from
/// there, as it lies, to `out`.
std::string kernelOf(const Tensor &tensor, const std::vector<int> &at,
                     const Texts &texts) {
  uint32_t bytes = tensor.boxElements() * 2;
  std::string coordinates;
  for (int one : at)
    coordinates += fmt::format("{}{}", coordinates.empty() ? "" : ", ", one);
  return fmt::format(
             ".version 8.0\n.target sm_90a\n.address_size 64\n"
             ".visible .entry k(.param .align 64 .b8 map[128], "
             ".param .u64 out)\n{{\n"
             ".reg .pred %p<4>;\n.reg .b32 %r<20>;\n.reg .b64 %d<9>;\n"
             ".shared .align 1024 .b8 tile[{}];\n.shared .align 8 .b8 bar[8];\n"
             "mov.u32 %r0, %tid.x;\nsetp.eq.s32 %p0, %r0, 0;\n"
             "mov.u32 %r10, bar;\nmov.u32 %r11, tile;\nmov.b64 %d0, map;\n",
             bytes) +
         texts.init + fmt::format(fmt::runtime(texts.expect), bytes) +
         fmt::format(
             "@%p0 cp.async.bulk.tensor.{}d.shared::cluster.global.tile."
             "mbarrier::complete_tx::bytes [%r11], [%d0, {{{}}}], [%r10];\n",
             at.size(), coordinates) +
         texts.wait +
         fmt::format("ld.param.u64 %d1, [out];\nshl.b32 %r1, %r0, 2;\n"
                     "loop: setp.ge.s32 %p2, %r1, {};\n@%p2 bra done;\n"
                     "add.s32 %r2, %r11, %r1;\nld.shared.u32 %r3, [%r2];\n"
                     "cvt.u64.u32 %d2, %r1;\nadd.s64 %d2, %d2, %d1;\n"
                     "st.global.u32 [%d2], %r3;\nadd.s32 %r1, %r1, 256;\n"
                     "bra loop;\ndone: ret;\n}}\n",
                     bytes);
}

struct Ran {
  CUresult result;
  std::string reports;
  std::vector<uint16_t> box;
};
Ran run(const Tensor &tensor, const std::vector<uint16_t> &values,
        const std::vector<int> &at, const Texts &texts = {}) {
  open();
  Module module(kernelOf(tensor, at, texts));
  EXPECT_EQ(module.result, CUDA_SUCCESS) << module.error;
  Array<uint16_t> data(values);
  Array<uint16_t> out(std::vector<uint16_t>(tensor.boxElements(), 77));
  CUtensorMap map;
  EXPECT_EQ(tensor.encode(map, data.address), CUDA_SUCCESS);
  Ran made;
  made.result = Launch().add(map).add(out).run(module.function("k"), {1}, {64});
  made.reports = reports();
  agSimClearReports();
  if (made.result == CUDA_SUCCESS)
    made.box = out.read();
  return made;
}

/// 4 x 10 x 72, in rows of 80.
Tensor tensorOf(std::vector<uint32_t> box, int swizzle) {
  return {{72, 10, 4}, {160, 1600}, std::move(box), swizzle};
}
std::vector<uint16_t> numbers() {
  std::vector<uint16_t> values(4 * 10 * 80);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = uint16_t(i + 1);
  return values;
}

void expectBox(const Tensor &tensor, const std::vector<int> &at) {
  SCOPED_TRACE(
      fmt::format("{} {} {}, swizzle {}", at[0], at[1], at[2], tensor.swizzle));
  std::vector<uint16_t> values = numbers();
  Ran made = run(tensor, values, at);
  ASSERT_EQ(made.result, CUDA_SUCCESS) << made.reports;
  EXPECT_EQ(made.reports, "");
  uint32_t columns = tensor.box[0], rows = tensor.box[1];
  for (uint32_t z = 0; z < tensor.box[2]; ++z)
    for (uint32_t y = 0; y < rows; ++y)
      for (uint32_t x = 0; x < columns; ++x) {
        int64_t i = at[0] + int64_t(x), j = at[1] + int64_t(y),
                k = at[2] + int64_t(z);
        bool isInside = i >= 0 && i < 72 && j >= 0 && j < 10 && k >= 0 && k < 4;
        uint16_t expected = isInside ? values[k * 800 + j * 80 + i] : 0;
        // Groups of 8 numbers change places by the number of the line of 128
        // bytes.
        size_t place = (size_t(z) * rows + y) * columns + x;
        size_t groups = size_t(1) << tensor.swizzle;
        place ^= (place / 64 % groups) * 8;
        ASSERT_EQ(made.box[place], expected) << x << " " << y << " " << z;
      }
}

TEST(TensorCopy, Boxes) {
  for (auto [columns, swizzle] :
       {std::pair(64u, 3), {32u, 2}, {16u, 1}, {64u, 0}, {8u, 0}}) {
    expectBox(tensorOf({columns, 8, 1}, swizzle), {0, 0, 0});
    expectBox(tensorOf({columns, 8, 1}, swizzle), {8, 1, 3});
    expectBox(tensorOf({columns, 4, 2}, swizzle), {16, 3, 1});
  }
}

TEST(TensorCopy, WhatIsOutsideIsZero) {
  Tensor tensor = tensorOf({64, 8, 2}, 3);
  expectBox(tensor, {64, 0, 0});
  expectBox(tensor, {0, 5, 3});
  expectBox(tensor, {-16, -3, -1});
  expectBox(tensor, {0, 200, 0});
}

TEST(TensorCopy, Checks) {
  Tensor tensor = tensorOf({64, 8, 1}, 3);
  auto reported = [&](const Texts &texts) {
    return run(tensor, numbers(), {0, 0, 0}, texts).reports;
  };
  Texts texts;
  texts.wait = "";
  EXPECT_THAT(reported(texts),
              HasSubstr("asynchronous work in flight: read of shared memory"));
  texts = {};
  texts.expect =
      "@%p0 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r10], 1000;\n";
  EXPECT_THAT(reported(texts),
              HasSubstr("nobody arrives at the mbarrier that is waited for, or "
                        "fewer bytes than are expected"));
  texts.expect = "";
  EXPECT_THAT(reported(texts), HasSubstr("nobody arrives at the mbarrier"));
  texts = {};
  texts.init = "";
  EXPECT_THAT(reported(texts),
              HasSubstr("there is no mbarrier that was initialised"));
  texts = {};
  texts.init = "@%p0 mbarrier.init.shared::cta.b64 [%r10], 1;\n"
               "fence.mbarrier_init.release.cluster;\n";
  EXPECT_THAT(reported(texts), HasSubstr("race: use of an mbarrier that"));
  texts = {};
  texts.init = "@%p0 mbarrier.init.shared::cta.b64 [%r10], 1;\nbar.sync 0;\n";
  EXPECT_THAT(reported(texts),
              HasSubstr("missing fence: an mbarrier that was initialised"));
  texts = {};
  texts.init += "@%p0 mbarrier.init.shared::cta.b64 [%r10], 1;\n";
  EXPECT_THAT(reported(texts), HasSubstr("which was not invalidated"));
  texts = {};
  texts.expect += "@%p0 mbarrier.arrive.shared::cta.b64 %d3, [%r10];\n";
  EXPECT_THAT(reported(texts),
              HasSubstr("more arrivals than the mbarrier counts"));
}

/// Two warps hand numbers to each other, phase by phase.
TEST(TensorCopy, BarriersOrderWarps) {
  open();
  Module module(
      ".version 8.0\n.target sm_90a\n.address_size 64\n"
      ".visible .entry k(.param .u64 out)\n{\n"
      ".reg .pred %p<4>;\n.reg .b32 %r<20>;\n.reg .b64 %d<9>;\n"
      ".shared .align 8 .b8 bar[8];\n"
      "mov.u32 %r0, %tid.x;\nsetp.eq.s32 %p0, %r0, 0;\nmov.u32 %r10, bar;\n"
      "@%p0 mbarrier.init.shared.b64 [%r10], 64;\nbar.sync 0;\n"
      "mov.u32 %r1, 0;\n"
      "loop: mbarrier.arrive.shared.b64 %d1, [%r10];\n"
      "again: mbarrier.test_wait.shared.b64 %p1, [%r10], %d1;\n"
      "@!%p1 bra again;\nadd.s32 %r1, %r1, 1;\nsetp.lt.s32 %p2, %r1, 5;\n"
      "@%p2 bra loop;\nbar.sync 0;\n@%p0 mbarrier.inval.shared.b64 [%r10];\n"
      "ld.param.u64 %d0, [out];\nmul.wide.u32 %d2, %r0, 4;\n"
      "add.s64 %d0, %d0, %d2;\ncvt.u32.u64 %r2, %d1;\n"
      "st.global.u32 [%d0], %r2;\nret;\n}\n");
  ASSERT_EQ(module.result, CUDA_SUCCESS) << module.error;
  Array<uint32_t> out(64);
  EXPECT_EQ(Launch().add(out).run(module.function("k"), {1}, {64}),
            CUDA_SUCCESS)
      << reports();
  EXPECT_THAT(out.read(), testing::Each(4u));
  EXPECT_EQ(reports(), "");
}

/// Threads of a warp wait for one of them that stands behind them.
TEST(TensorCopy, WhoWaitsLetsOthersOfTheWarpGoOn) {
  open();
  Module module(
      ".version 8.0\n.target sm_90a\n.address_size 64\n"
      ".visible .entry k()\n{\n"
      ".reg .pred %p<4>;\n.reg .b32 %r<20>;\n.reg .b64 %d<9>;\n"
      ".shared .align 8 .b8 bar[8];\n"
      "mov.u32 %r0, %tid.x;\nsetp.eq.s32 %p0, %r0, 0;\nmov.u32 %r10, bar;\n"
      "@%p0 mbarrier.init.shared.b64 [%r10], 1;\nbar.sync 0;\n"
      "@%p0 bra one;\n"
      "again: mbarrier.try_wait.parity.shared.b64 %p1, [%r10], 0;\n"
      "@!%p1 bra again;\nret;\n"
      "one: mbarrier.arrive.shared.b64 %d1, [%r10];\nbra again;\n}\n");
  ASSERT_EQ(module.result, CUDA_SUCCESS) << module.error;
  EXPECT_EQ(Launch().run(module.function("k"), {1}, {32}), CUDA_SUCCESS)
      << reports();
  EXPECT_EQ(reports(), "");
}

/// Boxes that arrive one after the other, each multiplied by itself: what the
/// fuzzer edits.
TEST(TensorCopy, TheFuzzersKernelIsRight) {
  open();
  Module module(readFile(AG_SOURCE_DIR "/test/sim/corpus/boxes.ptx"));
  ASSERT_EQ(module.result, CUDA_SUCCESS) << module.error;
  // Rows of 64, of which one has ones: row 2, the first of the last box.
  std::vector<uint16_t> values(40 * 64);
  std::fill_n(values.begin() + 2 * 64, 64, uint16_t(0x3c00));
  Array<uint16_t> data(values);
  Array<float> out(size_t(1));
  Tensor tensor{{64, 40}, {128}, {64, 64}};
  CUtensorMap map;
  ASSERT_EQ(tensor.encode(map, data.address), CUDA_SUCCESS);
  EXPECT_EQ(
      Launch().add(map).add(out).run(module.function("boxes"), {1}, {128}),
      CUDA_SUCCESS)
      << reports();
  EXPECT_EQ(reports(), "");
}

TEST(TensorCopy, MapsThatCannotBe) {
  open();
  Array<uint16_t> data(numbers());
  CUtensorMap map;
  Tensor good = tensorOf({64, 8, 1}, 3);
  EXPECT_EQ(good.encode(map, data.address), CUDA_SUCCESS);
  EXPECT_EQ(good.encode(map, data.address + 2), CUDA_ERROR_INVALID_VALUE);
  for (const Tensor &wrong : {Tensor{{72, 0, 4}, {160, 1600}, {64, 8, 1}},
                              Tensor{{72, 10, 4}, {162, 1600}, {64, 8, 1}},
                              Tensor{{72, 10, 4}, {160, 1600}, {128, 8, 1}},
                              Tensor{{72, 10, 4}, {160, 1600}, {4, 8, 1}},
                              Tensor{{72, 10, 4}, {160, 1600}, {64, 257, 1}},
                              Tensor{{72, 10, 4}, {160, 1600}, {64, 0, 1}}})
    EXPECT_EQ(wrong.encode(map, data.address), CUDA_ERROR_INVALID_VALUE);
}

} // namespace
