// Conversion goes by way of a chunk of 64-bit integers or doubles: a loader
// per dtype and two storers per dtype instead of one loop per pair of dtypes.

#include "runtime/Elements.h"
#include "runtime/SmallFloat.h"
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

namespace attn_grid::detail {

/// How a dtype lies in memory, and its conversions from and to `int64_t` (for
/// integers and bools) or `double` (for floats).
template <DType> struct Traits;

/// Small floats: a raw pattern in memory.
template <class Raw, class Format> struct SmallTraits {
  using Memory = Raw;
  static double load(Raw raw) { return Format::widen(raw); }
  static Raw from(double value) {
    return static_cast<Raw>(Format::narrow(value));
  }
  static Raw from(int64_t value) {
    // Beyond 2^53 a double cannot hold the integer. A last bit that stands for
    // all that was cut off keeps the second rounding from being wrong.
    constexpr int64_t exact = int64_t(1) << 53;
    if (value <= exact && value >= -exact)
      return from(static_cast<double>(value));
    uint64_t magnitude = value < 0 ? -static_cast<uint64_t>(value) : value;
    magnitude = magnitude >> 11 | ((magnitude & 2047) != 0);
    double jammed = std::ldexp(static_cast<double>(magnitude), 11);
    return from(value < 0 ? -jammed : jammed);
  }
};
template <> struct Traits<f16> : SmallTraits<uint16_t, Half> {};
template <> struct Traits<bf16> : SmallTraits<uint16_t, BFloat> {};
template <> struct Traits<f8e4m3> : SmallTraits<uint8_t, F8E4M3> {};
template <> struct Traits<f8e5m2> : SmallTraits<uint8_t, F8E5M2> {};

template <class Float> struct FloatTraits {
  using Memory = Float;
  static double load(Float value) { return value; }
  static Float from(double value) { return static_cast<Float>(value); }
  static Float from(int64_t value) { return static_cast<Float>(value); }
};
template <> struct Traits<f32> : FloatTraits<float> {};
template <> struct Traits<f64> : FloatTraits<double> {};

template <class Integer> struct IntegerTraits {
  using Memory = Integer;
  static int64_t load(Integer value) { return value; }
  static Integer from(int64_t value) { return static_cast<Integer>(value); }
  static Integer from(double value) {
    using Limits = std::numeric_limits<Integer>;
    if (std::isnan(value))
      return 0;
    // Both bounds are exact: powers of two, 0 or -2^k.
    if (value <= static_cast<double>(Limits::min()))
      return Limits::min();
    if (value >= std::ldexp(1.0, Limits::digits))
      return Limits::max();
    return static_cast<Integer>(value);
  }
};
template <> struct Traits<i8> : IntegerTraits<int8_t> {};
template <> struct Traits<i16> : IntegerTraits<int16_t> {};
template <> struct Traits<i32> : IntegerTraits<int32_t> {};
template <> struct Traits<i64> : IntegerTraits<int64_t> {};
template <> struct Traits<u8> : IntegerTraits<uint8_t> {};
template <> struct Traits<u16> : IntegerTraits<uint16_t> {};
template <> struct Traits<u32> : IntegerTraits<uint32_t> {};

template <> struct Traits<boolean> {
  using Memory = uint8_t;
  static int64_t load(uint8_t value) { return value != 0; }
  static uint8_t from(int64_t value) { return value != 0; }
  static uint8_t from(double value) { return value != 0; }
};

/// Calls `function` with the traits of `dtype`.
template <class Function>
static decltype(auto) with_traits(DType dtype, Function function) {
  switch (dtype) {
  case boolean:
    return function(Traits<boolean>());
  case i8:
    return function(Traits<i8>());
  case i16:
    return function(Traits<i16>());
  case i32:
    return function(Traits<i32>());
  case i64:
    return function(Traits<i64>());
  case u8:
    return function(Traits<u8>());
  case u16:
    return function(Traits<u16>());
  case u32:
    return function(Traits<u32>());
  case f16:
    return function(Traits<f16>());
  case bf16:
    return function(Traits<bf16>());
  case f32:
    return function(Traits<f32>());
  case f64:
    break;
  case f8e4m3:
    return function(Traits<f8e4m3>());
  case f8e5m2:
    return function(Traits<f8e5m2>());
  }
  return function(Traits<f64>());
}

/// Elements may lie anywhere: a file's bytes have no alignment.
template <class T> static T read(const std::byte *address) {
  T value;
  std::memcpy(&value, address, sizeof value);
  return value;
}

Scalar load_element(DType dtype, const std::byte *address) {
  return with_traits(dtype, [&](auto traits) -> Scalar {
    using T = decltype(traits);
    auto value = T::load(read<typename T::Memory>(address));
    if (dtype == boolean)
      return Scalar(value != 0);
    return Scalar(value);
  });
}

void store_element(DType dtype, std::byte *address, Scalar value) {
  with_traits(dtype, [&](auto traits) {
    using T = decltype(traits);
    typename T::Memory element = value.kind() == Scalar::Kind::floating
                                     ? T::from(value.number())
                                     : T::from(value.integer());
    std::memcpy(address, &element, sizeof element);
  });
}

/// A row of elements: where it begins and how far apart they are, in bytes.
struct Row {
  std::byte *data;
  int64_t step;
};

static constexpr int64_t chunk_size = 256;
union Chunk {
  int64_t integers[chunk_size];
  double floats[chunk_size];
};

static void load_chunk(DType dtype, Row row, int64_t count, Chunk &chunk) {
  with_traits(dtype, [&](auto traits) {
    using T = decltype(traits);
    for (int64_t i = 0; i < count; ++i) {
      auto value = T::load(read<typename T::Memory>(row.data + i * row.step));
      if constexpr (std::is_same_v<decltype(value), double>)
        chunk.floats[i] = value;
      else
        chunk.integers[i] = value;
    }
  });
}

static void store_chunk(DType dtype, Row row, int64_t count, const Chunk &chunk,
                        bool floats) {
  with_traits(dtype, [&](auto traits) {
    using T = decltype(traits);
    auto store = [&](const auto *values) {
      for (int64_t i = 0; i < count; ++i) {
        typename T::Memory element = T::from(values[i]);
        std::memcpy(row.data + i * row.step, &element, sizeof element);
      }
    };
    if (floats)
      store(chunk.floats);
    else
      store(chunk.integers);
  });
}

static void convert_row(DType to, Row target, DType from, Row source,
                        int64_t count) {
  if (to == from && to != boolean) {
    size_t bytes = size_of(to);
    if (target.step == source.step && target.step == int64_t(bytes)) {
      std::memcpy(target.data, source.data, static_cast<size_t>(count) * bytes);
      return;
    }
    with_traits(to, [&](auto traits) {
      using Memory = typename decltype(traits)::Memory;
      for (int64_t i = 0; i < count; ++i)
        std::memcpy(target.data + i * target.step,
                    source.data + i * source.step, sizeof(Memory));
    });
    return;
  }
  Chunk chunk;
  for (int64_t done = 0; done < count; done += chunk_size) {
    int64_t now = std::min(chunk_size, count - done);
    load_chunk(from, {source.data + done * source.step, source.step}, now,
               chunk);
    store_chunk(to, {target.data + done * target.step, target.step}, now, chunk,
                is_float(from));
  }
}

/// Calls `function(at_a, at_b, count, step_a, step_b)` for each row, that is
/// for each index of all dimensions but the innermost, offsets in elements.
/// Joins dimensions that step alike, so that a dense array is one row.
template <class Function>
static void for_each_row(const Dims &sizes, const Dims &a, const Dims &b,
                         Function function) {
  int64_t size[max_rank], step_a[max_rank], step_b[max_rank];
  int rank = 0;
  for (int dim = 0; dim < sizes.rank(); ++dim) {
    if (sizes[dim] == 0)
      return;
    if (sizes[dim] == 1)
      continue;
    if (rank > 0 && step_a[rank - 1] == a[dim] * sizes[dim] &&
        step_b[rank - 1] == b[dim] * sizes[dim]) {
      size[rank - 1] *= sizes[dim];
    } else {
      size[rank++] = sizes[dim];
    }
    step_a[rank - 1] = a[dim];
    step_b[rank - 1] = b[dim];
  }
  if (rank == 0) {
    function(int64_t(0), int64_t(0), int64_t(1), int64_t(1), int64_t(1));
    return;
  }
  int64_t index[max_rank] = {}, at_a = 0, at_b = 0;
  int inner = rank - 1;
  while (true) {
    function(at_a, at_b, size[inner], step_a[inner], step_b[inner]);
    int dim = inner - 1;
    for (; dim >= 0; --dim) {
      at_a += step_a[dim];
      at_b += step_b[dim];
      if (++index[dim] < size[dim])
        break;
      at_a -= step_a[dim] * size[dim];
      at_b -= step_b[dim] * size[dim];
      index[dim] = 0;
    }
    if (dim < 0)
      return;
  }
}

void copy_elements(const Dims &sizes, const Elements &target,
                   const Elements &source) {
  int64_t to = size_of(target.dtype), from = size_of(source.dtype);
  for_each_row(
      sizes, target.strides, source.strides,
      [&](int64_t at_target, int64_t at_source, int64_t count,
          int64_t step_target, int64_t step_source) {
        convert_row(
            target.dtype, {target.data + at_target * to, step_target * to},
            source.dtype, {source.data + at_source * from, step_source * from},
            count);
      });
}

void fill_elements(const Dims &sizes, const Elements &target, Scalar value) {
  std::byte pattern[8];
  store_element(target.dtype, pattern, value);
  int64_t bytes = size_of(target.dtype);
  with_traits(target.dtype, [&](auto traits) {
    using Memory = typename decltype(traits)::Memory;
    Memory element = read<Memory>(pattern);
    for_each_row(
        sizes, target.strides, target.strides,
        [&](int64_t at, int64_t, int64_t count, int64_t step, int64_t) {
          std::byte *row = target.data + at * bytes;
          for (int64_t i = 0; i < count; ++i)
            std::memcpy(row + i * step * bytes, &element, sizeof element);
        });
  });
}

} // namespace attn_grid::detail
