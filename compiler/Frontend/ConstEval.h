#ifndef AG_COMPILER_FRONTEND_CONSTEVAL_H
#define AG_COMPILER_FRONTEND_CONSTEVAL_H
/// Arithmetic while compiling: `int` is 64 bits wide and overflow is an error,
/// `float` is f64, `bool` takes part in logic alone. An int beside a float
/// counts as a float.

#include "compiler/Frontend/Numerics.h"

#include <string>

namespace attn_grid::compiler {

inline ConstValue constInt(int64_t i) {
  return {ConstParam::Kind::integer, i, 0};
}
inline ConstValue constFloat(double f) {
  return {ConstParam::Kind::floating, 0, f};
}
inline ConstValue constBool(bool b) {
  return {ConstParam::Kind::boolean, b, 0};
}
/// The value as a float: an int counts as one.
inline double asFloat(const ConstValue &value) {
  return value.kind == ConstParam::Kind::floating
             ? value.f
             : static_cast<double>(value.i);
}

/// What a const expression gives: a value, or why it has none.
struct ConstResult {
  std::optional<ConstValue> value;
  std::string error;

  ConstResult(ConstValue value) : value(value) {}
  static ConstResult failed(std::string why) {
    ConstResult result;
    result.error = std::move(why);
    return result;
  }

private:
  ConstResult() = default;
};

ConstResult foldBinary(BinaryKind kind, const ConstValue &lhs,
                       const ConstValue &rhs);
ConstResult foldUnary(UnaryKind kind, const ConstValue &value);
ConstResult foldPower(const ConstValue &base, const ConstValue &exponent);
/// The least power of two that is not below the value.
ConstResult foldNextPow2(const ConstValue &value);
/// True for the functions that const expressions may call.
bool isConstFunction(UnaryKind kind);

/// Why a const cannot be a value of `type`; empty if it can.
std::string whyNotA(DType type, const ConstValue &value);

} // namespace attn_grid::compiler

#endif
