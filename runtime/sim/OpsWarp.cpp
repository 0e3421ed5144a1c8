// What threads of a warp exchange.

#include "runtime/sim/OpsLanes.h"

#include <bit>
#include <cmath>

namespace attn_grid::sim::AG_SIM_ISA {

/// Where a lane reads from: `shfl.sync` as the manual of PTX has it.
template <int Mode> static void shuffle(Warp &w, const Instr &i, u32 mask) {
  const u32 *a = w.lanes<u32>(i.a), *b = w.lanes<u32>(i.b),
            *c = w.lanes<u32>(i.c);
  u32 *d = w.lanes<u32>(i.d);
  u32 old[warpSize];
  std::copy(a, a + warpSize, old);
  u32 inside = 0;
  for (int lane = 0; lane < warpSize; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    int by = b[lane] & 31, clamp = c[lane] & 31, segment = c[lane] >> 8 & 31;
    int top = (lane & segment) | (clamp & ~segment), bottom = lane & segment;
    int from = Mode == 0   ? lane - by
               : Mode == 1 ? lane + by
               : Mode == 2 ? lane ^ by
                           : bottom | (by & ~segment);
    bool valid = Mode == 0 ? from >= top : from <= top;
    if (!valid)
      from = lane;
    inside |= static_cast<u32>(valid) << lane;
    if (!(mask >> from & 1))
      w.report(Problem::inactiveLane, lane, 0, 0,
               "from lane " + std::to_string(from));
    d[lane] = old[from];
  }
  if (i.second != noSlot) {
    u32 &p = w.pred(i.second);
    p = (p & ~mask) | (inside & mask);
  }
}

enum class Vote { all, any, uniform, ballot };
template <Vote V> static void vote(Warp &w, const Instr &i, u32 mask) {
  u32 bits = w.pred(i.a) & mask;
  if constexpr (V == Vote::ballot) {
    u32 *d = w.lanes<u32>(i.d);
    for (int lane = 0; lane < warpSize; ++lane)
      if (mask >> lane & 1)
        d[lane] = bits;
  } else {
    bool all = bits == mask, any = bits != 0;
    bool result = V == Vote::all ? all : V == Vote::any ? any : all || !any;
    u32 &d = w.pred(i.d);
    d = result ? d | mask : d & ~mask;
  }
}

template <auto F, typename T>
static void reduceLanes(Warp &w, const Instr &i, u32 mask) {
  const T *a = w.lanes<T>(i.a);
  T *d = w.lanes<T>(i.d);
  bool first = true;
  T total{};
  for (int lane = 0; lane < warpSize; ++lane)
    if (mask >> lane & 1) {
      total = first ? a[lane] : F(total, a[lane]);
      first = false;
    }
  for (int lane = 0; lane < warpSize; ++lane)
    if (mask >> lane & 1)
      d[lane] = total;
}

static void activeMask(Warp &w, const Instr &i, u32 mask) {
  u32 *d = w.lanes<u32>(i.d);
  for (int lane = 0; lane < warpSize; ++lane)
    if (mask >> lane & 1)
      d[lane] = mask;
}

void addWarpOps(OpTable &t) {
  Op shuffleOp{nullptr, 32, {32, 32, 32, 32}};
  shuffleOp.run = shuffle<0>;
  t["shfl.sync.up.b32"] = shuffleOp;
  shuffleOp.run = shuffle<1>;
  t["shfl.sync.down.b32"] = shuffleOp;
  shuffleOp.run = shuffle<2>;
  t["shfl.sync.bfly.b32"] = shuffleOp;
  shuffleOp.run = shuffle<3>;
  t["shfl.sync.idx.b32"] = shuffleOp;
  t["vote.sync.all.pred"] = {vote<Vote::all>, 1, {1, 32}};
  t["vote.sync.any.pred"] = {vote<Vote::any>, 1, {1, 32}};
  t["vote.sync.uni.pred"] = {vote<Vote::uniform>, 1, {1, 32}};
  t["vote.sync.ballot.b32"] = {vote<Vote::ballot>, 32, {1, 32}};
  t["activemask.b32"] = {activeMask, 32, {}};
  t["redux.sync.add.s32"] = t["redux.sync.add.u32"] = {
      reduceLanes<[](u32 a, u32 b) { return a + b; }, u32>, 32, {32, 32}};
  t["redux.sync.max.s32"] = {reduceLanes<maximum<i32>, i32>, 32, {32, 32}};
  t["redux.sync.min.s32"] = {reduceLanes<minimum<i32>, i32>, 32, {32, 32}};
  t["redux.sync.max.u32"] = {reduceLanes<maximum<u32>, u32>, 32, {32, 32}};
  t["redux.sync.min.u32"] = {reduceLanes<minimum<u32>, u32>, 32, {32, 32}};
}

} // namespace attn_grid::sim::AG_SIM_ISA
