// Arithmetic, comparisons, conversions and what threads of a warp exchange.
// This file is compiled more than once: AG_SIM_ISA is the namespace.

#include "runtime/sim/Ops.h"
#include "runtime/sim/SimFloat.h"
#include "runtime/sim/Warp.h"

#include <bit>
#include <cmath>
#include <limits>

#ifndef AG_SIM_ISA
#define AG_SIM_ISA baseline
#endif

namespace attn_grid::sim::AG_SIM_ISA {

using i8 = int8_t;
using i16 = int16_t;
using i32 = int32_t;
using i64 = int64_t;
using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using f32 = float;
using f64 = double;
using f16 = _Float16;
using bf16 = Brain;

/// One bit a lane as one value a lane.
static void spread(u32 bits, u32 *out) {
  for (int lane = 0; lane < warpSize; ++lane)
    out[lane] = bits >> lane & 1;
}

// Each handler computes all lanes and keeps those of the mask: a loop without
// branches, which compilers turn into vectors.

template <auto F, typename D, typename A>
static void unary(Warp &w, const Instr &i, u32 mask) {
  D *d = w.lanes<D>(i.d);
  const A *a = w.lanes<A>(i.a);
  if (mask == allLanes) {
#pragma clang loop vectorize(assume_safety)
    for (int l = 0; l < warpSize; ++l)
      d[l] = F(a[l]);
    return;
  }
#pragma clang loop vectorize(assume_safety)
  for (int l = 0; l < warpSize; ++l) {
    D r = F(a[l]);
    d[l] = mask >> l & 1 ? r : d[l];
  }
}

template <auto F, typename D, typename A, typename B>
static void binary(Warp &w, const Instr &i, u32 mask) {
  D *d = w.lanes<D>(i.d);
  const A *a = w.lanes<A>(i.a);
  const B *b = w.lanes<B>(i.b);
  if (mask == allLanes) {
#pragma clang loop vectorize(assume_safety)
    for (int l = 0; l < warpSize; ++l)
      d[l] = F(a[l], b[l]);
    return;
  }
#pragma clang loop vectorize(assume_safety)
  for (int l = 0; l < warpSize; ++l) {
    D r = F(a[l], b[l]);
    d[l] = mask >> l & 1 ? r : d[l];
  }
}

template <auto F, typename D, typename A, typename B, typename C>
static void ternary(Warp &w, const Instr &i, u32 mask) {
  D *d = w.lanes<D>(i.d);
  const A *a = w.lanes<A>(i.a);
  const B *b = w.lanes<B>(i.b);
  const C *c = w.lanes<C>(i.c);
  if (mask == allLanes) {
#pragma clang loop vectorize(assume_safety)
    for (int l = 0; l < warpSize; ++l)
      d[l] = F(a[l], b[l], c[l]);
    return;
  }
#pragma clang loop vectorize(assume_safety)
  for (int l = 0; l < warpSize; ++l) {
    D r = F(a[l], b[l], c[l]);
    d[l] = mask >> l & 1 ? r : d[l];
  }
}

/// A comparison, into a predicate.
template <auto F, typename A>
static void compare(Warp &w, const Instr &i, u32 mask) {
  const A *a = w.lanes<A>(i.a);
  const A *b = w.lanes<A>(i.b);
  alignas(64) u32 r[warpSize];
  for (int l = 0; l < warpSize; ++l)
    r[l] = F(a[l], b[l]) ? 1u << l : 0;
  u32 bits = 0;
  for (int l = 0; l < warpSize; ++l)
    bits |= r[l];
  u32 &d = w.pred(i.d);
  d = (d & ~mask) | (bits & mask);
  if (i.list != 0) { // `p|q`: q is the opposite
    u32 &q = w.pred(static_cast<Slot>(i.imm));
    q = (q & ~mask) | (~bits & mask);
  }
}

template <typename T> static void select(Warp &w, const Instr &i, u32 mask) {
  T *d = w.lanes<T>(i.d);
  const T *a = w.lanes<T>(i.a);
  const T *b = w.lanes<T>(i.b);
  alignas(64) u32 p[warpSize];
  spread(w.pred(i.c), p);
#pragma clang loop vectorize(assume_safety)
  for (int l = 0; l < warpSize; ++l) {
    T r = p[l] ? a[l] : b[l];
    d[l] = mask >> l & 1 ? r : d[l];
  }
}

template <auto F> static void predicates(Warp &w, const Instr &i, u32 mask) {
  u32 a = w.pred(i.a), b = i.b == noSlot ? 0 : w.pred(i.b);
  u32 &d = w.pred(i.d);
  d = (d & ~mask) | (F(a, b) & mask);
}

// ------------------------------------------------------------------ functions

template <typename T> static T divide(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a / b;
  } else {
    if (b == 0)
      return static_cast<T>(-1);
    if constexpr (std::is_signed_v<T>)
      if (b == -1)
        return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(a));
    return static_cast<T>(a / b);
  }
}
template <typename T> static T remainder(T a, T b) {
  if (b == 0)
    return a;
  if constexpr (std::is_signed_v<T>)
    if (b == -1)
      return 0;
  return static_cast<T>(a % b);
}
template <typename T> static T shiftLeft(T a, u32 n) {
  return n >= sizeof(T) * 8 ? 0 : static_cast<T>(a << n);
}
template <typename T> static T shiftRight(T a, u32 n) {
  constexpr u32 bits = sizeof(T) * 8;
  if constexpr (std::is_signed_v<T>)
    return static_cast<T>(a >> (n >= bits ? bits - 1 : n));
  return n >= bits ? 0 : static_cast<T>(a >> n);
}
/// The other operand for a NaN, and -0 below +0.
template <typename T> static T minimum(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return a < b ? a : b;
  else
    return a != a   ? b
           : b != b ? a
           : a == b ? (std::signbit(float(a)) ? a : b)
           : a < b  ? a
                    : b;
}
template <typename T> static T maximum(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return a > b ? a : b;
  else
    return a != a   ? b
           : b != b ? a
           : a == b ? (std::signbit(float(a)) ? b : a)
           : a > b  ? a
                    : b;
}
/// `length` bits of `a` from `position` on; what lies behind the top is its
/// sign, or 0.
template <typename T> static T bitField(T a, u32 position, u32 length) {
  using U = std::make_unsigned_t<T>;
  constexpr u32 bits = sizeof(T) * 8;
  position &= 0xff;
  length &= 0xff;
  if (length == 0)
    return 0;
  u32 top = std::min(position + length - 1, bits - 1);
  U fill = std::is_signed_v<T> && (U(a) >> top & 1) ? ~U(0) : U(0);
  U shifted = position >= bits ? fill : U(a) >> position;
  u32 kept = std::min(length, position >= bits ? 0 : bits - position);
  U mask = kept >= bits ? ~U(0) : (U(1) << kept) - 1;
  return T((shifted & mask) | (fill & ~mask));
}
static u32 permuteBytes(u32 a, u32 b, u32 selector) {
  u64 both = static_cast<u64>(b) << 32 | a;
  u32 result = 0;
  for (int k = 0; k < 4; ++k) {
    u32 select = selector >> (4 * k) & 15;
    u32 byte = static_cast<u32>(both >> (8 * (select & 7))) & 0xff;
    if (select & 8)
      byte = byte & 0x80 ? 0xff : 0;
    result |= byte << (8 * k);
  }
  return result;
}
static f32 flush(f32 x) {
  return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x;
}

/// 2^x, once rounded to f32 for all but a few arguments: a polynomial in double
/// whose error is far below half a unit of f32.
static f32 exponential(f32 input) {
  double x = input;
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

// ------------------------------------------------------------ between threads

/// Where a lane reads from: `shfl.sync` as the manual of PTX has it.
template <int Mode> static void shuffle(Warp &w, const Instr &i, u32 mask) {
  const u32 *a = w.lanes<u32>(i.a), *b = w.lanes<u32>(i.b),
            *c = w.lanes<u32>(i.c);
  u32 *d = w.lanes<u32>(i.d);
  u32 old[warpSize];
  std::copy(a, a + warpSize, old);
  u32 inside = 0;
  for (int lane = 0; lane < warpSize; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    int by = b[lane] & 31, clamp = c[lane] & 31, segment = c[lane] >> 8 & 31;
    int top = (lane & segment) | (clamp & ~segment), bottom = lane & segment;
    int from = Mode == 0   ? lane - by
               : Mode == 1 ? lane + by
               : Mode == 2 ? lane ^ by
                           : bottom | (by & ~segment);
    bool valid = Mode == 0 ? from >= top : from <= top;
    if (!valid)
      from = lane;
    inside |= static_cast<u32>(valid) << lane;
    if (!(mask >> from & 1))
      w.report(Problem::inactiveLane, lane, 0, 0,
               "from lane " + std::to_string(from));
    d[lane] = old[from];
  }
  if (i.imm != 0) {
    u32 &p = w.pred(static_cast<Slot>(i.imm - 1));
    p = (p & ~mask) | (inside & mask);
  }
}

enum class Vote { all, any, uniform, ballot };
template <Vote V> static void vote(Warp &w, const Instr &i, u32 mask) {
  u32 bits = w.pred(i.a) & mask;
  if constexpr (V == Vote::ballot) {
    u32 *d = w.lanes<u32>(i.d);
    for (int lane = 0; lane < warpSize; ++lane)
      if (mask >> lane & 1)
        d[lane] = bits;
  } else {
    bool all = bits == mask, any = bits != 0;
    bool result = V == Vote::all ? all : V == Vote::any ? any : all || !any;
    u32 &d = w.pred(i.d);
    d = result ? d | mask : d & ~mask;
  }
}

template <auto F, typename T>
static void reduceLanes(Warp &w, const Instr &i, u32 mask) {
  const T *a = w.lanes<T>(i.a);
  T *d = w.lanes<T>(i.d);
  bool first = true;
  T total{};
  for (int lane = 0; lane < warpSize; ++lane)
    if (mask >> lane & 1) {
      total = first ? a[lane] : F(total, a[lane]);
      first = false;
    }
  for (int lane = 0; lane < warpSize; ++lane)
    if (mask >> lane & 1)
      d[lane] = total;
}

static void activeMask(Warp &w, const Instr &i, u32 mask) {
  u32 *d = w.lanes<u32>(i.d);
  for (int lane = 0; lane < warpSize; ++lane)
    if (mask >> lane & 1)
      d[lane] = mask;
}

// ------------------------------------------------------------------ the table

template <typename T> static constexpr u8 bitsOf = sizeof(T) * 8;

template <auto F, typename D, typename A> static Op op1() {
  return {unary<F, D, A>, bitsOf<D>, {bitsOf<A>}, !std::is_integral_v<A>};
}
template <auto F, typename D, typename A, typename B> static Op op2() {
  return {binary<F, D, A, B>,
          bitsOf<D>,
          {bitsOf<A>, bitsOf<B>},
          !std::is_integral_v<A>};
}
template <auto F, typename D, typename A, typename B, typename C>
static Op op3() {
  return {ternary<F, D, A, B, C>,
          bitsOf<D>,
          {bitsOf<A>, bitsOf<B>, bitsOf<C>},
          !std::is_integral_v<A>};
}

template <typename T> static void addInteger(OpTable &t, const std::string &n) {
  using U = std::make_unsigned_t<T>;
  t["add." + n] = op2<[](T a, T b) { return T(U(a) + U(b)); }, T, T, T>();
  t["sub." + n] = op2<[](T a, T b) { return T(U(a) - U(b)); }, T, T, T>();
  t["mul.lo." + n] =
      op2<[](T a, T b) { return T(u64(U(a)) * u64(U(b))); }, T, T, T>();
  t["mad.lo." + n] =
      op3<[](T a, T b, T c) { return T(u64(U(a)) * u64(U(b)) + U(c)); }, T, T,
          T, T>();
  t["div." + n] = op2<divide<T>, T, T, T>();
  t["rem." + n] = op2<remainder<T>, T, T, T>();
  t["min." + n] = op2<minimum<T>, T, T, T>();
  t["max." + n] = op2<maximum<T>, T, T, T>();
  t["shr." + n] = op2<shiftRight<T>, T, T, u32>();
  if constexpr (std::is_signed_v<T>) {
    t["abs." + n] = op1<[](T a) { return T(a < 0 ? 0 - U(a) : U(a)); }, T, T>();
    t["neg." + n] = op1<[](T a) { return T(0 - U(a)); }, T, T>();
  }
  if constexpr (sizeof(T) < 8) {
    using W = std::conditional_t<std::is_signed_v<T>,
                                 std::conditional_t<sizeof(T) == 4, i64, i32>,
                                 std::conditional_t<sizeof(T) == 4, u64, u32>>;
    t["mul.wide." + n] =
        op2<[](T a, T b) { return W(W(a) * W(b)); }, W, T, T>();
    t["mad.wide." + n] = op3<[](T a, T b, W c) {
      using V = std::make_unsigned_t<W>;
      return W(V(W(a) * W(b)) + V(c));
    },
                             W, T, T, W>();
    t["mul.hi." + n] =
        op2<[](T a, T b) { return T((W(a) * W(b)) >> (sizeof(T) * 8)); }, T, T,
            T>();
  } else {
    using H =
        std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>;
    t["mul.hi." + n] =
        op2<[](T a, T b) { return T((H(a) * H(b)) >> 64); }, T, T, T>();
  }
  t["setp.eq." + n] = {
      compare<[](T a, T b) { return a == b; }, T>, 1, {bitsOf<T>, bitsOf<T>}};
  t["setp.ne." + n] = {
      compare<[](T a, T b) { return a != b; }, T>, 1, {bitsOf<T>, bitsOf<T>}};
  const char *less = std::is_signed_v<T> ? "lt" : "lo";
  for (const char *name : {"lt", less})
    t[std::string("setp.") + name + "." + n] = {
        compare<[](T a, T b) { return a < b; }, T>, 1, {bitsOf<T>, bitsOf<T>}};
  for (const char *name : {"le", "ls"})
    t[std::string("setp.") + name + "." + n] = {
        compare<[](T a, T b) { return a <= b; }, T>, 1, {bitsOf<T>, bitsOf<T>}};
  for (const char *name : {"gt", "hi"})
    t[std::string("setp.") + name + "." + n] = {
        compare<[](T a, T b) { return a > b; }, T>, 1, {bitsOf<T>, bitsOf<T>}};
  for (const char *name : {"ge", "hs"})
    t[std::string("setp.") + name + "." + n] = {
        compare<[](T a, T b) { return a >= b; }, T>, 1, {bitsOf<T>, bitsOf<T>}};
}

template <typename T> static void addBits(OpTable &t, const std::string &n) {
  t["and." + n] = op2<[](T a, T b) { return T(a & b); }, T, T, T>();
  t["or." + n] = op2<[](T a, T b) { return T(a | b); }, T, T, T>();
  t["xor." + n] = op2<[](T a, T b) { return T(a ^ b); }, T, T, T>();
  t["not." + n] = op1<[](T a) { return T(~a); }, T, T>();
  t["shl." + n] = op2<shiftLeft<T>, T, T, u32>();
  t["shr." + n] = op2<shiftRight<T>, T, T, u32>();
  t["setp.eq." + n] = {
      compare<[](T a, T b) { return a == b; }, T>, 1, {bitsOf<T>, bitsOf<T>}};
  t["setp.ne." + n] = {
      compare<[](T a, T b) { return a != b; }, T>, 1, {bitsOf<T>, bitsOf<T>}};
}

/// Moves and choices, for every type of that width.
template <typename T>
static void addMoves(OpTable &t, std::initializer_list<const char *> names,
                     bool isFloat) {
  for (const char *n : names) {
    t[std::string("mov.") + n] = op1<[](T a) { return a; }, T, T>();
    t[std::string("selp.") + n] = {
        select<T>, bitsOf<T>, {bitsOf<T>, bitsOf<T>, 1}};
    t[std::string("mov.") + n].isFloat = t[std::string("selp.") + n].isFloat =
        isFloat;
  }
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

template <typename I, typename F>
static void addIntegerFloat(OpTable &t, const std::string &i,
                            const std::string &f) {
  t["cvt.rn." + f + "." + i] = op1<[](I x) { return F(x); }, F, I>();
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

void addOps(OpTable &t) {
  addMoves<u16>(t, {"b16", "u16", "s16"}, false);
  addMoves<u32>(t, {"b32", "u32", "s32"}, false);
  addMoves<u64>(t, {"b64", "u64", "s64"}, false);
  addMoves<u32>(t, {"f32"}, true);
  addMoves<u64>(t, {"f64"}, true);
  addBits<u16>(t, "b16");
  addBits<u32>(t, "b32");
  addBits<u64>(t, "b64");
  addInteger<i16>(t, "s16");
  addInteger<u16>(t, "u16");
  addInteger<i32>(t, "s32");
  addInteger<u32>(t, "u32");
  addInteger<i64>(t, "s64");
  addInteger<u64>(t, "u64");
  t["mov.pred"] = {predicates<[](u32 a, u32) { return a; }>, 1, {1}};
  t["not.pred"] = {predicates<[](u32 a, u32) { return ~a; }>, 1, {1}};
  t["and.pred"] = {predicates<[](u32 a, u32 b) { return a & b; }>, 1, {1, 1}};
  t["or.pred"] = {predicates<[](u32 a, u32 b) { return a | b; }>, 1, {1, 1}};
  t["xor.pred"] = {predicates<[](u32 a, u32 b) { return a ^ b; }>, 1, {1, 1}};
  addFloat<f32>(t, "f32");
  addFloat<f64>(t, "f64");
  addFloat<f16>(t, "f16");
  addFloat<bf16>(t, "bf16");
  addPairs<f16>(t, "f16x2");
  addPairs<bf16>(t, "bf16x2");
  addFlushed(t);
  addApproximate(t);
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
  addRoundToWhole<f32>(t, "f32");
  addRoundToWhole<f64>(t, "f64");
  addFloatConversions(t);
  t["bfe.u32"] = op3<bitField<u32>, u32, u32, u32, u32>();
  t["bfe.s32"] = op3<bitField<i32>, i32, i32, u32, u32>();
  t["bfe.u64"] = op3<bitField<u64>, u64, u64, u32, u32>();
  t["bfe.s64"] = op3<bitField<i64>, i64, i64, u32, u32>();
  t["prmt.b32"] = op3<permuteBytes, u32, u32, u32, u32>();
  t["popc.b32"] = op1<[](u32 a) { return u32(std::popcount(a)); }, u32, u32>();
  t["popc.b64"] = op1<[](u64 a) { return u32(std::popcount(a)); }, u32, u64>();
  t["clz.b32"] =
      op1<[](u32 a) { return u32(std::countl_zero(a)); }, u32, u32>();
  t["clz.b64"] =
      op1<[](u64 a) { return u32(std::countl_zero(a)); }, u32, u64>();
  t["shf.l.wrap.b32"] = op3<[](u32 low, u32 high, u32 n) {
    return u32(((u64(high) << 32 | low) << (n & 31)) >> 32);
  },
                            u32, u32, u32, u32>();
  t["shf.r.wrap.b32"] = op3<[](u32 low, u32 high, u32 n) {
    return u32((u64(high) << 32 | low) >> (n & 31));
  },
                            u32, u32, u32, u32>();
  t["cvta.to.global.u64"] = t["cvta.global.u64"] = t["mov.u64"];
  t["cvta.to.shared.u64"] =
      op1<[](u64 a) { return a - sharedWindow; }, u64, u64>();
  t["cvta.shared.u64"] =
      op1<[](u64 a) { return a + sharedWindow; }, u64, u64>();
  Op shuffleOp{nullptr, 32, {32, 32, 32, 32}};
  shuffleOp.run = shuffle<0>;
  t["shfl.sync.up.b32"] = shuffleOp;
  shuffleOp.run = shuffle<1>;
  t["shfl.sync.down.b32"] = shuffleOp;
  shuffleOp.run = shuffle<2>;
  t["shfl.sync.bfly.b32"] = shuffleOp;
  shuffleOp.run = shuffle<3>;
  t["shfl.sync.idx.b32"] = shuffleOp;
  t["vote.sync.all.pred"] = {vote<Vote::all>, 1, {1, 32}};
  t["vote.sync.any.pred"] = {vote<Vote::any>, 1, {1, 32}};
  t["vote.sync.uni.pred"] = {vote<Vote::uniform>, 1, {1, 32}};
  t["vote.sync.ballot.b32"] = {vote<Vote::ballot>, 32, {1, 32}};
  t["activemask.b32"] = {activeMask, 32, {}};
  t["redux.sync.add.s32"] = t["redux.sync.add.u32"] = {
      reduceLanes<[](u32 a, u32 b) { return a + b; }, u32>, 32, {32, 32}};
  t["redux.sync.max.s32"] = {reduceLanes<maximum<i32>, i32>, 32, {32, 32}};
  t["redux.sync.min.s32"] = {reduceLanes<minimum<i32>, i32>, 32, {32, 32}};
  t["redux.sync.max.u32"] = {reduceLanes<maximum<u32>, u32>, 32, {32, 32}};
  t["redux.sync.min.u32"] = {reduceLanes<minimum<u32>, u32>, 32, {32, 32}};
}

} // namespace attn_grid::sim::AG_SIM_ISA
