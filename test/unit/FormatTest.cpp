// The formatter: every rule by an example; and for all kernels, mutated,
// scattered and made ones: formatting changes layout only, and twice is once.

#include "compiler/Frontend/Format.h"
#include "compiler/Frontend/FormatTokens.h"
#include "compiler/Frontend/Parser.h"
#include "test/support/KernelGrammar.h"
#include "test/unit/AllKernels.h"

#include <gtest/gtest.h>
#include <random>

namespace attn_grid::compiler::test {
namespace {

/// The formatted text, or the messages.
std::string formatted(const std::string &text) {
  SourceManager sources;
  Diagnostics diags(sources);
  std::optional<std::string> result =
      formatFile(sources, sources.add("k.ag", text), diags);
  return result ? *result : diags.render();
}

/// A statement in a function, as it is formatted there.
std::string statement(const std::string &text) {
  std::string all = formatted("fn f() {\n" + text + "\n}\n");
  constexpr std::string_view head = "fn f() {\n", tail = "}\n";
  if (!all.starts_with(head) || !all.ends_with(tail))
    return all;
  return all.substr(head.size(), all.size() - head.size() - tail.size());
}

/// Tokens and comments of a text; empty if it has mistakes.
std::string contentOf(const std::string &text) {
  SourceManager sources;
  Diagnostics diags(sources);
  FileId file = sources.add("k.ag", text);
  TokenRoles roles;
  parseFile(sources, file, diags, &roles);
  if (diags.hasErrors())
    return "";
  TokenList list = lex(sources, file, diags);
  return formatting::contentOf(formatting::makePieces(text, list, roles));
}

/// Formatting `text` keeps its content, and is stable. True if it has any.
bool checkStable(const std::string &text) {
  std::string content = contentOf(text);
  if (content.empty())
    return false;
  std::string once = formatted(text);
  EXPECT_EQ(contentOf(once), content) << text;
  EXPECT_EQ(formatted(once), once) << text;
  return true;
}

TEST(Format, Spaces) {
  EXPECT_EQ(statement("let x=a+b*-c**2;"), "  let x = a + b * -c ** 2;\n");
  EXPECT_EQ(statement("let x = f ( a , axis=1 ) . T [ : , None ] ;"),
            "  let x = f(a, axis = 1).T[:, None];\n");
  EXPECT_EQ(statement("t[ m+:W step 2,: ] = view( q[a..e,0] );"),
            "  t[m +: W step 2, :] = view(q[a .. e, 0]);\n");
  EXPECT_EQ(statement("return( a )-b;"), "  return (a) - b;\n");
  EXPECT_EQ(statement("let x = not(a)and(b<-c);"),
            "  let x = not (a) and (b < -c);\n");
  EXPECT_EQ(statement("let x = a - -b - ~c;"), "  let x = a - -b - ~c;\n");
  EXPECT_EQ(statement("for i in 0..N step -1{f();}"),
            "  for i in 0 .. N step -1 { f(); }\n");
  EXPECT_EQ(statement("continue unless(a);"), "  continue unless (a);\n");
  EXPECT_EQ(statement("let s = S<T,4>{a:x,b:[1]};").substr(0, 7), "k.ag:2:");
  EXPECT_EQ(statement("let s = S<T,4>{a:x,b:y};"),
            "  let s = S<T, 4> { a: x, b: y };\n");
}

TEST(Format, ClosingAngles) {
  EXPECT_EQ(statement("let x = zeros<acc<T> >[M];"),
            "  let x = zeros<acc<T>>[M];\n");
  EXPECT_EQ(formatted("fn f<T: float, U: any=acc<T>>(x: acc<T>=1.0) {}"),
            "fn f<T: float, U: any = acc<T>>(x: acc<T> = 1.0) {}\n");
  EXPECT_EQ(statement("let x = a >> b > c;"), "  let x = a >> b > c;\n");
}

// A block of one statement may stand on one line, if it was written so.
TEST(Format, Blocks) {
  EXPECT_EQ(statement("if a{x=1;}else{x=2;}"),
            "  if a { x = 1; } else { x = 2; }\n");
  EXPECT_EQ(statement("if a {\nx = 1; }"), "  if a {\n    x = 1;\n  }\n");
  EXPECT_EQ(statement("if a { x = 1; y = 2; }"),
            "  if a {\n    x = 1;\n    y = 2;\n  }\n");
  EXPECT_EQ(statement("if a { if b { x = 1; } }"),
            "  if a {\n    if b { x = 1; }\n  }\n");
  EXPECT_EQ(statement("if a {\n} else if b {\n// c\n}"),
            "  if a {} else if b {\n    // c\n  }\n");
  EXPECT_EQ(statement("while a { };;"), "  while a {};;\n");
}

TEST(Format, AlignedEquals) {
  EXPECT_EQ(statement("let a  = 1;\nvar long = 2;"),
            "  let a    = 1;\n  var long = 2;\n");
  EXPECT_EQ(statement("let a = 1;\nvar long = 2;"),
            "  let a = 1;\n  var long = 2;\n");
  EXPECT_EQ(statement("let a  = 1;\n\nvar long = 2;"),
            "  let a = 1;\n\n  var long = 2;\n");
}

TEST(Format, Comments) {
  EXPECT_EQ(statement("// a\n\n\n// b\nx = 1; // c\n// d"),
            "  // a\n\n  // b\n  x = 1;  // c\n  // d\n");
  EXPECT_EQ(statement("x = f(a, // c\nb);"), "  x = f(a,  // c\n        b);\n");
  EXPECT_EQ(statement("x = /* a */ 1;"), "  x = /* a */ 1;\n");
  EXPECT_EQ(formatted("// only\n"), "// only\n");
  EXPECT_EQ(formatted("\n\n"), "");
  EXPECT_EQ(formatted("/// doc\r\nconst A = 1;\r\n"),
            "/// doc\nconst A = 1;\n");
}

// Files of other systems, some of them converted twice.
TEST(Format, CarriageReturns) {
  EXPECT_EQ(formatted("/* a\r\n b\r\r\n*/\r\nconst A = 1;\r\n"),
            "/* a\n b\n*/\nconst A = 1;\n");
}

TEST(Format, LongLines) {
  std::string a(40, 'a'), b(40, 'b'), c(40, 'c');
  EXPECT_EQ(statement("let x = " + a + " and " + b + " and " + c + ";"),
            "  let x = " + a + " and\n          " + b + " and\n          " + c +
                ";\n");
  EXPECT_EQ(statement("x = f(" + a + ", " + b + ", " + c + ");"),
            "  x = f(" + a + ", " + b + ",\n        " + c + ");\n");
  EXPECT_EQ(formatted("fn f(" + a + ": T, " + b + ": T, " + c + ": T) {}"),
            "fn f(\n    " + a + ": T, " + b + ": T,\n    " + c + ": T) {}\n");
}

TEST(Format, Heads) {
  EXPECT_EQ(formatted("kernel k(x: tensor<T>[N], out y: tensor<T>[N]) grid(N) "
                      "{ }"),
            "kernel k(x: tensor<T>[N], out y: tensor<T>[N]) grid (N) {}\n");
  EXPECT_EQ(formatted("kernel k(\nx: tensor<T>[N]? , out y: tensor<T>[N]) "
                      "where -N<0 where_not grid(N) { }")
                .substr(0, 5),
            "k.ag:");
  EXPECT_EQ(formatted("kernel k(\nx: tensor<T>[N]?,out y:tensor<T>[N]=0.0) "
                      "where -N<0 grid(N) tune(A in[1,2]){f();}"),
            "kernel k(\n    x:     tensor<T>[N]?,\n"
            "    out y: tensor<T>[N] = 0.0)\n"
            "  where -N < 0\n  grid (N)\n  tune (A in [1, 2])\n{\n  f();\n}\n");
  EXPECT_EQ(formatted("struct S{a:int,b:T}\nvariant v(\n){fn f(){}}"),
            "struct S { a: int, b: T }\n\nvariant v() {\n  fn f() {}\n}\n");
  EXPECT_EQ(formatted("import \"a\";import\"b\";const A=1;"),
            "import \"a\";\nimport \"b\";\n\nconst A = 1;\n");
}

// The kernel of the language reference.
TEST(Format, FlashIsAFixedPoint) {
  std::string text = readKernel("kernels_dsl/flash/flash_fwd.ag");
  ASSERT_NE(text.find("\n    out lse: tensor<acc<T>>[B, H, M]?,\n"),
            std::string::npos);
  EXPECT_EQ(formatted(text), text);
}

TEST(Format, MistakesAreReported) {
  EXPECT_EQ(formatted("fn f( {").substr(0, 5), "k.ag:");
}

TEST(Format, KernelsAreStable) {
  for (const std::string &text : allKernels())
    checkStable(text);
}

// The same tokens in any layout, with comments anywhere.
TEST(Format, ScatteredKernelsAreStable) {
  std::vector<std::string> kernels = allKernels();
  size_t right = 0;
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    std::string scattered = scatterLayout(kernels[seed % kernels.size()], seed);
    right += checkStable(scattered);
    if (HasFailure())
      break;
  }
  EXPECT_GT(right, 1000u);
}

TEST(Format, MadeKernelsAreStable) {
  std::mt19937 random(4);
  for (uint32_t round = 0; round < 2000; ++round) {
    std::vector<uint8_t> choices(random() % 300);
    for (uint8_t &choice : choices)
      choice = static_cast<uint8_t>(random());
    std::string text = makeKernel(choices);
    EXPECT_TRUE(checkStable(text)) << text << formatted(text);
    EXPECT_TRUE(checkStable(scatterLayout(text, round)));
    if (HasFailure())
      break;
  }
}

// Pieces of kernels taken out, doubled and joined; some are still right.
TEST(Format, MutatedKernelsAreStable) {
  std::vector<std::string> kernels = allKernels();
  std::mt19937 random(5);
  size_t right = 0;
  for (int round = 0; round < 30000; ++round) {
    std::string text = kernels[random() % kernels.size()];
    const std::string &other = kernels[random() % kernels.size()];
    size_t at = random() % (text.size() + 1), from = random() % other.size();
    text.replace(at, random() % 3, other, from, random() % 6);
    right += checkStable(text);
    if (HasFailure())
      break;
  }
  EXPECT_GT(right, 1000u);
}

} // namespace
} // namespace attn_grid::compiler::test
