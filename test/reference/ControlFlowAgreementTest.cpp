// Loops and branches: what they carry lives in buffers that are written in
// place, so each case here asks whether something is overwritten too early.

#include "test/reference/Agreement.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace attn_grid::test {
namespace {

/// A kernel whose body has %a and %b, 16x16 tiles of x and y, the number %n,
/// constants, and stores %p and %q.
Case loopCase(const std::string &body, double n = 5,
              Layout layout = Layout::rows) {
  Case c;
  c.tensor("x", "f32", {16, 16}, layout);
  c.tensor("y", "f32", {16, 16}, layout).filled([](int64_t i) {
    return small(i + 1000);
  });
  c.tensor("o", "f32", {16, 16}, layout).out();
  c.tensor("u", "f32", {16, 16}).out();
  c.scalar("n", "i32", n);
  c.body = R"(
  %one = arith.constant 1 : i32
  %two = arith.constant 2 : i32
  %zeros = arith.constant dense<0.0> : tensor<16x16xf32>
  %ones = arith.constant dense<1.0> : tensor<16x16xf32>
  %half = arith.constant dense<0.5> : tensor<16x16xf32>
  %a = ag.load %x[%c0 : 16, %c0 : 16] : $x -> tensor<16x16xf32>
  %b = ag.load %y[%c0 : 16, %c0 : 16] : $y -> tensor<16x16xf32>)" +
           body + R"(
  ag.store %p, %o[%c0 : 16, %c0 : 16] : tensor<16x16xf32>, $o
  ag.store %q, %u[%c0 : 16, %c0 : 16] : tensor<16x16xf32>, $u)";
  return c;
}

/// Tiles s and t go round a loop that yields `next`, with `code` before it.
std::string loopOf(const std::string &code, const std::string &next) {
  return fmt::format(R"(
  %p, %q = scf.for %i = %c0 to %n step %one iter_args(%s = %a, %t = %b) -> (tensor<16x16xf32>, tensor<16x16xf32>) : i32 {{
{}
    scf.yield {} : tensor<16x16xf32>, tensor<16x16xf32>
  }})",
                     code, next);
}

/// For odd, even and no passes, and both lane axes.
void agreeForAll(const std::string &body) {
  for (double n : {0, 1, 4, 5})
    for (Layout layout : {Layout::rows, Layout::columns}) {
      Case c = loopCase(body, n, layout);
      agree(c);
    }
}

TEST(Loop, SwapsItsTiles) { agreeForAll(loopOf("", "%t, %s")); }

TEST(Loop, RotatesThree) {
  agreeForAll(R"(
  %p, %q, %r = scf.for %i = %c0 to %n step %one iter_args(%s = %a, %t = %b, %v = %half) -> (tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>) : i32 {
    scf.yield %t, %v, %s : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
  })");
}

TEST(Loop, SwapsAndComputes) {
  agreeForAll(loopOf("    %v = arith.addf %t, %half : tensor<16x16xf32>\n"
                     "    %w = arith.mulf %s, %half : tensor<16x16xf32>",
                     "%v, %w"));
  agreeForAll(
      loopOf("    %v = arith.addf %s, %t : tensor<16x16xf32>", "%v, %s"));
  agreeForAll(
      loopOf("    %v = arith.subf %s, %t : tensor<16x16xf32>", "%t, %v"));
}

TEST(Loop, YieldsOneTileTwice) {
  agreeForAll(loopOf("", "%s, %s"));
  agreeForAll(
      loopOf("    %v = arith.subf %s, %t : tensor<16x16xf32>", "%v, %v"));
}

TEST(Loop, YieldsWhatIsOutside) {
  agreeForAll(loopOf("", "%b, %a"));
  agreeForAll(loopOf("", "%s, %a"));
  agreeForAll(loopOf("", "%ones, %t"));
}

TEST(Loop, Transposes) {
  const std::string transpose =
      "    %v = ag.transpose %s [1, 0] : tensor<16x16xf32> -> "
      "tensor<16x16xf32>\n";
  agreeForAll(loopOf(transpose, "%v, %t"));
  agreeForAll(loopOf(transpose, "%t, %v"));
  agreeForAll(loopOf(
      transpose + "    %w = arith.subf %t, %v : tensor<16x16xf32>", "%w, %v"));
  agreeForAll(loopOf(
      transpose + "    %w = arith.subf %s, %v : tensor<16x16xf32>", "%w, %s"));
}

TEST(Loop, ReducesAndBroadcastsWhatItCarries) {
  const std::string means = R"(
    %m = ag.reduce max %s axes [1] : tensor<16x16xf32> -> tensor<16xf32>
    %r = ag.broadcast %m along [0] : tensor<16xf32> -> tensor<16x16xf32>
    %v = arith.subf %s, %r : tensor<16x16xf32>
    %k = ag.reduce sum %v axes [0] : tensor<16x16xf32> -> tensor<16xf32>
    %e = ag.broadcast %k along [1] : tensor<16xf32> -> tensor<16x16xf32>
    %least = arith.minnumf %e, %ones : tensor<16x16xf32>
    %w = arith.addf %t, %least : tensor<16x16xf32>)";
  agreeForAll(loopOf(means, "%v, %w"));
  agreeForAll(loopOf(means, "%w, %v"));
  agreeForAll(loopOf(means, "%v, %s"));
}

TEST(Loop, AccumulatesADot) {
  const std::string dot = R"(
    %h = arith.mulf %half, %ones : tensor<16x16xf32>
    %v = ag.dot %a, %b, %s : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>)";
  agreeForAll(loopOf(dot, "%v, %t"));
  agreeForAll(loopOf(dot, "%v, %s"));
  agreeForAll(loopOf(dot, "%t, %v"));
  agreeForAll(loopOf(dot + R"(
    %w = arith.subf %v, %s : tensor<16x16xf32>)",
                     "%v, %w"));
}

TEST(Loop, ScalesAndAccumulatesADot) {
  agreeForAll(loopOf(R"(
    %h = arith.mulf %s, %half : tensor<16x16xf32>
    %v = ag.dot %a, %b, %h : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
    %w = arith.addf %t, %h : tensor<16x16xf32>)",
                     "%v, %w"));
}

TEST(Loop, MultipliesWhatItCarries) {
  // The carried tile is a factor of the dot that replaces it.
  const std::string small = "    %k = arith.constant dense<0.0625> : "
                            "tensor<16x16xf32>\n"
                            "    %f = arith.mulf %s, %k : tensor<16x16xf32>\n";
  for (const char *factors :
       {"%s, %b, %s", "%a, %s, %s", "%s, %s, %t", "%a, %t, %s"})
    for (const char *next : {"%v, %t", "%t, %v", "%v, %s"}) {
      Case c =
          loopCase(loopOf(fmt::format("    %v = ag.dot {} : tensor<16x16xf32>, "
                                      "tensor<16x16xf32>, tensor<16x16xf32>",
                                      factors),
                          next),
                   2);
      for (TensorArgument &tensor : c.tensors)
        tensor.filled([](int64_t i) { return double(i % 3) - 1; });
      agree(c);
    }
}

TEST(Loop, ScansAndSortsWhatItCarries) {
  agreeForAll(loopOf(R"(
    %k:2 = ag.sort %s, %t axis 1 : tensor<16x16xf32>, tensor<16x16xf32>
    %m = arith.maxnumf %k#0, %k#1 : tensor<16x16xf32>)",
                     "%k#1, %m"));
  agreeForAll(loopOf(R"(
    %v = ag.scan_with %s axis 0 : tensor<16x16xf32> {
    ^bb0(%x0: f32, %x1: f32):
      %m = arith.maxnumf %x0, %x1 : f32
      ag.yield %m : f32
    })",
                     "%t, %v"));
}

TEST(Loop, CarriesScalarsToo) {
  for (double n : {0, 3, 7}) {
    Case c = loopCase(R"(
  %p, %m, %q, %f = scf.for %i = %c0 to %n step %two iter_args(%s = %a, %k = %one, %t = %b, %g = %n) -> (tensor<16x16xf32>, i32, tensor<16x16xf32>, i32) : i32 {
    %d = arith.addi %k, %g : i32
    %e = arith.sitofp %k : i32 to f32
    %es = tensor.splat %e : tensor<16x16xf32>
    %v = arith.addf %t, %es : tensor<16x16xf32>
    scf.yield %v, %g, %s, %d : tensor<16x16xf32>, i32, tensor<16x16xf32>, i32
  }
  %sum = arith.addi %m, %f : i32
  %real = arith.sitofp %sum : i32 to f32
  ag.store %real, %o[%c0, %c0] : f32, $o)",
                      n);
    agree(c);
  }
}

TEST(Loop, BoundsOfEveryKind) {
  for (auto [from, to, step] : {std::tuple(-3, 7, 2),
                                {7, -3, 1},
                                {2147483640, 2147483647, 3},
                                {-2147483647, -2147483640, 5},
                                {0, 1, 2147483647}}) {
    Case c = loopCase(R"(
  %p, %q = scf.for %i = %from to %to step %by iter_args(%s = %a, %t = %b) -> (tensor<16x16xf32>, tensor<16x16xf32>) : i32 {
    %low = arith.andi %i, %two : i32
    %e = arith.sitofp %low : i32 to f32
    %es = tensor.splat %e : tensor<16x16xf32>
    %v = arith.addf %s, %es : tensor<16x16xf32>
    scf.yield %v, %s : tensor<16x16xf32>, tensor<16x16xf32>
  })");
    c.scalar("from", "i32", from);
    c.scalar("to", "i32", to);
    c.scalar("by", "i32", step);
    agree(c);
  }
}

TEST(Loop, Nested) {
  for (const char *inner : {"%w, %v", "%v, %w", "%w, %w"})
    for (const char *outer : {"%e, %d", "%d, %e", "%s, %d", "%e, %t"}) {
      agree(loopCase(loopOf(fmt::format(R"(
    %d, %e = scf.for %j = %c0 to %two step %one iter_args(%v = %s, %w = %t) -> (tensor<16x16xf32>, tensor<16x16xf32>) : i32 {{
      %g = arith.addf %v, %half : tensor<16x16xf32>
      scf.yield {} : tensor<16x16xf32>, tensor<16x16xf32>
    }})",
                                        inner),
                            outer)));
      agree(loopCase(loopOf(fmt::format(R"(
    %d, %e = scf.for %j = %c0 to %i step %one iter_args(%v = %t, %w = %s) -> (tensor<16x16xf32>, tensor<16x16xf32>) : i32 {{
      %g = arith.addf %w, %s : tensor<16x16xf32>
      scf.yield %g, %v : tensor<16x16xf32>, tensor<16x16xf32>
    }})"),
                            outer)));
    }
}

TEST(Loop, WritesMemoryThatItReads) {
  Case c = loopCase(R"(
  scf.for %i = %c0 to %n step %one : i32 {
    %r = ag.load %o[%i : 8, %c0 : 16] : $o -> tensor<8x16xf32>
    %next = arith.addi %i, %one : i32
    ag.store %r, %o[%next : 8, %one : 16] : tensor<8x16xf32>, $o
    scf.yield
  }
  %p = ag.load %o[%c0 : 16, %c0 : 16] : $o -> tensor<16x16xf32>
  %q = arith.addf %p, %a : tensor<16x16xf32>)");
  agree(c);
}

//===----------------------------------------------------------------------===//
// If
//===----------------------------------------------------------------------===//

TEST(If, GivesTiles) {
  for (double n : {1, 2})
    for (const char *yields :
         {"%a, %b|%b, %a", "%a, %a|%b, %b", "%v, %a|%b, %b", "%v, %w|%w, %v",
          "%ones, %a|%a, %ones"}) {
      std::string text = yields;
      size_t bar = text.find('|');
      Case c = loopCase(fmt::format(R"(
  %v = arith.addf %a, %b : tensor<16x16xf32>
  %w = ag.transpose %v [1, 0] : tensor<16x16xf32> -> tensor<16x16xf32>
  %first = arith.cmpi eq, %n, %one : i32
  %p, %q = scf.if %first -> (tensor<16x16xf32>, tensor<16x16xf32>) {{
    scf.yield {} : tensor<16x16xf32>, tensor<16x16xf32>
  }} else {{
    scf.yield {} : tensor<16x16xf32>, tensor<16x16xf32>
  }})",
                                    text.substr(0, bar), text.substr(bar + 1)),
                        n);
      agree(c);
    }
}

TEST(If, InALoopHandsOnWhatTheLoopCarries) {
  // `continue`: one branch leaves the tiles alone, the other replaces them.
  for (const char *yields : {"%s, %t|%v, %w", "%t, %s|%v, %t", "%s, %s|%w, %v",
                             "%t, %t|%s, %t", "%v, %s|%t, %w"}) {
    std::string text = yields;
    size_t bar = text.find('|');
    agreeForAll(loopOf(fmt::format(R"(
    %bit = arith.andi %i, %one : i32
    %odd = arith.cmpi eq, %bit, %one : i32
    %v = arith.addf %s, %t : tensor<16x16xf32>
    %w = ag.transpose %v [1, 0] : tensor<16x16xf32> -> tensor<16x16xf32>
    %d, %e = scf.if %odd -> (tensor<16x16xf32>, tensor<16x16xf32>) {{
      scf.yield {} : tensor<16x16xf32>, tensor<16x16xf32>
    }} else {{
      scf.yield {} : tensor<16x16xf32>, tensor<16x16xf32>
    }})",
                                   text.substr(0, bar), text.substr(bar + 1)) +
                           "",
                       "%d, %e"));
  }
}

TEST(If, BeforeALoopThatHandsItOn) {
  // The results are yielded once each, by a loop that has not begun.
  agreeForAll(R"(
  %first = arith.cmpi eq, %n, %one : i32
  %d, %e = scf.if %first -> (tensor<16x16xf32>, tensor<16x16xf32>) {
    scf.yield %a, %half : tensor<16x16xf32>, tensor<16x16xf32>
  } else {
    scf.yield %b, %ones : tensor<16x16xf32>, tensor<16x16xf32>
  }
  %f = ag.dot %a, %b, %ones : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
  %p, %q, %r = scf.for %i = %c0 to %n step %one iter_args(%s = %a, %t = %b, %v = %a) -> (tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>) : i32 {
    scf.yield %d, %f, %e : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
  })");
}

TEST(If, ReplacesTheAccumulator) {
  agreeForAll(loopOf(R"(
    %bit = arith.andi %i, %one : i32
    %odd = arith.cmpi eq, %bit, %one : i32
    %d, %e = scf.if %odd -> (tensor<16x16xf32>, tensor<16x16xf32>) {
      %v = ag.dot %a, %b, %s : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
      %w = arith.subf %s, %half : tensor<16x16xf32>
      scf.yield %v, %w : tensor<16x16xf32>, tensor<16x16xf32>
    } else {
      scf.yield %s, %t : tensor<16x16xf32>, tensor<16x16xf32>
    })",
                     "%d, %e"));
}

TEST(If, WithoutElseHasEffectsOnly) {
  for (double n : {1, 2})
    agree(loopCase(R"(
  %first = arith.cmpi eq, %n, %one : i32
  %p = arith.addf %a, %b : tensor<16x16xf32>
  %q = arith.mulf %a, %half : tensor<16x16xf32>
  scf.if %first {
    ag.store %p, %u[%c0 : 16, %one : 16] : tensor<16x16xf32>, $u
  })",
                   n));
}

TEST(If, ScalarsAndTilesTogether) {
  for (double n : {1, 2})
    agree(loopCase(R"(
  %first = arith.cmpi eq, %n, %one : i32
  %k, %p, %m = scf.if %first -> (f32, tensor<16x16xf32>, i32) {
    %f = arith.constant 3.0 : f32
    %v = arith.addf %a, %b : tensor<16x16xf32>
    scf.yield %f, %v, %one : f32, tensor<16x16xf32>, i32
  } else {
    %f = ag.reduce max %a axes [0, 1] : tensor<16x16xf32> -> f32
    scf.yield %f, %b, %n : f32, tensor<16x16xf32>, i32
  }
  %r = arith.sitofp %m : i32 to f32
  %sum = arith.addf %r, %k : f32
  %q = tensor.splat %sum : tensor<16x16xf32>)",
                   n));
}

//===----------------------------------------------------------------------===//
// While
//===----------------------------------------------------------------------===//

/// A while loop that carries tiles s and t and a counter k below n.
std::string whileOf(const std::string &passed, const std::string &code,
                    const std::string &next) {
  return fmt::format(R"(
  %p, %q, %last = scf.while (%s = %a, %t = %b, %k = %c0) : (tensor<16x16xf32>, tensor<16x16xf32>, i32) -> (tensor<16x16xf32>, tensor<16x16xf32>, i32) {{
    %more = arith.cmpi slt, %k, %n : i32
    scf.condition(%more) {}, %k : tensor<16x16xf32>, tensor<16x16xf32>, i32
  }} do {{
  ^bb0(%f: tensor<16x16xf32>, %g: tensor<16x16xf32>, %m: i32):
    %up = arith.addi %m, %one : i32
{}
    scf.yield {}, %up : tensor<16x16xf32>, tensor<16x16xf32>, i32
  }})",
                     passed, code, next);
}

TEST(While, SwapsOnBothWays) {
  for (const char *passed : {"%s, %t", "%t, %s", "%s, %s"})
    for (const char *next : {"%f, %g", "%g, %f", "%v, %f", "%g, %v", "%v, %v"})
      for (double n : {0, 1, 3})
        agree(loopCase(
            whileOf(passed, "    %v = arith.addf %f, %half : tensor<16x16xf32>",
                    next),
            n));
}

TEST(While, DependsOnItsTiles) {
  agree(loopCase(R"(
  %big = arith.constant 100.0 : f32
  %p, %q = scf.while (%s = %a, %t = %b) : (tensor<16x16xf32>, tensor<16x16xf32>) -> (tensor<16x16xf32>, tensor<16x16xf32>) {
    %top = ag.reduce max %s axes [0, 1] : tensor<16x16xf32> -> f32
    %more = arith.cmpf olt, %top, %big : f32
    %v = arith.addf %s, %t : tensor<16x16xf32>
    scf.condition(%more) %v, %s : tensor<16x16xf32>, tensor<16x16xf32>
  } do {
  ^bb0(%f: tensor<16x16xf32>, %g: tensor<16x16xf32>):
    %w = arith.addf %f, %f : tensor<16x16xf32>
    scf.yield %w, %g : tensor<16x16xf32>, tensor<16x16xf32>
  })"));
}

// What the second region did last with shared memory is not over when the loop
// ends: on a GPU the sums behind it wait.
TEST(While, IsFollowedByWhatItEndsWith) {
  const std::string turned =
      whileOf("%s, %t",
              "    %sums = ag.reduce sum %f axes [0] : tensor<16x16xf32> -> "
              "tensor<16xf32>\n"
              "    %v = ag.broadcast %sums along [1] : tensor<16xf32> -> "
              "tensor<16x16xf32>",
              "%v, %f");
  agree(
      loopCase(std::string(turned).replace(turned.find("%p, %q"), 6, "%d, %e") +
                   R"(
  %ends = ag.reduce sum %b axes [0] : tensor<16x16xf32> -> tensor<16xf32>
  %p = ag.broadcast %ends along [1] : tensor<16xf32> -> tensor<16x16xf32>
  %q = arith.addf %d, %e : tensor<16x16xf32>)",
               3));
}

TEST(While, InALoop) {
  agreeForAll(loopOf(R"(
    %d, %e, %l = scf.while (%v = %t, %w = %s, %k = %c0) : (tensor<16x16xf32>, tensor<16x16xf32>, i32) -> (tensor<16x16xf32>, tensor<16x16xf32>, i32) {
      %more = arith.cmpi slt, %k, %i : i32
      scf.condition(%more) %w, %v, %k : tensor<16x16xf32>, tensor<16x16xf32>, i32
    } do {
    ^bb0(%f: tensor<16x16xf32>, %g: tensor<16x16xf32>, %m: i32):
      %up = arith.addi %m, %one : i32
      %h = arith.subf %f, %s : tensor<16x16xf32>
      scf.yield %h, %f, %up : tensor<16x16xf32>, tensor<16x16xf32>, i32
    })",
                     "%e, %d"));
}

//===----------------------------------------------------------------------===//
// Grid and debugging
//===----------------------------------------------------------------------===//

TEST(Grid, TheFirstDimensionRunsFastest) {
  Case c;
  c.programs = 2 * 3 * 4;
  c.tensor("o", "i32", {2, 3, 4}).out();
  c.scalar("n0", "i32", 2);
  c.scalar("n1", "i32", 3);
  c.scalar("n2", "i32", 4);
  c.body = R"(
  %ten = arith.constant 10 : i32
  %i, %j, %k = ag.program_id %n0, %n1, %n2 : i32, i32, i32
  %r = arith.muli %i, %ten : i32
  %s = arith.addi %r, %j : i32
  %t = arith.muli %s, %ten : i32
  %v = arith.addi %t, %k : i32
  ag.store %v, %o[%i, %j, %k] : i32, $o)";
  agree(c);
}

TEST(Debug, AssertsFailTheLaunchAndStopNothing) {
  for (double n : {1, 2}) {
    Case c;
    c.tensor("o", "i32", {4}).out();
    c.scalar("n", "i32", n);
    c.body = R"(
  %one = arith.constant 1 : i32
  %ok = arith.cmpi eq, %n, %one : i32
  ag.assert %ok, "n must be 1"
  ag.store %n, %o[%one] : i32, $o)";
    agree(c);
  }
}

} // namespace
} // namespace attn_grid::test
