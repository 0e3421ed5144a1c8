// From a kernel's head to the data that a launch is checked with.

#include "compiler/Frontend/Signature.h"
#include "test/unit/Syntax.h"

#include <gtest/gtest.h>

namespace attn_grid::compiler::test {
namespace {

using Op = attn_grid::Expr::Op;

/// A postfix list as text: "ext0 const1 ceildiv".
std::string show(const attn_grid::Expr &expr) {
  static const char *names[] = {
      "int",      "float",    "bool",    "ext",       "const", "scalar",
      "present",  "bits",     "is",      "neg",       "not",   "abs",
      "sqrt",     "exp2",     "log2",    "next_pow2", "add",   "sub",
      "mul",      "div",      "mod",     "pow",       "min",   "max",
      "floordiv", "floormod", "ceildiv", "eq",        "ne",    "lt",
      "le",       "gt",       "ge",      "and",       "or",    "bit_and",
      "bit_or",   "bit_xor",  "shl",     "shr",       "where"};
  std::string text;
  for (const attn_grid::Expr::Node &node : expr.nodes) {
    text += text.empty() ? "" : " ";
    if (node.op == Op::int_literal || node.op == Op::bool_literal)
      text += std::to_string(node.i);
    else if (node.op == Op::float_literal)
      text += std::to_string(node.f);
    else
      text += names[static_cast<int>(node.op)];
    if (node.op >= Op::extent && node.op <= Op::type_is)
      text += std::to_string(node.index);
  }
  return text;
}

struct Signed {
  Parsed parsed;
  std::vector<Signature> list;
  explicit Signed(const std::string &text) : parsed(text) {
    list = makeSignatures(parsed.sources, parsed.tree, parsed.diags);
  }
  std::string firstMessage() const {
    std::string all = parsed.diags.render();
    return all.substr(0, all.find('\n'));
  }
};

TEST(Signature, FlashForward) {
  SourceManager sources;
  Diagnostics diags(sources);
  LoadResult root =
      sources.load(AG_SOURCE_DIR "/kernels_dsl/flash/flash_fwd.ag");
  ASSERT_TRUE(root.file) << root.error;
  ast::Tree tree = parse(sources, *root.file, diags);
  std::vector<Signature> list = makeSignatures(sources, tree, diags);
  ASSERT_EQ(diags.render(), "");
  ASSERT_EQ(list.size(), 1u);
  const Signature &s = list[0];
  EXPECT_EQ(s.name, "flash_fwd");
  EXPECT_TRUE(s.doc.starts_with("Dense attention, forward"));

  ASSERT_EQ(s.types.size(), 1u);
  EXPECT_EQ(s.types[0].kind, TypeParam::Class::floating);

  std::vector<std::string> extents;
  for (const Extent &extent : s.extents)
    extents.push_back(extent.name + std::to_string(extent.constant));
  EXPECT_EQ(extents, (std::vector<std::string>{"B-1", "H-1", "M-1", "D0", "G-1",
                                               "N-1", "DV1"}));

  ASSERT_EQ(s.consts.size(), 7u); // the last two are hints
  EXPECT_EQ(s.consts[0].extent, 3);
  EXPECT_EQ(s.consts[1].extent, 6);
  EXPECT_EQ(s.consts[2].kind, ConstParam::Kind::boolean);
  EXPECT_EQ(show(s.consts[2].default_value), "0");
  EXPECT_EQ(s.consts[3].candidates.size(), 3u);
  EXPECT_EQ(s.consts[3].extent, -1);

  ASSERT_EQ(s.params.size(), 6u);
  EXPECT_EQ(show(s.params[1].dims[3]), "ext3");
  EXPECT_EQ(s.params[1].dims[3].as_extent(), 3);
  EXPECT_EQ(s.params[3].mode, attn_grid::Param::Mode::out);
  EXPECT_TRUE(s.params[4].optional);
  EXPECT_EQ(s.params[4].type.kind, TypeRef::Kind::acc_of_param);
  EXPECT_FALSE(s.params[5].is_tensor);
  EXPECT_EQ(show(s.params[5].default_value), "1.000000 const0 sqrt div");
  EXPECT_EQ(s.params[5].default_value.text, "1.0 / sqrt(D)");

  ASSERT_EQ(s.where.size(), 1u);
  EXPECT_EQ(show(s.where[0]), "ext1 ext4 mod 0 eq");
  EXPECT_EQ(s.where[0].text, "H % G == 0");
  ASSERT_EQ(s.grid.size(), 3u);
  EXPECT_EQ(show(s.grid[0]), "ext2 const3 ceildiv");
}

/// The postfix list of a `where` over extents A, B, a const C, scalars s, t, an
/// optional tensor x and a type T.
std::string where(const std::string &condition) {
  Signed s("const FOUR = 2 * TWO; const TWO = 2;\n"
           "kernel k<T: float, const C: int = 4, const flag: bool = true>("
           "x: tensor<T>[A, B]?, s: f32, t: i32, b: bool) where " +
           condition + " grid (1) { }");
  return s.list.size() == 1 ? show(s.list[0].where[0]) : s.firstMessage();
}

TEST(Signature, Expressions) {
  EXPECT_EQ(where("A + B * C > 0"), "ext0 ext1 const0 mul add 0 gt");
  EXPECT_EQ(where("not flag"), "const1 not");
  EXPECT_EQ(where("b or s < inf"), "scalar3 scalar1 inf lt or");
  EXPECT_EQ(where("present(x)"), "present0");
  EXPECT_EQ(where("bits(T) == 16"), "bits0 16 eq");
  EXPECT_EQ(where("bits(bool) == bits(f64)"), "1 64 eq");
  EXPECT_EQ(where("T == f32 or f64 != T"), "is0 is0 not or");
  EXPECT_EQ(where("~t & 3 == -A ** 2"),
            "scalar2 -1 bit_xor 3 bit_and ext0 2 pow neg eq");
  EXPECT_EQ(where("min(A, 4) == where(flag, ceildiv(A, B), next_pow2(C))"),
            "ext0 4 min const1 ext0 ext1 ceildiv const0 next_pow2 where eq");
  EXPECT_EQ(where("sqrt(A) * LOG2E < 1.5"),
            "ext0 sqrt 1.442695 mul 1.500000 lt");
  EXPECT_EQ(where("A == FOUR"), "ext0 2 2 mul eq");
}

TEST(Signature, ExpressionMistakes) {
  auto expect = [](const char *condition, const char *message) {
    EXPECT_EQ(where(condition), std::string("k.ag:2:115: error: ") + message)
        << condition;
  };
  // The place is that of the wrong part, here always the first.
  expect("A", "expected a bool, found a number");
  expect("Q == 1", "nothing is called `Q` here");
  expect("x == 1", "`where` cannot use the tensor `x`");
  expect("T", "`T` is a type, not a value");
  expect("T == 4",
         "a type parameter is compared with a type, as in `T == f32`");
  expect("flag + 1 == 2", "expected a number, found a bool");
  expect("1.5 % 2 == 0", "expected an integer, found a float");
  expect("cos(A) > 0", "`where` cannot call `cos`");
  expect("max(A) > 0", "`max` takes 2 arguments, found 1");
  expect("x[0] > 0", "`where` is made of numbers, names, operators and "
                     "functions such as `ceildiv`");
}

TEST(Signature, Extents) {
  // `B + 1` binds B; what is computed otherwise is only checked.
  Signed s("kernel k<const W: int>(x: tensor<f32>[B + 1, 2 * B, W - 1], "
           "out y: tensor<f32>[B, W, n], n: int) grid (B) { }");
  ASSERT_EQ(s.list.size(), 1u) << s.parsed.diags.render();
  const Signature &k = s.list[0];
  ASSERT_EQ(k.extents.size(), 2u);
  EXPECT_EQ(k.extents[0].name, "B");
  EXPECT_EQ(k.extents[1].constant, 0);
  EXPECT_EQ(k.consts[0].extent, 1);
  EXPECT_EQ(show(k.params[0].dims[0]), "ext0 1 add");
  EXPECT_EQ(show(k.params[0].dims[1]), "2 ext0 mul");
  EXPECT_EQ(show(k.params[0].dims[2]), "ext1 1 sub");
  EXPECT_EQ(show(k.params[1].dims[2]), "scalar2");
  EXPECT_EQ(k.params[1].dims[0].as_extent(), 0);
}

TEST(Signature, TypesAndDefaults) {
  Signed s(
      "kernel k<T: any, TB: any = acc<T>, const A: int = 2, const B: int = "
      "A * 2>(out x: tensor<TB>[N] = 0, a: acc<i8> = B, b: acc<acc<T>>, c: "
      "int = a + N) grid (N) { }");
  ASSERT_EQ(s.list.size(), 1u) << s.parsed.diags.render();
  const Signature &k = s.list[0];
  EXPECT_TRUE(k.types[1].has_default);
  EXPECT_EQ(k.types[1].default_type.kind, TypeRef::Kind::acc_of_param);
  EXPECT_EQ(show(k.consts[1].default_value), "const0 2 mul");
  EXPECT_EQ(show(k.params[0].fill), "0");
  EXPECT_EQ(k.params[1].type.dtype, DType::i32);
  EXPECT_EQ(k.params[2].type.kind, TypeRef::Kind::acc_of_param);
  EXPECT_EQ(show(k.params[3].default_value), "scalar1 ext0 add");
}

// Function parameters have no place in a signature. Hints for GPUs are consts,
// behind the kernel's own.
TEST(Signature, FunctionsAndHints) {
  Signed s("kernel k<fn f: (f32) -> f32 = g, const A: int = 1>() grid (1) tune "
           "(warps in [4, 8], stages in [2]) { }");
  ASSERT_EQ(s.list.size(), 1u) << s.parsed.diags.render();
  ASSERT_EQ(s.list[0].consts.size(), 3u);
  EXPECT_TRUE(s.list[0].consts[0].candidates.empty());
  EXPECT_FALSE(s.list[0].consts[0].is_gpu_hint);
  const ConstParam &warps = s.list[0].consts[1], &stages = s.list[0].consts[2];
  EXPECT_EQ(warps.name, "warps");
  EXPECT_TRUE(warps.is_gpu_hint);
  EXPECT_EQ(show(warps.default_value), "4");
  EXPECT_EQ(warps.candidates.size(), 2u);
  EXPECT_EQ(stages.name, "stages");
  EXPECT_TRUE(stages.is_gpu_hint);
  EXPECT_EQ(show(stages.default_value), "2");
  EXPECT_EQ(stages.candidates.size(), 1u);
}

TEST(Signature, Mistakes) {
  auto expect = [](const char *text, const char *message) {
    EXPECT_EQ(Signed(text).firstMessage(), std::string("k.ag:1:") + message)
        << text;
  };
  expect("kernel k(x: tile<f32>[4]) grid (1) { }",
         "13: error: a kernel takes tensors and scalars only");
  expect("kernel k(x: tensor<acc<f33>>[N]) grid (N) { }",
         "24: error: `f33` is not an element type of a kernel");
  expect("kernel k<T: float>(T: int) grid (1) { }",
         "20: error: the parameter `T` is declared twice");
  expect("kernel k<T: float = i32>() grid (1) { }",
         "21: error: the default of `T` is not a float type");
  expect("kernel k<const A: int = 1.5>() grid (1) { }",
         "25: error: expected an integer, found a float");
  expect("kernel k<const A: bool = 1>() grid (1) { }",
         "26: error: expected a bool, found a number");
  expect("kernel k<const A: int = B, const B: int = 1>() grid (1) { }",
         "25: error: nothing is called `B` here");
  expect("kernel k<const A: int = A>() grid (1) { }",
         "25: error: nothing is called `A` here");
  expect("kernel k<const A: float>(x: tensor<f32>[A]) grid (1) { }",
         "41: error: an extent is an integer, but `A` is not");
  expect("kernel k(x: tensor<f32>[ceildiv(M, 2)]) grid (1) { }",
         "33: error: nothing is called `M` here");
  expect("kernel k(x: tensor<f32>[x]) grid (1) { }",
         "25: error: an extent of a tensor cannot use the tensor `x`");
  expect("kernel k(a: int = b, b: int = a) grid (1) { }",
         "19: error: the default of a scalar cannot use the scalar `b`");
  expect("kernel k(a: int = 1.5) grid (1) { }",
         "19: error: expected an integer, found a float");
  expect("kernel k(out x: tensor<bool>[N] = 1) grid (N) { }",
         "35: error: expected a bool, found a number");
  expect("kernel k(out x: tensor<f32>[N] = N) grid (N) { }",
         "34: error: what fills an `out` cannot use the extent `N`, which is "
         "known only at run time");
  expect("kernel k(inout x: tensor<f32>[N] = 0) grid (N) { }",
         "36: error: only an `out` tensor is filled before the kernel runs");
  expect("kernel k<const A: int>() grid (A) tune (A in [1]) { }",
         "10: error: `A` is tuned and needs a default");
  expect("kernel k() grid (1) tune (B in [1]) { }",
         "27: error: `B` is neither a const parameter of the kernel nor "
         "`warps` or `stages`");
  expect("const A = B; const B = A; kernel k() grid (A) { }",
         "24: error: the const `A` needs itself, or too many others");
}

// A kernel with a mistake does not hide the others.
TEST(Signature, OthersRemain) {
  Signed s("kernel a(x: foo) grid (1) { }\nkernel b() grid (1) { }");
  ASSERT_EQ(s.list.size(), 1u);
  EXPECT_EQ(s.list[0].name, "b");
  EXPECT_EQ(s.parsed.diags.size(), 1u);
}

} // namespace
} // namespace attn_grid::compiler::test
