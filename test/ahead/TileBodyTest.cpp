// The bodies for AMX of an object, called as on a machine that has it: here as
// the only bodies, for any x86-64, with tile registers that are emulated if the
// machine has none.

#include "AgAheadKernels.h"
#include "attn_grid/ahead.hpp"
#include "attn_grid/attn_grid.hpp"
#include "test/support/Compare.hpp"
#include "test/support/Reference.hpp"
#include "test/support/TileEmulator.h"
#include <gtest/gtest.h>

namespace attn_grid::test {
namespace {

/// The records of the library with no bodies but those for AMX, which are said
/// to be for the first instruction set. Empty if a variant of bf16 has none, or
/// another has one.
std::string records_of_tile_bodies() {
  std::optional<AheadLibrary> library =
      decode_ahead({static_cast<const char *>(AgAheadKernels_library.records),
                    AgAheadKernels_library.records_bytes});
  for (AheadVariant &variant : library->variants) {
    std::erase_if(variant.bodies, [](const AheadBody &body) {
      return body.target.arch != "x86-64-v4-amx";
    });
    for (AheadBody &body : variant.bodies)
      body.target.arch = cpu_archs().front();
    bool is_bf16 =
        !variant.what.types.empty() && variant.what.types.front() == bf16;
    if (is_bf16 == variant.bodies.empty())
      return {};
  }
  return encode_ahead(*library);
}

TEST(TileBodies, OfAnObject) {
  if (!machine_runs("x86-64-v4-bf16"))
    GTEST_SKIP() << "needs AVX512_BF16";
  TileEmulator tiles;
  std::string records = records_of_tile_bodies();
  ASSERT_FALSE(records.empty()) << "dots of bf16 have bodies for AMX, and only "
                                   "those have";
  ag_ahead_library library = AgAheadKernels_library;
  library.records = records.data();
  library.records_bytes = records.size();
  library.loaded = nullptr;
  long before = TileEmulator::products();
  for (bool causal : {false, true}) {
    Tensor q = Tensor::randn({2, 4, 133, 64}, bf16, {}, 1);
    Tensor k = Tensor::randn({2, 2, 170, 64}, bf16, {}, 2);
    Tensor v = Tensor::randn({2, 2, 170, 32}, bf16, {}, 3);
    Kernel flash =
        Module::from_ahead(library).kernel("flash_fwd", {{"causal", causal}});
    Tensor o = flash(q, k, v, arg("scale", 0.2))["o"];
    Attention want = attention(read(q), read(k), read(v), 0.2, causal);
    EXPECT_TRUE(near(o.to_vector(), want.o, forward_tolerance(bf16)));
  }
  if (!machine_runs("x86-64-v4-amx"))
    EXPECT_GT(TileEmulator::products(), before);
}

} // namespace
} // namespace attn_grid::test
