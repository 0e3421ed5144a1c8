// Trees of right text, and messages about wrong text.

#include "test/unit/Syntax.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace attn_grid::compiler::test {
namespace {

using namespace ast;
using testing::HasSubstr;

// ----------------------------------------------------------------- expressions

TEST(ParserExpr, Precedence) {
  EXPECT_EQ(showExpr("a or b and not c == d"), "(a or (b and (not (c == d))))");
  EXPECT_EQ(showExpr("a | b ^ c & d << e + f * g"),
            "(a | (b ^ (c & (d << (e + (f * g))))))");
  EXPECT_EQ(showExpr("a - b - c + d"), "(((a - b) - c) + d)");
  EXPECT_EQ(showExpr("a / b * c % d"), "(((a / b) * c) % d)");
  EXPECT_EQ(showExpr("a & b == c | d"), "((a & b) == (c | d))");
  EXPECT_EQ(showExpr("a < b and c >= d or e != f"),
            "(((a < b) and (c >= d)) or (e != f))");
  EXPECT_EQ(showExpr("not not a"), "(not (not a))");
}

// `**` binds tighter than a sign on its left, not on its right.
TEST(ParserExpr, PowerAndSigns) {
  EXPECT_EQ(showExpr("-x ** 2"), "(- (x ** 2))");
  EXPECT_EQ(showExpr("x ** -2"), "(x ** (- 2))");
  EXPECT_EQ(showExpr("x ** 2 ** 3"), "(x ** (2 ** 3))");
  EXPECT_EQ(showExpr("- - ~x * y"), "((- (- (~ x))) * y)");
  EXPECT_EQ(showExpr("a--b"), "(a - (- b))");
  EXPECT_EQ(showExpr("-t[0].x"), "(- t[0].x)");
}

TEST(ParserExpr, Literals) {
  EXPECT_EQ(showExpr("0xff + 0b101 + 1_000"), "((255 + 5) + 1000)");
  EXPECT_EQ(showExpr("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(showExpr("-9223372036854775808"), "-9223372036854775808");
  EXPECT_THAT(showExpr("9223372036854775808"),
              HasSubstr("this integer does not fit in 64 bits"));
  EXPECT_EQ(showExpr("1.5e3"), "f:1500");
  EXPECT_EQ(showExpr("1e-400"), "f:0");
  EXPECT_THAT(showExpr("1e400"), HasSubstr("too large for f64"));
  EXPECT_EQ(showExpr("true and false"), "(true and false)");
}

TEST(ParserExpr, Calls) {
  EXPECT_EQ(showExpr("f()"), "f()");
  EXPECT_EQ(showExpr("dot(a, b, acc = c,)"), "dot(a, b, acc = c)");
  EXPECT_EQ(showExpr("grad(f)(x, 1)"), "grad(f)(x, 1)");
  EXPECT_EQ(showExpr("reshape(t, [M, 2 * N])"),
            "reshape(t, list [M, (2 * N)])");
  EXPECT_EQ(showExpr("g(\"a\\n\\\"b\\\\\")"), "g(\"a\n\"b\\\")");
}

// Of these calls the axis comes second, so that what follows may be many.
TEST(ParserExpr, AxisBeforeOtherArguments) {
  EXPECT_EQ(showExpr("sort(x, axis = 0, a, b)"), "sort(x, axis = 0, a, b)");
  EXPECT_EQ(showExpr("scan(x, axis = 0, f)"), "scan(x, axis = 0, f)");
}

TEST(ParserExpr, Indices) {
  EXPECT_EQ(showExpr("t[b, m +: W, 0 +: 4 step 2, :, a .. e, a .. e step s]"),
            "t[b, m +: W, 0 +: 4 step 2, :, a .. e, a .. e step s]");
  EXPECT_EQ(showExpr("x[:, None]"), "x[:, None]");
  EXPECT_EQ(showExpr("k[n +: B].T"), "k[n +: B].T");
  EXPECT_EQ(showExpr("(a + b)[None, :]"), "(a + b)[None, :]");
  EXPECT_EQ(showExpr("step[step +: step step step]"),
            "step[step +: step step step]");
}

// `name<` is generic if `(`, `[` or `{` follows the `>` that closes it.
TEST(ParserExpr, Generics) {
  EXPECT_EQ(showExpr("f<T, 4>(x)"), "f<T, 4>(x)");
  EXPECT_EQ(showExpr("cast<acc<T>>(x)"), "cast<type acc<T>>(x)");
  EXPECT_EQ(showExpr("zeros<acc<T>>[M, N]"), "make zeros<type acc<T>>[M, N]");
  EXPECT_EQ(showExpr("full<f32>[M](-inf)"), "make full<f32>[M]((- inf))");
  EXPECT_EQ(showExpr("S<T, 2 * M> { a: x, b: 0 }"),
            "struct S<T, (2 * M)> {a: x, b: 0}");
  EXPECT_EQ(showExpr("f<M = 4, T = f16>(x)"), "f<M = 4, T = f16>(x)");
  EXPECT_EQ(showExpr("f<S<T, 4>>(x)"), "f<type S<T, 4>>(x)");
  EXPECT_EQ(showExpr("f<(a > b), next_pow2(D)>()"),
            "f<(a > b), next_pow2(D)>()");
  EXPECT_EQ(showExpr("f<max<T>(1, 2)>()"), "f<max<T>(1, 2)>()");
  EXPECT_EQ(showExpr("f<a >> 1>()").substr(0, 5), "k.ag:");
  EXPECT_EQ(showExpr("a < b"), "(a < b)");
  EXPECT_EQ(showExpr("a < b and c > (d)"), "((a < b) and (c > d))");
  EXPECT_EQ(showExpr("a < f(b > (c))"), "(a < f((b > c)))");
  EXPECT_EQ(showExpr("t[0] < b"), "(t[0] < b)");
  EXPECT_EQ(showExpr("g(a < b, c)"), "g((a < b), c)");
  // As the rule says, also where a reader might see two comparisons.
  EXPECT_EQ(showExpr("g(a < b, c > (d))"), "g(a<b, c>(d))");
}

TEST(ParserExpr, Structs) {
  EXPECT_EQ(showExpr("S { a: dot(x, y), b: T { c: 1 } }"),
            "struct S {a: dot(x, y), b: struct T {c: 1}}");
}

// The range of an expression has its parentheses, so that it can be quoted.
TEST(ParserExpr, Ranges) {
  Parsed parsed("const c = (a + b) * f( x );");
  const Expr *product = dynAs<ConstDecl>(parsed.decl())->value.get();
  EXPECT_EQ(parsed.sources.text(product->range), "(a + b) * f( x )");
  const auto *binary = dynAs<BinaryExpr>(product);
  EXPECT_EQ(parsed.sources.text(binary->lhs->range), "(a + b)");
  EXPECT_EQ(parsed.sources.text(binary->opRange), "*");
  EXPECT_EQ(parsed.sources.text(parsed.decl()->range),
            "const c = (a + b) * f( x );");
}

// The `>>` of two lists is taken apart without moving what follows.
TEST(ParserExpr, RangeOfNestedGenerics) {
  Parsed parsed("const c = cast<acc<T>>(x);");
  const auto *call = dynAs<CallExpr>(dynAs<ConstDecl>(parsed.decl())->value);
  EXPECT_EQ(parsed.sources.text(call->generics[0].range), "acc<T>");
  EXPECT_EQ(parsed.sources.text(call->range), "cast<acc<T>>(x)");
}

// ------------------------------------------------------------------ statements

/// The statements of a function's body, one a line.
std::string showBody(const std::string &body) {
  Parsed parsed("fn f() {\n" + body + "\n}");
  const auto *fn = dynAs<FnDecl>(parsed.decl());
  if (parsed.diags.hasErrors() || !fn)
    return parsed.diags.render();
  std::string text;
  for (const StmtPtr &stmt : fn->body.stmts)
    text += (text.empty() ? "" : "\n") + show(stmt.get());
  return text;
}

TEST(ParserStmt, Bindings) {
  EXPECT_EQ(showBody("let x = 1; var y = x; const W = 4; let (a, b) = f();"),
            "let x = 1\nvar y = x\nconst W = 4\nlet (a, b) = f()");
}

TEST(ParserStmt, Assignments) {
  EXPECT_EQ(showBody("x = 1; s.a.b += 2; t[i, 0 +: 4] = y; x <<= 1;"),
            "x = 1\ns.a.b += 2\nt[i, 0 +: 4] = y\nx <<= 1");
}

TEST(ParserStmt, Control) {
  EXPECT_EQ(showBody("if a { x = 1; } else if b { } else { y = 1; z = 1; }"),
            "if a {1} else {1}");
  EXPECT_EQ(showBody("const if present(x) { x = 1; }"),
            "const if present(x) {1}");
  EXPECT_EQ(showBody("while i < n { break; continue; }"), "while (i < n)");
  EXPECT_EQ(showBody("for i in 0 .. N step BN { continue unless any(k); }"),
            "for i in 0 .. N step BN");
  EXPECT_EQ(showBody("continue unless any(keep);"),
            "continue unless any(keep)");
  EXPECT_EQ(showBody("store(t[0], x);"), "call store(t[0], x)");
}

// A name before a block is a condition, before `{ field:` a struct.
TEST(ParserStmt, BlockOrStruct) {
  EXPECT_EQ(showBody("if a { b = 1; }"), "if a {1}");
  EXPECT_EQ(showBody("if n > S { f() ; }"), "if (n > S) {1}");
  EXPECT_EQ(showBody("while f(S { a: 1 }) { }"), "while f(struct S {a: 1})");
}

TEST(ParserStmt, Returns) {
  EXPECT_EQ(showBody("return;"), "return []");
  EXPECT_EQ(showBody("return x;"), "return [x]");
  EXPECT_EQ(showBody("return (x, y + 1);"), "return [x, (y + 1)]");
  EXPECT_EQ(showBody("return (x);"), "return [x]");
  EXPECT_EQ(showBody("return (x + 1) * -2;"), "return [((x + 1) * (- 2))]");
  EXPECT_EQ(showBody("return (x) - y;"), "return [(x - y)]");
  EXPECT_EQ(showBody("return (x)[0].a or b;"), "return [(x[0].a or b)]");
}

// ---------------------------------------------------------------- declarations

TEST(ParserDecl, Kernel) {
  Parsed parsed(R"(
/// What it does.
/// And how.
kernel k<T: float, TB: any = T, const BM: int = 64, const flag: bool = false,
         fn score: (f32, int) -> f32 = no_score>(
    /// Queries.
    q: tensor<T>[B, M + 1],
    out o: tensor<acc<T>>[B, M]? = 0.0,
    inout c: tensor<i32>[],
    out: f32 = 1.0 / sqrt(BM),)
  where M % 4 == 0 and B > 0
  grid (ceildiv(M, BM), B)
  tune (BM in [32, 64], warps in [4])
{ }
)");
  ASSERT_EQ(parsed.diags.render(), "");
  const auto *kernel = dynAs<KernelDecl>(parsed.decl());
  ASSERT_TRUE(kernel);
  EXPECT_EQ(kernel->doc, "What it does.\nAnd how.");
  ASSERT_EQ(kernel->generics.size(), 5u);
  EXPECT_EQ(kernel->generics[0].typeClass, GenericParam::TypeClass::Float);
  EXPECT_EQ(show(kernel->generics[1].typeDefault.get()), "T");
  EXPECT_EQ(show(kernel->generics[2].valueDefault.get()), "64");
  EXPECT_EQ(kernel->generics[3].constKind, GenericParam::ConstKind::Bool);
  EXPECT_EQ(show(kernel->generics[4].function.get()), "(f32, int) -> f32");
  ASSERT_EQ(kernel->params.size(), 4u);
  EXPECT_EQ(kernel->params[0].doc, "Queries.");
  EXPECT_EQ(show(kernel->params[0].type.get()), "tensor<T>[B, (M + 1)]");
  EXPECT_EQ(kernel->params[1].mode, Param::Mode::Out);
  EXPECT_TRUE(kernel->params[1].optional);
  EXPECT_EQ(show(kernel->params[1].defaultValue.get()), "f:0");
  EXPECT_EQ(kernel->params[2].mode, Param::Mode::Inout);
  // A parameter may be called `out`.
  EXPECT_EQ(kernel->params[3].mode, Param::Mode::In);
  EXPECT_EQ(kernel->params[3].name.text, "out");
  ASSERT_EQ(kernel->where.size(), 2u);
  EXPECT_EQ(show(kernel->where[0].get()), "((M % 4) == 0)");
  EXPECT_EQ(kernel->grid.size(), 2u);
  ASSERT_EQ(kernel->tune.size(), 2u);
  EXPECT_EQ(kernel->tune[0].candidates.size(), 2u);
}

TEST(ParserDecl, Function) {
  Parsed parsed("fn f<const N: int>(x: tile<f32>[N], m: tile<bool>[N] = true, "
                "out t: tensor<f32>[K]?) -> (f32, tile<i32>[N]) { }");
  ASSERT_EQ(parsed.diags.render(), "");
  const auto *fn = dynAs<FnDecl>(parsed.decl());
  EXPECT_EQ(show(fn->result.get()), "(f32, tile<i32>[N])");
  EXPECT_EQ(show(fn->params[1].defaultValue.get()), "true");
}

TEST(ParserDecl, StructVariantConst) {
  Parsed parsed(R"(
struct S<T: any, const N: int> { a: tile<acc<T>>[N], /// count
  n: int, }
variant alibi(slopes: tensor<f32>[H]) {
  fn score(s: f32, b: int) -> f32 { return s; }
  fn mask(b: int) -> bool { return true; }
}
const W = 4;
)");
  ASSERT_EQ(parsed.diags.render(), "");
  const auto *record = dynAs<StructDecl>(parsed.decl(0));
  ASSERT_TRUE(record);
  EXPECT_EQ(show(record->fields[0].type.get()), "tile<acc<T>>[N]");
  EXPECT_EQ(record->fields[1].doc, "count");
  const auto *variant = dynAs<VariantDecl>(parsed.decl(1));
  ASSERT_TRUE(variant);
  EXPECT_EQ(variant->functions.size(), 2u);
  EXPECT_TRUE(dynAs<ConstDecl>(parsed.decl(2)));
}

// Each file once, after what it imports.
TEST(ParserDecl, Imports) {
  Parsed parsed("import \"softmax.ag\"; import \"softmax.ag\"; "
                "import \"masks.ag\";");
  ASSERT_EQ(parsed.diags.render(), "");
  ASSERT_EQ(parsed.tree.files.size(), 3u);
  EXPECT_EQ(parsed.sources.name(parsed.tree.files[0]->id),
            "prelude/softmax.ag");
  EXPECT_EQ(parsed.tree.root().id, 0u);
}

// -------------------------------------------------------------------- mistakes

struct Mistake {
  const char *text;
  const char *message; // from the line on
};
void expectMistakes(std::initializer_list<Mistake> list) {
  for (const Mistake &m : list)
    EXPECT_EQ(firstMessage(m.text), m.message) << m.text;
}

TEST(ParserMistake, Declarations) {
  expectMistakes({
      {"kernl k() { }", "1:1: error: expected `kernel`, `fn`, `struct`, "
                        "`variant`, `const` or `import`, found `kernl`"},
      {"import x;", "1:8: error: expected the name of a file in quotes after "
                    "`import`, found `x`"},
      {"fn for() { }",
       "1:4: error: expected the name of the function, found `for`"},
      {"fn f(x) { }", "1:7: error: expected `:` and a type after the name of "
                      "the parameter, found `)`"},
      {"fn f(x: f32): f32 { }", "1:13: error: expected `->` before the type "
                                "of the result, found `:`"},
      {"fn f() -> (f32) { }", "1:11: error: a tuple has two elements or more"},
      {"fn f(x: (f32, f32)) { }", "1:9: error: expected a type, found `(`"},
      {"fn f(x: f32[4]) { }", "1:9: error: `f32` has no extents"},
      {"fn f(x: tile<f32>) { }",
       "1:18: error: expected `[` and the extents of the tile, found `)`"},
      {"fn f(const N: int) { }", "1:6: error: a const parameter stands in "
                                 "`<...>`, before the parameters"},
      {"fn f(out x: f32) { }", "1:13: error: only a tensor can be `out`"},
      {"fn f<T>() { }", "1:7: error: expected `:` and `any`, `float` or `int` "
                        "after the name of a type parameter, found `>`"},
      {"fn f<T: f32>() { }",
       "1:9: error: expected `any`, `float` or `int`, found `f32`"},
      {"fn f<const N: i64>() { }",
       "1:15: error: expected `int`, `float` or `bool`, found `i64`"},
      {"fn f<T: any, T: any>() { }",
       "1:14: error: the parameter `T` is declared twice"},
      {"fn f(x: f32, x: f32) { }",
       "1:14: error: the parameter `x` is declared twice"},
      {"struct S { a: f32; b: f32 }",
       "1:18: error: expected `,` between fields, found `;`"},
      {"struct S { a: f32, a: f32 }",
       "1:20: error: the field `a` is declared twice"},
      {"kernel k() grid () { }", "1:18: error: expected the size of the grid's "
                                 "first dimension, found `)`"},
      {"kernel k() grid (1) grid (2) { }",
       "1:21: error: a kernel has one `grid` only"},
      {"kernel k() gird (1) { }", "1:12: error: expected `where`, `grid`, "
                                  "`tune` or the body of the kernel, found "
                                  "`gird`"},
      {"kernel k() grid (1) tune (B in [1], B in [2]) { }",
       "1:37: error: `B` is tuned twice"},
      {"kernel k() grid (1) tune (B in []) { }",
       "1:32: error: `B` has no candidates"},
      {"variant v { let x = 1; }",
       "1:13: error: expected `fn` or `}` in a variant, found `let`"},
  });
}

TEST(ParserMistake, Statements) {
  auto body = [](const char *text) { return "fn f() { " + std::string(text); };
  auto expect = [&](const char *text, const char *message) {
    EXPECT_EQ(firstMessage(body(text)), message) << text;
  };
  expect("let x; }", "1:15: error: expected `=` and a value, found `;`");
  expect("let x, y = f(); }", "1:15: error: expected `=`, found `,`");
  expect("let (x) = f(); }", "1:14: error: a tuple has two parts or more");
  expect("let (x, x) = f(); }", "1:18: error: the name `x` is declared twice");
  expect("let x: f32 = 1; }",
         "1:15: error: a `let` takes its type from its value");
  expect("1 = x; }", "1:10: error: this cannot be assigned to");
  expect("t[0].x = 1; }", "1:10: error: this cannot be assigned to");
  expect("x + 1; }", "1:10: error: this statement has no effect");
  expect("int x = 1; }",
         "1:14: error: expected `=`, `(` or another operator, found `x`");
  expect("else { } }", "1:10: error: this `else` belongs to no `if`");
  expect("{ } }", "1:10: error: a block stands only after `if`, `else`, `for` "
                  "and `while`");
  expect("if x y = 1; }",
         "1:15: error: expected `{` after the condition, found `y`");
  expect("for i in n { } }",
         "1:21: error: expected `..` and the end of the range, found `{`");
  expect("continue if x; }",
         "1:19: error: expected `;` or `unless`, found `if`");
  expect("return a, b; }",
         "1:18: error: expected `;` after the result, found `,`");
  expect("return (a,); }", "1:17: error: a tuple has two parts or more");
  expect("let x = 1", "1:19: error: expected `;` after the value");
}

TEST(ParserMistake, Expressions) {
  auto expect = [&](const char *text, const char *message) {
    EXPECT_EQ(showExpr(text).substr(0, showExpr(text).find('\n')),
              std::string("k.ag:1:") + message)
        << text;
  };
  expect("a < b < c", "17: error: comparisons do not chain");
  expect("a == not b", "16: error: expected an expression, found `not`");
  expect("f(a = 1, a = 2)", "20: error: the argument `a` is given twice");
  expect("f(a = 1, 2)",
         "20: error: an argument without a name follows a named one");
  expect("S { a: 1, a: 2 }", "21: error: the field `a` is given twice");
  expect("S { a: 1, b = 2 }",
         "23: error: expected `:` after the name of the field, found `=`");
  expect("[1, 2]", "11: error: a list stands only as an argument, as in "
                   "`reshape(t, [M, N])`");
  expect("\"x\"", "11: error: a string stands only as an argument of `print`, "
                  "`assert` or `static_assert`");
  expect("None", "11: error: `None` stands only in `[...]`, for a new extent "
                 "of 1");
  expect("t[]", "12: error: an index has one entry for each dimension");
  expect("t[..4]", "13: error: expected where the range begins, such as `0`, "
                   "found `..`");
  expect("t[: 4]", "15: error: expected `,` or `]` after `:`, found `4`");
  expect("x.4", "12: error: this is not a number");
  expect("x.", "13: error: expected the name of a field, or `T`, after `.`, "
               "found `;`");
  expect("if a { 1 }", "11: error: expected an expression, found `if`");
  expect("f(0 .. 4)", "15: error: expected `,` or `)`, found `..`");
}

// A mistake in one place does not hide the next, and makes no other.
TEST(ParserMistake, Recovery) {
  Parsed parsed(R"(fn a() { let x = ; let y = ); if z { w = } }
kernel b(x) grid (1) { let x = ; }
fn c( { }
struct d { a: }
fn e() { let y = 1 + ; }
fn good() { }
)");
  std::vector<std::string> places;
  for (const Diagnostic *d : parsed.diags.sorted()) {
    LineColumn at = parsed.sources.lineColumn(d->range);
    places.push_back(std::to_string(at.line) + ":" + std::to_string(at.column));
  }
  EXPECT_THAT(places, testing::ElementsAre("1:18", "1:28", "1:42", "2:11",
                                           "2:32", "3:7", "4:15", "5:22"));
  EXPECT_EQ(parsed.tree.root().decls.back()->name.text, "good");
}

TEST(ParserMistake, TooDeep) {
  for (std::string nest : {"(", "f(", "t[", "-", "not ", "f<",
                           "S { a: ", "x ** ", "where(a, ", "f<acc<"}) {
    std::string text = "const c = ";
    for (int i = 0; i < 100000; ++i)
      text += nest;
    Parsed parsed(text);
    EXPECT_EQ(parsed.diags.size(), 1u) << nest;
  }
  std::string blocks = "fn f() { ", elses = "fn f() { if a { }", chain = "x";
  for (int i = 0; i < 100000; ++i) {
    blocks += "if a { ";
    elses += " else if a { }";
    chain += " + x";
  }
  for (const std::string &text :
       {blocks, elses, "const c = " + chain + ";",
        "struct S { a: " + std::string(100000, '(')}) {
    Parsed parsed(text);
    EXPECT_EQ(parsed.diags.size(), 1u) << text.substr(0, 40);
  }
  // What is nested less is fine.
  std::string fine = std::string(60, '(') + "x" + std::string(60, ')');
  EXPECT_EQ(showExpr(fine), "x");
}

TEST(ParserMistake, ImportCycle) {
  EXPECT_EQ(firstMessage("import \"k.ag\";"),
            "1:8: error: files may not import each other in a circle");
  EXPECT_EQ(firstMessage("import \"none.ag\";"),
            "1:8: error: cannot find \"none.ag\"");
}

} // namespace
} // namespace attn_grid::compiler::test
