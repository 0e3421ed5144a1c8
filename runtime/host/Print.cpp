#include "runtime/host/Print.h"

#include "attn_grid/device.hpp"
#include "attn_grid/error.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <iterator>
#include <mutex>
#include <string>

namespace attn_grid {

namespace {
std::mutex sink_mutex;
std::function<void(std::string_view)> sink; // empty: standard output
} // namespace

void set_print_sink(std::function<void(std::string_view)> to) {
  std::lock_guard lock(sink_mutex);
  sink = std::move(to);
}

namespace detail {

/// Element number `i` of what generated code made: 16-bit floats come as f32.
static void append_element(std::string &out, const ag_printed &value,
                           uint64_t i) {
  auto append = [&]<typename T>(T) {
    fmt::format_to(std::back_inserter(out), "{}",
                   static_cast<const T *>(value.data)[i]);
  };
  switch (static_cast<DType>(value.dtype)) {
  case DType::boolean:
    out += static_cast<const uint8_t *>(value.data)[i] ? "true" : "false";
    return;
  case DType::i8:
    return append(int8_t());
  case DType::i16:
    return append(int16_t());
  case DType::i32:
    return append(int32_t());
  case DType::i64:
    return append(int64_t());
  case DType::u8:
    return append(uint8_t());
  case DType::u16:
    return append(uint16_t());
  case DType::u32:
    return append(uint32_t());
  case DType::f64:
    return append(double());
  default:
    return append(float());
  }
}

static void append_value(std::string &out, const ag_printed &value) {
  if (value.rank == 0) {
    out += ' ';
    return append_element(out, value, 0);
  }
  uint64_t count = 1;
  for (uint64_t d = 0; d < value.rank; ++d)
    count *= static_cast<uint64_t>(value.extents[d]);
  uint64_t row = static_cast<uint64_t>(value.extents[value.rank - 1]);
  for (uint64_t i = 0; i < count; ++i) {
    out += i % row == 0 ? "\n " : "";
    out += ' ';
    append_element(out, value, i);
  }
}

void print_values(ag_context *context, const char *text, uint64_t text_bytes,
                  const ag_printed *values, uint64_t count) noexcept try {
  std::string out(text, text_bytes);
  for (uint64_t i = 0; i < count; ++i)
    append_value(out, values[i]);
  out += '\n';
  std::lock_guard lock(sink_mutex);
  if (sink)
    sink(out);
  else
    std::fwrite(out.data(), 1, out.size(), stdout);
} catch (...) {
  auto &host = static_cast<HostContext &>(*context);
  if (!host.thrown)
    host.thrown = std::current_exception();
}

void throw_failed_assert(const Artifact &artifact, uint32_t number,
                         std::string_view name) {
  std::string_view message = number <= artifact.asserts.size()
                                 ? artifact.asserts[number - 1]
                                 : std::string_view("no message");
  throw BackendError(
      fmt::format("{}: an assert of the kernel failed: {}", name, message));
}

} // namespace detail
} // namespace attn_grid
