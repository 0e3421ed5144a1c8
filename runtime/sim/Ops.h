#ifndef AG_RUNTIME_SIM_OPS_H
#define AG_RUNTIME_SIM_OPS_H
/// What each opcode does. Arithmetic is compiled twice, for any processor of
/// the family and for one with AVX2; a table is chosen when the device is
/// opened.

#include "runtime/sim/Program.h"

#include <string>
#include <unordered_map>

namespace attn_grid::sim {

/// An opcode whose operands are registers and constants: how wide they are, in
/// bits; 1 is a predicate, 0 none.
struct Op {
  Handler run = nullptr;
  uint8_t d = 0;
  uint8_t sources[4] = {0, 0, 0, 0};
  bool isFloat = false; ///< real literals are f32 (32 bits) or f64
};

using OpTable = std::unordered_map<std::string, Op>;

/// All of them, for this processor.
const OpTable &opTable();

// The parts, in namespaces so that both copies can be linked.
#define AG_SIM_PARTS(isa)                                                      \
  namespace isa {                                                              \
  void addIntegerOps(OpTable &table);                                          \
  void addFloatOps(OpTable &table);                                            \
  void addConvertOps(OpTable &table);                                          \
  void addWarpOps(OpTable &table);                                             \
  }
AG_SIM_PARTS(baseline)
AG_SIM_PARTS(avx2)
#undef AG_SIM_PARTS

// Opcodes with operands of their own form; the decoder knows these by prefix.

/// A load or store of global, shared, local, constant or generic memory.
struct MemoryOp {
  Space space = Space::none; ///< none: generic
  bool isStore = false, isSigned = false;
  int bytes = 4;         ///< of an element in memory
  int registerBits = 32; ///< of the register that holds it
};
/// Null if there is no such form.
Handler memoryHandler(const MemoryOp &op);
Handler paramHandler(int bytes, bool isSigned, int registerBits);

/// `atom.shared.add.u32` and its like, without order and scope. Null for what
/// there is not. `registers` says how many values it takes: 1, or 2 for `cas`.
struct AtomicOp {
  Handler run = nullptr;
  int bits = 32, values = 1;
};
AtomicOp atomicOp(Space space, std::string_view operation,
                  std::string_view type, bool hasResult);

/// Reports an instruction for matrices that not the whole warp runs.
void needWarp(Warp &, uint32_t mask);

// Matrices and what moves their parts.
void mmaF16(Warp &, const Instr &, uint32_t mask);
void mmaBf16(Warp &, const Instr &, uint32_t mask);
void mmaTf32(Warp &, const Instr &, uint32_t mask);
void mmaS8S8(Warp &, const Instr &, uint32_t mask);
void mmaS8U8(Warp &, const Instr &, uint32_t mask);
void mmaU8S8(Warp &, const Instr &, uint32_t mask);
void mmaU8U8(Warp &, const Instr &, uint32_t mask);
void loadMatrix(Warp &, const Instr &, uint32_t mask);
void loadMatrixTransposed(Warp &, const Instr &, uint32_t mask);
void wmmaLoadA(Warp &, const Instr &, uint32_t mask);
void wmmaLoadB(Warp &, const Instr &, uint32_t mask);
void wmmaMma(Warp &, const Instr &, uint32_t mask);
void wmmaStoreD(Warp &, const Instr &, uint32_t mask);
// Products of warpgroups, and what orders them.
void wgmmaF16(Warp &, const Instr &, uint32_t mask);
void wgmmaBf16(Warp &, const Instr &, uint32_t mask);
void wgmmaFence(Warp &, const Instr &, uint32_t mask);
void wgmmaCommit(Warp &, const Instr &, uint32_t mask);
void wgmmaWait(Warp &, const Instr &, uint32_t mask);
void proxyFence(Warp &, const Instr &, uint32_t mask);
/// Begins to keep what `checkProductRegisters` needs to know of a warp.
void watchProductRegisters(Warp &);
/// Reports registers of products under way that an instruction uses.
void checkProductRegisters(Warp &, const Instr &);
// `mbarrier`, and copies whose end it tells.
void barrierInit(Warp &, const Instr &, uint32_t mask);
void barrierFence(Warp &, const Instr &, uint32_t mask);
void barrierInvalidate(Warp &, const Instr &, uint32_t mask);
void barrierArrive(Warp &, const Instr &, uint32_t mask);
void barrierTest(Warp &, const Instr &, uint32_t mask);
void tensorCopy(Warp &, const Instr &, uint32_t mask);
void asyncCopy(Warp &, const Instr &, uint32_t mask);
void asyncCommit(Warp &, const Instr &, uint32_t mask);
void asyncWait(Warp &, const Instr &, uint32_t mask);
void nothing(Warp &, const Instr &, uint32_t mask);
/// One of the threads: its number to all, in `d`, and who it is, in `b`.
void electLane(Warp &, const Instr &, uint32_t mask);
void packList(Warp &, const Instr &, uint32_t mask);
void unpackList(Warp &, const Instr &, uint32_t mask);

} // namespace attn_grid::sim

#endif
