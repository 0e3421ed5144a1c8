// Any bytes as a `.npy` file: a tensor or an error, and what was read is
// written and read again the same.

#include "attn_grid/error.hpp"
#include "attn_grid/tensor.hpp"

#include <cstdint>
#include <cstdlib>

using namespace attn_grid;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto bytes = std::as_bytes(std::span(data, size));
  try {
    Tensor read = Tensor::from_npy_bytes(bytes, "x.npy");
    std::string written = read.to_npy_bytes();
    Tensor again = Tensor::from_npy_bytes(std::as_bytes(std::span(written)));
    if (again.to_npy_bytes() != written || again.sizes() != read.sizes())
      abort();
  } catch (const Error &) {
  }
  return 0;
}
