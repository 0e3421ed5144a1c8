// Opcodes whose operands are addresses, lists, labels: each of its own form.

#include "runtime/sim/Decoder.h"
#include "runtime/sim/SimFloat.h"

#include <algorithm>
#include <fmt/format.h>

namespace attn_grid::sim {

/// The width of a type's elements; 0 for what is no type.
static int bitsOf(std::string_view type) {
  if (type.size() < 2 || std::string_view("busf").find(type[0]) == type.npos)
    return 0;
  int bits = 0;
  for (char c : type.substr(1)) {
    if (c < '0' || c > '9')
      return 0;
    bits = bits * 10 + (c - '0');
  }
  return bits == 8 || bits == 16 || bits == 32 || bits == 64 ? bits : 0;
}

Space spaceOf(std::string_view part) {
  if (part == "global")
    return Space::global;
  if (part == "shared" || part == "shared::cta")
    return Space::shared;
  if (part == "local")
    return Space::local;
  if (part == "const")
    return Space::constant;
  if (part == "param")
    return Space::param;
  return Space::none;
}

bool isHint(std::string_view part) {
  for (std::string_view hint :
       {"nc",  "volatile", "relaxed", "acquire", "release", "acq_rel", "weak",
        "gpu", "cta",      "sys",     "cluster", "ca",      "cg",      "cs",
        "cv",  "lu",       "wb",      "wt",      "sync",    "aligned"})
    if (part == hint)
      return true;
  return part.starts_with("L1::") || part.starts_with("L2::");
}

bool Decoder::form() {
  std::string_view first = parts[0];
  if (first == "ld" || first == "ldu" || first == "st")
    memory(first == "st");
  else if (first == "atom" || first == "red")
    atomic(first == "atom");
  else if (first == "mov")
    move();
  else if (first == "bra")
    branch();
  else if (first == "ret" || first == "exit")
    flow(Flow::exit);
  else if (first == "trap" || first == "brkpt")
    flow(Flow::trap);
  else if (first == "elect")
    elect();
  else if (first == "wgmma")
    warpgroup();
  else if (first == "mbarrier")
    memoryBarrier();
  else if (first == "cp" && part(2) == "bulk" && part(3) == "tensor")
    tensorCopy();
  else if (first == "fence" && part(1) == "mbarrier_init")
    emit(barrierFence);
  else if (first == "fence" && part(1) == "proxy" && part(2) == "async")
    emit(proxyFence);
  else if ((first == "bar" && part(1) == "warp") || first == "membar" ||
           first == "fence" || first == "prefetch" || first == "nanosleep" ||
           first == "griddepcontrol")
    emit(nothing);
  else if (first == "bar" || first == "barrier")
    barrier();
  else if (first == "cp" && part(1) == "async")
    asyncCopy();
  else if (first == "mma")
    matrix();
  else if (first == "ldmatrix")
    loadMatrices();
  else if (first == "wmma")
    wmma();
  else
    return false;
  return true;
}

// ------------------------------------------------------------------- memory

void Decoder::memory(bool isStore) {
  MemoryOp op;
  op.isStore = isStore;
  size_t count = 1;
  std::string_view type;
  for (size_t i = 1; i < parts.size(); ++i) {
    Space space = spaceOf(parts[i]);
    if (space != Space::none)
      op.space = space;
    else if (parts[i] == "v2" || parts[i] == "v4" || parts[i] == "v8")
      count = static_cast<size_t>(parts[i][1] - '0');
    else if (bitsOf(parts[i]))
      type = parts[i];
    else if (!isHint(parts[i]))
      unsupported();
  }
  if (type.empty())
    unsupported();
  op.bytes = bitsOf(type) / 8;
  if (count * static_cast<size_t>(op.bytes) > 32)
    fail(fmt::format("`{}` is of more than 32 bytes", at->opcode));
  op.isSigned = type[0] == 's';
  bool hasPolicy = has("L2::cache_hint");
  expectOperands(2, hasPolicy ? 3 : 2);
  const Operand &where =
      at->operands[isStore ? 1 : 0].kind == Operand::Kind::address
          ? at->operands[isStore ? 1 : 0]
          : at->operands[isStore ? 0 : 1];
  const Operand &values =
      &where == &at->operands[0] ? at->operands[1] : at->operands[0];
  if (op.space == Space::param && !isStore)
    return loadParam(op.bytes, op.isSigned, count);
  if (op.space == Space::param)
    fail("parameters of kernels cannot be written");
  if (op.space == Space::constant && isStore)
    fail("constant memory cannot be written");

  // Registers may be wider than what is in memory.
  const Operand &one =
      values.kind == Operand::Kind::list && !values.list.empty()
          ? values.list[0]
          : values;
  op.registerBits = std::max(16, op.bytes * 8);
  if (one.kind == Operand::Kind::reg && special(one.name, 32) == noSlot)
    op.registerBits = reg(one.name).bits;
  made.run = memoryHandler(op);
  if (!made.run)
    fail(fmt::format("`{}` does not fit to `{}` of {} bits", at->opcode,
                     one.name, op.registerBits));
  made.count = static_cast<uint8_t>(count);
  made.list = list(listOf(values, op.registerBits, count, !isStore));
  address(where, op.space);
  emit(made.run);
}

void Decoder::loadParam(int bytes, bool isSigned, size_t count) {
  const Operand &values = operand(0), &where = operand(1);
  const Variable *param = nullptr;
  for (const Variable &one : function.params)
    if (one.name == where.name)
      param = &one;
  if (!param) { // an address in a register
    address(where, Space::param);
  } else if (where.integer < 0 ||
             static_cast<uint64_t>(where.integer) + count * bytes >
                 param->bytes) {
    fail(fmt::format("{} bytes at offset {} of `{}`, which has {} bytes",
                     count * bytes, where.integer, param->name, param->bytes));
  } else {
    made.imm = static_cast<int64_t>(param->offset) + where.integer;
  }
  const Operand &one =
      values.kind == Operand::Kind::list && !values.list.empty()
          ? values.list[0]
          : values;
  int bits = reg(one.name).bits;
  made.run = paramHandler(bytes, isSigned, bits);
  if (!made.run)
    fail(fmt::format("`{}` does not fit to `{}` of {} bits", at->opcode,
                     one.name, bits));
  made.count = static_cast<uint8_t>(count);
  made.list = list(listOf(values, bits, count, true));
  emit(made.run);
}

/// `atom.global.add.u32 d, [a], b`, `red.global.add.f32 [a], b`.
void Decoder::atomic(bool hasResult) {
  Space space = Space::none;
  std::string_view operation, type;
  for (size_t i = 1; i < parts.size(); ++i) {
    Space named = spaceOf(parts[i]);
    if (named != Space::none)
      space = named;
    else if (bitsOf(parts[i]))
      type = parts[i];
    else if (!isHint(parts[i])) {
      if (!operation.empty())
        unsupported();
      operation = parts[i];
    }
  }
  AtomicOp op = atomicOp(space, operation, type, hasResult);
  if (!op.run)
    unsupported();
  size_t first = hasResult ? 1 : 0;
  expectOperands(first + 1 + op.values, first + 1 + op.values);
  if (hasResult)
    made.d = destination(at->operands[0], op.bits);
  address(at->operands[first], space);
  made.b = source(at->operands[first + 1], op.bits);
  if (op.values == 2)
    made.c = source(at->operands[first + 2], op.bits);
  emit(op.run);
}

/// Also `mov.b64 %rd, {%r1, %r2}`, the other way round, and addresses.
void Decoder::move() {
  expectOperands(2, 2);
  const Operand &to = at->operands[0], &from = at->operands[1];
  bool packs = from.kind == Operand::Kind::list;
  if (packs || to.kind == Operand::Kind::list) {
    const Operand &many = packs ? from : to;
    int bits = bitsOf(part(1));
    size_t count = many.list.size();
    if ((bits != 32 && bits != 64) || count == 0 || bits % count != 0 ||
        (bits / count != 16 && bits / count != 32))
      unsupported();
    int each = bits / static_cast<int>(count);
    made.count = static_cast<uint8_t>(count);
    if (packs)
      made.d = destination(to, bits);
    else
      made.a = source(from, bits);
    made.list = list(listOf(many, each, count, !packs));
    made.imm = each;
    return emit(packs ? packList : unpackList);
  }
  auto found = opTable().find(at->opcode);
  if (found == opTable().end())
    unsupported();
  tableOp(found->second);
}

// --------------------------------------------------------------------- flow

void Decoder::branch() {
  if (parts.size() > 2 || (parts.size() == 2 && parts[1] != "uni"))
    unsupported();
  expectOperands(1, 1);
  auto found = find(labels, operand(0).name);
  if (found == labels.end())
    fail(fmt::format("there is no label `{}` here", operand(0).name));
  branches.emplace_back(program->code.size(), found->second);
  flow(Flow::branch);
}

/// `bar.sync id(, threads)`, `bar.red.or.pred p, id(, threads), q`. `a` is the
/// barrier, `b` the threads; of `red` `d` is the result, `c` the argument and
/// `imm` what folds: 1 and, 2 or, 3 how many.
void Decoder::barrier() {
  std::vector<std::string_view> rest;
  for (size_t i = 1; i < parts.size(); ++i)
    if (parts[i] != "cta" && parts[i] != "aligned")
      rest.push_back(parts[i]);
  if (rest.size() == 1 && rest[0] == "sync") {
    expectOperands(1, 2);
    made.a = source(operand(0), 32);
    if (at->operands.size() == 2)
      made.b = source(operand(1), 32);
    return flow(Flow::barrier);
  }
  if (rest.size() == 3 && rest[0] == "red") {
    expectOperands(3, 4);
    bool counts = rest[1] == "popc" && rest[2] == "u32";
    if (!counts && ((rest[1] != "and" && rest[1] != "or") || rest[2] != "pred"))
      unsupported();
    made.d = destination(operand(0), counts ? 32 : 1);
    made.a = source(operand(1), 32);
    if (at->operands.size() == 4)
      made.b = source(operand(2), 32);
    made.c = predicate(at->operands.back());
    made.imm = counts ? 3 : rest[1] == "and" ? 1 : 2;
    return flow(Flow::barrier);
  }
  unsupported();
}

// ------------------------------------------------- matrices, async copies

void Decoder::asyncCopy() {
  std::string_view what = part(2);
  if (what == "commit_group")
    return emit(sim::asyncCommit);
  if (what == "wait_group" || what == "wait_all") {
    made.imm = what == "wait_all" ? -1 : operand(0).integer;
    if (what == "wait_group" &&
        (operand(0).kind != Operand::Kind::integer || made.imm < 0))
      fail("`cp.async.wait_group` takes a number");
    return emit(asyncWait);
  }
  if ((what != "ca" && what != "cg") || spaceOf(part(3)) != Space::shared ||
      part(4) != "global")
    unsupported();
  for (size_t i = 5; i < parts.size(); ++i)
    if (!parts[i].starts_with("L2::"))
      unsupported();
  expectOperands(3, 5);
  int64_t bytes = operand(2).integer;
  if (operand(2).kind != Operand::Kind::integer ||
      (bytes != 16 && (what == "cg" || (bytes != 4 && bytes != 8))))
    fail(fmt::format("`{}` copies {}16 bytes", at->opcode,
                     what == "cg" ? "" : "4, 8 or "));
  bool hasPolicy = has("L2::cache_hint");
  if (at->operands.size() > (hasPolicy ? 4u : 3u)) {
    // How many bytes to read, or whether to read none.
    if (isPredicate(operand(3)))
      made.d = predicate(operand(3));
    else
      made.c = source(operand(3), 32);
  }
  address(operand(1), Space::global);
  Slot from = made.a;
  int64_t offset = made.imm;
  if (from == noSlot)
    fail("the source of an asynchronous copy is an address in a register");
  if (offset < INT32_MIN || offset > INT32_MAX)
    fail("this offset is too large");
  address(operand(0), Space::shared);
  made.b = from;
  made.count = static_cast<uint8_t>(bytes);
  made.list = list({static_cast<Slot>(offset + (int64_t(1) << 31))});
  made.listed = 0; // that is no register
  emit(sim::asyncCopy);
}

void Decoder::matrix() {
  static const std::pair<std::string_view, Handler> forms[] = {
      {"m16n8k16.row.col.f32.f16.f16.f32", mmaF16},
      {"m16n8k16.row.col.f32.bf16.bf16.f32", mmaBf16},
      {"m16n8k8.row.col.f32.tf32.tf32.f32", mmaTf32},
      {"m16n8k32.row.col.s32.s8.s8.s32", mmaS8S8},
      {"m16n8k32.row.col.s32.s8.u8.s32", mmaS8U8},
      {"m16n8k32.row.col.s32.u8.s8.s32", mmaU8S8},
      {"m16n8k32.row.col.s32.u8.u8.s32", mmaU8U8},
  };
  constexpr std::string_view start = "mma.sync.aligned.";
  std::string_view name = at->opcode;
  const auto *form = std::ranges::find_if(forms, [&](const auto &entry) {
    return name.starts_with(start) && name.substr(start.size()) == entry.first;
  });
  if (form == std::end(forms))
    unsupported();
  made.wholeWarp = true;
  expectOperands(4, 4);
  std::vector<Slot> all;
  size_t counts[] = {4, 4, 2, 4};
  for (size_t i = 0; i < 4; ++i) {
    std::vector<Slot> one = listOf(operand(i), 32, counts[i], i == 0);
    all.insert(all.end(), one.begin(), one.end());
  }
  made.list = list(all);
  emit(form->second);
}

/// `ldmatrix.sync.aligned.m8n8.x4(.trans).shared.b16 {...}, [a]`
void Decoder::loadMatrices() {
  made.wholeWarp = true;
  bool transposed = has("trans");
  size_t count = has("x4") ? 4 : has("x2") ? 2 : 1;
  if (!has("m8n8") || !has("b16") || (!has("shared") && !has("shared::cta")))
    unsupported();
  expectOperands(2, 2);
  made.count = static_cast<uint8_t>(count);
  made.list = list(listOf(operand(0), 32, count, true));
  address(operand(1), Space::shared);
  emit(transposed ? loadMatrixTransposed : loadMatrix);
}

void Decoder::wmma() {
  made.wholeWarp = true;
  const std::string &name = at->opcode;
  if (name == "wmma.mma.sync.aligned.row.row.m16n16k16.f32.f32") {
    expectOperands(4, 4);
    std::vector<Slot> all;
    for (size_t i = 0; i < 4; ++i) {
      std::vector<Slot> one = listOf(operand(i), 32, 8, i == 0);
      all.insert(all.end(), one.begin(), one.end());
    }
    made.list = list(all);
    return emit(wmmaMma);
  }
  bool isA = name == "wmma.load.a.sync.aligned.row.m16n16k16.global.f16";
  bool isB = name == "wmma.load.b.sync.aligned.row.m16n16k16.global.f16";
  bool isD = name == "wmma.store.d.sync.aligned.row.m16n16k16.global.f32";
  if (!isA && !isB && !isD)
    unsupported();
  expectOperands(3, 3);
  made.count = 8;
  made.list = list(listOf(operand(isD ? 1 : 0), 32, 8, !isD));
  address(operand(isD ? 0 : 1), Space::global);
  made.b = source(operand(2), 32);
  emit(isA ? wmmaLoadA : isB ? wmmaLoadB : wmmaStoreD);
}

} // namespace attn_grid::sim
