// Products by warpgroups against a plain product, in all layouts of their
// factors; and the checks of what is asynchronous about them, both ways.

#include "test/sim/Driver.h"

#include <bit>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <random>

using namespace sim_test;
using testing::HasSubstr;

namespace {

// Read when the first test opens the device.
[[maybe_unused]] const int chip = setenv("AG_SIM_ARCH", "sm_90a", 1);

/// How a factor lies in shared memory: rows of `rowBytes` bytes; 16: blocks of
/// 8 x 8 elements, and no swizzle.
struct Layout {
  int rowBytes = 128;
  bool transposed = false; ///< k is not what lies side by side

  int perRow() const { return rowBytes / 2; }
  uint64_t code() const {
    return rowBytes == 128 ? 1 : rowBytes == 64 ? 2 : rowBytes == 32 ? 3 : 0;
  }
  /// Of the element (n, k) of a factor of n x `depth`, in elements.
  size_t place(int n, int k, int extent, int depth) const {
    if (rowBytes == 16) // columns of blocks
      return size_t(k / 8 * (extent / 8) + n / 8) * 64 + n % 8 * 8 + k % 8;
    int row = transposed ? k : n, column = transposed ? n : k;
    int rows = transposed ? depth : extent;
    // Panels as wide as a row, one behind the other.
    size_t at = size_t(column / perRow()) * rows * perRow() +
                size_t(row) * perRow() + column % perRow();
    // Groups of 8 elements change places with those of other rows: by the
    // number of the line of 128 bytes.
    size_t group = at / 8, line = at / 64, groups = rowBytes / 16;
    return (group ^ line % groups) * 8 + at % 8;
  }
  /// Without the address of the first element, which is added.
  uint64_t descriptor(int extent, int depth) const {
    uint64_t leading = transposed ? uint64_t(depth) * rowBytes : 16;
    uint64_t stride = uint64_t(8) * rowBytes;
    if (rowBytes == 16)
      leading = uint64_t(extent) * 16;
    return code() << 62 | (stride >> 4) << 32 | (leading >> 4) << 16;
  }
  /// What one step of 16 along k adds to the address, in bytes.
  int step(int extent) const {
    return rowBytes == 16 ? extent * 32 : transposed ? 16 * rowBytes : 32;
  }
};

struct Product {
  int columns = 64, depth = 64; // all steps along k lie in one row
  Layout a = {}, b = {};
  bool aInRegisters = false, brain = false, adds = false;
  std::string scales = "1, 1";
};

float widened(uint16_t bits, bool brain) {
  return brain ? std::bit_cast<float>(uint32_t(bits) << 16)
               : float(std::bit_cast<_Float16>(bits));
}

std::string listOf(const char *name, int count) {
  std::string text = "{";
  for (int i = 0; i < count; ++i)
    text += fmt::format("{}%{}{}", i ? ", " : "", name, i);
  return text + "}";
}

/// A kernel of a warpgroup: `bytes` bytes from `p` to shared memory, the
/// products, and every thread's sums to `d`, one after the other. Texts stand
/// before the products and after them.
std::string kernelOf(const Product &x, int bytes, const std::string &before,
                     const std::string &after) {
  int sums = x.columns / 2;
  std::string text = fmt::format(
      ".version 8.0\n.target sm_90a\n.address_size 64\n"
      ".visible .entry k(.param .u64 p, .param .u64 d)\n.reqntid 128\n{{\n"
      ".reg .pred %p<4>;\n.reg .b32 %r<30>;\n.reg .f32 %f<{}>;\n"
      ".reg .b32 %a<4>;\n.reg .b64 %d<30>;\n"
      ".shared .align 1024 .b8 tile[{}];\n"
      "mov.u32 %r0, %tid.x;\nld.param.u64 %d0, [p];\nld.param.u64 %d1, [d];\n"
      "mov.u32 %r1, 0;\n"
      "shl.b32 %r2, %r0, 4;\n"
      "copy: add.s32 %r3, %r2, %r1;\ncvt.u64.u32 %d2, %r3;\n"
      "add.s64 %d3, %d0, %d2;\nsetp.lt.s32 %p0, %r3, {};\n"
      "mov.u32 %r4, tile;\nadd.s32 %r4, %r4, %r3;\n"
      "@%p0 ld.global.v4.u32 {{%r5, %r6, %r7, %r8}}, [%d3];\n"
      "@%p0 st.shared.v4.u32 [%r4], {{%r5, %r6, %r7, %r8}};\n"
      "add.s32 %r1, %r1, 2048;\nsetp.lt.s32 %p1, %r1, {};\n"
      "@%p1 bra copy;\nsetp.eq.s32 %p2, %r0, %r0;\nmov.u32 %r10, tile;\n",
      sums, bytes, bytes, bytes);
  for (int i = 0; i < sums; ++i)
    text += fmt::format("mov.f32 %f{}, 0f40400000;\n", i); // 3
  text += before;
  int aBytes = 64 * x.depth * 2;
  for (int k = 0; k < x.depth; k += 16) {
    text += fmt::format("add.s32 %r11, %r10, {};\nshr.u32 %r11, %r11, 4;\n"
                        "cvt.u64.u32 %d5, %r11;\nor.b64 %d5, %d5, {};\n",
                        aBytes + k / 16 * x.b.step(x.columns),
                        int64_t(x.b.descriptor(x.columns, x.depth)));
    std::string a = listOf("a", 4);
    if (!x.aInRegisters) {
      text += fmt::format("add.s32 %r11, %r10, {};\nshr.u32 %r11, %r11, 4;\n"
                          "cvt.u64.u32 %d4, %r11;\nor.b64 %d4, %d4, {};\n",
                          k / 16 * x.a.step(64),
                          int64_t(x.a.descriptor(64, x.depth)));
      a = "%d4";
    }
    text += fmt::format(
        "wgmma.mma_async.sync.aligned.m64n{}k16.f32.{}.{} {}, {}, %d5, {}, {}",
        x.columns, x.brain ? "bf16" : "f16", x.brain ? "bf16" : "f16",
        listOf("f", sums), a, k || x.adds ? "%p2" : "0", x.scales);
    if (!x.aInRegisters)
      text += x.a.transposed ? ", 1" : ", 0";
    text += x.b.transposed ? ", 1;\n" : ", 0;\n";
  }
  text += after;
  text += fmt::format("mul.lo.s32 %r12, %r0, {};\ncvt.u64.u32 %d6, %r12;\n"
                      "add.s64 %d6, %d6, %d1;\n",
                      sums * 4);
  for (int i = 0; i < sums; ++i)
    text += fmt::format("st.global.f32 [%d6+{}], %f{};\n", 4 * i, i);
  return text + "ret;\n}\n";
}

const std::string fences =
    "fence.proxy.async;\nbar.sync 0;\nwgmma.fence.sync.aligned;\n";
const std::string waits =
    "wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;\n";

/// A's elements for registers are loaded from shared memory by each thread.
std::string loadsOfA(const Product &x) {
  std::string text = "shr.u32 %r13, %r0, 5;\nshl.b32 %r13, %r13, 4;\n"
                     "and.b32 %r14, %r0, 31;\nshr.u32 %r15, %r14, 2;\n"
                     "add.s32 %r13, %r13, %r15;\nand.b32 %r14, %r14, 3;\n";
  // Rows of 16 elements, row-major, without swizzle.
  text += "shl.b32 %r13, %r13, 5;\nshl.b32 %r14, %r14, 2;\n"
          "add.s32 %r13, %r13, %r14;\nadd.s32 %r13, %r13, %r10;\n";
  for (int part = 0; part < 4; ++part)
    text += fmt::format("ld.shared.b32 %a{}, [%r13+{}];\n", part,
                        (part & 1) * 8 * 32 + (part >> 1) * 16);
  EXPECT_EQ(x.depth, 16);
  return "bar.sync 0;\n" + text;
}

struct Ran {
  CUresult result;
  std::string reports;
  std::vector<float> sums;
};

Ran run(const Product &x, const std::vector<uint16_t> &memory,
        const std::string &before, const std::string &after) {
  open();
  Module module(kernelOf(x, int(memory.size()) * 2, before, after));
  EXPECT_EQ(module.result, CUDA_SUCCESS) << module.error;
  Array<uint16_t> p(memory);
  Array<float> d(std::vector<float>(size_t(64) * x.columns));
  Ran made;
  made.result = Launch().add(p).add(d).run(module.function("k"), {1}, {128});
  made.reports = reports();
  agSimClearReports();
  made.sums = d.read();
  return made;
}

/// Both factors in shared memory, random numbers.
struct Factors {
  std::vector<uint16_t> memory;
  std::vector<float> a, b; // m x k, k x n

  explicit Factors(const Product &x)
      : memory(size_t(64 + x.columns) * x.depth), a(size_t(64) * x.depth),
        b(size_t(x.columns) * x.depth) {
    std::mt19937 random(7);
    std::uniform_real_distribution<float> uniform(-1, 1);
    auto make = [&] {
      float value = uniform(random);
      return x.brain ? uint16_t(std::bit_cast<uint32_t>(value) >> 16)
                     : std::bit_cast<uint16_t>(_Float16(value));
    };
    for (int m = 0; m < 64; ++m)
      for (int k = 0; k < x.depth; ++k) {
        uint16_t bits = make();
        a[m * x.depth + k] = widened(bits, x.brain);
        memory[x.aInRegisters ? size_t(m) * x.depth + k
                              : x.a.place(m, k, 64, x.depth)] = bits;
      }
    for (int k = 0; k < x.depth; ++k)
      for (int n = 0; n < x.columns; ++n) {
        uint16_t bits = make();
        b[k * x.columns + n] = widened(bits, x.brain);
        memory[size_t(64) * x.depth + x.b.place(n, k, x.columns, x.depth)] =
            bits;
      }
  }
};

void expectProduct(const Product &x, double sign = 1) {
  SCOPED_TRACE(fmt::format("n {} k {} a {} {} b {} {}", x.columns, x.depth,
                           x.a.rowBytes, x.a.transposed, x.b.rowBytes,
                           x.b.transposed));
  Factors factors(x);
  std::string before = x.aInRegisters ? loadsOfA(x) + fences : fences;
  Ran made = run(x, factors.memory, before, waits);
  ASSERT_EQ(made.result, CUDA_SUCCESS) << made.reports;
  EXPECT_EQ(made.reports, "");
  for (int thread = 0; thread < 128; ++thread)
    for (int i = 0; i < x.columns / 2; ++i) {
      int m = thread / 32 * 16 + thread % 32 / 4 + (i & 2 ? 8 : 0);
      int n = i / 4 * 8 + thread % 4 * 2 + (i & 1);
      double sum = x.adds ? 3 : 0;
      for (int k = 0; k < x.depth; ++k)
        sum += sign * double(factors.a[m * x.depth + k]) *
               double(factors.b[k * x.columns + n]);
      ASSERT_NEAR(made.sums[size_t(thread) * (x.columns / 2) + i], sum, 1e-4)
          << m << " " << n;
    }
}

TEST(Warpgroup, Columns) {
  for (int columns : {8, 24, 64, 128, 200, 256})
    expectProduct({.columns = columns});
}

TEST(Warpgroup, Swizzles) {
  for (int rowBytes : {128, 64, 32, 16}) {
    int depth = rowBytes == 16 ? 64 : rowBytes / 2;
    for (bool aIsPlain : {false, true})
      expectProduct({.depth = depth,
                     .a = {aIsPlain && depth == 64 ? 128 : rowBytes},
                     .b = {rowBytes}});
  }
}

TEST(Warpgroup, Transposed) {
  for (int rowBytes : {128, 64, 32}) {
    Layout plain{128}, turned{rowBytes, true};
    expectProduct({.columns = 128, .a = plain, .b = turned});
    expectProduct({.a = turned, .b = plain});
    expectProduct({.a = turned, .b = turned});
  }
}

TEST(Warpgroup, TypesSignsAndSums) {
  expectProduct({.brain = true});
  expectProduct({.adds = true});
  expectProduct({.scales = "-1, 1"}, -1);
  expectProduct({.scales = "-1, -1"});
}

TEST(Warpgroup, FactorInRegisters) {
  Product x{.depth = 16, .b = {128, true}, .aInRegisters = true};
  expectProduct(x);
  x.brain = true;
  x.adds = true;
  expectProduct(x);
}

TEST(Warpgroup, Checks) {
  Product x;
  Factors factors(x);
  auto reported = [&](const std::string &before, const std::string &after) {
    return run(x, factors.memory, before, after).reports;
  };
  EXPECT_EQ(reported(fences, waits), "");
  // After the barrier is as good.
  EXPECT_EQ(reported("bar.sync 0;\nfence.proxy.async.shared::cta;\n"
                     "wgmma.fence.sync.aligned;\n",
                     waits),
            "");
  EXPECT_THAT(reported("bar.sync 0;\nwgmma.fence.sync.aligned;\n", waits),
              HasSubstr("missing fence: shared memory that threads wrote, "
                        "without a `fence.proxy.async` since"));
  EXPECT_THAT(
      reported("fence.proxy.async;\nwgmma.fence.sync.aligned;\n", waits),
      HasSubstr("race: read of shared memory"));
  EXPECT_THAT(reported("fence.proxy.async;\nbar.sync 0;\n", waits),
              HasSubstr("missing fence: there was no `wgmma.fence`"));
  EXPECT_THAT(reported(fences + "mov.f32 %f7, 0f00000000;\n", waits),
              HasSubstr("missing fence: a register that was written since"));
  EXPECT_THAT(
      reported(fences, "wgmma.commit_group.sync.aligned;\n"),
      HasSubstr("in flight: a register that a `wgmma` may still write"));
  EXPECT_THAT(
      reported(fences, "wgmma.wait_group.sync.aligned 0;\n"),
      HasSubstr("in flight: a register that a `wgmma` may still write"));
  EXPECT_THAT(reported(fences, "wgmma.commit_group.sync.aligned;\n"
                               "wgmma.wait_group.sync.aligned 1;\n"),
              HasSubstr("in flight"));
  // Shared memory is written too early.
  EXPECT_THAT(reported(fences, "wgmma.commit_group.sync.aligned;\nbar.sync 0;\n"
                               "st.shared.u32 [%r10], %r0;\n"
                               "wgmma.wait_group.sync.aligned 0;\n"),
              HasSubstr("which a `wgmma` may still read"));
}

TEST(Warpgroup, RegisterOfAFactorIsWrittenTooEarly) {
  Product x{.depth = 16, .b = {128, true}, .aInRegisters = true};
  Factors factors(x);
  EXPECT_THAT(
      run(x, factors.memory, loadsOfA(x) + fences, "mov.b32 %a1, 0;\n" + waits)
          .reports,
      HasSubstr("a write to a register that a `wgmma` may still read"));
}

TEST(Warpgroup, WhatTheDeviceLacksIsSaid) {
  open();
  auto error = [](const std::string &instruction) {
    return Module(
               ".version 8.0\n.target sm_90a\n.address_size 64\n"
               ".visible .entry k()\n{\n.reg .f32 %f<4>;\n.reg .b64 %d<2>;\n" +
               instruction + ";\nret;\n}\n")
        .error;
  };
  EXPECT_THAT(error("wgmma.mma_async.sync.aligned.m64n8k8.f32.tf32.tf32 "
                    "{%f0, %f1, %f2, %f3}, %d0, %d1, 1, 1, 1"),
              HasSubstr("PTX line 8: the instruction "
                        "`wgmma.mma_async.sync.aligned.m64n8k8.f32.tf32.tf32` "
                        "is not supported"));
  EXPECT_THAT(error("wgmma.mma_async.sync.aligned.m64n9k16.f32.f16.f16 "
                    "{%f0, %f1, %f2, %f3}, %d0, %d1, 1, 1, 1, 0, 0"),
              HasSubstr("is not supported"));
  EXPECT_THAT(error("wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 "
                    "{%f0, %f1, %f2, %f3}, %d0, %d1, 1, 2, 1, 0, 0"),
              HasSubstr("takes 1 or -1 here"));
  // The pattern of a swizzle begins elsewhere.
  Product x;
  Factors factors(x);
  EXPECT_THAT(run(x, factors.memory,
                  "mov.b32 %r20, 1;\nshl.b32 %r20, %r20, 21;\n"
                  "cvt.u64.u32 %d8, %r20;\nshl.b64 %d8, %d8, 28;\n" +
                      fences +
                      "wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 " +
                      listOf("f", 32) + ", %d8, %d8, 0, 1, 1, 0, 0;\n",
                  waits)
                  .reports,
              HasSubstr("a descriptor with a base offset"));
}

} // namespace
