// arith, math and shapes: each operation on each element type.

#include "test/reference/Agreement.h"

#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace attn_grid::test {
namespace {

const std::vector<std::string> floatTypes = {"f16", "bf16", "f32", "f64"};
const std::vector<std::string> integerTypes = {"i8", "i16", "i32", "i64"};

/// Corners of a type, and numbers between.
Fill cornersOf(const std::string &element) {
  int bits = std::stoi(element.substr(1));
  return [bits](int64_t i) -> double {
    double top = std::ldexp(1.0, bits - 1);
    switch ((i * 7) % 11) {
    case 0:
      return -top;
    case 1:
      return bits == 64 ? std::nextafter(top, 0.0) : top - 1;
    case 2:
      return -1;
    case 3:
      return 0;
    case 4:
      return 1;
    case 5:
      return std::floor(top / 3);
    default:
      return small(i);
    }
  };
}

/// o = op(x, y, ...): `operation` has {x}, {y}, {z} and {t}, the tile's type.
Case elementwiseCase(const std::string &operation, const std::string &from,
                     const std::string &to, Fill fill) {
  Case c;
  for (const char *name : {"x", "y", "z"})
    c.tensor(name, from, {16, 32}).filled([fill, name](int64_t i) {
      return fill(i * 3 + name[0]);
    });
  c.tensor("o", to, {16, 32}).out();
  std::string type = "tensor<16x32x" + from + ">";
  std::string result = "tensor<16x32x" + to + ">";
  for (const char *name : {"x", "y", "z"})
    c.body += fmt::format(
        "  %{0}t = ag.load %{0}[%c0 : 16, %c0 : 32] : ${0} -> {1}\n", name,
        type);
  c.body += "  %r = " +
            fmt::format(fmt::runtime(operation), fmt::arg("x", "%xt"),
                        fmt::arg("y", "%yt"), fmt::arg("z", "%zt"),
                        fmt::arg("t", type), fmt::arg("r", result)) +
            "\n";
  c.body +=
      fmt::format("  ag.store %r, %o[%c0 : 16, %c0 : 32] : {}, $o", result);
  return c;
}

TEST(Elementwise, IntegerArithmetic) {
  for (const std::string &element : integerTypes)
    for (const char *op : {"addi", "subi", "muli", "andi", "ori", "xori",
                           "minsi", "maxsi", "minui", "maxui"})
      agree(elementwiseCase(fmt::format("arith.{} {{x}}, {{y}} : {{t}}", op),
                            element, element, cornersOf(element)));
}

TEST(Elementwise, DivisionsOfWhatIsDefined) {
  for (const std::string &element : integerTypes)
    for (const char *op : {"divsi", "divui", "remsi", "remui"}) {
      Case c = elementwiseCase(fmt::format("arith.{} {{x}}, {{y}} : {{t}}", op),
                               element, element, cornersOf(element));
      c.tensors[1].filled(
          [](int64_t i) { return double((i % 2 ? -1 : 1) * (i % 19 + 2)); });
      agree(c);
    }
}

TEST(Elementwise, ShiftsByLessThanTheWidth) {
  for (const std::string &element : integerTypes)
    for (const char *op : {"shli", "shrsi", "shrui"}) {
      Case c = elementwiseCase(fmt::format("arith.{} {{x}}, {{y}} : {{t}}", op),
                               element, element, cornersOf(element));
      int bits = std::stoi(element.substr(1));
      c.tensors[1].filled([bits](int64_t i) { return double(i % bits); });
      agree(c);
    }
}

TEST(Elementwise, MasksOfIntegers) {
  for (const std::string element : {"i8", "i16", "i32", "i64", "i1"})
    for (const char *op :
         {"eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge"})
      agree(elementwiseCase(
          fmt::format("arith.cmpi {}, {{x}}, {{y}} : {{t}}", op), element, "i1",
          cornersOf(element)));
}

TEST(Elementwise, MasksOfMasks) {
  for (const char *op : {"andi", "ori", "xori", "addi", "muli", "minsi",
                         "maxsi", "minui", "maxui"})
    agree(elementwiseCase(fmt::format("arith.{} {{x}}, {{y}} : {{t}}", op),
                          "i1", "i1", small));
}

TEST(Elementwise, FloatArithmeticIsCorrectlyRounded) {
  for (const std::string &element : floatTypes)
    for (const char *op : {"addf", "subf", "mulf", "divf"})
      for (const Fill &fill : {Fill(wild), Fill(eighths)})
        agree(elementwiseCase(fmt::format("arith.{} {{x}}, {{y}} : {{t}}", op),
                              element, element, fill));
}

TEST(Elementwise, FloatsThatChooseOrKeep) {
  for (const std::string &element : floatTypes) {
    for (const char *op : {"maxnumf", "minnumf"})
      agree(elementwiseCase(fmt::format("arith.{} {{x}}, {{y}} : {{t}}", op),
                            element, element, eighths));
    agree(elementwiseCase("arith.negf {x} : {t}", element, element, wild));
    for (const char *op : {"absf", "floor", "ceil", "roundeven", "sqrt"})
      agree(elementwiseCase(fmt::format("math.{} {{x}} : {{t}}", op), element,
                            element, wild));
    agree(elementwiseCase("math.fma {x}, {y}, {z} : {t}", element, element,
                          wild));
  }
}

TEST(Elementwise, RemainderOfFloats) {
  for (const std::string &element : floatTypes)
    agree(elementwiseCase("arith.remf {x}, {y} : {t}", element, element,
                          eighths));
}

TEST(Elementwise, MasksOfFloats) {
  for (const std::string &element : floatTypes)
    for (const char *op :
         {"false", "oeq", "ogt", "oge", "olt", "ole", "one", "ord", "ueq",
          "ugt", "uge", "ult", "ule", "une", "uno", "true"})
      agree(elementwiseCase(
          fmt::format("arith.cmpf {}, {{x}}, {{y}} : {{t}}", op), element, "i1",
          wild));
}

TEST(Elementwise, ElementaryFunctions) {
  for (const std::string &element : floatTypes)
    for (const char *op :
         {"rsqrt", "exp", "exp2", "log", "log2", "tanh", "erf", "sin", "cos"}) {
      Case c = elementwiseCase(fmt::format("math.{} {{x}} : {{t}}", op),
                               element, element, eighths);
      // 4 ulp of f32, or one of a 16-bit float; 2^-21 near a zero.
      double ulp = element == "f64"    ? 1e-14
                   : element == "f32"  ? 4 * 0x1p-23
                   : element == "bf16" ? 0x1p-7
                                       : 0x1p-10;
      c.tensors[3].near(ulp, element == "f64" ? 1e-14 : 0x1p-21);
      agree(c);
    }
}

TEST(Elementwise, Reciprocals) {
  // What `rcp` becomes: a target need not round correctly.
  for (const std::string &element : floatTypes) {
    Case c = elementwiseCase("arith.divf {x}, {y} fastmath<arcp> : {t}",
                             element, element, wild);
    c.tensors[3].near(element == "f64" ? 0 : 0x1p-22,
                      element == "f32" ? 0x1p-126 : 0);
    if (element == "f16" || element == "bf16")
      c.tensors[3].near(element == "f16" ? 0x1p-10 : 0x1p-7, 0x1p-24);
    agree(c);
  }
}

TEST(Elementwise, Conversions) {
  std::vector<std::string> floats = floatTypes;
  floats.insert(floats.end(), {"f8E4M3FN", "f8E5M2"});
  for (const std::string &from : floats)
    for (const std::string &to : floats) {
      int a = std::stoi(from.substr(from.find('f') + 1));
      int b = std::stoi(to.substr(to.find('f') + 1));
      if (a == b)
        continue;
      agree(elementwiseCase(fmt::format("arith.{} {{x}} : {{t}} to {{r}}",
                                        a < b ? "extf" : "truncf"),
                            from, to, wild));
    }
  for (const std::string from : {"i1", "i8", "i16", "i32", "i64"})
    for (const std::string to : {"i1", "i8", "i16", "i32", "i64"}) {
      int a = std::stoi(from.substr(1)), b = std::stoi(to.substr(1));
      for (const char *op : {"extsi", "extui", "trunci"})
        if (a != b && (a > b) == (op[0] == 't'))
          agree(elementwiseCase(
              fmt::format("arith.{} {{x}} : {{t}} to {{r}}", op), from, to,
              a == 1 ? Fill(small) : cornersOf(from)));
    }
  for (const std::string whole : {"i1", "i8", "i16", "i32", "i64"})
    for (const std::string &real : floatTypes)
      for (const char *op : {"sitofp", "uitofp"})
        agree(elementwiseCase(
            fmt::format("arith.{} {{x}} : {{t}} to {{r}}", op), whole, real,
            whole == "i1" ? Fill(small) : cornersOf(whole)));
}

TEST(Elementwise, FloatsToIntegersThatHoldThem) {
  for (const std::string &real : floatTypes)
    for (const std::string &whole : integerTypes) {
      agree(elementwiseCase("arith.fptosi {x} : {t} to {r}", real, whole,
                            eighths));
      agree(elementwiseCase("arith.fptoui {x} : {t} to {r}", real, whole,
                            [](int64_t i) { return std::abs(eighths(i)); }));
    }
}

TEST(Elementwise, BitsOfFloats) {
  for (auto [real, whole] : {std::pair("f16", "i16"),
                             {"bf16", "i16"},
                             {"f32", "i32"},
                             {"f64", "i64"}}) {
    agree(elementwiseCase("arith.bitcast {x} : {t} to {r}", real, whole,
                          eighths));
    agree(elementwiseCase("arith.bitcast {x} : {t} to {r}", whole, real,
                          cornersOf(whole)));
  }
}

TEST(Elementwise, SelectLetsNothingThrough) {
  for (const std::string element :
       {"i1", "i8", "i64", "f16", "bf16", "f32", "f64"}) {
    Case c =
        elementwiseCase("arith.select %m, {x}, {y} : tensor<16x32xi1>, "
                        "{t}",
                        element, element, element[0] == 'i' ? small : wild);
    c.tensor("keep", "i1", {16, 32});
    c.body = "  %m = ag.load %keep[%c0 : 16, %c0 : 32] : $keep -> "
             "tensor<16x32xi1>\n" +
             c.body;
    agree(c);
  }
}

TEST(Elementwise, SelectByOneCondition) {
  for (bool taken : {false, true}) {
    Case c = elementwiseCase("arith.select %which, {x}, {y} : {t}", "f16",
                             "f16", wild);
    c.scalar("which", "i1", taken);
    agree(c);
  }
}

TEST(Elementwise, ScalarsOfEveryType) {
  // Scalars come in slots, and go out through splats and scalar stores.
  for (const std::string element :
       {"i1", "i8", "i16", "i32", "i64", "f16", "bf16", "f32", "f64"}) {
    Case c;
    c.tensor("o", element, {4, 8}).out();
    c.scalar("a", element, element == "i1" ? 1 : -3);
    c.scalar("b", element, element == "i1" ? 1 : 7);
    bool real = element.back() != '1' && element.find('f') != std::string::npos;
    c.body =
        fmt::format(R"(
  %s = arith.{1} %a, %b : {0}
  %d = arith.{2} %s, %a : {0}
  %t = tensor.splat %d : tensor<4x8x{0}>
  ag.store %t, %o[%c0 : 4, %c0 : 8] : tensor<4x8x{0}>, $o
  ag.store %s, %o[%c0, %c0] : {0}, $o)",
                    element, real ? "addf" : "addi", real ? "divf" : "muli");
    agree(c);
  }
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

TEST(Shape, IotaAndConstants) {
  Case c;
  c.tensor("o", "i32", {3, 32}).out();
  c.tensor("u", "f16", {4}).out();
  c.scalar("one", "i32", 1);
  c.body = R"(
  %i = ag.iota : tensor<32xi32>
  %k = arith.constant dense<7> : tensor<32xi32>
  %s = arith.muli %i, %k : tensor<32xi32>
  ag.store %s, %o[%c0, %c0 : 32] : tensor<32xi32>, $o
  ag.store %k, %o[%one, %c0 : 32] : tensor<32xi32>, $o
  %v = arith.constant dense<0.1> : tensor<4xf16>
  ag.store %v, %u[%c0 : 4] : tensor<4xf16>, $u)";
  agree(c);
}

TEST(Shape, Transposes) {
  for (const char *element : {"i1", "f16", "f32", "i64"})
    for (Layout from : allLayouts)
      for (Layout to : allLayouts)
        for (auto [rows, columns] :
             {std::pair(1, 8), {8, 1}, {4, 16}, {32, 8}, {16, 64}}) {
          Case c;
          c.tensor("x", element, {rows, columns}, from);
          c.tensor("o", element, {columns, rows}, to).out();
          c.body = fmt::format(R"(
  %a = ag.load %x[%c0 : {0}, %c0 : {1}] : $x -> tensor<{0}x{1}x{2}>
  %t = ag.transpose %a [1, 0] : tensor<{0}x{1}x{2}> -> tensor<{1}x{0}x{2}>
  ag.store %t, %o[%c0 : {1}, %c0 : {0}] : tensor<{1}x{0}x{2}>, $o)",
                               rows, columns, element);
          agree(c);
        }
}

TEST(Shape, PermutationsOfThree) {
  const int64_t extents[] = {4, 8, 16};
  for (auto p : std::vector<std::vector<int>>{
           {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}})
    for (Layout layout : {Layout::rows, Layout::columns}) {
      Case c;
      c.tensor("x", "f32", {4, 8, 16}, layout);
      c.tensor("o", "f32", {extents[p[0]], extents[p[1]], extents[p[2]]}).out();
      c.body = fmt::format(R"(
  %a = ag.load %x[%c0 : 4, %c0 : 8, %c0 : 16] : $x -> tensor<4x8x16xf32>
  %b = arith.mulf %a, %a : tensor<4x8x16xf32>
  %t = ag.transpose %b [{0}, {1}, {2}] : tensor<4x8x16xf32> -> tensor<{3}x{4}x{5}xf32>
  ag.store %t, %o[%c0 : {3}, %c0 : {4}, %c0 : {5}] : tensor<{3}x{4}x{5}xf32>, $o)",
                           p[0], p[1], p[2], extents[p[0]], extents[p[1]],
                           extents[p[2]]);
      agree(c);
    }
}

TEST(Shape, Broadcasts) {
  for (const char *element : {"i1", "bf16", "f32"})
    for (Layout layout : {Layout::rows, Layout::columns}) {
      Case c;
      c.tensor("x", element, {8});
      c.tensor("y", element, {8, 1});
      c.tensor("o", element, {8, 16}, layout).out();
      c.tensor("u", element, {16, 8}, layout).out();
      c.tensor("w", element, {4, 8, 16}).out();
      c.body = fmt::format(R"(
  %a = ag.load %x[%c0 : 8] : $x -> tensor<8x{0}>
  %r = ag.broadcast %a along [0] : tensor<8x{0}> -> tensor<8x16x{0}>
  ag.store %r, %o[%c0 : 8, %c0 : 16] : tensor<8x16x{0}>, $o
  %s = ag.broadcast %a along [1] : tensor<8x{0}> -> tensor<16x8x{0}>
  ag.store %s, %u[%c0 : 16, %c0 : 8] : tensor<16x8x{0}>, $u
  %b = ag.load %y[%c0 : 8, %c0 : 1] : $y -> tensor<8x1x{0}>
  %t = ag.broadcast %b along [1, 2] : tensor<8x1x{0}> -> tensor<4x8x16x{0}>
  ag.store %t, %w[%c0 : 4, %c0 : 8, %c0 : 16] : tensor<4x8x16x{0}>, $w)",
                           element);
      agree(c);
    }
}

TEST(Shape, Reshapes) {
  for (const char *element : {"i1", "f16", "f32", "f64"})
    for (Layout layout : allLayouts) {
      Case c;
      c.tensor("x", element, {8, 16}, layout);
      c.tensor("o", element, {128}).out();
      c.tensor("u", element, {4, 2, 16}).out();
      c.tensor("w", element, {16, 8}, layout).out();
      c.body = fmt::format(R"(
  %a = ag.load %x[%c0 : 8, %c0 : 16] : $x -> tensor<8x16x{0}>
  %r = ag.reshape %a : tensor<8x16x{0}> -> tensor<128x{0}>
  ag.store %r, %o[%c0 : 128] : tensor<128x{0}>, $o
  %s = ag.reshape %r : tensor<128x{0}> -> tensor<4x2x16x{0}>
  ag.store %s, %u[%c0 : 4, %c0 : 2, %c0 : 16] : tensor<4x2x16x{0}>, $u
  %t = ag.reshape %s : tensor<4x2x16x{0}> -> tensor<16x8x{0}>
  ag.store %t, %w[%c0 : 16, %c0 : 8] : tensor<16x8x{0}>, $w)",
                           element);
      agree(c);
    }
}

//===----------------------------------------------------------------------===//
// Random bits
//===----------------------------------------------------------------------===//

TEST(Random, PhiloxKnownAnswers) {
  // Salmon et al.'s test vectors, as spec/flash.md 2 and 5 have them.
  struct Answer {
    int64_t seed, offset;
    int32_t counter;
    uint32_t words[4];
  };
  // With `offset` all ones, its upper half turns the key's upper half to 0;
  // a seed with that half 0 makes the key all ones.
  for (const Answer &answer :
       {Answer{0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        Answer{0xffffffff,
               -1,
               -1,
               {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}}) {
    Case c;
    c.tensor("o", "i32", {8}).out();
    c.body = fmt::format(R"(
  %seed = arith.constant {} : i64
  %offset = arith.constant {} : i64
  %c = arith.constant {} : i32
  %seeds = tensor.splat %seed : tensor<8xi64>
  %offsets = tensor.splat %offset : tensor<8xi64>
  %counters = tensor.splat %c : tensor<8xi32>
  %lane = ag.iota : tensor<8xi32>
  %r = ag.philox %seeds, %offsets, %counters, %counters, %counters, %lane : (tensor<8xi64>, tensor<8xi64>, tensor<8xi32>, tensor<8xi32>, tensor<8xi32>, tensor<8xi32>) -> tensor<8xi32>
  ag.store %r, %o[%c0 : 8] : tensor<8xi32>, $o)",
                         answer.seed, answer.offset, answer.counter);
    agree(c);
    std::vector<double> words = referenceResult(c, "o");
    ASSERT_EQ(words.size(), 8u);
    for (int lane = 0; lane < 8; ++lane)
      EXPECT_EQ(static_cast<uint32_t>(static_cast<int32_t>(words[lane])),
                answer.words[lane % 4]);
  }
}

TEST(Random, PhiloxOfTilesAndScalars) {
  Case c;
  c.tensor("s", "i64", {8, 16}).filled([](int64_t i) {
    return wild(i) == wild(i) ? double(i * 977 % 65537) * 1e12 : -5;
  });
  c.tensor("n", "i32", {8, 16}).filled([](int64_t i) {
    return double(i * 7919 - 3);
  });
  c.tensor("o", "i32", {8, 16}).out();
  c.scalar("seed", "i64", 1e15);
  c.scalar("c", "i32", -9);
  c.body = R"(
  %seeds = ag.load %s[%c0 : 8, %c0 : 16] : $s -> tensor<8x16xi64>
  %i = ag.load %n[%c0 : 8, %c0 : 16] : $n -> tensor<8x16xi32>
  %r = ag.philox %seeds, %seeds, %i, %i, %i, %i : (tensor<8x16xi64>, tensor<8x16xi64>, tensor<8x16xi32>, tensor<8x16xi32>, tensor<8x16xi32>, tensor<8x16xi32>) -> tensor<8x16xi32>
  ag.store %r, %o[%c0 : 8, %c0 : 16] : tensor<8x16xi32>, $o
  %one = ag.philox %seed, %seed, %c, %c0, %c, %c0 : (i64, i64, i32, i32, i32, i32) -> i32
  ag.store %one, %o[%c0, %c0] : i32, $o)";
  agree(c);
}

} // namespace
} // namespace attn_grid::test
