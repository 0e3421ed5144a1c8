// Products of tiles: every shape, element type and way that operands lie.

#include "test/reference/Agreement.h"
#include "test/reference/DotCase.h"

#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace attn_grid::test {
namespace {

const std::vector<std::string> elementTypes = {
    "i8",   "i16", "i32", "i64",      "f16",
    "bf16", "f32", "f64", "f8E4M3FN", "f8E5M2"};

TEST(Dot, EveryShape) {
  // All powers of two up to 64; one kernel has all k of one result's shape.
  for (int64_t m = 1; m <= 64; m *= 2)
    for (int64_t n = 1; n <= 64; n *= 2) {
      Case c;
      c.tensor("x", "f32", {m, 127}, m % 3 == 1 ? Layout::rows : Layout::loose);
      c.tensor("y", "f32", {127, n},
               n % 3 == 1 ? Layout::rows : Layout::columns);
      c.tensor("o", "f32", {m, n}, m < n ? Layout::rows : Layout::columns)
          .out();
      std::string sum = "%zero";
      c.body = fmt::format(
          "  %zero = arith.constant dense<0.0> : tensor<{0}x{1}xf32>\n", m, n);
      for (int64_t k = 1; k <= 64; k *= 2) {
        // Each takes the next elements along the contracted axis.
        c.body += fmt::format(R"(
  %i{2} = arith.constant {3} : i32
  %a{2} = ag.load %x[%c0 : {0}, %i{2} : {2}] : $x -> tensor<{0}x{2}xf32>
  %b{2} = ag.load %y[%i{2} : {2}, %c0 : {1}] : $y -> tensor<{2}x{1}xf32>
  %r{2} = ag.dot %a{2}, %b{2}, {4} : tensor<{0}x{2}xf32>, tensor<{2}x{1}xf32>, tensor<{0}x{1}xf32>)",
                              m, n, k, k - 1, sum);
        sum = fmt::format("%r{}", k);
      }
      c.body += fmt::format("\n  ag.store {2}, %o[%c0 : {0}, %c0 : {1}] : "
                            "tensor<{0}x{1}xf32>, $o",
                            m, n, sum);
      agree(c);
    }
}

TEST(Dot, EveryTypeAndLayout) {
  for (const std::string &element : elementTypes)
    for (Layout x : allLayouts)
      for (Layout y : allLayouts)
        for (Layout o : {Layout::rows, Layout::columns})
          agree(dotCase(element, 16, 32, 8, x, y, o));
}

TEST(Dot, AsLargeAsAMatrixUnitTakes) {
  for (const std::string &element : {"f16", "bf16", "i8"})
    for (Layout x : allLayouts)
      for (Layout y : allLayouts)
        for (auto [m, n, k] :
             {std::tuple(16, 8, 32), {16, 16, 64}, {64, 32, 64}, {128, 64, 32}})
          agree(dotCase(element, m, n, k, x, y, Layout::rows));
}

TEST(Dot, SticksOutOfItsTensors) {
  for (const std::string &element : {"f32", "f16", "i8"})
    for (Layout x : allLayouts)
      for (Layout y : {Layout::rows, Layout::columns})
        for (auto [m, n, k] :
             {std::tuple(13, 30, 5), {16, 32, 8}, {1, 17, 7}}) {
          Case c = dotCase(element, 16, 32, 8, x, y, Layout::rows);
          c.tensors[0].sizes = {m, k};
          c.tensors[1].sizes = {k, n};
          c.tensors[2].sizes = {m, n};
          c.tensors[3].sizes = {m, n};
          agree(c);
        }
}

TEST(Dot, PaddingOfKnownExtents) {
  for (const std::string &element : {"f32", "bf16"})
    for (Layout x : {Layout::rows, Layout::columns})
      for (Layout y : {Layout::rows, Layout::columns}) {
        Case c = dotCase(element, 8, 32, 64, x, y, Layout::rows);
        c.tensors[0].sizes = {8, 40};
        c.tensors[1].sizes = {40, 20};
        c.tensors[2].sizes = {8, 20};
        c.tensors[3].sizes = {8, 20};
        for (TensorArgument &tensor : c.tensors)
          tensor.known();
        agree(c);
      }
}

TEST(Dot, KeepLeavesOutNaN) {
  for (const std::string &element : {"f32", "f16", "f64"})
    for (Layout layout : {Layout::rows, Layout::columns})
      for (Layout o : {Layout::rows, Layout::columns}) {
        std::string acc = accumulator(element);
        Case c;
        c.tensor("x", element, {16, 16}, layout);
        c.tensor("y", element, {16, 32}, layout).filled([](int64_t i) {
          return i / 32 % 3 == 0 ? double(NAN) : small(i);
        });
        c.tensor("m", "i1", {16, 16}).filled([](int64_t i) {
          return double(i % 16 % 3 != 0 && i % 7 != 2);
        });
        c.tensor("o", acc, {16, 32}, o).out();
        c.body = fmt::format(R"(
  %a = ag.load %x[%c0 : 16, %c0 : 16] : $x -> tensor<16x16x{0}>
  %b = ag.load %y[%c0 : 16, %c0 : 32] : $y -> tensor<16x32x{0}>
  %keep = ag.load %m[%c0 : 16, %c0 : 16] : $m -> tensor<16x16xi1>
  %zero = arith.constant dense<1.0> : tensor<16x32x{1}>
  %r = ag.dot %a, %b, %zero keep %keep : tensor<16x16x{0}>, tensor<16x32x{0}>, tensor<16x32x{1}>
  ag.store %r, %o[%c0 : 16, %c0 : 32] : tensor<16x32x{1}>, $o)",
                             element, acc);
        agree(c);
      }
}

// Loops that add up masked products, in a loop or one after the other. Rows of
// the second factor that are left out, here and there or always, are not
// finite.
class KeepInLoops {
public:
  const std::string product = R"(
      %v = arith.mulf %u, %half : tensor<16x16xf32>
      %w = ag.dot %a, %b, %v keep %keep : tensor<16x16xf16>, tensor<16x16xf16>, tensor<16x16xf32>
      scf.yield %w : tensor<16x16xf32>)";
  const std::string branch = R"(
      %odd = arith.cmpi ne, %tile, %c1 : i32
      %v = scf.if %odd -> (tensor<16x16xf32>) {
        %w = ag.dot %a, %b, %u keep %keep : tensor<16x16xf16>, tensor<16x16xf16>, tensor<16x16xf32>
        scf.yield %w : tensor<16x16xf32>
      } else {
        scf.yield %u : tensor<16x16xf32>
      }
      scf.yield %v : tensor<16x16xf32>)";
  const std::string unmasked = R"(
      %v = ag.dot %a, %a, %u : tensor<16x16xf16>, tensor<16x16xf16>, tensor<16x16xf32>
      scf.yield %v : tensor<16x16xf32>)";
  /// What is not a number counts as 0 a trip later, and leaves no trace.
  const std::string hidden = R"(
      %ok = arith.cmpf ord, %u, %u : tensor<16x16xf32>
      %known = arith.select %ok, %u, %zero : tensor<16x16xi1>, tensor<16x16xf32>
      %v = ag.dot %a, %a, %known : tensor<16x16xf16>, tensor<16x16xf16>, tensor<16x16xf32>
      scf.yield %v : tensor<16x16xf32>)";

  /// `result` = a loop over tiles `first` and the next, which begins with
  /// `init`.
  std::string loop(const char *result, const std::string &body,
                   const char *init, const char *first) {
    return fmt::format(R"(
    {} = scf.for %j = %c0 to %c2 step %c1 iter_args(%u = {}) -> (tensor<16x16xf32>) : i32 {{
      %tile = arith.addi {}, %j : i32
      %at = arith.muli %tile, %c16 : i32
      %b = ag.load %y[%at : 16, %c0 : 16] : $y -> tensor<16x16xf16>
      %keep = ag.load %m[%at : 16, %c0 : 16] : $m -> tensor<16x16xi1>
      {}
    }})",
                       result, init, first, body);
  }

  /// `body` computes %o0 and %o1.
  void check(const std::string &body) {
    for (int64_t bad : {-1, 5, 40}) // the row that is not finite
      for (bool kept : {false, true}) {
        if (kept && bad < 0)
          continue;
        Case c;
        c.tensor("x", "f16", {16, 16});
        c.tensor("y", "f16", {64, 16}).filled([=](int64_t i) {
          return i / 16 == bad ? (i % 2 ? INFINITY : NAN) : small(i);
        });
        c.tensor("m", "i1", {64, 16}).filled([=](int64_t i) {
          // Of column `bad % 16` in the tile that meets that row.
          bool meets = i / 256 == bad / 16 && i % 16 == bad % 16;
          return double(meets ? kept && i / 16 % 16 == 3 : i % 7 != 2);
        });
        c.tensor("o", "f32", {16, 16}).out();
        c.tensor("p", "f32", {16, 16}).out();
        c.body = R"(
  %c1 = arith.constant 1 : i32
  %c2 = arith.constant 2 : i32
  %c3 = arith.constant 3 : i32
  %c16 = arith.constant 16 : i32
  %a = ag.load %x[%c0 : 16, %c0 : 16] : $x -> tensor<16x16xf16>
  %zero = arith.constant dense<0.0> : tensor<16x16xf32>
  %half = arith.constant dense<0.5> : tensor<16x16xf32>
)" + body + R"(
  ag.store %o0, %o[%c0 : 16, %c0 : 16] : tensor<16x16xf32>, $o
  ag.store %o1, %p[%c0 : 16, %c0 : 16] : tensor<16x16xf32>, $p)";
        agree(c);
      }
  }
};

TEST(Dot, KeepInLoopsOfLoops) {
  KeepInLoops test;
  const std::string hide = R"(
    %ok = arith.cmpf ord, %q, %q : tensor<16x16xf32>
    %known = arith.select %ok, %q, %zero : tensor<16x16xi1>, tensor<16x16xf32>
    %r = arith.addf %t, %known : tensor<16x16xf32>)";
  auto check = [&](const std::string &body, const char *s, const char *t) {
    test.check(
        "%o0, %o1 = scf.for %i = %c0 to %c3 step %c1 iter_args(%s = %zero, %t "
        "= %zero) -> (tensor<16x16xf32>, tensor<16x16xf32>) : i32 {" +
        body +
        fmt::format("\nscf.yield {}, {} : tensor<16x16xf32>, "
                    "tensor<16x16xf32> }}",
                    s, t));
  };
  const std::string &product = test.product;
  check(test.loop("%q", product, "%s", "%i"), "%q", "%t");
  check(test.loop("%q", test.branch, "%s", "%i"), "%q", "%t");
  check(test.loop("%q", product, "%s", "%i") +
            test.loop("%r", test.branch, "%q", "%i"),
        "%r", "%t");
  check(test.loop("%q", product, "%zero", "%i") +
            "\n%r = arith.addf %s, %q : tensor<16x16xf32>",
        "%r", "%t");
  check(test.loop("%q", product, "%s", "%i") + hide, "%r", "%t");
  check(test.loop("%q", product, "%zero", "%i") + hide, "%q", "%r");
  check(test.loop("%q", product, "%zero", "%i") + hide +
            "\n%less = arith.mulf %s, %half : tensor<16x16xf32>",
        "%less", "%r");
}

TEST(Dot, KeepInLoopsOneAfterTheOther) {
  KeepInLoops test;
  const std::string first = test.loop("%q", test.product, "%zero", "%c0");
  for (const std::string &last : {test.product, test.branch, test.hidden})
    for (const std::string &middle :
         {test.branch, test.unmasked, test.hidden}) {
      std::string loops = first + test.loop("%o0", middle, "%q", "%c1") +
                          test.loop("%o1", last, "%o0", "%c2");
      test.check(loops); // %o0 is stored as well
      test.check(first + test.loop("%r", middle, "%q", "%c1") +
                 test.loop("%o0", last, "%r", "%c2") +
                 "\n%o1 = arith.addf %zero, %o0 : tensor<16x16xf32>");
    }
}

TEST(Dot, KeepOfBytes) {
  for (Layout layout : {Layout::rows, Layout::columns}) {
    Case c;
    c.tensor("x", "i8", {16, 64}, layout);
    c.tensor("y", "i8", {64, 32}, layout);
    c.tensor("m", "i1", {16, 64}).filled([](int64_t i) {
      return double(i % 16 % 3 != 0 && i % 7 != 2);
    });
    c.tensor("o", "i32", {16, 32}).out();
    c.body = R"(
  %a = ag.load %x[%c0 : 16, %c0 : 64] : $x -> tensor<16x64xi8>
  %b = ag.load %y[%c0 : 64, %c0 : 32] : $y -> tensor<64x32xi8>
  %keep = ag.load %m[%c0 : 16, %c0 : 64] : $m -> tensor<16x64xi1>
  %one = arith.constant dense<1> : tensor<16x32xi32>
  %r = ag.dot %a, %b, %one keep %keep : tensor<16x64xi8>, tensor<64x32xi8>, tensor<16x32xi32>
  ag.store %r, %o[%c0 : 16, %c0 : 32] : tensor<16x32xi32>, $o)";
    agree(c);
  }
}

TEST(Dot, KeepThatIsComputed) {
  // A causal mask of positions, and one that keeps nothing of some rows.
  Case c;
  c.tensor("x", "f32", {16, 32});
  c.tensor("y", "f32", {32, 16});
  c.tensor("o", "f32", {16, 16}).out();
  c.scalar("shift", "i32", 5);
  c.body = R"(
  %a = ag.load %x[%c0 : 16, %c0 : 32] : $x -> tensor<16x32xf32>
  %b = ag.load %y[%c0 : 32, %c0 : 16] : $y -> tensor<32x16xf32>
  %i = ag.iota : tensor<16xi32>
  %j = ag.iota : tensor<32xi32>
  %rows = ag.broadcast %i along [0] : tensor<16xi32> -> tensor<16x32xi32>
  %cols = ag.broadcast %j along [1] : tensor<32xi32> -> tensor<16x32xi32>
  %s = tensor.splat %shift : tensor<16x32xi32>
  %moved = arith.subi %rows, %s : tensor<16x32xi32>
  %keep = arith.cmpi sle, %cols, %moved : tensor<16x32xi32>
  %zero = arith.constant dense<0.0> : tensor<16x16xf32>
  %r = ag.dot %a, %b, %zero keep %keep : tensor<16x32xf32>, tensor<32x16xf32>, tensor<16x16xf32>
  ag.store %r, %o[%c0 : 16, %c0 : 16] : tensor<16x16xf32>, $o)";
  agree(c);
}

TEST(Dot, OperandsThatAreComputed) {
  for (const std::string &element : elementTypes)
    for (Layout o : {Layout::rows, Layout::columns}) {
      if (element[0] == 'f' && element[1] == '8')
        continue; // no arithmetic
      std::string acc = accumulator(element);
      bool real = element[0] != 'i';
      Case c;
      c.tensor("x", element, {16, 16});
      c.tensor("o", acc, {16, 16}, o).out();
      c.body =
          fmt::format(R"(
  %a = ag.load %x[%c0 : 16, %c0 : 16] : $x -> tensor<16x16x{0}>
  %b = arith.{2} %a, %a : tensor<16x16x{0}>
  %t = ag.transpose %a [1, 0] : tensor<16x16x{0}> -> tensor<16x16x{0}>
  %u = ag.transpose %b [1, 0] : tensor<16x16x{0}> -> tensor<16x16x{0}>
  %zero = arith.constant dense<{3}> : tensor<16x16x{1}>
  %p = ag.dot %b, %t, %zero : tensor<16x16x{0}>, tensor<16x16x{0}>, tensor<16x16x{1}>
  %q = ag.dot %u, %a, %p : tensor<16x16x{0}>, tensor<16x16x{0}>, tensor<16x16x{1}>
  %r = ag.dot %t, %u, %q : tensor<16x16x{0}>, tensor<16x16x{0}>, tensor<16x16x{1}>
  ag.store %r, %o[%c0 : 16, %c0 : 16] : tensor<16x16x{1}>, $o)",
                      element, acc, real ? "addf" : "addi", real ? "0.0" : "0");
      agree(c);
    }
}

TEST(Dot, OfADot) {
  // The first result is a factor of the second, on either side.
  for (Layout o : {Layout::rows, Layout::columns}) {
    Case c;
    c.tensor("x", "f32", {8, 16});
    c.tensor("y", "f32", {16, 8});
    c.tensor("o", "f32", {8, 8}, o).out();
    c.tensor("u", "f32", {16, 16}, o).out();
    c.body = R"(
  %a = ag.load %x[%c0 : 8, %c0 : 16] : $x -> tensor<8x16xf32>
  %b = ag.load %y[%c0 : 16, %c0 : 8] : $y -> tensor<16x8xf32>
  %zero = arith.constant dense<0.0> : tensor<8x8xf32>
  %p = ag.dot %a, %b, %zero : tensor<8x16xf32>, tensor<16x8xf32>, tensor<8x8xf32>
  %q = ag.dot %p, %p, %p : tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>
  ag.store %q, %o[%c0 : 8, %c0 : 8] : tensor<8x8xf32>, $o
  %wide = arith.constant dense<2.0> : tensor<16x16xf32>
  %half = arith.constant dense<0.0> : tensor<16x8xf32>
  %t = ag.dot %b, %p, %half : tensor<16x8xf32>, tensor<8x8xf32>, tensor<16x8xf32>
  %v = ag.dot %t, %a, %wide : tensor<16x8xf32>, tensor<8x16xf32>, tensor<16x16xf32>
  ag.store %v, %u[%c0 : 16, %c0 : 16] : tensor<16x16xf32>, $u)";
    agree(c);
  }
}

TEST(Dot, AnyFloatsAreNear) {
  for (const std::string &element : {"f16", "bf16", "f32", "f64"}) {
    Case c = dotCase(element, 32, 32, 64, Layout::rows, Layout::columns,
                     Layout::rows);
    for (TensorArgument &tensor : c.tensors)
      tensor.filled([](int64_t i) { return std::sin(double(i)); });
    c.tensors[3].near(1e-5, 1e-5);
    agree(c);
  }
}

TEST(Dot, IntegersWrap) {
  for (const std::string &element : {"i32", "i64"}) {
    Case c =
        dotCase(element, 8, 16, 16, Layout::rows, Layout::rows, Layout::rows);
    for (TensorArgument &tensor : c.tensors)
      tensor.filled([](int64_t i) { return small(i) * 400000000.0; });
    agree(c);
  }
}

} // namespace
} // namespace attn_grid::test
