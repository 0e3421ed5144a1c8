#ifndef AG_RUNTIME_SIM_SIMFLOAT_H
#define AG_RUNTIME_SIM_SIMFLOAT_H
/// Narrow floats of GPUs, as bits.

#include <bit>
#include <cmath>
#include <cstdint>

namespace attn_grid::sim {

/// Where shared memory begins in generic addresses.
constexpr uint64_t sharedWindow = uint64_t(1) << 46;
/// Where a kernel's parameters begin, for kernels that take their addresses.
constexpr uint64_t paramWindow = uint64_t(1) << 45;

/// To bf16, to nearest even.
inline uint16_t toBrain(float x) {
  uint32_t bits = std::bit_cast<uint32_t>(x);
  if (x != x)
    return 0x7fff;
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/// To TF32, to nearest and ties away from zero, as f32's bits.
inline uint32_t roundToTf32(float x) {
  uint32_t bits = std::bit_cast<uint32_t>(x);
  if (!std::isfinite(x))
    return bits;
  return (bits + 0x1000) & 0xffffe000;
}

/// A value rounded to odd in f32: what is rounded again, to fewer bits, is then
/// as if it were rounded once.
inline float roundToOdd(double x) {
  float narrow = static_cast<float>(x);
  if (static_cast<double>(narrow) == x || !std::isfinite(narrow) || x != x)
    return narrow;
  uint32_t bits = std::bit_cast<uint32_t>(narrow);
  if (std::fabs(static_cast<double>(narrow)) > std::fabs(x))
    --bits;
  return std::bit_cast<float>(bits | 1);
}

/// a b + c of narrow floats, rounded to odd in f64.
inline double multiplyAdd(float a, float b, float c) {
  double product = static_cast<double>(a) * static_cast<double>(b);
  double sum = product + static_cast<double>(c);
  if (!std::isfinite(sum))
    return sum;
  // What the sum has lost (Knuth).
  double part = sum - product;
  double lost = (product - (sum - part)) + (static_cast<double>(c) - part);
  if (lost == 0)
    return sum;
  uint64_t bits = std::bit_cast<uint64_t>(sum);
  if ((lost > 0) != (sum > 0)) // it was rounded away from 0
    --bits;
  return std::bit_cast<double>(bits | 1);
}

/// f64 to f16 in one rounding, as bits.
inline uint16_t roundToHalf(double x) {
  return std::bit_cast<uint16_t>(static_cast<_Float16>(roundToOdd(x)));
}

/// bf16 as a number: computes in f32.
struct Brain {
  uint16_t bits;
  Brain() = default;
  explicit Brain(float x) : bits(toBrain(x)) {}
  operator float() const {
    return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
  }
};

inline float halfToFloat(uint16_t bits) {
  return static_cast<float>(std::bit_cast<_Float16>(bits));
}
inline float brainToFloat(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

} // namespace attn_grid::sim

#endif
