#include "runtime/sim/Registers.h"

#include "runtime/sim/Ops.h"

#include <bit>

namespace attn_grid::sim {

std::vector<uint32_t> registersAtStart(const Program &program) {
  std::vector<uint32_t> written(registerOf(program.registerBytes) + 1);
  for (const Program::Constant &constant : program.constants)
    written[registerOf(constant.slot)] = allLanes;
  for (const Program::SpecialAt &special : program.specials)
    written[registerOf(special.slot)] = allLanes;
  return written;
}

/// Of a move, which lanes of its result hold something. A register that is put
/// together of parts may lack some: who takes it apart again wants the others.
static uint32_t movedLanes(Warp &w, const Instr &i) {
  auto lanesOf = [&](Slot slot) { return w.writtenLanes[registerOf(slot)]; };
  const Slot *slots = w.block.grid.program.slots.data() + i.list;
  if (i.listed > i.outputs) {
    uint32_t any = 0;
    for (int n = i.outputs; n < i.listed; ++n)
      any |= lanesOf(slots[n]);
    return any;
  }
  if (i.c == noSlot)
    return lanesOf(i.a);
  uint32_t first = w.pred(i.c);
  return lanesOf(i.c) & ((first & lanesOf(i.a)) | (~first & lanesOf(i.b)));
}

void checkRegisters(Warp &w, const Instr &i, uint32_t mask, uint32_t active) {
  std::vector<uint32_t> &written = w.writtenLanes;
  const Slot *slots = w.block.grid.program.slots.data() + i.list;
  uint32_t lacking = 0;
  for (Slot slot : {i.a, i.b, i.c, i.members})
    if (slot != noSlot)
      lacking |= ~written[registerOf(slot)];
  for (int n = i.outputs; n < i.listed; ++n)
    if (slots[n] != noSlot)
      lacking |= ~written[registerOf(slots[n])];
  lacking &= mask;
  if (i.guard != noSlot)
    lacking |= active & ~written[registerOf(i.guard)];
  uint32_t results = mask;
  if (lacking && i.isMove)
    results &= movedLanes(w, i);
  else if (lacking)
    w.report(Problem::uninitialised, std::countr_zero(lacking), 0, 0,
             "use of a register that nothing was written to");
  auto write = [&](Slot slot) {
    if (slot != noSlot) {
      uint32_t &lanes = written[registerOf(slot)];
      lanes = (lanes & ~mask) | results;
    }
  };
  write(i.d);
  write(i.second);
  for (int n = 0; n < i.outputs; ++n)
    write(slots[n]);
}

} // namespace attn_grid::sim
