#ifndef ATTN_GRID_DTYPE_HPP
#define ATTN_GRID_DTYPE_HPP
/// Element types of tensors, tiles and scalars.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace attn_grid {

/// An element type. A `boolean` takes one byte in memory.
enum class DType : uint8_t {
  // clang-format off
  boolean, i8, i16, i32, i64, u8, u16, u32,
  f16, bf16, f32, f64, f8e4m3, f8e5m2,
  // clang-format on
};
inline constexpr int numDTypes = 14;

inline constexpr DType boolean = DType::boolean, i8 = DType::i8,
                       i16 = DType::i16, i32 = DType::i32, i64 = DType::i64,
                       u8 = DType::u8, u16 = DType::u16, u32 = DType::u32,
                       f16 = DType::f16, bf16 = DType::bf16, f32 = DType::f32,
                       f64 = DType::f64, f8e4m3 = DType::f8e4m3,
                       f8e5m2 = DType::f8e5m2;

/// Bytes of one element in memory.
constexpr size_t size_of(DType t) {
  switch (t) {
  case DType::boolean:
  case DType::i8:
  case DType::u8:
  case DType::f8e4m3:
  case DType::f8e5m2:
    return 1;
  case DType::i16:
  case DType::u16:
  case DType::f16:
  case DType::bf16:
    return 2;
  case DType::i32:
  case DType::u32:
  case DType::f32:
    return 4;
  case DType::i64:
  case DType::f64:
    return 8;
  }
  return 0;
}
constexpr bool is_float(DType t) { return t >= DType::f16; }
constexpr bool is_int(DType t) { return t >= DType::i8 && t <= DType::u32; }
constexpr bool is_unsigned(DType t) {
  return t >= DType::u8 && t <= DType::u32;
}

/// The name used in `.ag` source: "bool", "i8", ..., "bf16", "f32".
constexpr std::string_view name_of(DType t) {
  constexpr std::string_view names[] = {
      "bool", "i8",  "i16",  "i32", "i64", "u8",     "u16",
      "u32",  "f16", "bf16", "f32", "f64", "f8e4m3", "f8e5m2"};
  return names[static_cast<int>(t)];
}
/// The type of that name (`int` is `i32`), or nothing.
constexpr std::optional<DType> dtype_named(std::string_view name) {
  if (name == "int")
    return DType::i32;
  for (int i = 0; i < numDTypes; ++i)
    if (name_of(static_cast<DType>(i)) == name)
      return static_cast<DType>(i);
  return std::nullopt;
}
/// `acc<T>`: the type that sums of `t` have.
constexpr DType acc_of(DType t) {
  if (is_float(t))
    return t == DType::f64 ? DType::f64 : DType::f32;
  return size_of(t) <= 4 ? DType::i32 : DType::i64;
}

} // namespace attn_grid

namespace ag = attn_grid;

#endif
