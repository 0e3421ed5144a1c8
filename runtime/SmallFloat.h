#ifndef AG_RUNTIME_SMALLFLOAT_H
#define AG_RUNTIME_SMALLFLOAT_H
/// The 16- and 8-bit floats, converted from and to `double`. Every value of
/// theirs is a double, so widening is exact; narrowing rounds once, to nearest
/// even, and never by way of a third type.

#include <bit>
#include <cstdint>
#include <limits>

namespace attn_grid::detail {

/// A float of a sign, `Exponent` and `Mantissa` bits. With `Finite`, it has no
/// infinities and one NaN, all ones (the "FN" of E4M3FN).
template <int Exponent, int Mantissa, bool Finite = false> struct SmallFloat {
  static constexpr int bias = (1 << (Exponent - 1)) - 1;
  static constexpr uint32_t sign_bit = 1u << (Exponent + Mantissa);
  static constexpr uint32_t top_exponent = ((1u << Exponent) - 1) << Mantissa;
  static constexpr uint32_t quiet_nan =
      Finite ? sign_bit - 1 : top_exponent | 1u << (Mantissa - 1);
  static constexpr uint32_t infinity = Finite ? quiet_nan : top_exponent;

  static double widen(uint32_t bits) {
    uint32_t exponent = (bits & top_exponent) >> Mantissa;
    uint64_t mantissa = bits & ((1u << Mantissa) - 1);
    uint64_t sign = uint64_t((bits & sign_bit) != 0) << 63;
    if (Finite ? (bits & (sign_bit - 1)) == quiet_nan
               : exponent == (1u << Exponent) - 1)
      return std::bit_cast<double>(
          sign | uint64_t(0x7ff) << 52 |
          (Finite ? uint64_t(1) << 51 : mantissa << (52 - Mantissa)));
    if (exponent == 0) { // 0 or a subnormal: mantissa * 2^(1 - bias - Mantissa)
      double scale =
          std::bit_cast<double>(uint64_t(1023 + 1 - bias - Mantissa) << 52);
      double magnitude = static_cast<double>(mantissa) * scale;
      return sign ? -magnitude : magnitude;
    }
    return std::bit_cast<double>(sign | uint64_t(exponent + 1023 - bias) << 52 |
                                 mantissa << (52 - Mantissa));
  }

  static uint32_t narrow(double value) {
    uint64_t bits = std::bit_cast<uint64_t>(value);
    uint32_t sign = bits >> 63 ? sign_bit : 0;
    bits &= ~(uint64_t(1) << 63);
    constexpr uint64_t wide_infinity = uint64_t(0x7ff) << 52;
    if (bits > wide_infinity)
      return sign | quiet_nan;
    if (bits == wide_infinity)
      return sign | infinity;
    int exponent = static_cast<int>(bits >> 52) - 1023;
    // Too small for half of the least subnormal; a subnormal double also.
    if (exponent < 1 - bias - Mantissa - 1)
      return sign;
    uint64_t mantissa = (bits & ((uint64_t(1) << 52) - 1)) | uint64_t(1) << 52;
    bool subnormal = exponent < 1 - bias;
    int shift = 52 - Mantissa + (subnormal ? 1 - bias - exponent : 0);
    uint64_t kept = mantissa >> shift;
    uint64_t rest = mantissa & ((uint64_t(1) << shift) - 1);
    uint64_t half = uint64_t(1) << (shift - 1);
    kept += rest > half || (rest == half && (kept & 1));
    // A carry out of the mantissa goes to the exponent by itself.
    uint64_t magnitude =
        subnormal ? kept : (uint64_t(exponent + bias - 1) << Mantissa) + kept;
    if (magnitude >= (Finite ? quiet_nan : top_exponent))
      return sign | infinity;
    return sign | static_cast<uint32_t>(magnitude);
  }
};

using Half = SmallFloat<5, 10>;
using BFloat = SmallFloat<8, 7>;
using F8E4M3 = SmallFloat<4, 3, true>;
using F8E5M2 = SmallFloat<5, 2>;

} // namespace attn_grid::detail

#endif
