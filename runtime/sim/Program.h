#ifndef AG_RUNTIME_SIM_PROGRAM_H
#define AG_RUNTIME_SIM_PROGRAM_H
/// A kernel ready to run: each instruction is a function and the places of its
/// operands in a warp's registers.
///
/// A register of a warp is 32 lanes side by side: `uint32_t[32]` for `.b32`,
/// one bit a lane for `.pred`. Constants and special registers are registers
/// that nothing writes.

#include "runtime/sim/Ptx.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace attn_grid::sim {

struct Warp;
struct Instr;

constexpr int warpSize = 32;
constexpr uint32_t allLanes = 0xffffffff;

/// Does an instruction for the lanes of `mask`, at least one.
using Handler = void (*)(Warp &, const Instr &, uint32_t mask);

/// What happens to the program counter.
enum class Flow : uint8_t {
  next,    ///< `run`, then the instruction that follows
  branch,  ///< to `imm`
  exit,    ///< the lanes are done
  barrier, ///< `bar.sync`, `bar.red`: waits for the block's other warps
  test,    ///< gives up the turn where the result `d` is false
  trap
};

/// The place of a register's lane 0, in bytes from a warp's first register.
using Slot = uint32_t;
constexpr Slot noSlot = 0xffffffff;

/// Numbers that arithmetic computes with.
enum class Real : uint8_t { none, half, brain, single, wide };

struct Instr {
  Handler run = nullptr;
  Slot guard = noSlot;
  bool guardNegated = false;
  Flow flow = Flow::next;
  Real operand = Real::none, result = Real::none; ///< of arithmetic
  uint8_t errorBits = 0;    ///< of an approximation: as good as 2^-errorBits
  uint8_t count = 1;        ///< elements of a vector, registers of a list
  bool wholeWarp = false;   ///< waits for threads that are elsewhere
  bool wideAddress = false; ///< the base is a 64-bit register
  bool isMove = false;      ///< `mov`, `selp`: what it reads goes on as it is
  /// Of `list`: how many registers there are, and how many of them, the first,
  /// are written.
  uint16_t listed = 0, outputs = 0;
  Slot d = noSlot, a = noSlot, b = noSlot, c = noSlot;
  Slot second = noSlot;  ///< a second result, a predicate
  Slot members = noSlot; ///< of `.sync`: the threads that take part
  uint32_t list = 0; ///< of `Program::slots`: the registers of lists, in order
  int64_t imm = 0;   ///< an address' offset, a branch's target, a constant
  int32_t line = 0, source = 0; ///< of the PTX, and of the kernel's source
  int32_t file = 0;             ///< which one
};

/// A special register, filled when a warp starts.
enum class Special : uint8_t {
  tidX,
  tidY,
  tidZ,
  ntidX,
  ntidY,
  ntidZ,
  ctaidX,
  ctaidY,
  ctaidZ,
  nctaidX,
  nctaidY,
  nctaidZ,
  laneid,
  warpid,
  nwarpid,
  smid,
  nsmid,
  lanemaskEq,
  lanemaskLe,
  lanemaskLt,
  lanemaskGe,
  lanemaskGt,
  clock,
  dynamicSharedSize,
  totalSharedSize,
  zero
};

struct Program {
  std::string name;
  std::vector<Instr> code;
  std::vector<std::string> texts; ///< an instruction as it is written
  std::vector<Slot> slots;
  uint32_t registerBytes = 0; ///< of a warp
  struct Constant {
    Slot slot;
    int bits;
    uint64_t value;
  };
  std::vector<Constant> constants;
  struct SpecialAt {
    Slot slot;
    Special what;
    int bits;
  };
  std::vector<SpecialAt> specials;
  std::vector<Variable> params;
  uint64_t paramBytes = 0;
  uint32_t sharedBytes = 0;    ///< of its own; what the launch adds lies behind
  uint32_t localBytes = 0;     ///< of each thread
  bool usesProducts = false;   ///< there is a `wgmma`
  bool usesAsyncProxy = false; ///< there is a `wgmma`, or a copy of boxes
  uint32_t requiredThreads[3] = {0, 0, 0}, maximumThreads[3] = {0, 0, 0};
  std::string_view fileOf(const Instr &instr) const;
  std::vector<std::string> files; ///< the sources, as `Instr::file` counts
};

/// Where a module's variables lie, by name.
struct Symbols {
  std::unordered_map<std::string, uint64_t> global;
};

/// Makes a kernel of `module` ready. Throws `LoadError` for an opcode or form
/// that the device does not have.
std::unique_ptr<Program> decode(const Module &module, const Function &function,
                                const Symbols &symbols);

} // namespace attn_grid::sim

#endif
