#include "runtime/Evaluate.h"
#include "test/runtime/FakeCompiler.h"
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace attn_grid;
using namespace attn_grid::test;
using attn_grid::detail::Environment;
using attn_grid::detail::evaluate;
using attn_grid::detail::Evaluation;
using attn_grid::detail::EvaluationError;
using Op = Expr::Op;

namespace {

constexpr int64_t smallest = std::numeric_limits<int64_t>::min();
constexpr int64_t largest = std::numeric_limits<int64_t>::max();
const Environment nothing;

Evaluation run(Op op, auto a, auto b) {
  auto leaf = [](auto value) {
    if constexpr (std::is_same_v<decltype(value), bool>)
      return boolean_literal(value);
    else if constexpr (std::is_integral_v<decltype(value)>)
      return literal(int64_t(value));
    else
      return literal(double(value));
  };
  return evaluate(binary(op, leaf(a), leaf(b)), nothing);
}
int64_t integer(Op op, int64_t a, int64_t b) {
  Evaluation value = run(op, a, b);
  EXPECT_TRUE(value && (*value).kind() == Scalar::Kind::integer);
  return value ? (*value).integer() : -999;
}
double number(Op op, auto a, auto b) {
  Evaluation value = run(op, a, b);
  EXPECT_TRUE(value && (*value).kind() == Scalar::Kind::floating);
  return value ? (*value).number() : -999;
}
bool holds(Op op, auto a, auto b) {
  Evaluation value = run(op, a, b);
  EXPECT_TRUE(value && (*value).kind() == Scalar::Kind::boolean);
  return value && (*value).integer();
}
void overflows(Op op, int64_t a, int64_t b) {
  Evaluation value = run(op, a, b);
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().kind, EvaluationError::Kind::overflow);
}
void refused(const Expr &expr) {
  Evaluation value = evaluate(expr, nothing);
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().kind, EvaluationError::Kind::invalid);
}

TEST(Evaluate, IntegerDivision) {
  struct {
    int64_t a, b, div, mod, floordiv, floormod, ceildiv;
  } table[] = {{7, 2, 3, 1, 3, 1, 4},      {-7, 2, -3, -1, -4, 1, -3},
               {7, -2, -3, 1, -4, -1, -3}, {-7, -2, 3, -1, 3, -1, 4},
               {6, 3, 2, 0, 2, 0, 2},      {5, 0, 0, 5, 0, 5, 0},
               {0, 5, 0, 0, 0, 0, 0},      {-6, 3, -2, 0, -2, 0, -2}};
  for (auto [a, b, div, mod, floordiv, floormod, ceildiv] : table) {
    EXPECT_EQ(integer(Op::div, a, b), div);
    EXPECT_EQ(integer(Op::mod, a, b), mod);
    EXPECT_EQ(integer(Op::floordiv, a, b), floordiv);
    EXPECT_EQ(integer(Op::floormod, a, b), floormod);
    EXPECT_EQ(integer(Op::ceildiv, a, b), ceildiv);
  }
  for (Op op : {Op::div, Op::floordiv, Op::ceildiv})
    overflows(op, smallest, -1);
  EXPECT_EQ(integer(Op::mod, smallest, -1), 0);
  EXPECT_EQ(integer(Op::floormod, smallest, -1), 0);
}

TEST(Evaluate, IntegerOverflow) {
  overflows(Op::add, largest, 1);
  overflows(Op::sub, smallest, 1);
  overflows(Op::mul, largest, 2);
  overflows(Op::pow, 3, 40);
  overflows(Op::pow, 2, 63);
  overflows(Op::shl, 1, 63);
  EXPECT_EQ(integer(Op::pow, -2, 63), smallest);
  for (Op op : {Op::neg, Op::abs}) {
    Evaluation value = evaluate(unary(op, literal(smallest)), nothing);
    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().kind, EvaluationError::Kind::overflow);
  }
  Evaluation power =
      evaluate(unary(Op::next_pow2, literal((int64_t(1) << 62) + 1)), nothing);
  ASSERT_FALSE(power);
  EXPECT_EQ(power.error().kind, EvaluationError::Kind::overflow);
}

TEST(Evaluate, IntegerOperations) {
  EXPECT_EQ(integer(Op::pow, 3, 4), 81);
  EXPECT_EQ(integer(Op::pow, -1, largest), -1);
  EXPECT_EQ(integer(Op::pow, 0, 0), 1);
  EXPECT_EQ(integer(Op::pow, 1, largest), 1);
  EXPECT_EQ(integer(Op::min, -3, 2), -3);
  EXPECT_EQ(integer(Op::max, -3, 2), 2);
  EXPECT_EQ(integer(Op::bit_and, 12, 10), 8);
  EXPECT_EQ(integer(Op::bit_or, 12, 10), 14);
  EXPECT_EQ(integer(Op::bit_xor, 12, 10), 6);
  EXPECT_EQ(integer(Op::shl, 3, 4), 48);
  EXPECT_EQ(integer(Op::shl, 3, 64), 0);
  EXPECT_EQ(integer(Op::shr, -8, 1), -4);
  EXPECT_EQ(integer(Op::shr, -8, 100), -1);
  EXPECT_EQ(integer(Op::shr, 8, 100), 0);
  refused(binary(Op::shl, literal(int64_t(1)), literal(int64_t(-1))));
  refused(binary(Op::pow, literal(int64_t(2)), literal(int64_t(-1))));
  for (auto [x, power] : {std::pair<int64_t, int64_t>{-5, 1},
                          {0, 1},
                          {1, 1},
                          {2, 2},
                          {3, 4},
                          {64, 64},
                          {65, 128}})
    EXPECT_EQ((*evaluate(unary(Op::next_pow2, literal(x)), nothing)).integer(),
              power);
}

TEST(Evaluate, Floats) {
  EXPECT_EQ(number(Op::div, 1, 4.0), 0.25);
  EXPECT_EQ(number(Op::add, 1.5, 2), 3.5);
  EXPECT_EQ(number(Op::floordiv, -7.0, 2), -4);
  EXPECT_EQ(number(Op::ceildiv, 7.0, 2), 4);
  EXPECT_EQ(number(Op::mod, -7.5, 2), -1.5);
  EXPECT_EQ(number(Op::floormod, -7.5, 2), 0.5);
  EXPECT_EQ(number(Op::pow, 2.0, -1), 0.5);
  EXPECT_TRUE(std::isinf(number(Op::div, 1.0, 0)));
  EXPECT_TRUE(holds(Op::lt, 1, 1.5));
  EXPECT_FALSE(holds(Op::eq, NAN, NAN));
  EXPECT_TRUE(holds(Op::ne, NAN, NAN));
  refused(binary(Op::bit_and, literal(1.0), literal(int64_t(1))));
  Expr root = unary(Op::sqrt, literal(int64_t(64)));
  EXPECT_EQ((*evaluate(root, nothing)).number(), 8);
  EXPECT_EQ((*evaluate(unary(Op::exp2, literal(3.0)), nothing)).number(), 8);
  EXPECT_EQ((*evaluate(unary(Op::log2, literal(8.0)), nothing)).number(), 3);
}

TEST(Evaluate, Bools) {
  EXPECT_TRUE(holds(Op::logical_and, true, true));
  EXPECT_FALSE(holds(Op::logical_and, true, false));
  EXPECT_TRUE(holds(Op::logical_or, true, false));
  EXPECT_TRUE(holds(Op::eq, false, false));
  EXPECT_TRUE(holds(Op::ne, true, false));
  EXPECT_TRUE(holds(Op::bit_xor, true, false));
  EXPECT_TRUE(holds(Op::bit_or, true, false));
  EXPECT_FALSE(holds(Op::bit_and, true, false));
  EXPECT_TRUE(holds(Op::le, 3, 3));
  EXPECT_TRUE(holds(Op::gt, 4, 3));
  EXPECT_FALSE(holds(Op::ge, 2, 3));
  refused(binary(Op::add, boolean_literal(true), literal(int64_t(1))));
  refused(binary(Op::logical_and, literal(int64_t(1)), boolean_literal(true)));
  refused(unary(Op::logical_not, literal(int64_t(1))));
  refused(unary(Op::neg, boolean_literal(true)));
}

TEST(Evaluate, Where) {
  auto where = [](Expr condition, Expr a, Expr b) {
    for (const Expr &part : {a, b})
      condition.nodes.insert(condition.nodes.end(), part.nodes.begin(),
                             part.nodes.end());
    return unary(Op::where, condition);
  };
  Expr one = literal(int64_t(1)), half = literal(0.5);
  Scalar mixed = *evaluate(where(boolean_literal(true), one, half), nothing);
  EXPECT_EQ(mixed.kind(), Scalar::Kind::floating);
  EXPECT_EQ(mixed.number(), 1);
  EXPECT_EQ(
      (*evaluate(where(boolean_literal(false), one, one), nothing)).kind(),
      Scalar::Kind::integer);
  refused(where(one, one, one));
  refused(where(boolean_literal(true), one, boolean_literal(true)));
}

TEST(Evaluate, Leaves) {
  Signature s;
  s.extents = {{"N", -1}, {"M", -1}};
  s.consts = {{"C", ConstParam::Kind::integer, {}, {}, -1}};
  s.types = {{"T", TypeParam::Class::any, false, {}}};
  s.params.resize(2);
  s.params[0].name = "x";
  s.params[1].name = "a";
  int64_t extents[] = {12, -1};
  std::optional<Scalar> consts[] = {std::nullopt},
                        scalars[] = {std::nullopt, 2.5};
  uint8_t present[] = {1, 0};
  std::optional<DType> types[] = {bf16};
  Environment all{&s, extents, consts, scalars, present, types};
  auto leaf = [&](Op op, int index, int64_t i = 0) {
    return evaluate(Expr{{{op, index, i, 0}}, ""}, all);
  };
  EXPECT_EQ((*leaf(Op::extent, 0)).integer(), 12);
  EXPECT_EQ(leaf(Op::extent, 1).error().what, "M");
  EXPECT_EQ(leaf(Op::constant, 0).error().what, "C");
  EXPECT_EQ((*leaf(Op::scalar, 1)).number(), 2.5);
  EXPECT_EQ(leaf(Op::scalar, 0).error().what, "x");
  EXPECT_EQ((*leaf(Op::present, 0)).integer(), 1);
  EXPECT_EQ((*leaf(Op::present, 1)).integer(), 0);
  EXPECT_EQ((*leaf(Op::type_bits, 0)).integer(), 16);
  EXPECT_EQ((*leaf(Op::type_is, 0, int(bf16))).integer(), 1);
  EXPECT_EQ((*leaf(Op::type_is, 0, int(f16))).integer(), 0);
  for (Op op : {Op::extent, Op::constant, Op::scalar, Op::present,
                Op::type_bits, Op::type_is})
    for (int index : {-1, 2, 1 << 30})
      EXPECT_EQ(leaf(op, index).error().kind, EvaluationError::Kind::invalid);
}

TEST(Evaluate, AnyNodeListEnds) {
  // Random lists: most are malformed. The sanitizers look on.
  Signature s;
  s.extents = {{"N", -1}};
  int64_t extents[] = {3};
  Environment some{&s, extents, {}, {}, {}, {}};
  std::mt19937_64 random(1);
  int64_t values[] = {0, 1, -1, 2, 63, 64, smallest, largest};
  int results = 0;
  for (int round = 0; round < 200000; ++round) {
    Expr expr;
    int count = static_cast<int>(random() % 9);
    for (int i = 0; i < count; ++i)
      expr.nodes.push_back(
          {static_cast<Op>(random() % 40), static_cast<int>(random() % 3) - 1,
           values[random() % 8], static_cast<double>(values[random() % 8])});
    results += static_cast<bool>(evaluate(expr, some));
  }
  EXPECT_GT(results, 1000);
  Expr deep;
  for (int i = 0; i < 1000; ++i)
    deep.nodes.push_back({Op::int_literal, 0, 1, 0});
  refused(deep);
  refused(Expr{});
}

} // namespace
