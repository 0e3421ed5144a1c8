#include "test/sim/Oracle.h"

#include <algorithm>
#include <bit>
#include <cfenv>
#include <cmath>

namespace sim_test {

using Integer = __int128;
using Real = long double;

std::optional<PtxType> typeOf(const std::string &name) {
  PtxType type;
  if (name == "pred")
    return PtxType{'p', 1};
  if (name == "tf32")
    return PtxType{'t', 32};
  std::string digits = name.substr(1);
  type.kind = name[0];
  if (name.starts_with("bf")) {
    type.kind = 'h';
    digits = name.substr(2);
  }
  if (digits.ends_with("x2")) {
    type.pair = true;
    digits.resize(digits.size() - 2);
  }
  if (digits != "8" && digits != "16" && digits != "32" && digits != "64")
    return std::nullopt;
  type.bits = std::stoi(digits);
  if (std::string("busfh").find(type.kind) == std::string::npos)
    return std::nullopt;
  return type;
}

static bool isReal(PtxType type) {
  return type.kind == 'f' || type.kind == 'h' || type.kind == 't';
}
static uint64_t low(uint64_t x, int bits) {
  return bits == 64 ? x : x & ((uint64_t(1) << bits) - 1);
}
static Integer integer(uint64_t x, PtxType type) {
  x = low(x, type.bits);
  if (type.kind == 's' && x >> (type.bits - 1) & 1)
    return Integer(x) - (Integer(1) << type.bits);
  return Integer(x);
}

// ---------------------------------------------------------------------- reals

/// Bits of exponent and of mantissa.
static std::pair<int, int> shapeOf(PtxType type) {
  if (type.kind == 'h')
    return {8, 7};
  return type.bits == 16   ? std::pair(5, 10)
         : type.bits == 32 ? std::pair(8, 23)
                           : std::pair(11, 52);
}
static Real real(uint64_t x, PtxType type) {
  auto [exponents, mantissas] = shapeOf(type);
  bool negative = x >> (exponents + mantissas) & 1;
  auto exponent = static_cast<int>(x >> mantissas & ((1u << exponents) - 1));
  uint64_t mantissa = x & ((uint64_t(1) << mantissas) - 1);
  int bias = (1 << (exponents - 1)) - 1;
  Real value;
  if (exponent == (1 << exponents) - 1)
    value = mantissa ? NAN : INFINITY;
  else if (exponent == 0)
    value = std::ldexp(Real(mantissa), 1 - bias - mantissas);
  else
    value = std::ldexp(Real(mantissa + (uint64_t(1) << mantissas)),
                       exponent - bias - mantissas);
  return negative ? -value : value;
}
/// To nearest, ties to even, or to zero.
static Answer rounded(Real value, PtxType type, bool toZero = false) {
  if (value != value)
    return {0, true};
  auto [exponents, mantissas] = shapeOf(type);
  uint64_t sign =
      std::signbit(value) ? uint64_t(1) << (exponents + mantissas) : 0;
  value = std::fabs(value);
  int bias = (1 << (exponents - 1)) - 1;
  uint64_t infinity = ((uint64_t(1) << exponents) - 1) << mantissas;
  if (std::isinf(value))
    return {sign | infinity};
  if (value == 0)
    return {sign};
  int exponent = std::max(std::ilogb(value), 1 - bias);
  // In units of the last place.
  Real units = std::ldexp(value, mantissas - exponent);
  Real whole = std::floor(units), rest = units - whole;
  auto count = static_cast<uint64_t>(whole);
  if (!toZero && (rest > 0.5L || (rest == 0.5L && count % 2)))
    ++count;
  // A carry goes on into the exponent by itself.
  uint64_t bits = (uint64_t(exponent + bias - 1) << mantissas) + count;
  if (bits >= infinity)
    bits = toZero ? infinity - 1 : infinity;
  return {sign | bits};
}
/// Native arithmetic where the wide type would round twice.
static Answer fromDouble(double value) {
  return {std::bit_cast<uint64_t>(value), value != value};
}
static Answer fromFloat(float value) {
  return {std::bit_cast<uint32_t>(value), value != value};
}
static double asDouble(uint64_t x) { return std::bit_cast<double>(x); }
static float asFloat(uint64_t x) {
  return std::bit_cast<float>(static_cast<uint32_t>(x));
}

/// Without subnormals of f32: `ftz` says nothing of other types.
static uint64_t flushed(uint64_t x, PtxType type) {
  if (type.bits != 32)
    return x;
  auto [exponents, mantissas] = shapeOf(type);
  uint64_t mask = ((uint64_t(1) << exponents) - 1) << mantissas;
  return x & mask ? x : x & (uint64_t(1) << (exponents + mantissas));
}

/// The smaller of two, or the larger: -0 is below 0, a NaN gives the other.
static Answer extreme(uint64_t a, uint64_t b, PtxType type, bool largest,
                      bool keepsNan) {
  Real x = real(a, type), y = real(b, type);
  if (x != x || y != y) {
    if (keepsNan || (x != x && y != y))
      return {0, true};
    return {x != x ? b : a};
  }
  bool first = x == y ? std::signbit(x) : x < y; // is a the smaller?
  return {first != largest ? a : b};
}

static std::optional<Answer> ofReals(const std::vector<std::string> &parts,
                                     std::vector<uint64_t> v, PtxType type) {
  const std::string &name = parts[0];
  auto has = [&](const char *part) {
    return std::find(parts.begin(), parts.end(), part) != parts.end();
  };
  bool ftz = has("ftz");
  for (uint64_t &x : v)
    x = low(x, type.bits);
  if (ftz)
    for (uint64_t &x : v)
      x = flushed(x, type);
  auto finish = [&](Answer made) {
    if (ftz && !made.isNan)
      made.bits = flushed(made.bits, type);
    if (has("approx") || has("full"))
      made.ulps = 1;
    return made;
  };
  auto a = [&] { return real(v[0], type); };
  auto b = [&] { return real(v[1], type); };
  if (name == "min" || name == "max")
    return finish(extreme(v[0], v[1], type, name == "max", has("NaN")));
  if (name == "neg" || name == "abs") {
    uint64_t sign = uint64_t(1) << (type.bits - 1);
    return finish({name == "neg" ? v[0] ^ sign : v[0] & ~sign, a() != a()});
  }
  if (name == "copysign") {
    uint64_t sign = uint64_t(1) << (type.bits - 1);
    return Answer{(v[0] & sign) | (v[1] & ~sign), b() != b()};
  }
  if (name == "fma") {
    if (type.bits == 64)
      return fromDouble(
          std::fma(asDouble(v[0]), asDouble(v[1]), asDouble(v[2])));
    if (type.bits == 32)
      return finish(
          fromFloat(std::fma(asFloat(v[0]), asFloat(v[1]), asFloat(v[2]))));
    // The product of two of 16 bits is exact; the sum is, if they are not too
    // far apart.
    Real product = a() * b(), other = real(v[2], type);
    Real sum = product + other;
    if (std::isfinite(sum) && sum != 0 && product != 0 && other != 0 &&
        std::abs(std::ilogb(product) - std::ilogb(other)) > 40)
      return std::nullopt;
    return rounded(sum, type);
  }
  bool isDouble = type.bits == 64;
  if (name == "add")
    return finish(isDouble ? fromDouble(asDouble(v[0]) + asDouble(v[1]))
                           : rounded(a() + b(), type));
  if (name == "sub")
    return finish(isDouble ? fromDouble(asDouble(v[0]) - asDouble(v[1]))
                           : rounded(a() - b(), type));
  if (name == "mul")
    return finish(isDouble ? fromDouble(asDouble(v[0]) * asDouble(v[1]))
                           : rounded(a() * b(), type));
  if (name == "div")
    return finish(isDouble ? fromDouble(asDouble(v[0]) / asDouble(v[1]))
                           : rounded(a() / b(), type));
  if (name == "rcp")
    return finish(isDouble ? fromDouble(1 / asDouble(v[0]))
                           : rounded(1 / a(), type));
  if (name == "sqrt")
    return finish(isDouble ? fromDouble(std::sqrt(asDouble(v[0])))
                           : rounded(std::sqrt(a()), type));
  if (name == "rsqrt")
    return finish(rounded(1 / std::sqrt(a()), type));
  if (name == "ex2")
    return finish(rounded(std::exp2(a()), type));
  if (name == "lg2")
    return finish(rounded(std::log2(a()), type));
  if (name == "sin")
    return finish(rounded(std::sin(a()), type));
  if (name == "cos")
    return finish(rounded(std::cos(a()), type));
  if (name == "tanh")
    return finish(rounded(std::tanh(a()), type));
  return std::nullopt;
}

/// A comparison of PTX: `ltu` is also true for what cannot be compared.
template <typename T>
static bool compares(const std::string &how, T a, T b, bool unordered) {
  if (how == "num")
    return !unordered;
  if (how == "nan")
    return unordered;
  bool isUnsignedName =
      how == "lo" || how == "ls" || how == "hi" || how == "hs";
  if (unordered)
    return how.size() == 3 && how.ends_with("u");
  std::string what = isUnsignedName ? how : how.substr(0, 2);
  if (what == "eq")
    return a == b;
  if (what == "ne")
    return a != b;
  if (what == "lt" || what == "lo")
    return a < b;
  if (what == "le" || what == "ls")
    return a <= b;
  if (what == "gt" || what == "hi")
    return a > b;
  return a >= b;
}

// ------------------------------------------------------------------- integers

static std::optional<Answer> ofIntegers(const std::vector<std::string> &parts,
                                        const std::vector<uint64_t> &v,
                                        PtxType type) {
  const std::string &name = parts[0];
  std::string how = parts.size() > 2 ? parts[1] : "";
  Integer a = integer(v[0], type), b = v.size() > 1 ? integer(v[1], type) : 0;
  int bits = type.bits;
  auto wrap = [&](Integer x, int width) {
    return Answer{low(static_cast<uint64_t>(x), width)};
  };
  if (name == "add")
    return wrap(a + b, bits);
  if (name == "sub")
    return wrap(a - b, bits);
  if (name == "mul" || name == "mad") {
    // Of 64 bits unsigned the product needs all 128.
    auto product =
        static_cast<unsigned __int128>(a) * static_cast<unsigned __int128>(b);
    if (how == "hi") {
      if (type.kind == 'u')
        return Answer{low(static_cast<uint64_t>(product >> bits), bits)};
      return wrap(static_cast<Integer>(product) >> bits, bits);
    }
    int width = how == "wide" ? 2 * bits : bits;
    uint64_t c = name == "mad" ? v[2] : 0;
    return Answer{low(static_cast<uint64_t>(product) + c, width)};
  }
  if (name == "div" || name == "rem") {
    if (b == 0)
      return std::nullopt;
    return wrap(name == "div" ? a / b : a % b, bits);
  }
  if (name == "min" || name == "max") {
    Integer one = name == "min" ? std::min(a, b) : std::max(a, b);
    return wrap(how == "relu" && one < 0 ? 0 : one, bits);
  }
  if (name == "abs")
    return wrap(a < 0 ? -a : a, bits);
  if (name == "neg")
    return wrap(-a, bits);
  if (name == "not")
    return wrap(~a, bits);
  if (name == "and")
    return wrap(a & b, bits);
  if (name == "or")
    return wrap(a | b, bits);
  if (name == "xor")
    return wrap(a ^ b, bits);
  if (name == "shl" || name == "shr") {
    auto n = std::min<uint64_t>(low(v[1], 32), static_cast<uint64_t>(bits));
    return wrap(name == "shl" ? Integer(low(v[0], bits)) << n : a >> n, bits);
  }
  if (name == "popc" || name == "clz") {
    uint64_t x = low(v[0], bits);
    return Answer{static_cast<uint64_t>(
        name == "popc" ? std::popcount(x) : std::countl_zero(x) - (64 - bits))};
  }
  if (name == "bfe") { // bit by bit, as in the manual
    uint64_t position = v[1] & 0xff, length = v[2] & 0xff, result = 0;
    uint64_t top = std::min<uint64_t>(position + length - 1,
                                      static_cast<uint64_t>(bits) - 1);
    bool sign = type.kind == 's' && length != 0 && (v[0] >> top & 1);
    for (uint64_t k = 0; k < static_cast<uint64_t>(bits); ++k) {
      bool bit = k < length && position + k < static_cast<uint64_t>(bits)
                     ? v[0] >> (position + k) & 1
                     : sign;
      result |= uint64_t(bit) << k;
    }
    return Answer{result};
  }
  if (name == "prmt") {
    uint8_t bytes[8];
    for (int k = 0; k < 4; ++k) {
      bytes[k] = static_cast<uint8_t>(v[0] >> (8 * k));
      bytes[4 + k] = static_cast<uint8_t>(v[1] >> (8 * k));
    }
    uint64_t result = 0;
    for (int k = 0; k < 4; ++k) {
      uint64_t choice = v[2] >> (4 * k) & 15;
      uint8_t byte = bytes[choice & 7];
      if (choice & 8)
        byte = byte & 0x80 ? 0xff : 0;
      result |= uint64_t(byte) << (8 * k);
    }
    return Answer{result};
  }
  if (name == "shf") {
    Integer both = Integer(low(v[1], 32)) << 32 | Integer(low(v[0], 32));
    int n = static_cast<int>(v[2] & 31);
    return how == "l" ? wrap((both << n) >> 32, 32) : wrap(both >> n, 32);
  }
  return std::nullopt;
}

// ---------------------------------------------------------------- conversions

static Real toWhole(Real x, const std::string &how) {
  if (how == "rzi")
    return std::trunc(x);
  if (how == "rmi")
    return std::floor(x);
  if (how == "rpi")
    return std::ceil(x);
  std::fesetround(FE_TONEAREST);
  return std::nearbyint(x);
}

static std::optional<Answer> converted(const std::vector<std::string> &parts,
                                       const std::vector<uint64_t> &v) {
  PtxType from = *typeOf(parts.back()), to = *typeOf(parts[parts.size() - 2]);
  std::string how = parts[1];
  bool ftz = std::find(parts.begin(), parts.end(), "ftz") != parts.end();
  if (to.pair) { // `cvt.rn.f16x2.f32 d, a, b`: a above b
    PtxType half = to;
    half.pair = false;
    Answer high = rounded(real(low(v[0], 32), from), half);
    Answer below = rounded(real(low(v[1], 32), from), half);
    if (high.isNan || below.isNan)
      return std::nullopt;
    return Answer{high.bits << 16 | below.bits};
  }
  if (!isReal(from)) {
    Integer x = integer(v[0], from);
    if (isReal(to)) // exact in 64 bits of mantissa
      return rounded(static_cast<Real>(x), to);
    // Results of 8 bits stand extended in a register of 16.
    uint64_t bits = low(static_cast<uint64_t>(x), to.bits);
    if (to.bits == 8)
      bits = low(static_cast<uint64_t>(integer(bits, to)), 16);
    return Answer{bits};
  }
  uint64_t bits = low(v[0], from.bits);
  if (ftz)
    bits = flushed(bits, from);
  Real x = real(bits, from);
  if (to.kind == 't') { // to nearest, ties away from 0, 13 bits less
    if (x != x)
      return Answer{0, true};
    if (std::isinf(x))
      return Answer{bits};
    return Answer{(bits + 0x1000) & ~uint64_t(0x1fff)};
  }
  if (isReal(to)) {
    if (how.size() == 3 && how.ends_with("i"))
      return rounded(toWhole(x, how), to);
    return rounded(x, to, how == "rz");
  }
  if (x != x)
    return Answer{0};
  Real whole = toWhole(x, how);
  Integer least = to.kind == 's' ? -(Integer(1) << (to.bits - 1)) : 0;
  Integer most = (Integer(1) << (to.kind == 's' ? to.bits - 1 : to.bits)) - 1;
  Integer result = whole <= static_cast<Real>(least) ? least
                   : whole >= static_cast<Real>(most)
                       ? most
                       : static_cast<Integer>(whole);
  return Answer{low(static_cast<uint64_t>(result), to.bits)};
}

// ----------------------------------------------------------------------- all

std::optional<Answer> answer(const std::vector<std::string> &parts,
                             const std::vector<uint64_t> &v) {
  const std::string &name = parts[0];
  if (name == "cvt" && parts.back() == "f32" &&
      parts[parts.size() - 2] == "tf32")
    return converted(parts, v);
  if (name == "cvt")
    return converted(parts, v);
  std::optional<PtxType> found = typeOf(parts.back());
  if (!found)
    return std::nullopt;
  PtxType type = *found;
  bool isMixed = type.bits == 16 && isReal(type) &&
                 parts[parts.size() - 2] == "f32"; // the sum's type
  if (isMixed) {
    auto a = static_cast<float>(real(low(v[0], 16), type));
    if (name == "fma")
      return fromFloat(std::fma(
          a, static_cast<float>(real(low(v[1], 16), type)), asFloat(v[2])));
    float b = asFloat(v[1]);
    return fromFloat(name == "add" ? a + b : a - b);
  }
  if (name == "cvta") { // shared memory begins at 2^46 of generic addresses
    uint64_t window = uint64_t(1) << 46;
    bool isShared = parts[1] == "shared" || parts[2] == "shared";
    return Answer{isShared ? parts[1] == "to" ? v[0] - window : v[0] + window
                           : v[0]};
  }
  if (type.kind == 'p') {
    bool a = v[0] & 1, b = v.size() > 1 && v[1] & 1;
    return Answer{uint64_t(name == "mov"   ? a
                           : name == "not" ? !a
                           : name == "and" ? a && b
                           : name == "or"  ? a || b
                                           : a != b)};
  }
  if (name == "mov")
    return Answer{low(v[0], type.bits)};
  if (name == "selp")
    return Answer{low(v[2] & 1 ? v[0] : v[1], type.bits)};
  if (type.pair) {
    std::vector<std::string> single = parts;
    single.back() = type.kind == 'h' ? "bf16" : "f16";
    uint64_t bits = 0;
    for (int shift : {0, 16}) {
      std::vector<uint64_t> part;
      for (uint64_t x : v)
        part.push_back(x >> shift & 0xffff);
      std::optional<Answer> one = answer(single, part);
      if (!one || one->isNan)
        return std::nullopt;
      bits |= one->bits << shift;
    }
    return Answer{bits};
  }
  if (name == "testp") {
    const std::string &kind = parts[1];
    uint64_t bits = low(v[0], type.bits);
    int mantissa = type.bits == 32 ? 23 : 52;
    uint64_t exponent = low(bits, type.bits - 1) >> mantissa;
    uint64_t most = low(~uint64_t(0), type.bits - 1 - mantissa);
    bool hasFraction = low(bits, mantissa) != 0;
    return Answer{
        uint64_t(kind == "finite"       ? exponent != most
                 : kind == "infinite"   ? exponent == most && !hasFraction
                 : kind == "number"     ? exponent != most || !hasFraction
                 : kind == "notanumber" ? exponent == most && hasFraction
                 : kind == "normal"     ? exponent != most && exponent != 0
                                        : exponent == 0 && hasFraction)};
  }
  if (name == "setp") {
    if (!isReal(type))
      return Answer{
          compares(parts[1], integer(v[0], type), integer(v[1], type), false)};
    bool ftz = parts[2] == "ftz";
    Real a = real(
        ftz ? flushed(low(v[0], type.bits), type) : low(v[0], type.bits), type);
    Real b = real(
        ftz ? flushed(low(v[1], type.bits), type) : low(v[1], type.bits), type);
    return Answer{compares(parts[1], a, b, a != a || b != b)};
  }
  return isReal(type) ? ofReals(parts, v, type) : ofIntegers(parts, v, type);
}

bool agrees(const Answer &answer, uint64_t found, PtxType type) {
  if (isReal(type) && !type.pair) {
    Real x = real(found, type);
    if (answer.isNan || x != x)
      return answer.isNan && x != x;
  }
  if (found == answer.bits)
    return true;
  // Neighbours of the same sign are numbers beside each other.
  auto distance =
      static_cast<int64_t>(found) - static_cast<int64_t>(answer.bits);
  return answer.ulps > 0 && std::abs(distance) <= answer.ulps;
}

} // namespace sim_test
