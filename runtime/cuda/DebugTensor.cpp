#include "runtime/cuda/DebugTensor.h"
#include "attn_grid/error.hpp"
#include "runtime/cuda/Gpu.h"
#include "runtime/host/Print.h"
#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <vector>

namespace attn_grid::detail {
namespace {

constexpr uint32_t header_words = 2;

uint64_t elements_of(const PrintSite::Value &value) {
  uint64_t count = 1;
  for (int64_t extent : value.extents)
    count *= static_cast<uint64_t>(extent);
  return count;
}

uint64_t words_of(const PrintSite::Value &value) {
  return elements_of(value) * (size_of(value.dtype) == 8 ? 2 : 1);
}

uint64_t words_of(const PrintSite &print) {
  uint64_t words = 2;
  for (const PrintSite::Value &value : print.values)
    words += words_of(value);
  return words;
}

/// Elements as the host has them, from words as the GPU wrote them.
std::vector<std::byte> elements(const PrintSite::Value &value,
                                const uint32_t *words) {
  uint64_t count = elements_of(value);
  size_t bytes = size_of(value.dtype);
  std::vector<std::byte> result(count * bytes);
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t bits = words[i];
    if (bytes == 8)
      bits |= static_cast<uint64_t>(words[count + i]) << 32;
    std::memcpy(result.data() + i * bytes, &bits, bytes); // little-endian
  }
  return result;
}

void print(const PrintSite &site, const uint32_t *words) {
  std::vector<std::vector<std::byte>> data;
  std::vector<ag_printed> values;
  for (const PrintSite::Value &value : site.values) {
    data.push_back(elements(value, words));
    values.push_back({static_cast<uint64_t>(value.dtype), value.extents.size(),
                      value.extents.data(), data.back().data()});
    words += words_of(value);
  }
  HostContext context{};
  print_values(&context, site.text.data(), site.text.size(), values.data(),
               values.size());
  if (context.thrown)
    std::rethrow_exception(context.thrown);
}

} // namespace

void DebugTensor::prepare(Gpu &gpu) {
  if (!memory_)
    memory_ = gpu.allocate(ag_debug_words * sizeof(uint32_t));
  gpu.fill(memory_.get(), 0, sizeof(uint32_t), header_words);
}

std::vector<uint32_t> DebugTensor::read(Gpu &gpu) {
  std::vector<uint32_t> words(header_words);
  gpu.copy_out(words.data(), memory_.get(), header_words * sizeof(uint32_t));
  uint32_t used = std::min(words[1], ag_debug_words - header_words);
  words.resize(header_words + used);
  gpu.copy_out(words.data() + header_words,
               static_cast<uint32_t *>(memory_.get()) + header_words,
               used * sizeof(uint32_t));
  return words;
}

void DebugTensor::report(const std::vector<uint32_t> &words,
                         const Artifact &artifact, std::string_view name) {
  uint32_t failed = words[0], used = words[1];
  for (size_t at = header_words; at + 2 <= words.size();) {
    size_t number = words[at];
    if (number >= artifact.prints.size() ||
        words[at + 1] != words_of(artifact.prints[number]) ||
        at + words[at + 1] > words.size())
      break; // it did not fit
    print(artifact.prints[number], words.data() + at + 2);
    at += words[at + 1];
  }
  if (used > ag_debug_words - header_words)
    fmt::print(stderr,
               "attn_grid: {}: what the launch printed beyond {} KiB is lost\n",
               name, ag_debug_words * sizeof(uint32_t) / 1024);
  if (failed != 0)
    throw_failed_assert(artifact, failed, name);
}

} // namespace attn_grid::detail
