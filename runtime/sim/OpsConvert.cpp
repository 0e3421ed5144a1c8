// Conversions between types, and of addresses.

#include "runtime/sim/OpsLanes.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace attn_grid::sim::AG_SIM_ISA {

/// A float as an integer: rounded by `R`, saturated, 0 for a NaN.
template <typename I, auto R, typename F> static I toInteger(F value) {
  double x = R(static_cast<double>(value));
  if (x != x)
    return 0;
  if (x <= static_cast<double>(std::numeric_limits<I>::min()))
    return std::numeric_limits<I>::min();
  if (x >= static_cast<double>(std::numeric_limits<I>::max()))
    return std::numeric_limits<I>::max();
  return static_cast<I>(x);
}

template <typename D, typename A>
static void addWiden(OpTable &t, const char *d, const char *a) {
  // 8 bits live in wider registers.
  using S = std::conditional_t<sizeof(A) == 1, u16, A>;
  using R = std::conditional_t<sizeof(D) == 1, u16, D>;
  t[std::string("cvt.") + d + "." + a] =
      op1<[](S x) { return R(D(A(x))); }, R, S>();
}
template <typename A> static void addWidenTo(OpTable &t, const char *a) {
  addWiden<i8, A>(t, "s8", a);
  addWiden<u8, A>(t, "u8", a);
  addWiden<i16, A>(t, "s16", a);
  addWiden<u16, A>(t, "u16", a);
  addWiden<i32, A>(t, "s32", a);
  addWiden<u32, A>(t, "u32", a);
  addWiden<i64, A>(t, "s64", a);
  addWiden<u64, A>(t, "u64", a);
}

// How a real becomes whole.
static double toZero(double x) { return std::trunc(x); }
static double toNearest(double x) { return std::nearbyint(x); }
static double downward(double x) { return std::floor(x); }
static double upward(double x) { return std::ceil(x); }

/// Calls `add<rounding>(name)` for each of them.
template <typename Add> static void forRoundings(Add add) {
  add.template operator()<toZero>("rzi");
  add.template operator()<toNearest>("rni");
  add.template operator()<downward>("rmi");
  add.template operator()<upward>("rpi");
}

/// Rounded to nearest, once.
template <typename F, typename I> static F fromInteger(I x) {
  if constexpr (!std::is_same_v<F, Brain>) {
    return F(x);
  } else {
    // To f32 without rounding: what it has no room for only leaves a trace.
    u64 magnitude = x < 0 ? -static_cast<u64>(x) : static_cast<u64>(x);
    int shift = std::max(0, static_cast<int>(std::bit_width(magnitude)) - 23);
    u64 lost = magnitude & ((u64(1) << shift) - 1);
    auto kept = static_cast<f32>((magnitude >> shift) | (lost != 0));
    f32 whole = std::ldexp(kept, shift);
    return F(x < 0 ? -whole : whole);
  }
}

template <typename I, typename F>
static void addIntegerFloat(OpTable &t, const std::string &i,
                            const std::string &f) {
  t["cvt.rn." + f + "." + i] = op1<fromInteger<F, I>, F, I>();
  forRoundings([&]<auto R>(const char *mode) {
    std::string tail = i + "." + f;
    for (const char *sat : {".", ".sat."})
      t[std::string("cvt.") + mode + sat + tail] =
          op1<toInteger<I, R, F>, I, F>();
    if constexpr (std::is_same_v<F, f32>)
      for (const char *sat : {".ftz.", ".ftz.sat."})
        t[std::string("cvt.") + mode + sat + tail] =
            op1<[](f32 x) { return toInteger<I, R, f32>(flush(x)); }, I, f32>();
  });
}
template <typename F>
static void addIntegersFloat(OpTable &t, const std::string &f) {
  addIntegerFloat<i16, F>(t, "s16", f);
  addIntegerFloat<u16, F>(t, "u16", f);
  addIntegerFloat<i32, F>(t, "s32", f);
  addIntegerFloat<u32, F>(t, "u32", f);
  addIntegerFloat<i64, F>(t, "s64", f);
  addIntegerFloat<u64, F>(t, "u64", f);
}

template <typename F>
static void addRoundToWhole(OpTable &t, const std::string &f) {
  forRoundings([&]<auto R>(const char *mode) {
    std::string tail = "." + f + "." + f;
    t[std::string("cvt.") + mode + tail] =
        op1<[](F x) { return F(R(double(x))); }, F, F>();
    if constexpr (std::is_same_v<F, f32>)
      t[std::string("cvt.") + mode + ".ftz" + tail] =
          op1<[](f32 x) { return f32(R(double(flush(x)))); }, f32, f32>();
  });
}

/// Once: what f32 has no room for only leaves a trace in its last bit.
static u16 roundToBrain(f64 x) {
  auto near = static_cast<f32>(x);
  if (x != x || static_cast<f64>(near) == x || std::isinf(near))
    return toBrain(near);
  u32 bits = std::bit_cast<u32>(near);
  if (std::abs(static_cast<f64>(near)) > std::abs(x))
    --bits; // towards 0
  return toBrain(std::bit_cast<f32>(bits | 1));
}

static void addFloatConversions(OpTable &t) {
  t["cvt.f32.f16"] = op1<[](f16 x) { return f32(x); }, f32, f16>();
  t["cvt.ftz.f32.f16"] = t["cvt.f32.f16"];
  t["cvt.f64.f32"] = op1<[](f32 x) { return f64(x); }, f64, f32>();
  t["cvt.f64.f16"] = op1<[](f16 x) { return f64(x); }, f64, f16>();
  t["cvt.rn.f16.f32"] = op1<[](f32 x) { return f16(x); }, f16, f32>();
  t["cvt.rn.f16.f64"] = op1<[](f64 x) { return roundToHalf(x); }, u16, f64>();
  t["cvt.rn.f32.f64"] = op1<[](f64 x) { return f32(x); }, f32, f64>();
  t["cvt.f32.bf16"] =
      op1<[](u16 x) { return std::bit_cast<f32>(u32(x) << 16); }, f32, u16>();
  t["cvt.rn.bf16.f32"] = op1<toBrain, u16, f32>();
  t["cvt.rn.bf16.f64"] = op1<roundToBrain, u16, f64>();
  t["cvt.rz.bf16.f32"] = op1<[](f32 x) {
    return x != x ? toBrain(x) : u16(std::bit_cast<u32>(x) >> 16);
  },
                             u16, f32>();
  t["cvt.rn.f16x2.f32"] = op2<[](f32 high, f32 low) {
    return u32(std::bit_cast<u16>(f16(high))) << 16 |
           std::bit_cast<u16>(f16(low));
  },
                              u32, f32, f32>();
  t["cvt.rn.bf16x2.f32"] = op2<[](f32 high, f32 low) {
    return u32(toBrain(high)) << 16 | toBrain(low);
  },
                               u32, f32, f32>();
  t["cvt.rna.tf32.f32"] = op1<roundToTf32, u32, f32>();
  for (const char *name : {"cvt.rn.f16x2.f32", "cvt.rn.bf16x2.f32"})
    t[name].isFloat = true;
}

void addConvertOps(OpTable &t) {
  addWidenTo<i8>(t, "s8");
  addWidenTo<u8>(t, "u8");
  addWidenTo<i16>(t, "s16");
  addWidenTo<u16>(t, "u16");
  addWidenTo<i32>(t, "s32");
  addWidenTo<u32>(t, "u32");
  addWidenTo<i64>(t, "s64");
  addWidenTo<u64>(t, "u64");
  addIntegersFloat<f32>(t, "f32");
  addIntegersFloat<f64>(t, "f64");
  addIntegersFloat<f16>(t, "f16");
  addIntegersFloat<Brain>(t, "bf16");
  addRoundToWhole<f32>(t, "f32");
  addRoundToWhole<f64>(t, "f64");
  addRoundToWhole<f16>(t, "f16");
  addRoundToWhole<Brain>(t, "bf16");
  addFloatConversions(t);
  t["cvta.to.global.u64"] = t["cvta.global.u64"] = t["mov.u64"];
  t["cvta.to.param.u64"] = t["cvta.param.u64"] = t["mov.u64"];
  t["cvta.to.shared.u64"] =
      op1<[](u64 a) { return a - sharedWindow; }, u64, u64>();
  t["cvta.shared.u64"] =
      op1<[](u64 a) { return a + sharedWindow; }, u64, u64>();
}

} // namespace attn_grid::sim::AG_SIM_ISA
