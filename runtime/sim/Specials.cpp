// Registers that the device fills: who a thread is, and how many there are.

#include "runtime/sim/Run.h"

namespace attn_grid::sim {

void fillSpecials(Warp &warp, uint32_t warpCount) {
  const Grid &grid = warp.block.grid;
  const Program &program = grid.program;
  Dim3 id = warp.block.id;
  for (const Program::SpecialAt &special : program.specials)
    for (uint32_t lane = 0; lane < warpSize; ++lane) {
      uint64_t thread = warp.number * uint64_t(warpSize) + lane;
      auto value = [&]() -> uint64_t {
        switch (special.what) {
        case Special::tidX:
          return thread % grid.threads.x;
        case Special::tidY:
          return thread / grid.threads.x % grid.threads.y;
        case Special::tidZ:
          return thread / (uint64_t(grid.threads.x) * grid.threads.y);
        case Special::ntidX:
          return grid.threads.x;
        case Special::ntidY:
          return grid.threads.y;
        case Special::ntidZ:
          return grid.threads.z;
        case Special::ctaidX:
          return id.x;
        case Special::ctaidY:
          return id.y;
        case Special::ctaidZ:
          return id.z;
        case Special::nctaidX:
          return grid.blocks.x;
        case Special::nctaidY:
          return grid.blocks.y;
        case Special::nctaidZ:
          return grid.blocks.z;
        case Special::laneid:
          return lane;
        case Special::warpid:
          return warp.number;
        case Special::nwarpid:
          return warpCount;
        case Special::nsmid:
          return 1;
        case Special::lanemaskEq:
          return uint64_t(1) << lane;
        case Special::lanemaskLe:
          return (uint64_t(2) << lane) - 1;
        case Special::lanemaskLt:
          return (uint64_t(1) << lane) - 1;
        case Special::lanemaskGe:
          return uint32_t(~((uint64_t(1) << lane) - 1));
        case Special::lanemaskGt:
          return uint32_t(~((uint64_t(2) << lane) - 1));
        case Special::dynamicSharedSize:
          return grid.dynamicShared;
        case Special::totalSharedSize:
          return program.sharedBytes + grid.dynamicShared;
        case Special::smid:
        case Special::clock:
        case Special::zero:
          return 0;
        }
        return 0;
      };
      if (special.bits == 64)
        warp.lanes<uint64_t>(special.slot)[lane] = value();
      else if (special.bits == 16)
        warp.lanes<uint16_t>(special.slot)[lane] =
            static_cast<uint16_t>(value());
      else
        warp.lanes<uint32_t>(special.slot)[lane] =
            static_cast<uint32_t>(value());
    }
}

} // namespace attn_grid::sim
