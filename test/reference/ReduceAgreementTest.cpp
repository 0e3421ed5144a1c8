// Reductions, scans and sorts: every kind, element type and axis.

#include "test/reference/Agreement.h"

#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace attn_grid::test {
namespace {

const std::vector<std::string> elementTypes = {
    "i1", "i8", "i16", "i32", "i64", "f16", "bf16", "f32", "f64"};

bool isFloat(const std::string &element) {
  return element.find('f') != std::string::npos;
}

/// The element type that a sum has.
std::string sumType(const std::string &element) {
  if (isFloat(element))
    return element == "f64" ? "f64" : "f32";
  return element == "i64" ? "i64" : "i32";
}

/// The element type that reducing by `kind` gives; empty if it cannot be.
std::string resultType(const std::string &kind, const std::string &element) {
  if (kind == "any" || kind == "all")
    return element == "i1" ? "i1" : "";
  if (kind == "umin" || kind == "umax")
    return isFloat(element) ? "" : element;
  if (kind == "argmin" || kind == "argmax")
    return "i32";
  return kind == "sum" ? sumType(element) : element;
}

/// -2, -1, -1/2, 1/2, 1 and 2, and mostly 1: products stay in range.
double factors(int64_t i) {
  constexpr double values[] = {1, 2, 0.5, -1, 1, 1, -2, -0.5, 1};
  return values[(i * 5 + i / 9) % 9];
}

TEST(Reduce, EveryKindTypeAndAxis) {
  struct Shape {
    std::vector<int64_t> extents;
    std::vector<int64_t> axes;
  };
  const std::vector<Shape> shapes = {
      {{32}, {0}},       {{8, 32}, {0}},       {{8, 32}, {1}},
      {{8, 32}, {0, 1}}, {{32, 1}, {0}},       {{1, 4}, {1}},
      {{4, 8, 16}, {1}}, {{4, 8, 16}, {0, 2}}, {{4, 8, 16}, {0, 1, 2}},
      {{64, 4}, {0}},
  };
  for (const std::string &element : elementTypes)
    for (const char *kind : {"sum", "prod", "min", "max", "umin", "umax", "any",
                             "all", "argmin", "argmax"}) {
      std::string result = resultType(kind, element);
      if (result.empty())
        continue;
      for (const Shape &shape : shapes) {
        bool arg = kind[0] == 'a' && kind[1] == 'r';
        if (arg && shape.axes.size() > 1)
          continue;
        Case c;
        c.tensor("x", element, shape.extents)
            .filled(std::string(kind) == "prod" && isFloat(element) ? factors
                                                                    : small);
        std::vector<int64_t> left;
        std::string input = "tensor<", output, at, into, axes;
        for (size_t a = 0; a < shape.extents.size(); ++a) {
          input += fmt::format("{}x", shape.extents[a]);
          at += fmt::format("{}%c0 : {}", a ? ", " : "", shape.extents[a]);
          if (std::find(shape.axes.begin(), shape.axes.end(), a) !=
              shape.axes.end())
            continue;
          output += fmt::format("{}x", shape.extents[a]);
          into += fmt::format("{}%c0 : {}", left.empty() ? "" : ", ",
                              shape.extents[a]);
          left.push_back(shape.extents[a]);
        }
        for (int64_t axis : shape.axes)
          axes += fmt::format("{}{}", axes.empty() ? "" : ", ", axis);
        input += element + ">";
        output = left.empty() ? result : "tensor<" + output + result + ">";
        if (left.empty()) {
          left = {1};
          into = "%c0";
        }
        c.tensor("o", result, left).out();
        c.body = fmt::format(R"(
  %a = ag.load %x[{0}] : $x -> {1}
  %r = ag.reduce {2} %a axes [{3}] : {1} -> {4}
  ag.store %r, %o[{5}] : {4}, $o)",
                             at, input, kind, axes, output, into);
        agree(c);
      }
    }
}

TEST(Reduce, SumsOfAnyFloatsAreNear) {
  for (const char *element : {"f16", "bf16", "f32", "f64"}) {
    Case c;
    c.tensor("x", element, {64, 64}).filled([](int64_t i) {
      return std::sin(double(i));
    });
    c.tensor("o", sumType(element), {64}).out().near(1e-5, 1e-5);
    c.body = fmt::format(R"(
  %a = ag.load %x[%c0 : 64, %c0 : 64] : $x -> tensor<64x64x{0}>
  %r = ag.reduce sum %a axes [1] : tensor<64x64x{0}> -> tensor<64x{1}>
  ag.store %r, %o[%c0 : 64] : tensor<64x{1}>, $o)",
                         element, sumType(element));
    agree(c);
  }
}

TEST(Reduce, ArgmaxOfNaNAndInfinity) {
  // A NaN is no candidate; where all are -inf or NaN, the first -inf... is 0.
  for (const char *kind : {"argmax", "argmin"})
    for (double fill : {double(NAN), -double(INFINITY), double(INFINITY)}) {
      Case c;
      c.tensor("x", "f32", {4, 32}).filled([fill](int64_t i) {
        return i / 32 == 0 ? fill : i % 5 == 0 ? fill : eighths(i);
      });
      c.tensor("o", "i32", {4}).out();
      c.tensor("u", "i32", {32}).out();
      c.body = fmt::format(R"(
  %a = ag.load %x[%c0 : 4, %c0 : 32] : $x -> tensor<4x32xf32>
  %r = ag.reduce {0} %a axes [1] : tensor<4x32xf32> -> tensor<4xi32>
  ag.store %r, %o[%c0 : 4] : tensor<4xi32>, $o
  %s = ag.reduce {0} %a axes [0] : tensor<4x32xf32> -> tensor<32xi32>
  ag.store %s, %u[%c0 : 32] : tensor<32xi32>, $u)",
                           kind);
      agree(c);
    }
}

TEST(Reduce, WithAFunction) {
  // Not commutative: the last that is above 2, else the first.
  for (int axis : {0, 1})
    for (Layout layout : {Layout::rows, Layout::columns}) {
      Case c;
      c.tensor("x", "i32", {8, 16}, layout);
      c.tensor("y", "f16", {8, 16}, layout).filled(factors);
      int left = axis ? 8 : 16;
      c.tensor("o", "i32", {left}).out();
      c.tensor("u", "f16", {left}).out();
      c.tensor("w", "i32", {8, 16}, layout).out();
      c.body = fmt::format(R"(
  %a = ag.load %x[%c0 : 8, %c0 : 16] : $x -> tensor<8x16xi32>
  %r = ag.reduce_with %a axis {0} : tensor<8x16xi32> -> tensor<{1}xi32> {{
  ^bb0(%p: i32, %q: i32):
    %two = arith.constant 2 : i32
    %later = arith.cmpi sgt, %q, %two : i32
    %s = arith.select %later, %q, %p : i32
    ag.yield %s : i32
  }}
  ag.store %r, %o[%c0 : {1}] : tensor<{1}xi32>, $o
  %b = ag.load %y[%c0 : 8, %c0 : 16] : $y -> tensor<8x16xf16>
  %t = ag.reduce_with %b axis {0} : tensor<8x16xf16> -> tensor<{1}xf16> {{
  ^bb0(%p: f16, %q: f16):
    %m = arith.mulf %p, %q : f16
    ag.yield %m : f16
  }}
  ag.store %t, %u[%c0 : {1}] : tensor<{1}xf16>, $u
  %v = ag.scan_with %a axis {0} : tensor<8x16xi32> {{
  ^bb0(%p: i32, %q: i32):
    %m = arith.maxsi %p, %q : i32
    ag.yield %m : i32
  }}
  ag.store %v, %w[%c0 : 8, %c0 : 16] : tensor<8x16xi32>, $w)",
                           axis, left);
      agree(c);
    }
}

TEST(Reduce, WithAFunctionToAScalar) {
  Case c;
  c.tensor("x", "f32", {32}).filled(factors);
  c.tensor("o", "f32", {2}).out();
  c.scalar("k", "f32", 2);
  c.body = R"(
  %a = ag.load %x[%c0 : 32] : $x -> tensor<32xf32>
  %r = ag.reduce_with %a axis 0 : tensor<32xf32> -> f32 {
  ^bb0(%p: f32, %q: f32):
    %big = arith.cmpf oge, %q, %k : f32
    %s = arith.select %big, %q, %p : f32
    ag.yield %s : f32
  }
  ag.store %r, %o[%c0] : f32, $o)";
  agree(c);
}

TEST(Scan, EveryKindTypeAndAxis) {
  for (const std::string &element : elementTypes)
    for (const char *kind : {"sum", "prod"})
      for (auto [rows, columns] : {std::pair(1, 16), {16, 1}, {8, 32}})
        for (int axis : {0, 1}) {
          Case c;
          bool product = kind[0] == 'p';
          std::string result = product ? element : sumType(element);
          c.tensor("x", element, {rows, columns})
              .filled(product && isFloat(element) ? factors : small);
          c.tensor("o", result, {rows, columns}).out();
          c.body = fmt::format(R"(
  %a = ag.load %x[%c0 : {0}, %c0 : {1}] : $x -> tensor<{0}x{1}x{2}>
  %r = ag.scan {3} %a axis {4} : tensor<{0}x{1}x{2}> -> tensor<{0}x{1}x{5}>
  ag.store %r, %o[%c0 : {0}, %c0 : {1}] : tensor<{0}x{1}x{5}>, $o)",
                               rows, columns, element, kind, axis, result);
          agree(c);
        }
}

TEST(Sort, EveryTypeAndAxis) {
  for (const std::string &element : elementTypes)
    for (auto [rows, columns] : {std::pair(1, 16), {16, 1}, {8, 32}, {64, 4}})
      for (int axis : {0, 1})
        for (bool isUnsigned : {false, true}) {
          if (isUnsigned && (isFloat(element) || element == "i1"))
            continue;
          Case c;
          // Few keys: many are equal, and the payloads show their order.
          c.tensor("x", element, {rows, columns})
              .filled(isFloat(element) ? Fill([](int64_t i) {
                double x = wild(i);
                return i % 3 ? small(i) : x;
              })
                                       : Fill(small));
          c.tensor("n", "i32", {rows, columns}).filled([](int64_t i) {
            return double(i);
          });
          c.tensor("k", element, {rows, columns}).out();
          c.tensor("o", "i32", {rows, columns}).out();
          c.tensor("u", "f16", {rows, columns}).out();
          c.body = fmt::format(
              R"(
  %a = ag.load %x[%c0 : {0}, %c0 : {1}] : $x -> tensor<{0}x{1}x{2}>
  %b = ag.load %n[%c0 : {0}, %c0 : {1}] : $n -> tensor<{0}x{1}xi32>
  %h = arith.sitofp %b : tensor<{0}x{1}xi32> to tensor<{0}x{1}xf16>
  %s:3 = ag.sort %a, %b, %h axis {3}{4} : tensor<{0}x{1}x{2}>, tensor<{0}x{1}xi32>, tensor<{0}x{1}xf16>
  ag.store %s#0, %k[%c0 : {0}, %c0 : {1}] : tensor<{0}x{1}x{2}>, $k
  ag.store %s#1, %o[%c0 : {0}, %c0 : {1}] : tensor<{0}x{1}xi32>, $o
  ag.store %s#2, %u[%c0 : {0}, %c0 : {1}] : tensor<{0}x{1}xf16>, $u)",
              rows, columns, element, axis, isUnsigned ? " {isUnsigned}" : "");
          agree(c);
        }
}

} // namespace
} // namespace attn_grid::test
