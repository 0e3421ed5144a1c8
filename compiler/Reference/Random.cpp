// Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2,
// 3", 2011), with key and counter as spec/flash.md 5 lays them out.

#include "compiler/Reference/Interpreter.h"

using namespace mlir;

namespace attn_grid::compiler::reference {

static uint32_t philox(uint64_t seed, uint64_t offset, uint32_t c2, uint32_t c1,
                       uint32_t c0, uint32_t lane) {
  auto high = [](uint64_t x) { return static_cast<uint32_t>(x >> 32); };
  auto low = [](uint64_t x) { return static_cast<uint32_t>(x); };
  uint32_t k0 = low(seed), k1 = high(seed) ^ high(offset);
  uint32_t c[4] = {c0, c1, c2, low(offset)};
  for (int round = 0; round < 10; ++round) {
    uint64_t p0 = uint64_t(0xD2511F53) * c[0];
    uint64_t p1 = uint64_t(0xCD9E8D57) * c[2];
    uint32_t next[4] = {high(p1) ^ c[1] ^ k0, low(p1), high(p0) ^ c[3] ^ k1,
                        low(p0)};
    std::copy(next, next + 4, c);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c[lane % 4];
}

Handled runRandom(Interpreter &run, Operation *op) {
  if (!isa<ir::PhiloxOp>(op))
    return std::nullopt;
  elementwise(run, op, [&](ArrayRef<Number> x) {
    uint32_t word = philox(x[0].whole, x[1].whole, x[2].whole, x[3].whole,
                           x[4].whole, x[5].whole);
    return Number::of(int64_t(static_cast<int32_t>(word)));
  });
  return success();
}

} // namespace attn_grid::compiler::reference
