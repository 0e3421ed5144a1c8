#include "runtime/Evaluate.h"
#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace attn_grid::detail {
namespace {

using Op = Expr::Op;
using Kind = Scalar::Kind;
constexpr int64_t smallest = std::numeric_limits<int64_t>::min();

/// One evaluation. Operations return false after setting `error`.
class Machine {
public:
  Machine(const Expr &expr, const Environment &environment)
      : expr_(expr), env_(environment) {}

  Evaluation run() {
    for (const Expr::Node &node : expr_.nodes)
      if (!step(node))
        return std::move(error_);
    if (depth_ != 1)
      return EvaluationError{EvaluationError::Kind::invalid, "malformed"};
    return stack_[0];
  }

private:
  bool fail(EvaluationError::Kind kind, std::string what) {
    error_ = {kind, std::move(what)};
    return false;
  }
  bool malformed() {
    return fail(EvaluationError::Kind::invalid, "malformed expression");
  }
  bool overflow() {
    return fail(EvaluationError::Kind::overflow,
                "an integer does not fit 64 bits");
  }
  bool unbound(const std::string &name) {
    return fail(EvaluationError::Kind::unbound, name);
  }

  bool push(Scalar value) {
    if (depth_ == max_depth)
      return malformed();
    stack_[depth_++] = value;
    return true;
  }

  bool step(const Expr::Node &node) {
    switch (node.op) {
    case Op::int_literal:
      return push(node.i);
    case Op::float_literal:
      return push(node.f);
    case Op::bool_literal:
      return push(node.i != 0);
    case Op::extent:
    case Op::constant:
    case Op::scalar:
    case Op::present:
    case Op::type_bits:
    case Op::type_is:
      return leaf(node);
    case Op::neg:
    case Op::logical_not:
    case Op::abs:
    case Op::sqrt:
    case Op::exp2:
    case Op::log2:
    case Op::next_pow2:
      return depth_ >= 1 ? unary(node.op, stack_[depth_ - 1]) : malformed();
    case Op::where:
      return where();
    default:
      if (depth_ < 2 || node.op > Op::where)
        return malformed();
      --depth_;
      return binary(node.op, stack_[depth_ - 1], stack_[depth_]);
    }
  }

  /// The element of `list` at `index`, or null.
  template <class List>
  static auto at(const List &list, int index) -> decltype(&list[0]) {
    return index >= 0 && static_cast<size_t>(index) < list.size()
               ? &list[static_cast<size_t>(index)]
               : nullptr;
  }

  bool leaf(const Expr::Node &node) {
    const Signature &signature = *env_.signature;
    if (node.op == Op::extent) {
      const int64_t *value = at(env_.extents, node.index);
      if (!value)
        return malformed();
      return *value >= 0 ? push(*value)
                         : unbound(signature.extents[node.index].name);
    }
    if (node.op == Op::constant || node.op == Op::scalar) {
      bool constant = node.op == Op::constant;
      const std::optional<Scalar> *value =
          at(constant ? env_.consts : env_.scalars, node.index);
      if (!value)
        return malformed();
      if (!*value)
        return unbound(constant ? signature.consts[node.index].name
                                : signature.params[node.index].name);
      return push(**value);
    }
    if (node.op == Op::present) {
      const uint8_t *value = at(env_.present, node.index);
      return value ? push(*value != 0) : malformed();
    }
    const std::optional<DType> *type = at(env_.types, node.index);
    if (!type)
      return malformed();
    if (!*type)
      return unbound(signature.types[node.index].name);
    if (node.op == Op::type_bits)
      return push(**type == boolean ? 1
                                    : static_cast<int>(size_of(**type)) * 8);
    return push(static_cast<int64_t>(**type) == node.i);
  }

  bool unary(Op op, Scalar &top) {
    bool integer = top.kind() == Kind::integer;
    if (op == Op::logical_not) {
      if (top.kind() != Kind::boolean)
        return kinds("not");
      top = top.integer() == 0;
      return true;
    }
    if (top.kind() == Kind::boolean)
      return kinds("arithmetic");
    double number = top.number();
    switch (op) {
    case Op::neg:
    case Op::abs:
      if (!integer) {
        top = op == Op::neg ? -number : std::fabs(number);
      } else if (op == Op::neg || top.integer() < 0) {
        if (top.integer() == smallest)
          return overflow();
        top = -top.integer();
      }
      return true;
    case Op::sqrt:
      top = std::sqrt(number);
      return true;
    case Op::exp2:
      top = std::exp2(number);
      return true;
    case Op::log2:
      top = std::log2(number);
      return true;
    default: { // next_pow2
      if (!integer)
        return kinds("next_pow2");
      int64_t power = 1;
      while (power < top.integer())
        if (__builtin_mul_overflow(power, int64_t(2), &power))
          return overflow();
      top = power;
      return true;
    }
    }
  }

  bool where() {
    if (depth_ < 3)
      return malformed();
    depth_ -= 2;
    Scalar &result = stack_[depth_ - 1];
    Scalar a = stack_[depth_], b = stack_[depth_ + 1];
    if (result.kind() != Kind::boolean)
      return kinds("where");
    if ((a.kind() == Kind::boolean) != (b.kind() == Kind::boolean))
      return kinds("where");
    bool first = result.integer() != 0;
    Scalar chosen = first ? a : b;
    // The sides have one type: a float beside an integer makes it a float.
    result = a.kind() == b.kind() ? chosen : Scalar(chosen.number());
    return true;
  }

  bool kinds(const char *what) {
    return fail(EvaluationError::Kind::invalid,
                fmt::format("{} of operands of the wrong kind", what));
  }

  bool binary(Op op, Scalar &a, Scalar b) {
    bool bools = a.kind() == Kind::boolean && b.kind() == Kind::boolean;
    if (op == Op::logical_and || op == Op::logical_or) {
      if (!bools)
        return kinds(op == Op::logical_and ? "and" : "or");
      bool left = a.integer() != 0, right = b.integer() != 0;
      a = op == Op::logical_and ? left && right : left || right;
      return true;
    }
    if (bools) {
      switch (op) {
      case Op::eq:
      case Op::ne:
      case Op::bit_xor:
        a = (a.integer() == b.integer()) == (op == Op::eq);
        return true;
      case Op::bit_and:
        a = (a.integer() & b.integer()) != 0;
        return true;
      case Op::bit_or:
        a = (a.integer() | b.integer()) != 0;
        return true;
      default:
        return kinds("arithmetic");
      }
    }
    if (a.kind() == Kind::boolean || b.kind() == Kind::boolean)
      return kinds("arithmetic");
    if (a.kind() == Kind::integer && b.kind() == Kind::integer)
      return integers(op, a, b.integer());
    return floats(op, a, b.number());
  }

  bool integers(Op op, Scalar &result, int64_t b) {
    int64_t a = result.integer(), value = 0;
    switch (op) {
    case Op::add:
      if (__builtin_add_overflow(a, b, &value))
        return overflow();
      break;
    case Op::sub:
      if (__builtin_sub_overflow(a, b, &value))
        return overflow();
      break;
    case Op::mul:
      if (__builtin_mul_overflow(a, b, &value))
        return overflow();
      break;
    case Op::div:
    case Op::floordiv:
    case Op::ceildiv:
      if (b != 0) { // x / 0 is 0
        if (a == smallest && b == -1)
          return overflow();
        value = a / b;
        bool inexact = a % b != 0, negative = (a < 0) != (b < 0);
        if (op == Op::floordiv && inexact && negative)
          --value;
        if (op == Op::ceildiv && inexact && !negative)
          ++value;
      }
      break;
    case Op::mod:
    case Op::floormod:
      value = a; // x % 0 is x
      if (b != 0) {
        value = b == -1 ? 0 : a % b;
        if (op == Op::floormod && value != 0 && (value < 0) != (b < 0))
          value += b;
      }
      break;
    case Op::pow:
      return power(result, a, b);
    case Op::min:
      value = std::min(a, b);
      break;
    case Op::max:
      value = std::max(a, b);
      break;
    case Op::bit_and:
      value = a & b;
      break;
    case Op::bit_or:
      value = a | b;
      break;
    case Op::bit_xor:
      value = a ^ b;
      break;
    case Op::shl:
    case Op::shr:
      return shift(op, result, a, b);
    default:
      return compare(op, result, a, b);
    }
    result = value;
    return true;
  }

  bool power(Scalar &result, int64_t base, int64_t exponent) {
    if (exponent < 0)
      return fail(EvaluationError::Kind::invalid,
                  "an integer to a negative power");
    int64_t value = 1;
    if (base == 0 || base == 1) {
      value = exponent == 0 ? 1 : base;
    } else if (base == -1) {
      value = exponent % 2 == 0 ? 1 : -1;
    } else {
      // |base| >= 2 overflows within 64 rounds.
      for (int64_t i = 0; i < exponent; ++i)
        if (__builtin_mul_overflow(value, base, &value))
          return overflow();
    }
    result = value;
    return true;
  }

  /// Shifts by the width or more give 0, or -1 for a negative `>>`; a value
  /// shifted out on the left is an overflow.
  bool shift(Op op, Scalar &result, int64_t a, int64_t b) {
    if (b < 0)
      return fail(EvaluationError::Kind::invalid, "a negative shift");
    if (op == Op::shr) {
      result = a >> std::min<int64_t>(b, 63);
      return true;
    }
    if (b >= 64) {
      result = 0;
      return true;
    }
    auto shifted = static_cast<int64_t>(static_cast<uint64_t>(a) << b);
    if (shifted >> b != a)
      return overflow();
    result = shifted;
    return true;
  }

  bool floats(Op op, Scalar &result, double b) {
    double a = result.number(), value = 0;
    switch (op) {
    case Op::add:
      value = a + b;
      break;
    case Op::sub:
      value = a - b;
      break;
    case Op::mul:
      value = a * b;
      break;
    case Op::div:
      value = a / b;
      break;
    case Op::floordiv:
      value = std::floor(a / b);
      break;
    case Op::ceildiv:
      value = std::ceil(a / b);
      break;
    case Op::mod:
      value = std::fmod(a, b);
      break;
    case Op::floormod:
      value = a - b * std::floor(a / b);
      break;
    case Op::pow:
      value = std::pow(a, b);
      break;
    case Op::min:
      value = std::fmin(a, b);
      break;
    case Op::max:
      value = std::fmax(a, b);
      break;
    case Op::bit_and:
    case Op::bit_or:
    case Op::bit_xor:
    case Op::shl:
    case Op::shr:
      return kinds("a bit operation");
    default:
      return compare(op, result, a, b);
    }
    result = value;
    return true;
  }

  template <class T> bool compare(Op op, Scalar &result, T a, T b) {
    switch (op) {
    case Op::eq:
      result = a == b;
      return true;
    case Op::ne:
      result = a != b;
      return true;
    case Op::lt:
      result = a < b;
      return true;
    case Op::le:
      result = a <= b;
      return true;
    case Op::gt:
      result = a > b;
      return true;
    case Op::ge:
      result = a >= b;
      return true;
    default:
      return malformed();
    }
  }

  static constexpr int max_depth = 64;
  const Expr &expr_;
  const Environment &env_;
  EvaluationError error_{};
  int depth_ = 0;
  union { // left unset: only [0, depth_) is ever read
    Scalar stack_[max_depth];
  };
};

} // namespace

Evaluation evaluate(const Expr &expr, const Environment &environment) {
  // By far the most common forms, without a stack.
  if (expr.nodes.size() == 1) {
    const Expr::Node &node = expr.nodes[0];
    if (node.op == Op::int_literal)
      return Scalar(node.i);
    auto index = static_cast<size_t>(node.index);
    if (node.op == Op::extent && index < environment.extents.size() &&
        environment.extents[index] >= 0)
      return Scalar(environment.extents[index]);
  }
  return Machine(expr, environment).run();
}

} // namespace attn_grid::detail
