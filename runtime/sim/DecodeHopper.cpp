// Opcodes that sm_90 brought: products of warpgroups, barriers in memory, and
// copies of boxes of tensors.

#include "runtime/sim/Decoder.h"

#include <fmt/format.h>

namespace attn_grid::sim {

/// `elect.sync lane|p, members`.
void Decoder::elect() {
  expectOperands(2, 2);
  const Operand &lane = operand(0);
  if (at->opcode != "elect.sync" || lane.list.size() != 1)
    unsupported();
  made.d = destination(lane, 32);
  made.second = destination(lane.list[0], 1);
  made.members = source(operand(1), 32);
  emit(electLane);
}

/// `wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16 d, a, b, p, 1, 1, ...`:
/// the list is d, then a's registers; of shared memory `a` and `b` are
/// descriptors. `c` says whether d is added to. `imm` has bits: 1 a is in
/// shared memory, 2 and 4 a and b are negated, 8 and 16 they are transposed.
void Decoder::warpgroup() {
  made.wholeWarp = true;
  if (part(1) == "fence")
    return emit(wgmmaFence);
  if (part(1) == "commit_group")
    return emit(wgmmaCommit);
  if (part(1) == "wait_group") {
    if (operand(0).kind != Operand::Kind::integer || operand(0).integer < 0)
      fail("`wgmma.wait_group` takes a number");
    made.imm = operand(0).integer;
    return emit(wgmmaWait);
  }
  std::string_view shape = part(4);
  int columns = 0;
  if (shape.starts_with("m64n") && shape.ends_with("k16"))
    for (char c : shape.substr(4, shape.size() - 7))
      columns = c >= '0' && c <= '9' && columns < 1000 ? columns * 10 + c - '0'
                                                       : 1000;
  bool isHalf = part(6) == "f16" && part(7) == "f16";
  bool isBrain = part(6) == "bf16" && part(7) == "bf16";
  if (part(1) != "mma_async" || parts.size() != 8 || part(5) != "f32" ||
      (!isHalf && !isBrain) || columns < 8 || columns > 256 || columns % 8)
    unsupported();
  bool inRegisters = operand(1).kind == Operand::Kind::list;
  size_t numbers = inRegisters ? 3 : 4; // behind the predicate
  expectOperands(4 + numbers, 4 + numbers);
  std::vector<Slot> all =
      listOf(operand(0), 32, static_cast<size_t>(columns) / 2, true);
  if (inRegisters) {
    std::vector<Slot> a = listOf(operand(1), 32, 4, false);
    all.insert(all.end(), a.begin(), a.end());
  } else {
    made.a = source(operand(1), 64);
    made.imm |= 1;
  }
  made.list = list(all);
  made.b = source(operand(2), 64);
  made.c = predicate(operand(3));
  for (size_t i = 0; i < numbers; ++i) {
    const Operand &number = operand(4 + i);
    bool isScale = i < 2;
    int64_t value = number.integer;
    if (number.kind != Operand::Kind::integer ||
        (isScale ? value != 1 && value != -1 : value != 0 && value != 1))
      fail(fmt::format("`{}` takes {} here", at->opcode,
                       isScale ? "1 or -1" : "0 or 1"));
    bool isSet = isScale ? value == -1 : value == 1;
    // Of registers there is no transposed form.
    size_t bit = 1 + i + (!isScale && inRegisters ? 1 : 0);
    made.imm |= isSet ? int64_t(1) << bit : 0;
  }
  program->usesProducts = program->usesAsyncProxy = true;
  emit(isHalf ? wgmmaF16 : wgmmaBf16);
}

/// An address in a register, or a constant one.
Slot Decoder::plainAddress(const Operand &operand, int bits) {
  Instr before = made;
  address(operand, bits == 32 ? Space::shared : Space::none);
  std::swap(before, made);
  if (before.a == noSlot)
    return constant(static_cast<uint64_t>(before.imm), bits);
  if (before.imm != 0 || before.wideAddress != (bits == 64))
    fail(fmt::format("`{}` takes an address in a register of {} bits, without "
                     "an offset",
                     at->opcode, bits));
  return before.a;
}

/// `mbarrier.arrive.expect_tx.shared::cta.b64 _, [a], bytes` and its like.
void Decoder::memoryBarrier() {
  std::string_view what = part(1);
  bool expects = has("expect_tx"), isParity = has("parity");
  for (size_t i = 2; i < parts.size(); ++i)
    if (parts[i] != "expect_tx" && parts[i] != "parity" && parts[i] != "b64" &&
        spaceOf(parts[i]) != Space::shared && !isHint(parts[i]))
      unsupported();
  if (what == "init") {
    expectOperands(2, 2);
    address(operand(0), Space::shared);
    made.b = source(operand(1), 32);
    return emit(barrierInit);
  }
  if (what == "inval") {
    expectOperands(1, 1);
    address(operand(0), Space::shared);
    return emit(barrierInvalidate);
  }
  if (what == "arrive" || what == "expect_tx") {
    size_t at0 = what == "arrive" ? 1 : 0; // behind the state
    expects |= what == "expect_tx";
    expectOperands(at0 + (expects ? 2 : 1), at0 + (expects ? 2 : 1));
    if (at0)
      made.d = destination(operand(0), 64);
    made.a = plainAddress(operand(at0), 32);
    if (expects)
      made.b = source(operand(at0 + 1), 32);
    made.imm = (at0 ? 1 : 0) | (expects ? 2 : 0);
    return emit(barrierArrive);
  }
  if (what != "try_wait" && what != "test_wait")
    unsupported();
  expectOperands(3, what == "try_wait" ? 4 : 3); // the last is a hint of time
  made.d = destination(operand(0), 1);
  made.a = plainAddress(operand(1), 32);
  made.b = source(operand(2), isParity ? 32 : 64);
  made.imm = isParity;
  made.flow = Flow::test;
  emit(barrierTest);
}

/// `cp.async.bulk.tensor.2d.shared::cluster.global.tile
/// .mbarrier::complete_tx::bytes [to], [map, {c0, c1}], [barrier]`.
void Decoder::tensorCopy() {
  int rank = part(4).size() == 2 && part(4)[1] == 'd' ? part(4)[0] - '0' : 0;
  bool toShared = part(5) == "shared::cluster" || part(5) == "shared::cta";
  if (rank < 1 || rank > 5 || !toShared || part(6) != "global" ||
      !has("mbarrier::complete_tx::bytes"))
    unsupported();
  for (size_t i = 7; i < parts.size(); ++i)
    if (parts[i] != "tile" && parts[i] != "mbarrier::complete_tx::bytes" &&
        parts[i] != "L2::cache_hint")
      unsupported();
  expectOperands(3, has("L2::cache_hint") ? 4 : 3);
  const Operand &map = operand(1);
  if (map.list.size() != 1)
    fail(fmt::format("`{}` takes a map and its coordinates", at->opcode));
  std::vector<Slot> all{plainAddress(map, 64), plainAddress(operand(2), 32)};
  std::vector<Slot> coordinates =
      listOf(map.list[0], 32, static_cast<size_t>(rank), false);
  all.insert(all.end(), coordinates.begin(), coordinates.end());
  address(operand(0), Space::shared);
  made.list = list(all);
  made.count = static_cast<uint8_t>(rank);
  program->usesAsyncProxy = true;
  emit(sim::tensorCopy);
}

} // namespace attn_grid::sim
