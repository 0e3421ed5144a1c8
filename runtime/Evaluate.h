#ifndef AG_RUNTIME_EVALUATE_H
#define AG_RUNTIME_EVALUATE_H
/// The value of a signature's expressions. Total: every node list and every
/// value give a result or a reason, never undefined behaviour.

#include "attn_grid/scalar.hpp"
#include "attn_grid/signature.hpp"
#include <optional>
#include <span>
#include <string>

namespace attn_grid::detail {

/// What an expression may name. A value of nothing is not bound yet.
struct Environment {
  const Signature *signature = nullptr;
  std::span<const int64_t> extents; // unbound: -1
  std::span<const std::optional<Scalar>> consts;
  std::span<const std::optional<Scalar>> scalars; // one per parameter
  std::span<const uint8_t> present;               // one per parameter
  std::span<const std::optional<DType>> types;
};

/// Why there is no value.
struct EvaluationError {
  enum class Kind : uint8_t {
    unbound,  // `what` names an extent, const, scalar or dtype
    overflow, // an integer left 64 bits
    invalid,  // operands of the wrong kind, or a broken node list
  };
  Kind kind;
  std::string what;
};

/// A value, or why there is none.
class Evaluation {
public:
  Evaluation(Scalar value) : value_(value) {}
  Evaluation(EvaluationError error) : error_(std::move(error)) {}
  explicit operator bool() const { return value_.has_value(); }
  Scalar operator*() const { return *value_; }
  const EvaluationError &error() const { return *error_; }

private:
  std::optional<Scalar> value_;
  std::optional<EvaluationError> error_;
};

/// Evaluates in postfix order. Integers of 64 bits, of which an overflow is an
/// error; floats are f64; an operand of the other kind makes a binary operation
/// one of floats.
Evaluation evaluate(const Expr &expr, const Environment &environment);

} // namespace attn_grid::detail

#endif
