#ifndef AG_RUNTIME_SIM_OPSLANES_H
#define AG_RUNTIME_SIM_OPSLANES_H
/// How an instruction goes over the 32 lanes of a warp. What includes this is
/// compiled more than once: AG_SIM_ISA is the namespace.

#include "runtime/sim/Ops.h"
#include "runtime/sim/SimFloat.h"
#include "runtime/sim/Warp.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>

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
static inline void spread(u32 bits, u32 *out) {
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
  if (i.second != noSlot) { // `p|q`: q is the opposite
    u32 &q = w.pred(i.second);
    q = (q & ~mask) | (~bits & mask);
  }
}

/// A predicate of one value.
template <auto F, typename A>
static void test(Warp &w, const Instr &i, u32 mask) {
  const A *a = w.lanes<A>(i.a);
  u32 bits = 0;
  for (int l = 0; l < warpSize; ++l)
    bits |= u32(F(a[l])) << l;
  u32 &d = w.pred(i.d);
  d = (d & ~mask) | (bits & mask);
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

// ---------------------------------------------------------- rows of the table

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

// What integers and floats share.

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

/// Without subnormals.
static inline f32 flush(f32 x) {
  return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x;
}

} // namespace attn_grid::sim::AG_SIM_ISA

#endif
