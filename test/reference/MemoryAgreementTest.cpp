// Loads, stores, gathers, scatters and atomics: every element type, layout and
// way of sticking out of a tensor.

#include "test/reference/Agreement.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace attn_grid::test {
namespace {

const std::vector<std::string> elementTypes = {
    "i1",   "i8",  "i16", "i32",      "i64",   "f16",
    "bf16", "f32", "f64", "f8E4M3FN", "f8E5M2"};

/// Values that fill bytes and signs: `wild` for floats.
Fill fillFor(const std::string &element) {
  if (element[0] != 'i')
    return wild;
  if (element == "i1")
    return [](int64_t i) { return double(i % 3 == 0); };
  return [](int64_t i) { return double((i * 37) % 251 - 125); };
}

/// Copies a tile through `load` and `store`.
Case copyOf(const std::string &element, Layout from, Layout to,
            std::vector<int64_t> sizes, int64_t rows, int64_t columns) {
  Case c;
  c.tensor("x", element, sizes, from).filled(fillFor(element));
  c.tensor("o", element, sizes, to).out().filled(fillFor(element));
  for (const char *name : {"i", "j", "p", "q"})
    c.scalar(name, "i32", 0);
  c.body = fmt::format(R"(
  %t = ag.load %x[%i : {0}, %j : {1}] : $x -> tensor<{0}x{1}x{2}>
  ag.store %t, %o[%p : {0}, %q : {1}] : tensor<{0}x{1}x{2}>, $o)",
                       rows, columns, element);
  return c;
}

TEST(Memory, EveryElementTypeAndLayout) {
  for (const std::string &element : elementTypes)
    for (Layout from : allLayouts)
      for (Layout to : allLayouts) {
        Case c = copyOf(element, from, to, {13, 21}, 16, 32);
        agree(c);
      }
}

TEST(Memory, TilesStickOutOnBothSides) {
  for (Layout from : allLayouts)
    for (Layout to : allLayouts)
      for (int64_t rows : {1, 4, 16})
        for (auto [i, j] : {std::pair(-3, -5), {2, 7}, {-20, 0}, {40, 1}}) {
          Case c = copyOf("f32", from, to, {9, 17}, rows, 32);
          c.scalars[0].value = i;
          c.scalars[1].value = j;
          c.scalars[2].value = -2;
          c.scalars[3].value = -1;
          agree(c);
        }
}

TEST(Memory, ExtremeIndices) {
  for (int64_t at : {INT32_MIN, INT32_MIN + 7, INT32_MAX - 3, INT32_MAX}) {
    Case c = copyOf("f32", Layout::rows, Layout::rows, {9, 17}, 8, 16);
    c.scalars[0].value = at;
    c.scalars[3].value = at;
    agree(c);
  }
}

TEST(Memory, EmptyTensors) {
  agree(copyOf("f32", Layout::rows, Layout::rows, {0, 5}, 4, 8));
  agree(copyOf("i1", Layout::columns, Layout::rows, {3, 0}, 4, 8));
}

TEST(Memory, KnownSizes) {
  for (Layout layout : allLayouts) {
    Case c = copyOf("f32", layout, Layout::rows, {6, 80}, 8, 128);
    c.tensors[0].known();
    c.tensors[1].known();
    agree(c);
  }
}

TEST(Memory, ScalarsAndDroppedDimensions) {
  Case c;
  c.tensor("x", "f32", {3, 5, 7}).filled(wild);
  c.tensor("o", "f32", {7, 3}).out();
  c.scalar("i", "i32", 2);
  c.scalar("j", "i32", 4);
  c.scalar("out", "i32", 5);
  c.body = R"(
  %row = ag.load %x[%i, %j, %c0 : 8] : $x -> tensor<8xf32>
  ag.store %row, %o[%c0 : 8, %i] : tensor<8xf32>, $o
  %one = ag.load %x[%i, %j, %i] : $x -> f32
  ag.store %one, %o[%i, %c0] : f32, $o
  %none = ag.load %x[%i, %out, %i] : $x -> f32
  ag.store %none, %o[%j, %c0] : f32, $o
  ag.store %one, %o[%out, %out] : f32, $o)";
  agree(c);
}

TEST(Memory, Steps) {
  for (Layout layout : allLayouts)
    for (int64_t step : {-3, -1, 0, 1, 2, 5}) {
      Case c;
      c.tensor("x", "i16", {11, 19}, layout).filled(fillFor("i16"));
      c.tensor("o", "i16", {16, 16}).out();
      c.scalar("i", "i32", 9);
      c.scalar("s", "i32", step);
      c.scalar("one", "i32", 1);
      c.body = R"(
  %a = ag.load %x[%i : 16 step %s, %c0 : 16 step %one] : $x -> tensor<16x16xi16>
  ag.store %a, %o[%c0 : 16, %c0 : 16] : tensor<16x16xi16>, $o
  %b = ag.load %x[%c0 step %one, %i : 8 step %s] : $x -> tensor<8xi16>
  ag.store %b, %o[%c0 : 8, %one] : tensor<8xi16>, $o)";
      agree(c);
    }
}

TEST(Memory, StepsOfStores) {
  for (Layout layout : allLayouts) {
    Case c;
    c.tensor("x", "f32", {8, 8});
    c.tensor("o", "f32", {20, 30}, layout).out();
    c.scalar("s", "i32", 3);
    c.scalar("t", "i32", -2);
    c.scalar("e", "i32", 11);
    c.body = R"(
  %a = ag.load %x[%c0 : 8, %c0 : 8] : $x -> tensor<8x8xf32>
  ag.store %a, %o[%c0 : 8 step %s, %e : 8 step %t] : tensor<8x8xf32>, $o)";
    agree(c);
  }
}

TEST(Memory, IndexTiles) {
  for (Layout layout : allLayouts)
    for (bool rows : {false, true}) {
      Case c;
      c.tensor("x", "bf16", {9, 33}, layout).filled(wild);
      c.tensor("n", "i32", {16}).filled([](int64_t i) {
        return double((i * 7) % 13 - 2);
      });
      c.tensor("o", "bf16", {16, 32}, layout).out();
      c.body = R"(
  %at = ag.load %n[%c0 : 16] : $n -> tensor<16xi32>
)";
      c.body += rows ? R"(
  %a = ag.load %x[%at : 16, %c0 : 32] : $x indices [tensor<16xi32>, i32] -> tensor<16x32xbf16>
  ag.store %a, %o[%c0 : 16, %c0 : 32] : tensor<16x32xbf16>, $o)"
                     : R"(
  %a = ag.load %x[%c0 : 16, %at : 16] : $x indices [i32, tensor<16xi32>] -> tensor<16x16xbf16>
  ag.store %a, %o[%c0 : 16, %c0 : 16] : tensor<16x16xbf16>, $o)";
      agree(c);
    }
}

TEST(Memory, KeepAndOther) {
  for (const std::string &element : elementTypes)
    for (Layout layout : allLayouts) {
      Case c;
      c.tensor("x", element, {13, 15}, layout).filled(fillFor(element));
      c.tensor("y", element, {16, 16}, layout).filled(fillFor(element));
      c.tensor("m", "i1", {16, 16}).filled(fillFor("i1"));
      c.tensor("o", element, {16, 16}, layout).out();
      c.tensor("u", element, {14, 14}, layout).out();
      c.body = fmt::format(R"(
  %keep = ag.load %m[%c0 : 16, %c0 : 16] : $m -> tensor<16x16xi1>
  %other = ag.load %y[%c0 : 16, %c0 : 16] : $y -> tensor<16x16x{0}>
  %a = ag.load %x[%c0 : 16, %c0 : 16] keep %keep other %other : $x -> tensor<16x16x{0}>
  ag.store %a, %o[%c0 : 16, %c0 : 16] : tensor<16x16x{0}>, $o
  ag.store %a, %u[%c0 : 16, %c0 : 16] keep %keep : tensor<16x16x{0}>, $u)",
                           element);
      agree(c);
    }
}

TEST(Memory, ScalarKeepAndOther) {
  for (int64_t at : {0, 3, 9}) {
    Case c;
    c.tensor("x", "f16", {5}).filled(wild);
    c.tensor("o", "f16", {4}).out();
    c.scalar("i", "i32", at);
    c.scalar("keep", "i1", at == 0);
    c.scalar("other", "f16", 0.1);
    c.scalar("one", "i32", 1);
    c.body = R"(
  %a = ag.load %x[%i] other %other : $x -> f16
  %b = ag.load %x[%i] keep %keep : $x -> f16
  ag.store %a, %o[%c0] : f16, $o
  ag.store %b, %o[%one] keep %keep : f16, $o)";
    agree(c);
  }
}

TEST(Memory, GatherAndScatter) {
  for (const std::string &element : elementTypes)
    for (Layout layout : allLayouts) {
      Case c;
      c.tensor("x", element, {9, 14}, layout).filled(fillFor(element));
      // Different places, some of them outside.
      c.tensor("p", "i32", {8, 16}, layout).filled([](int64_t i) {
        return double(i / 12 - 1);
      });
      c.tensor("q", "i32", {8, 16}).filled([](int64_t i) {
        return double(i % 12 + 1);
      });
      c.tensor("m", "i1", {8, 16}).filled(fillFor("i1"));
      c.tensor("o", element, {10, 13}, layout).out();
      c.scalar("col", "i32", 3);
      c.body = fmt::format(R"(
  %i = ag.load %p[%c0 : 8, %c0 : 16] : $p -> tensor<8x16xi32>
  %j = ag.load %q[%c0 : 8, %c0 : 16] : $q -> tensor<8x16xi32>
  %keep = ag.load %m[%c0 : 8, %c0 : 16] : $m -> tensor<8x16xi1>
  %other = ag.gather %x[%i, %col] : ($x, tensor<8x16xi32>, i32) -> tensor<8x16x{0}>
  %a = ag.gather %x[%i, %j] keep %keep other %other : ($x, tensor<8x16xi32>, tensor<8x16xi32>, tensor<8x16xi1>, tensor<8x16x{0}>) -> tensor<8x16x{0}>
  ag.scatter %a, %o[%i, %j] : (tensor<8x16x{0}>, $o, tensor<8x16xi32>, tensor<8x16xi32>) -> ()
  %b = ag.gather %x[%j, %i] : ($x, tensor<8x16xi32>, tensor<8x16xi32>) -> tensor<8x16x{0}>
  ag.scatter %b, %o[%i, %j] keep %keep : (tensor<8x16x{0}>, $o, tensor<8x16xi32>, tensor<8x16xi32>, tensor<8x16xi1>) -> ())",
                           element);
      agree(c);
    }
}

TEST(Memory, GatherOfOnePlace) {
  // All lanes name one element; some want none of it.
  Case c;
  c.tensor("x", "f32", {7}).filled(wild);
  c.tensor("m", "i1", {32}).filled(fillFor("i1"));
  c.tensor("o", "f32", {3, 32}).out();
  c.scalar("i", "i32", 5);
  c.scalar("far", "i32", 9);
  c.scalar("one", "i32", 1);
  c.scalar("two", "i32", 2);
  c.body = R"(
  %keep = ag.load %m[%c0 : 32] : $m -> tensor<32xi1>
  %a = ag.gather %x[%i] keep %keep : ($x, i32, tensor<32xi1>) -> tensor<32xf32>
  %b = ag.gather %x[%far] keep %keep other %a : ($x, i32, tensor<32xi1>, tensor<32xf32>) -> tensor<32xf32>
  %d = ag.gather %x[%i] : ($x, i32) -> tensor<32xf32>
  ag.store %a, %o[%c0, %c0 : 32] : tensor<32xf32>, $o
  ag.store %b, %o[%one, %c0 : 32] : tensor<32xf32>, $o
  ag.store %d, %o[%two, %c0 : 32] : tensor<32xf32>, $o)";
  agree(c);
}

TEST(Memory, OtherOfOnePlace) {
  // Along the lanes one element is read, and each lane has its own other.
  Case c;
  c.tensor("x", "f32", {5, 7}).filled(wild);
  c.tensor("y", "f32", {4, 32}).filled(wild);
  c.tensor("o", "f32", {4, 32}).out();
  c.scalar("i", "i32", 3);
  c.body = R"(
  %other = ag.load %y[%c0 : 4, %c0 : 32] : $y -> tensor<4x32xf32>
  %n = ag.iota : tensor<4xi32>
  %rows = ag.broadcast %n along [0] : tensor<4xi32> -> tensor<4x32xi32>
  %three = tensor.splat %i : tensor<4x32xi32>
  %at = arith.addi %rows, %three : tensor<4x32xi32>
  %a = ag.gather %x[%at, %rows] other %other : ($x, tensor<4x32xi32>, tensor<4x32xi32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  ag.store %a, %o[%c0 : 4, %c0 : 32] : tensor<4x32xf32>, $o)";
  agree(c);
}

TEST(Memory, OneKeptColumn) {
  // A mask of one lane, known while compiling: its neighbours stay.
  for (const std::string &element : elementTypes)
    for (int column : {0, 1, 15}) {
      Case c;
      c.tensor("x", element, {8, 16}).filled(fillFor(element));
      c.tensor("o", element, {8, 16}).out();
      c.body = fmt::format(R"(
  %a = ag.load %x[%c0 : 8, %c0 : 16] : $x -> tensor<8x16x{0}>
  %n = ag.iota : tensor<16xi32>
  %columns = ag.broadcast %n along [1] : tensor<16xi32> -> tensor<8x16xi32>
  %which = arith.constant dense<{1}> : tensor<8x16xi32>
  %keep = arith.cmpi eq, %columns, %which : tensor<8x16xi32>
  ag.store %a, %o[%c0 : 8, %c0 : 16] keep %keep : tensor<8x16x{0}>, $o)",
                           element, column);
      agree(c);
    }
}

TEST(Memory, Atomics) {
  for (const char *element : {"i32", "i64", "f32", "f64"})
    for (const char *kind : {"add", "min", "max", "umin", "umax"}) {
      bool floats = element[0] == 'f', sum = std::string(kind) == "add";
      if (floats && !sum && (kind[0] == 'u' || element[1] == '6'))
        continue;
      for (Layout layout : allLayouts) {
        Case c;
        c.programs = 3;
        c.tensor("x", element, {8, 16});
        c.tensor("m", "i1", {8, 16}).filled(fillFor("i1"));
        c.tensor("n", "i32", {16}).filled([](int64_t i) {
          return double((i * 5) % 9);
        });
        c.tensor("t", element, {6, 11}, layout).out().filled(eighths);
        c.tensor("o", element, {8, 16}, layout).out().ofOrder();
        c.scalar("i", "i32", -1);
        c.body = fmt::format(R"(
  %v = ag.load %x[%c0 : 8, %c0 : 16] : $x -> tensor<8x16x{0}>
  %keep = ag.load %m[%c0 : 8, %c0 : 16] : $m -> tensor<8x16xi1>
  %at = ag.load %n[%c0 : 16] : $n -> tensor<16xi32>
  %old = ag.atomic {1} %v, %t[%i, %c0] extents [8, 16] keep %keep : (tensor<8x16x{0}>, $t, i32, i32, tensor<8x16xi1>) -> tensor<8x16x{0}>
  ag.store %old, %o[%c0 : 8, %c0 : 16] : tensor<8x16x{0}>, $o
  %more = ag.atomic {1} %v, %t[%c0, %at] extents [8, 16] : (tensor<8x16x{0}>, $t, i32, tensor<16xi32>) -> tensor<8x16x{0}>
  ag.store %more, %o[%c0 : 8, %c0 : 16] keep %keep : tensor<8x16x{0}>, $o
  %one = ag.load %x[%c0, %c0] : $x -> {0}
  %was = ag.atomic {1} %one, %t[%c0, %c0] extents [0, 0] : ({0}, $t, i32, i32) -> {0}
  ag.store %was, %o[%c0, %c0] : {0}, $o)",
                             element, kind);
        agree(c);
      }
    }
}

TEST(Memory, Views) {
  // A view begins inside, has steps, drops a dimension, and is a tensor again.
  for (Layout layout : allLayouts) {
    Case c;
    c.tensor("x", "f32", {4, 9, 20}, layout).filled(wild);
    c.tensor("o", "f32", {16, 16}).out();
    c.scalar("i", "index", 2);
    c.scalar("n", "index", 5);
    c.scalar("three", "index", 3);
    c.body = R"(
  %v = memref.subview %x[%i, 1, %three] [1, %n, %n] [1, 1, %three] : $x to memref<?x?xf32, strided<[?, ?], offset: ?>>
  %a = ag.load %v[%c0 : 16, %c0 : 16] : memref<?x?xf32, strided<[?, ?], offset: ?>> -> tensor<16x16xf32>
  ag.store %a, %o[%c0 : 16, %c0 : 16] : tensor<16x16xf32>, $o)";
    agree(c);
  }
}

TEST(Memory, ReadsAndWritesKeepTheirOrder) {
  // Each load sees the store before it and not the one after.
  for (Layout layout : allLayouts) {
    Case c;
    c.tensor("o", "f32", {8, 16}, layout).out();
    c.tensor("u", "f32", {8, 16}).out();
    c.scalar("one", "i32", 1);
    c.body = R"(
  %a = ag.load %o[%c0 : 8, %c0 : 16] : $o -> tensor<8x16xf32>
  %b = arith.addf %a, %a : tensor<8x16xf32>
  ag.store %b, %o[%one : 8, %one : 16] : tensor<8x16xf32>, $o
  %c = ag.load %o[%c0 : 8, %c0 : 16] : $o -> tensor<8x16xf32>
  %d = arith.addf %c, %a : tensor<8x16xf32>
  ag.store %d, %o[%c0 : 8, %c0 : 16] : tensor<8x16xf32>, $o
  ag.store %c, %u[%c0 : 8, %c0 : 16] : tensor<8x16xf32>, $u)";
    agree(c);
  }
}

TEST(Memory, ATransposedTileIsReadBeforeItIsOverwritten) {
  for (Layout layout : allLayouts) {
    Case c;
    c.tensor("o", "f32", {16, 16}, layout).out();
    c.body = R"(
  %a = ag.load %o[%c0 : 16, %c0 : 16] : $o -> tensor<16x16xf32>
  %t = ag.transpose %a [1, 0] : tensor<16x16xf32> -> tensor<16x16xf32>
  ag.store %t, %o[%c0 : 16, %c0 : 16] : tensor<16x16xf32>, $o)";
    agree(c);
  }
}

} // namespace
} // namespace attn_grid::test
