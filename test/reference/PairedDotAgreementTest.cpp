// Products of bf16 tiles: one product at a time, by pairs, and by tile
// registers (Agreement.cpp runs each case in every way that the machine knows).

#include "test/reference/Agreement.h"
#include "test/reference/DotCase.h"

#include "attn_grid/target.hpp"
#include "test/support/CpuKernel.h"
#include "test/support/TileEmulator.h"

#include <cmath>
#include <gtest/gtest.h>

namespace attn_grid::test {
namespace {

/// As `dotCase`, of tensors that end before the tiles do.
Case shorter(int64_t m, int64_t n, int64_t k, std::array<int64_t, 3> sizes,
             Layout x, Layout y, Layout o) {
  Case c = dotCase("bf16", m, n, k, x, y, o);
  c.tensors[0].sizes = {sizes[0], sizes[2]};
  c.tensors[1].sizes = {sizes[2], sizes[1]};
  c.tensors[2].sizes = {sizes[0], sizes[1]};
  c.tensors[3].sizes = {sizes[0], sizes[1]};
  return c;
}

TEST(PairedDot, EveryShapeAndLayout) {
  constexpr std::array<int64_t, 3> shapes[] = {
      {16, 16, 2},  {16, 16, 32}, {64, 16, 64},  {16, 64, 32},
      {32, 32, 32}, {4, 32, 64},  {32, 128, 128}};
  int which = 0;
  for (auto [m, n, k] : shapes)
    for (Layout x : allLayouts)
      for (Layout y : allLayouts)
        agree(dotCase("bf16", m, n, k, x, y,
                      ++which % 2 ? Layout::rows : Layout::columns));
}

TEST(PairedDot, SticksOutOfItsTensors) {
  for (auto sizes : {std::array<int64_t, 3>{13, 30, 33},
                     {32, 32, 64},
                     {17, 1, 50},
                     {31, 17, 63},
                     {1, 1, 1}})
    for (Layout x : allLayouts)
      for (Layout y : {Layout::rows, Layout::columns}) {
        agree(shorter(32, 32, 64, sizes, x, y, Layout::rows));
        agree(shorter(32, 32, 64, sizes, x, y, Layout::columns));
      }
}

TEST(PairedDot, PaddingOfKnownExtents) {
  for (auto sizes : {std::array<int64_t, 3>{40, 20, 80}, {64, 33, 65}})
    for (Layout x : {Layout::rows, Layout::columns})
      for (Layout y : {Layout::rows, Layout::columns}) {
        Case c = shorter(64, 64, 128, sizes, x, y, Layout::rows);
        for (TensorArgument &tensor : c.tensors)
          tensor.known();
        agree(c);
      }
}

TEST(PairedDot, OperandsThatAreComputed) {
  // A tile is a factor on either side, as it lies and transposed.
  for (Layout x : allLayouts)
    for (Layout o : {Layout::rows, Layout::columns}) {
      Case c;
      c.tensor("x", "bf16", {32, 32}, x);
      c.tensor("o", "f32", {32, 32}, o).out();
      c.body = R"(
  %a = ag.load %x[%c0 : 32, %c0 : 32] : $x -> tensor<32x32xbf16>
  %b = arith.addf %a, %a : tensor<32x32xbf16>
  %t = ag.transpose %a [1, 0] : tensor<32x32xbf16> -> tensor<32x32xbf16>
  %u = ag.transpose %b [1, 0] : tensor<32x32xbf16> -> tensor<32x32xbf16>
  %zero = arith.constant dense<0.0> : tensor<32x32xf32>
  %p = ag.dot %b, %t, %zero : tensor<32x32xbf16>, tensor<32x32xbf16>, tensor<32x32xf32>
  %q = ag.dot %u, %a, %p : tensor<32x32xbf16>, tensor<32x32xbf16>, tensor<32x32xf32>
  %r = ag.dot %t, %u, %q : tensor<32x32xbf16>, tensor<32x32xbf16>, tensor<32x32xf32>
  %n = arith.truncf %p : tensor<32x32xf32> to tensor<32x32xbf16>
  %s = ag.dot %n, %a, %r : tensor<32x32xbf16>, tensor<32x32xbf16>, tensor<32x32xf32>
  %v = ag.dot %u, %n, %s : tensor<32x32xbf16>, tensor<32x32xbf16>, tensor<32x32xf32>
  ag.store %v, %o[%c0 : 32, %c0 : 32] : tensor<32x32xf32>, $o)";
      c.tensors[1].near(1e-5, 1e-5);
      agree(c);
    }
}

TEST(PairedDot, InALoop) {
  // What stays outside the loop is packed there; the sum is scaled on the way.
  for (Layout y : {Layout::rows, Layout::columns})
    for (Layout o : {Layout::rows, Layout::columns}) {
      Case c;
      c.tensor("x", "bf16", {32, 64});
      c.tensor("y", "bf16", {64, 100}, y);
      c.tensor("o", "f32", {32, 64}, o).out();
      c.body = R"(
  %n = arith.constant 100 : i32
  %step = arith.constant 32 : i32
  %a = ag.load %x[%c0 : 32, %c0 : 64] : $x -> tensor<32x64xbf16>
  %two = arith.constant dense<2.0> : tensor<32x64xbf16>
  %b = arith.mulf %a, %two : tensor<32x64xbf16>
  %half = arith.constant dense<0.5> : tensor<32x64xf32>
  %init = arith.constant dense<1.0> : tensor<32x64xf32>
  %zero = arith.constant dense<0.0> : tensor<32x32xf32>
  %r = scf.for %i = %c0 to %n step %step iter_args(%sum = %init) -> (tensor<32x64xf32>) : i32 {
    %k = ag.load %y[%c0 : 64, %i : 32] : $y -> tensor<64x32xbf16>
    %s = ag.dot %b, %k, %zero : tensor<32x64xbf16>, tensor<64x32xbf16>, tensor<32x32xf32>
    %p = arith.truncf %s : tensor<32x32xf32> to tensor<32x32xbf16>
    %t = ag.transpose %k [1, 0] : tensor<64x32xbf16> -> tensor<32x64xbf16>
    %scaled = arith.mulf %sum, %half : tensor<32x64xf32>
    %next = ag.dot %p, %t, %scaled : tensor<32x32xbf16>, tensor<32x64xbf16>, tensor<32x64xf32>
    scf.yield %next : tensor<32x64xf32>
  }
  ag.store %r, %o[%c0 : 32, %c0 : 64] : tensor<32x64xf32>, $o)";
      c.tensors[2].near(1e-5, 1e-5);
      agree(c);
    }
}

/// Weights as attention makes them, 0 where the mask is false; and values, some
/// of which are no numbers: those are left out, or all of them are kept.
Case maskedCase(Layout y, Layout o, double special, bool leftOut) {
  Case c;
  c.tensor("x", "f32", {32, 32});
  c.tensor("y", "bf16", {32, 32}, y).filled([=](int64_t i) {
    return i / 32 % 8 == 3 && i % 5 == 0 ? special : small(i);
  });
  c.tensor("m", "i1", {32, 32}).filled([=](int64_t i) {
    return double(leftOut ? i % 32 % 8 != 3 && i % 7 != 2 : i % 7 != 2);
  });
  c.tensor("o", "f32", {32, 32}, o).out();
  c.body = R"(
  %a = ag.load %x[%c0 : 32, %c0 : 32] : $x -> tensor<32x32xf32>
  %b = ag.load %y[%c0 : 32, %c0 : 32] : $y -> tensor<32x32xbf16>
  %keep = ag.load %m[%c0 : 32, %c0 : 32] : $m -> tensor<32x32xi1>
  %none = arith.constant dense<0xFF800000> : tensor<32x32xf32>
  %scores = arith.select %keep, %a, %none : tensor<32x32xi1>, tensor<32x32xf32>
  %w = math.exp2 %scores : tensor<32x32xf32>
  %p = arith.truncf %w : tensor<32x32xf32> to tensor<32x32xbf16>
  %one = arith.constant dense<1.0> : tensor<32x32xf32>
  %r = ag.dot %p, %b, %one keep %keep : tensor<32x32xbf16>, tensor<32x32xbf16>, tensor<32x32xf32>
  ag.store %r, %o[%c0 : 32, %c0 : 32] : tensor<32x32xf32>, $o)";
  // Weights may be rounded to either neighbour.
  c.tensors[3].near(1e-2, 1e-2);
  return c;
}

TEST(PairedDot, KeepLeavesOutWhatIsNoNumber) {
  for (Layout y : allLayouts)
    for (Layout o : {Layout::rows, Layout::columns})
      for (double special : {1.0, double(NAN), double(INFINITY)})
        for (bool leftOut : {true, false})
          agree(maskedCase(y, o, special, leftOut));
}

TEST(PairedDot, TilesAreUsed) {
  if (!machine_runs("x86-64-v4-bf16"))
    GTEST_SKIP() << "needs AVX512_BF16";
  if (machine_runs("x86-64-v4-amx"))
    GTEST_SKIP() << "this machine has tile registers of its own";
  long before = TileEmulator::products();
  agree(
      dotCase("bf16", 64, 32, 64, Layout::rows, Layout::columns, Layout::rows));
  // 4 x 2 tiles of the result, twice 32 products deep.
  EXPECT_EQ(TileEmulator::products() - before, 16);
}

} // namespace
} // namespace attn_grid::test
