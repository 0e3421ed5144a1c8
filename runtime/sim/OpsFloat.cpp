// Floats: f16, bf16, f32, f64, and pairs of 16 bits.

#include "runtime/sim/OpsLanes.h"

#include <bit>
#include <cmath>
#include <limits>

namespace attn_grid::sim::AG_SIM_ISA {

/// 2^x, once rounded to f32 for all but a few arguments: a polynomial in double
/// whose error is far below half a unit of f32.
static f32 exponential(f32 input) {
  double x = input != input ? 0 : input;
  x = x < -200 ? -200 : x > 200 ? 200 : x;
  double whole = x + 0x1.8p52 - 0x1.8p52;
  double f = (x - whole) * 0.69314718055994530942;
  double p = 1.0 / 39916800;
  p = p * f + 1.0 / 3628800;
  p = p * f + 1.0 / 362880;
  p = p * f + 1.0 / 40320;
  p = p * f + 1.0 / 5040;
  p = p * f + 1.0 / 720;
  p = p * f + 1.0 / 120;
  p = p * f + 1.0 / 24;
  p = p * f + 1.0 / 6;
  p = p * f + 0.5;
  p = p * f + 1.0;
  p = p * f + 1.0;
  i64 exponent = static_cast<i64>(static_cast<i32>(whole)) + 1023;
  double r = p * std::bit_cast<double>(exponent << 52);
  return input != input ? input : static_cast<f32>(r);
}

/// `testp`: what kind of number it is.
template <typename T>
static void addTests(OpTable &t, const std::string &tail) {
  auto add = [&]<auto F>(const char *name) {
    t["testp." + (name + tail)] = {test<F, T>, 1, {bitsOf<T>}, true};
  };
  add.template operator()<[](T x) { return std::isfinite(x); }>("finite");
  add.template operator()<[](T x) { return std::isinf(x); }>("infinite");
  add.template operator()<[](T x) { return x == x; }>("number");
  add.template operator()<[](T x) { return x != x; }>("notanumber");
  add.template operator()<[](T x) { return std::isnormal(x); }>("normal");
  add.template operator()<[](T x) {
    return std::fpclassify(x) == FP_SUBNORMAL;
  }>("subnormal");
}

template <typename T, bool Flushed>
static void addFloatComparesOf(OpTable &t, const std::string &tail) {
  // Also what is not `ftz` is compared through `take`: as it is.
  static constexpr auto take = [](T x) {
    if constexpr (Flushed)
      return flush(x);
    else
      return x;
  };
  auto add = [&]<auto F>(const char *name) {
    t[std::string("setp.") + name + tail] = {
        compare<[](T a, T b) { return F(take(a), take(b)); }, T>,
        1,
        {bitsOf<T>, bitsOf<T>},
        true};
  };
  add.template operator()<[](T a, T b) { return a == b; }>("eq");
  add.template operator()<[](T a, T b) { return a < b || a > b; }>("ne");
  add.template operator()<[](T a, T b) { return a < b; }>("lt");
  add.template operator()<[](T a, T b) { return a <= b; }>("le");
  add.template operator()<[](T a, T b) { return a > b; }>("gt");
  add.template operator()<[](T a, T b) { return a >= b; }>("ge");
  add.template operator()<[](T a, T b) { return !(a < b || a > b); }>("equ");
  add.template operator()<[](T a, T b) { return a != b; }>("neu");
  add.template operator()<[](T a, T b) { return !(a >= b); }>("ltu");
  add.template operator()<[](T a, T b) { return !(a > b); }>("leu");
  add.template operator()<[](T a, T b) { return !(a <= b); }>("gtu");
  add.template operator()<[](T a, T b) { return !(a < b); }>("geu");
  add.template operator()<[](T a, T b) { return a == a && b == b; }>("num");
  add.template operator()<[](T a, T b) { return a != a || b != b; }>("nan");
}
template <typename T>
static void addFloatCompares(OpTable &t, const std::string &n) {
  addFloatComparesOf<T, false>(t, "." + n);
  if constexpr (sizeof(T) >= 4)
    addTests<T>(t, "." + n);
  if constexpr (std::is_same_v<T, f32>)
    addFloatComparesOf<T, true>(t, ".ftz." + n);
}

template <typename T> static T fusedMultiplyAdd(T a, T b, T c) {
  return T(roundToOdd(multiplyAdd(float(a), float(b), float(c))));
}

template <typename T> static void addFloat(OpTable &t, const std::string &n) {
  for (const char *rn : {"", ".rn"}) {
    t[std::string("add") + rn + "." + n] =
        op2<[](T a, T b) { return T(a + b); }, T, T, T>();
    t[std::string("sub") + rn + "." + n] =
        op2<[](T a, T b) { return T(a - b); }, T, T, T>();
    t[std::string("mul") + rn + "." + n] =
        op2<[](T a, T b) { return T(a * b); }, T, T, T>();
  }
  t["min." + n] = op2<minimum<T>, T, T, T>();
  t["max." + n] = op2<maximum<T>, T, T, T>();
  t["min.NaN." + n] =
      op2<[](T a, T b) { return a != a || b != b ? T(NAN) : minimum(a, b); }, T,
          T, T>();
  t["max.NaN." + n] =
      op2<[](T a, T b) { return a != a || b != b ? T(NAN) : maximum(a, b); }, T,
          T, T>();
  t["neg." + n] = op1<[](T a) { return T(-a); }, T, T>();
  if constexpr (sizeof(T) >= 4) {
    t["abs." + n] = op1<[](T a) { return std::fabs(a); }, T, T>();
    t["div.rn." + n] = op2<divide<T>, T, T, T>();
    t["rcp.rn." + n] = op1<[](T a) { return T(1) / a; }, T, T>();
    t["sqrt.rn." + n] = op1<[](T a) { return std::sqrt(a); }, T, T>();
    t["fma.rn." + n] =
        op3<[](T a, T b, T c) { return std::fma(a, b, c); }, T, T, T, T>();
    t["copysign." + n] =
        op2<[](T a, T b) { return std::copysign(b, a); }, T, T, T>();
  } else {
    t["abs." + n] = op1<[](T a) { return T(std::fabs(float(a))); }, T, T>();
    t["fma.rn." + n] = op3<fusedMultiplyAdd<T>, T, T, T, T>();
  }
  addFloatCompares<T>(t, n);
}

/// Factors or an addend of 16 bits, and a sum of f32.
template <typename T> static void addMixed(OpTable &t, const std::string &n) {
  t["fma.rn.f32." + n] =
      op3<[](T a, T b, f32 c) { return std::fma(f32(a), f32(b), c); }, f32, T,
          T, f32>();
  for (const char *rn : {"", ".rn"}) {
    t[std::string("add") + rn + ".f32." + n] =
        op2<[](T a, f32 b) { return f32(a) + b; }, f32, T, f32>();
    t[std::string("sub") + rn + ".f32." + n] =
        op2<[](T a, f32 b) { return f32(a) - b; }, f32, T, f32>();
  }
}

static void addFlushed(OpTable &t) {
  t["add.ftz.f32"] = t["add.rn.ftz.f32"] =
      op2<[](f32 a, f32 b) { return flush(flush(a) + flush(b)); }, f32, f32,
          f32>();
  t["sub.ftz.f32"] = t["sub.rn.ftz.f32"] =
      op2<[](f32 a, f32 b) { return flush(flush(a) - flush(b)); }, f32, f32,
          f32>();
  t["mul.ftz.f32"] = t["mul.rn.ftz.f32"] =
      op2<[](f32 a, f32 b) { return flush(flush(a) * flush(b)); }, f32, f32,
          f32>();
  t["fma.rn.ftz.f32"] = op3<[](f32 a, f32 b, f32 c) {
    return flush(std::fma(flush(a), flush(b), flush(c)));
  },
                            f32, f32, f32, f32>();
  t["max.ftz.f32"] =
      op2<[](f32 a, f32 b) { return maximum(flush(a), flush(b)); }, f32, f32,
          f32>();
  t["min.ftz.f32"] =
      op2<[](f32 a, f32 b) { return minimum(flush(a), flush(b)); }, f32, f32,
          f32>();
  t["abs.ftz.f32"] = op1<[](f32 a) { return std::fabs(flush(a)); }, f32, f32>();
  t["neg.ftz.f32"] = op1<[](f32 a) { return -flush(a); }, f32, f32>();
}

/// Functions that a GPU approximates: here rounded correctly.
static void addApproximate(OpTable &t) {
  for (const char *ftz : {"", ".ftz"}) {
    std::string s = std::string(".approx") + ftz + ".f32";
    bool f = *ftz;
    t["ex2" + s] =
        f ? op1<[](f32 a) { return flush(exponential(flush(a))); }, f32, f32>()
          : op1<exponential, f32, f32>();
    t["lg2" + s] =
        f ? op1<[](f32 a) { return f32(std::log2(double(flush(a)))); }, f32,
                f32>()
          : op1<[](f32 a) { return f32(std::log2(double(a))); }, f32, f32>();
    t["rcp" + s] =
        f ? op1<[](f32 a) { return flush(1.0f / flush(a)); }, f32, f32>()
          : op1<[](f32 a) { return 1.0f / a; }, f32, f32>();
    t["sqrt" + s] =
        f ? op1<[](f32 a) { return std::sqrt(flush(a)); }, f32, f32>()
          : op1<[](f32 a) { return std::sqrt(a); }, f32, f32>();
    t["rsqrt" + s] =
        f ? op1<[](f32 a) { return f32(1.0 / std::sqrt(double(flush(a)))); },
                f32, f32>()
          : op1<[](f32 a) { return f32(1.0 / std::sqrt(double(a))); }, f32,
                f32>();
    t["sin" + s] =
        f ? op1<[](f32 a) { return flush(f32(std::sin(double(flush(a))))); },
                f32, f32>()
          : op1<[](f32 a) { return f32(std::sin(double(a))); }, f32, f32>();
    t["cos" + s] =
        op1<[](f32 a) { return f32(std::cos(double(a))); }, f32, f32>();
    for (const char *kind : {".approx", ".full"})
      t[std::string("div") + kind + ftz + ".f32"] =
          f ? op2<[](f32 a, f32 b) { return flush(flush(a) / flush(b)); }, f32,
                  f32, f32>()
            : op2<divide<f32>, f32, f32, f32>();
  }
  t["tanh.approx.f32"] =
      op1<[](f32 a) { return f32(std::tanh(double(a))); }, f32, f32>();
  t["ex2.approx.f16"] =
      op1<[](f16 a) { return f16(exponential(a)); }, f16, f16>();
}

/// Two numbers of 16 bits side by side.
template <typename T, auto F> static u32 inPairs(u32 a, u32 b, u32 c) {
  auto part = [](u32 x, int shift) {
    return std::bit_cast<T>(u16(x >> shift));
  };
  auto bits = [](T x) { return u32(std::bit_cast<u16>(x)); };
  return bits(F(part(a, 16), part(b, 16), part(c, 16))) << 16 |
         bits(F(part(a, 0), part(b, 0), part(c, 0)));
}
template <typename T> static void addPairs(OpTable &t, const std::string &n) {
  auto two = [&]<auto F>(const char *name) {
    t[name + ("." + n)] =
        op2<[](u32 a, u32 b) { return inPairs<T, F>(a, b, 0); }, u32, u32,
            u32>();
  };
  for (const char *name : {"add", "add.rn"})
    two.template operator()<[](T a, T b, T) { return T(a + b); }>(name);
  for (const char *name : {"sub", "sub.rn"})
    two.template operator()<[](T a, T b, T) { return T(a - b); }>(name);
  for (const char *name : {"mul", "mul.rn"})
    two.template operator()<[](T a, T b, T) { return T(a * b); }>(name);
  two.template operator()<[](T a, T b, T) { return minimum<T>(a, b); }>("min");
  two.template operator()<[](T a, T b, T) { return maximum<T>(a, b); }>("max");
  t["neg." + n] = op1<[](u32 a) { return a ^ 0x80008000; }, u32, u32>();
  t["abs." + n] = op1<[](u32 a) { return a & 0x7fff7fff; }, u32, u32>();
  t["fma.rn." + n] = op3<inPairs<T, fusedMultiplyAdd<T>>, u32, u32, u32, u32>();
}

void addFloatOps(OpTable &t) {
  addFloat<f32>(t, "f32");
  addFloat<f64>(t, "f64");
  addFloat<f16>(t, "f16");
  addMixed<f16>(t, "f16");
  addMixed<bf16>(t, "bf16");
  addFloat<bf16>(t, "bf16");
  addPairs<f16>(t, "f16x2");
  addPairs<bf16>(t, "bf16x2");
  addFlushed(t);
  addApproximate(t);
}

} // namespace attn_grid::sim::AG_SIM_ISA
