// Tensors made from nothing: memory, constants, deviates.

#include "attn_grid/error.hpp"
#include "attn_grid/tensor.hpp"
#include "runtime/Elements.h"
#include "runtime/OutOfMemory.h"
#include "runtime/Philox.h"
#include "runtime/cuda/Gpu.h"
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <numbers>

namespace attn_grid {

/// What vector loads, cache lines and pages agree with.
static constexpr size_t alignment = 64;

Tensor Tensor::empty(const Dims &sizes, DType dtype, Device device) try {
  TensorView shape(nullptr, dtype, sizes, device); // checks the sizes
  // In range: the constructor has refused what reaches 2^62 bytes.
  size_t bytes = static_cast<size_t>(shape.elements()) * size_of(dtype);
  if (device != Device::cpu()) {
    std::shared_ptr<void> memory = detail::Gpu::of(device).allocate(bytes);
    return Tensor(TensorView(memory.get(), dtype, sizes, device), memory);
  }
  size_t rounded = std::max(alignment, (bytes + alignment - 1) & -alignment);
  void *memory = std::aligned_alloc(alignment, rounded);
  if (!memory)
    throw OutOfMemory(
        fmt::format("cannot allocate {} bytes for a tensor of sizes {}",
                    rounded, to_string(sizes)));
  return Tensor(TensorView(memory, dtype, sizes, device),
                std::shared_ptr<void>(memory, std::free));
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

Tensor Tensor::zeros(const Dims &sizes, DType dtype, Device device) {
  return full(sizes, 0, dtype, device);
}

Tensor Tensor::ones(const Dims &sizes, DType dtype, Device device) {
  return full(sizes, 1, dtype, device);
}

Tensor Tensor::full(const Dims &sizes, Scalar value, DType dtype,
                    Device device) {
  Tensor result = empty(sizes, dtype, device);
  result.fill(value);
  return result;
}

/// Fills a new tensor from `produce(first, count, values)`, chunk by chunk.
template <class Value, class Produce>
static Tensor generate(const Dims &sizes, DType dtype, Device device,
                       Produce produce) {
  Tensor result = Tensor::empty(sizes, dtype);
  constexpr int64_t chunk = 256; // a multiple of what one counter gives
  constexpr DType source = std::is_same_v<Value, double> ? f64 : i64;
  Value values[chunk];
  int64_t elements = result.elements(), bytes = size_of(dtype);
  for (int64_t first = 0; first < elements; first += chunk) {
    int64_t count = std::min(chunk, elements - first);
    produce(first, count, values);
    detail::copy_elements(
        {count},
        {static_cast<std::byte *>(result.data()) + first * bytes, dtype, {1}},
        {reinterpret_cast<std::byte *>(values), source, {1}});
  }
  return result.to(device);
}

/// A word as a number of (0, 1), never either end.
static double open_unit(uint32_t word) { return (word + 0.5) * 0x1p-32; }

/// The four words that elements 4 i to 4 i + 3 of stream `stream` are made of.
static std::array<uint32_t, 4> words(uint64_t seed, uint32_t stream,
                                     int64_t i) {
  return detail::philox(seed, {static_cast<uint32_t>(i),
                               static_cast<uint32_t>(i >> 32), stream, 0});
}

Tensor Tensor::randn(const Dims &sizes, DType dtype, Device device,
                     uint64_t seed) try {
  if (!is_float(dtype))
    throw DTypeError(fmt::format("randn makes floats, not {}", name_of(dtype)));
  return generate<double>(
      sizes, dtype, device, [&](int64_t first, int64_t count, double *values) {
        for (int64_t i = 0; i < count; i += 4) {
          std::array<uint32_t, 4> word = words(seed, 0, (first + i) / 4);
          for (int pair = 0; pair < 4; pair += 2) { // Box and Muller
            double radius = std::sqrt(-2 * std::log(open_unit(word[pair])));
            double angle = 2 * std::numbers::pi * open_unit(word[pair + 1]);
            values[i + pair] = radius * std::cos(angle);
            values[i + pair + 1] = radius * std::sin(angle);
          }
        }
      });
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

Tensor Tensor::uniform(const Dims &sizes, DType dtype, Device device,
                       uint64_t seed, double low, double high) try {
  if (!(low <= high) || !std::isfinite(high - low))
    throw InvalidArgument(fmt::format(
        "uniform needs finite bounds in order, found {} and {}", low, high));
  return generate<double>(
      sizes, dtype, device, [&](int64_t first, int64_t count, double *values) {
        for (int64_t i = 0; i < count; i += 4) {
          std::array<uint32_t, 4> word = words(seed, 1, (first + i) / 4);
          for (int j = 0; j < 4; ++j) {
            double unit = word[j] * 0x1p-32;
            if (dtype == boolean)
              values[i + j] = unit < 0.5;
            else if (is_float(dtype))
              values[i + j] = low + unit * (high - low);
            else
              values[i + j] = std::floor(low + unit * (high - low + 1));
          }
        }
      });
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

Tensor Tensor::iota(const Dims &sizes, DType dtype, Device device) {
  return generate<int64_t>(sizes, dtype, device,
                           [](int64_t first, int64_t count, int64_t *values) {
                             for (int64_t i = 0; i < count; ++i)
                               values[i] = first + i;
                           });
}

Tensor Tensor::from_values(const Dims &sizes, std::span<const double> values,
                           DType dtype, Device device) try {
  TensorView shape(nullptr, dtype, sizes, device);
  if (static_cast<uint64_t>(shape.elements()) != values.size())
    throw InvalidArgument(fmt::format("sizes {} need {} values, found {}",
                                      to_string(sizes), shape.elements(),
                                      values.size()));
  return generate<double>(sizes, dtype, device,
                          [&](int64_t first, int64_t count, double *chunk) {
                            std::copy_n(values.begin() + first, count, chunk);
                          });
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

} // namespace attn_grid
