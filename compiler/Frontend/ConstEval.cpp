#include "compiler/Frontend/ConstEval.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

namespace attn_grid::compiler {

using Kind = ConstParam::Kind;

static const char *spelling(BinaryKind kind) {
  switch (kind) {
  case BinaryKind::add:
    return "+";
  case BinaryKind::sub:
    return "-";
  case BinaryKind::mul:
    return "*";
  case BinaryKind::div:
    return "/";
  case BinaryKind::mod:
    return "%";
  case BinaryKind::floordiv:
    return "floordiv";
  case BinaryKind::floormod:
    return "floormod";
  case BinaryKind::ceildiv:
    return "ceildiv";
  case BinaryKind::min:
    return "min";
  case BinaryKind::max:
    return "max";
  case BinaryKind::bitAnd:
    return "&";
  case BinaryKind::bitOr:
    return "|";
  case BinaryKind::bitXor:
    return "^";
  case BinaryKind::shl:
    return "<<";
  case BinaryKind::shr:
    return ">>";
  default:
    return "a comparison";
  }
}

static ConstResult overflow(BinaryKind kind, int64_t a, int64_t b) {
  return ConstResult::failed("constant overflow: " + std::to_string(a) + " " +
                             spelling(kind) + " " + std::to_string(b) +
                             " does not fit 64 bits");
}

template <typename T> static bool compare(BinaryKind kind, T a, T b) {
  switch (kind) {
  case BinaryKind::eq:
    return a == b;
  case BinaryKind::ne:
    return a != b;
  case BinaryKind::lt:
    return a < b;
  case BinaryKind::le:
    return a <= b;
  case BinaryKind::gt:
    return a > b;
  default:
    return a >= b;
  }
}

/// `/ % floordiv floormod ceildiv`; `x / 0` is 0 and `x % 0` is x.
static ConstResult foldDivision(BinaryKind kind, int64_t a, int64_t b) {
  bool rest = kind == BinaryKind::mod || kind == BinaryKind::floormod;
  if (b == 0)
    return constInt(rest ? a : 0);
  if (b == -1) { // the one division that can overflow
    if (rest)
      return constInt(0);
    if (a == INT64_MIN)
      return overflow(kind, a, b);
    return constInt(-a);
  }
  int64_t quotient = a / b, left = a % b;
  bool mixed = left != 0 && (left < 0) != (b < 0);
  switch (kind) {
  case BinaryKind::div:
    return constInt(quotient);
  case BinaryKind::mod:
    return constInt(left);
  case BinaryKind::floordiv:
    return constInt(quotient - mixed);
  case BinaryKind::floormod:
    return constInt(mixed ? left + b : left);
  default:
    return constInt(quotient + (left != 0 && !mixed));
  }
}

static ConstResult foldShift(BinaryKind kind, int64_t a, int64_t b) {
  bool wide = b < 0 || b > 63;
  if (kind == BinaryKind::shr)
    return constInt(a >> (wide ? 63 : b));
  if (a == 0)
    return constInt(0);
  int64_t shifted = wide ? 0 : static_cast<int64_t>(uint64_t(a) << b);
  if (wide || (shifted >> b) != a)
    return overflow(kind, a, b);
  return constInt(shifted);
}

static ConstResult foldInts(BinaryKind kind, int64_t a, int64_t b) {
  int64_t result = 0;
  switch (kind) {
  case BinaryKind::add:
    return llvm::AddOverflow(a, b, result) ? overflow(kind, a, b)
                                           : constInt(result);
  case BinaryKind::sub:
    return llvm::SubOverflow(a, b, result) ? overflow(kind, a, b)
                                           : constInt(result);
  case BinaryKind::mul:
    return llvm::MulOverflow(a, b, result) ? overflow(kind, a, b)
                                           : constInt(result);
  case BinaryKind::min:
    return constInt(std::min(a, b));
  case BinaryKind::max:
    return constInt(std::max(a, b));
  case BinaryKind::bitAnd:
    return constInt(a & b);
  case BinaryKind::bitOr:
    return constInt(a | b);
  case BinaryKind::bitXor:
    return constInt(a ^ b);
  case BinaryKind::shl:
  case BinaryKind::shr:
    return foldShift(kind, a, b);
  default:
    return foldDivision(kind, a, b);
  }
}

static ConstResult foldFloats(BinaryKind kind, double a, double b) {
  switch (kind) {
  case BinaryKind::add:
    return constFloat(a + b);
  case BinaryKind::sub:
    return constFloat(a - b);
  case BinaryKind::mul:
    return constFloat(a * b);
  case BinaryKind::div:
    return constFloat(a / b);
  case BinaryKind::mod:
    return constFloat(std::fmod(a, b));
  case BinaryKind::min:
    return constFloat(std::fmin(a, b));
  case BinaryKind::max:
    return constFloat(std::fmax(a, b));
  default:
    return ConstResult::failed(std::string("expected ints for `") +
                               spelling(kind) + "`, found a float");
  }
}

static ConstResult foldBools(BinaryKind kind, bool a, bool b) {
  switch (kind) {
  case BinaryKind::eq:
    return constBool(a == b);
  case BinaryKind::ne:
    return constBool(a != b);
  case BinaryKind::bitAnd:
    return constBool(a && b);
  case BinaryKind::bitOr:
    return constBool(a || b);
  case BinaryKind::bitXor:
    return constBool(a != b);
  default:
    return ConstResult::failed(std::string("expected numbers for `") +
                               spelling(kind) + "`, found a bool");
  }
}

ConstResult foldBinary(BinaryKind kind, const ConstValue &lhs,
                       const ConstValue &rhs) {
  bool boolLhs = lhs.kind == Kind::boolean, boolRhs = rhs.kind == Kind::boolean;
  if (boolLhs != boolRhs)
    return ConstResult::failed("expected two numbers or two bools, found " +
                               nameOf(lhs.kind).str() + " and " +
                               nameOf(rhs.kind).str());
  if (boolLhs)
    return foldBools(kind, lhs.i, rhs.i);
  bool ints = lhs.kind == Kind::integer && rhs.kind == Kind::integer;
  if (isComparison(kind))
    return constBool(ints ? compare(kind, lhs.i, rhs.i)
                          : compare(kind, asFloat(lhs), asFloat(rhs)));
  return ints ? foldInts(kind, lhs.i, rhs.i)
              : foldFloats(kind, asFloat(lhs), asFloat(rhs));
}

bool isConstFunction(UnaryKind kind) {
  switch (kind) {
  case UnaryKind::neg:
  case UnaryKind::bitNot:
  case UnaryKind::logicalNot:
  case UnaryKind::abs:
  case UnaryKind::sqrt:
  case UnaryKind::exp2:
  case UnaryKind::log2:
    return true;
  default:
    return false;
  }
}

ConstResult foldUnary(UnaryKind kind, const ConstValue &value) {
  bool isInt = value.kind == Kind::integer;
  if (kind == UnaryKind::logicalNot) {
    if (value.kind != Kind::boolean)
      return ConstResult::failed("expected a bool for `not`, found " +
                                 nameOf(value.kind).str());
    return constBool(!value.i);
  }
  if (value.kind == Kind::boolean)
    return ConstResult::failed("expected a number, found a bool");
  switch (kind) {
  case UnaryKind::bitNot:
    if (!isInt)
      return ConstResult::failed("expected an int for `~`, found a float");
    return constInt(~value.i);
  case UnaryKind::neg:
    if (!isInt)
      return constFloat(-value.f);
    return foldInts(BinaryKind::sub, 0, value.i);
  case UnaryKind::abs:
    if (!isInt)
      return constFloat(std::fabs(value.f));
    return value.i < 0 ? foldInts(BinaryKind::sub, 0, value.i) : value;
  case UnaryKind::sqrt:
    return constFloat(std::sqrt(asFloat(value)));
  case UnaryKind::exp2:
    return constFloat(std::exp2(asFloat(value)));
  case UnaryKind::log2:
    return constFloat(std::log2(asFloat(value)));
  default:
    return ConstResult::failed("expected a function of constants");
  }
}

ConstResult foldPower(const ConstValue &base, const ConstValue &exponent) {
  if (exponent.kind != Kind::integer || base.kind == Kind::boolean)
    return ConstResult::failed("expected a number and an int exponent");
  if (base.kind == Kind::floating)
    return constFloat(std::pow(base.f, static_cast<double>(exponent.i)));
  if (exponent.i < 0)
    return ConstResult::failed(
        "expected an exponent of 0 or more for an int, found " +
        std::to_string(exponent.i));
  int64_t result = 1;
  // Beyond 64 steps every base but 0, 1 and -1 has overflowed.
  bool flat = base.i >= -1 && base.i <= 1;
  int64_t steps = flat ? (exponent.i == 0 ? 0 : 2 - exponent.i % 2)
                       : std::min<int64_t>(exponent.i, 64);
  for (int64_t step = 0; step < steps; ++step)
    if (llvm::MulOverflow(result, base.i, result))
      return ConstResult::failed(
          "constant overflow: " + std::to_string(base.i) + " ** " +
          std::to_string(exponent.i) + " does not fit 64 bits");
  return constInt(result);
}

ConstResult foldNextPow2(const ConstValue &value) {
  if (value.kind != Kind::integer)
    return ConstResult::failed("expected an int for next_pow2, found " +
                               nameOf(value.kind).str());
  if (value.i > (int64_t(1) << 62))
    return ConstResult::failed("constant overflow: next_pow2(" +
                               std::to_string(value.i) +
                               ") does not fit 64 bits");
  if (value.i <= 1)
    return constInt(1);
  return constInt(static_cast<int64_t>(llvm::bit_ceil(uint64_t(value.i))));
}

static const llvm::fltSemantics &semanticsOf(DType type) {
  switch (type) {
  case DType::f16:
    return llvm::APFloat::IEEEhalf();
  case DType::bf16:
    return llvm::APFloat::BFloat();
  case DType::f64:
    return llvm::APFloat::IEEEdouble();
  case DType::f8e4m3:
    return llvm::APFloat::Float8E4M3FN();
  case DType::f8e5m2:
    return llvm::APFloat::Float8E5M2();
  default:
    return llvm::APFloat::IEEEsingle();
  }
}

std::string whyNotA(DType type, const ConstValue &value) {
  std::string name(name_of(type));
  std::string text = format(value);
  auto kindMismatch = [&](const char *fix) {
    return "expected " + name + ", found the " + nameOf(value.kind).str() +
           " constant " + text + fix;
  };
  if (isBool(type) || value.kind == Kind::boolean)
    return isBool(type) && value.kind == Kind::boolean ? std::string()
                                                       : kindMismatch("");
  if (is_int(type)) {
    if (value.kind == Kind::floating)
      return kindMismatch("");
    auto [least, greatest] = rangeOf(type);
    if (value.i >= least && value.i <= greatest)
      return {};
    return text + " does not fit " + name + ", which holds " +
           std::to_string(least) + " to " + std::to_string(greatest);
  }
  double number = asFloat(value);
  if (!std::isfinite(number))
    return {};
  llvm::APFloat converted(number);
  bool lossy;
  converted.convert(semanticsOf(type), llvm::APFloat::rmNearestTiesToEven,
                    &lossy);
  if (converted.isFinite())
    return {};
  return text + " does not fit " + name + ", whose greatest value is " +
         format(constFloat(
             llvm::APFloat::getLargest(semanticsOf(type)).convertToDouble()));
}

} // namespace attn_grid::compiler
