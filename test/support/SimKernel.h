#ifndef AG_TEST_SUPPORT_SIMKERNEL_H
#define AG_TEST_SUPPORT_SIMKERNEL_H
/// A kernel compiled to PTX and run on the software device, from its tiles.

#include "mlir/IR/BuiltinOps.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace attn_grid::test {

/// A kernel for GPUs. Its memory stays that of the host, which the device may
/// touch where it is registered.
struct SimKernel {
  std::string ptx;
  std::string name;
  std::string error;        ///< why there is none
  bool unsupported = false; ///< because GPUs lack something yet
  unsigned threads = 0, sharedBytes = 0;
  bool hasDebug = false; ///< it asserts or prints

  struct Result {
    std::string reports;       ///< what the checks found, or the driver's error
    uint32_t failedAssert = 0; ///< its number, from 1
  };
  /// Runs all programs. `memory`: what the slots point to.
  Result run(std::vector<uint64_t> slots, uint32_t programs,
             std::span<const std::pair<void *, size_t>> memory) const;
};

/// Lowers a module of one kernel, which is consumed.
SimKernel compileForSim(mlir::ModuleOp module,
                        const std::string &arch = "sm_80");

} // namespace attn_grid::test

#endif
