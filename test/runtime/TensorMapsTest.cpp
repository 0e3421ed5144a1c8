// What the host says of tensors that a GPU copies boxes of, and what it says
// when a driver cannot take that.

#include "runtime/cuda/TensorMaps.h"
#include "attn_grid/error.hpp"

#include <cstring>
#include <gmock/gmock.h>

namespace attn_grid::detail {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// Columns of 32 numbers of 16 bits, rows as slot 1 says, `stride` apart.
Artifact artifactOf(int64_t stride) {
  Artifact artifact;
  artifact.boxes = {
      {0, 2, 64, {{{32, false}, {1, false}, 32}, {{1, true}, {stride}, 8}}}};
  return artifact;
}

TEST(TensorMaps, AreMadeOfSlots) {
  const DriverLibrary &driver = DriverLibrary::of(Device::Kind::sim);
  uint64_t slots[] = {4096, 100};
  auto first = tensor_maps(driver, artifactOf(40), slots, 0, "k");
  ASSERT_EQ(first.size(), 1u);
  slots[1] = 101;
  auto second = tensor_maps(driver, artifactOf(40), slots, 0, "k");
  EXPECT_NE(std::memcmp(&first[0], &second[0], sizeof first[0]), 0);
  // Whatever the stride of one row is, nothing is that far away.
  slots[1] = 1;
  EXPECT_EQ(tensor_maps(driver, artifactOf(33), slots, 0, "k").size(), 1u);
  // No rows: the zeros are described.
  slots[0] = 3;
  slots[1] = 0;
  EXPECT_EQ(tensor_maps(driver, artifactOf(40), slots, 4096, "k").size(), 1u);
  EXPECT_TRUE(tensor_maps(driver, Artifact(), slots, 0, "k").empty());
}

TEST(TensorMaps, WhatADriverCannotIsSaid) {
  DriverLibrary driver = DriverLibrary::of(Device::Kind::sim);
  uint64_t slots[] = {4096, 100};
  EXPECT_THAT(
      [&] { tensor_maps(driver, artifactOf(33), slots, 0, "flash"); },
      ThrowsMessage<BackendError>(
          "flash: the driver cannot describe a tensor of sizes 32 x 100 and "
          "strides of 2, 66 bytes, the innermost first: "
          "CUDA_ERROR_INVALID_VALUE: invalid argument"));
  driver.cuTensorMapEncodeTiled = nullptr;
  EXPECT_THAT([&] { tensor_maps(driver, artifactOf(40), slots, 0, "flash"); },
              ThrowsMessage<BackendError>(
                  HasSubstr("flash: the driver is too old: it has no "
                            "`cuTensorMapEncodeTiled`")));
}

} // namespace
} // namespace attn_grid::detail
