#ifndef AG_RUNTIME_SIM_CHECKS_H
#define AG_RUNTIME_SIM_CHECKS_H
/// Mistakes of kernels: what was found, where, and how it reads.

#include <cstdint>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace attn_grid::sim {

enum class Problem : uint8_t {
  outOfBounds,   ///< an address outside of what is allocated
  misaligned,    ///< an address that is no multiple of the access' size
  uninitialised, ///< a read of memory that nothing has written
  race,          ///< two warps, one of them writing, without a barrier between
  inFlight,      ///< a use of what an asynchronous copy or product works on
  notFinite,     ///< a NaN or infinity whose operands were finite
  unfenced,      ///< a product of what no fence has made visible to it
  inactiveLane,  ///< a shuffle from a thread that does not take part
  divergentBarrier, ///< a barrier that not all threads of a warp reach together
  barrierMismatch,  ///< warps at different barriers, or ended before one
  badInstruction,   ///< arguments that an instruction does not take
  trap,             ///< the kernel stopped itself
  tooLong           ///< more instructions than the limit
};

/// "out of bounds".
const char *nameOf(Problem problem);
/// Does a launch end with it, as it does on a GPU?
bool isFatal(Problem problem);

/// Thrown to end a launch.
struct Fault : std::runtime_error {
  Fault(Problem problem, const std::string &text)
      : runtime_error(text), problem(problem) {}
  Problem problem;
};

/// Which checks are made: those that AG_SIM_CHECKS lists, all without it.
struct CheckOptions {
  bool init = true, race = true, sync = true;
  bool nan = false;      ///< only if it is listed
  bool perturbs = false; ///< approximate functions: AG_SIM_APPROX=perturb
  static CheckOptions fromEnvironment();
};

/// The reports of a device, each mistake at an instruction once. Thread-safe.
class Reports {
public:
  CheckOptions options = CheckOptions::fromEnvironment();

  void add(Problem problem, const std::string &place, const std::string &text);
  size_t count() const;
  /// The texts of those from number `first` on.
  std::vector<std::string> from(size_t first) const;
  void clear();

private:
  mutable std::mutex mutex;
  std::set<std::pair<Problem, std::string>> seen;
  std::vector<std::string> texts;
};

/// What a launch did.
struct Counters {
  uint64_t instructions = 0; ///< of warps
  uint64_t globalReadBytes = 0, globalWriteBytes = 0;
  uint64_t globalReadSectors = 0, globalWriteSectors = 0;
  uint64_t sharedAccesses = 0, sharedWavefronts = 0;
  uint64_t barriers = 0, divergentBranches = 0, matrixProducts = 0;

  void add(const Counters &other) {
    instructions += other.instructions;
    globalReadBytes += other.globalReadBytes;
    globalWriteBytes += other.globalWriteBytes;
    globalReadSectors += other.globalReadSectors;
    globalWriteSectors += other.globalWriteSectors;
    sharedAccesses += other.sharedAccesses;
    sharedWavefronts += other.sharedWavefronts;
    barriers += other.barriers;
    divergentBranches += other.divergentBranches;
    matrixProducts += other.matrixProducts;
  }
};

/// The same of one instruction.
struct InstrCounters {
  uint64_t count = 0, lanes = 0; ///< times a warp ran it, and threads in these
  /// Passes over the banks of shared memory, and how many would do.
  uint64_t wavefronts = 0, leastWavefronts = 0;
  /// Sectors of global memory, and how many would do.
  uint64_t sectors = 0, leastSectors = 0;

  void add(const InstrCounters &other) {
    count += other.count;
    lanes += other.lanes;
    wavefronts += other.wavefronts;
    leastWavefronts += other.leastWavefronts;
    sectors += other.sectors;
    leastSectors += other.leastSectors;
  }
};

} // namespace attn_grid::sim

#endif
