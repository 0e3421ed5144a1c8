// Integers, bits, predicates, moves.

#include "runtime/sim/OpsLanes.h"

#include <bit>
#include <cmath>

namespace attn_grid::sim::AG_SIM_ISA {

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
  if constexpr (std::is_same_v<T, i32>) {
    t["min.relu." + n] =
        op2<[](T a, T b) { return std::max(std::min(a, b), 0); }, T, T, T>();
    t["max.relu." + n] =
        op2<[](T a, T b) { return std::max({a, b, 0}); }, T, T, T>();
  }
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

void addIntegerOps(OpTable &t) {
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
}

} // namespace attn_grid::sim::AG_SIM_ISA
