#include "runtime/sim/Decoder.h"
#include "runtime/sim/Results.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fmt/format.h>

namespace attn_grid::sim {

std::unique_ptr<Program> decode(const Module &module, const Function &function,
                                const Symbols &symbols) {
  return Decoder(module, function, symbols).run();
}

Decoder::Decoder(const Module &module, const Function &function,
                 const Symbols &symbols)
    : module(module), function(function), symbols(symbols) {}

void Decoder::fail(const std::string &message) const {
  throw LoadError(at ? at->line : function.line, message);
}
void Decoder::unsupported() const {
  fail(fmt::format("the instruction `{}` is not supported", at->opcode));
}

bool Decoder::has(std::string_view part) const {
  return std::find(parts.begin(), parts.end(), part) != parts.end();
}
std::string_view Decoder::part(size_t n) const {
  return n < parts.size() ? parts[n] : std::string_view();
}

// ------------------------------------------------------------------ operands

const Operand &Decoder::operand(size_t n) const {
  if (n >= at->operands.size())
    fail(fmt::format("`{}` needs more than {} operands", at->opcode,
                     at->operands.size()));
  return at->operands[n];
}
void Decoder::expectOperands(size_t least, size_t most) const {
  size_t n = at->operands.size();
  if (n < least || n > most)
    fail(fmt::format("`{}` takes {} operands, found {}", at->opcode,
                     least == most ? fmt::format("{}", least)
                                   : fmt::format("{} to {}", least, most),
                     n));
}

/// The bits of a number as an operand of that width.
uint64_t Decoder::literal(const Operand &operand, int bits) const {
  if (operand.kind == Operand::Kind::integer)
    return static_cast<uint64_t>(operand.integer);
  double value = std::bit_cast<double>(operand.bits);
  if (bits == 64)
    return operand.bits;
  if (bits == 32)
    return std::bit_cast<uint32_t>(static_cast<float>(value));
  if (bits == 16)
    return std::bit_cast<uint16_t>(static_cast<_Float16>(value));
  fail("a real number cannot stand here");
}

Slot Decoder::source(const Operand &operand, int bits) {
  if (bits == 1)
    return predicate(operand);
  switch (operand.kind) {
  case Operand::Kind::integer:
  case Operand::Kind::real:
    return constant(literal(operand, bits), bits);
  case Operand::Kind::reg: {
    Slot slot = special(operand.name, bits);
    if (slot != noSlot)
      return slot;
    Register found = reg(operand.name);
    if (found.bits != bits)
      fail(fmt::format("`{}` takes {} bits, `{}` has {}", at->opcode, bits,
                       operand.name, found.bits));
    return found.slot;
  }
  case Operand::Kind::symbol: {
    if (find(registers, operand.name) != registers.end() ||
        std::any_of(function.registers.begin(), function.registers.end(),
                    [&](const RegisterDecl &decl) {
                      return decl.count == 0 && decl.name == operand.name;
                    })) {
      Register found = reg(operand.name);
      if (found.bits != bits)
        fail(fmt::format("`{}` takes {} bits, `{}` has {}", at->opcode, bits,
                         operand.name, found.bits));
      return found.slot;
    }
    return constant(
        addressOf(operand.name) + static_cast<uint64_t>(operand.integer), bits);
  }
  default:
    fail(fmt::format("`{}` takes registers and numbers", at->opcode));
  }
}

Slot Decoder::destination(const Operand &operand, int bits) {
  if (operand.kind == Operand::Kind::symbol && operand.name == "_")
    return addSlot(bits);
  if (operand.kind != Operand::Kind::reg &&
      operand.kind != Operand::Kind::symbol)
    fail(fmt::format("`{}` writes to a register", at->opcode));
  Register found = reg(operand.name);
  if (found.bits != bits)
    fail(fmt::format("`{}` gives {} bits, `{}` has {}", at->opcode, bits,
                     operand.name, found.bits));
  return found.slot;
}

bool Decoder::isPredicate(const Operand &operand) {
  return (operand.kind == Operand::Kind::reg ||
          operand.kind == Operand::Kind::symbol) &&
         reg(operand.name).bits == 1;
}

Slot Decoder::predicate(const Operand &operand) {
  if (operand.kind == Operand::Kind::integer)
    return constant(operand.integer != 0, 1);
  if (operand.kind != Operand::Kind::reg &&
      operand.kind != Operand::Kind::symbol)
    fail(fmt::format("`{}` takes a predicate", at->opcode));
  Register found = reg(operand.name);
  if (found.bits != 1)
    fail(fmt::format("`{}` is no predicate", operand.name));
  if (!operand.negated)
    return found.slot;
  // Its opposite, just before.
  Slot slot = addSlot(1);
  Instr opposite;
  opposite.run = opTable().at("not.pred").run;
  opposite.d = slot;
  opposite.a = found.slot;
  std::swap(made, opposite);
  emit(made.run);
  std::swap(made, opposite);
  return slot;
}

/// `[%rd1+4]`, `[name]`, `[16]`: base and offset of the instruction.
void Decoder::address(const Operand &operand, Space space) {
  if (operand.kind != Operand::Kind::address)
    fail(fmt::format("`{}` takes an address in brackets", at->opcode));
  made.imm = operand.integer;
  made.a = noSlot;
  if (operand.name.empty())
    return;
  bool isRegister = operand.name.front() == '%' ||
                    (find(variables, operand.name) == variables.end() &&
                     !symbols.global.contains(operand.name));
  if (isRegister) {
    Register base = reg(operand.name);
    if (base.bits != 64 && (base.bits != 32 || space != Space::shared))
      fail(fmt::format("an address has 64 bits{}, `{}` has {}",
                       space == Space::shared ? " or 32" : "", operand.name,
                       base.bits));
    made.a = base.slot;
    made.wideAddress = base.bits == 64;
    return;
  }
  made.imm += static_cast<int64_t>(addressOf(operand.name));
}

uint32_t Decoder::list(const std::vector<Slot> &slots) {
  auto place = static_cast<uint32_t>(program->slots.size());
  made.listed = static_cast<uint16_t>(slots.size());
  program->slots.insert(program->slots.end(), slots.begin(), slots.end());
  return place;
}

/// The registers of `{%r1, %r2}`, or of one register.
std::vector<Slot> Decoder::listOf(const Operand &operand, int bits,
                                  size_t count, bool isDestination) {
  std::vector<Slot> slots;
  auto add = [&](const Operand &one) {
    slots.push_back(isDestination ? destination(one, bits) : source(one, bits));
    made.outputs += isDestination ? 1 : 0;
  };
  if (operand.kind == Operand::Kind::list)
    for (const Operand &one : operand.list)
      add(one);
  else
    add(operand);
  if (slots.size() != count)
    fail(fmt::format("`{}` takes {} registers here, found {}", at->opcode,
                     count, slots.size()));
  return slots;
}

// ---------------------------------------------------------------- statements

/// An instruction as it is written.
static void print(std::string &text, const Operand &operand) {
  if (operand.negated)
    text += '!';
  switch (operand.kind) {
  case Operand::Kind::reg:
  case Operand::Kind::symbol:
    text += operand.name;
    break;
  case Operand::Kind::integer:
    text += fmt::format("{}", operand.integer);
    break;
  case Operand::Kind::real:
    text += fmt::format("{}", std::bit_cast<double>(operand.bits));
    break;
  case Operand::Kind::address:
    text += '[' + operand.name;
    if (operand.integer != 0 || operand.name.empty())
      text +=
          fmt::format("{}{}", operand.name.empty() ? "" : "+", operand.integer);
    text += ']';
    return;
  case Operand::Kind::list:
    text += '{';
    for (size_t i = 0; i < operand.list.size(); ++i) {
      text += i ? ", " : "";
      if (i == 2 && operand.list.size() > 16) { // of a `wgmma`
        text += "..., ";
        i = operand.list.size() - 1;
      }
      print(text, operand.list[i]);
    }
    text += '}';
    return;
  }
  for (const Operand &other : operand.list) {
    text += '|';
    print(text, other);
  }
}
static std::string print(const Statement &statement) {
  std::string text;
  if (!statement.guard.empty())
    text = fmt::format("@{}{} ", statement.guardNegated ? "!" : "",
                       statement.guard);
  text += statement.opcode;
  for (size_t i = 0; i < statement.operands.size(); ++i) {
    text += i ? ", " : " ";
    print(text, statement.operands[i]);
  }
  return text;
}

/// Adds the instruction that was put together.
void Decoder::emit(Handler run) {
  made.run = run;
  made.line = at->line;
  made.source = at->source;
  made.file = at->file;
  made.isMove = parts[0] == "mov" || parts[0] == "selp";
  program->code.push_back(made);
  program->texts.push_back(print(*at));
}
void Decoder::flow(Flow flow) {
  made.flow = flow;
  emit(nothing);
}

/// Conversions take the low bits of registers that are wider.
Slot Decoder::narrowed(const Operand &operand, int bits) {
  if (operand.kind != Operand::Kind::reg ||
      special(operand.name, bits) != noSlot)
    return source(operand, bits);
  Register wide = reg(operand.name);
  if (wide.bits <= bits)
    return source(operand, bits);
  Instr narrow;
  narrow.d = addSlot(bits);
  narrow.a = wide.slot;
  std::swap(made, narrow);
  emit(opTable().at(fmt::format("cvt.u{}.u{}", bits, wide.bits)).run);
  std::swap(made, narrow);
  return narrow.d;
}

void Decoder::tableOp(const Op &op) {
  size_t sources = 0;
  while (sources < 4 && op.sources[sources] != 0)
    ++sources;
  expectOperands(sources + 1, sources + 1);
  const Operand &first = at->operands[0];
  made.d = destination(first, op.d);
  if (!first.list.empty()) { // `p|q`
    if (parts[0] != "shfl" && parts[0] != "setp")
      fail(fmt::format("`{}` has one result", at->opcode));
    made.second = predicate(first.list[0]);
  }
  // The fourth of `shfl.sync` are the threads that take part, as the last of
  // other instructions of that kind.
  Slot *slots[] = {&made.a, &made.b, &made.c, &made.members};
  for (size_t i = 0; i < sources; ++i) {
    bool isMembers = i + 1 == sources && has("sync");
    (isMembers ? made.members : *slots[i]) =
        parts[0] == "cvt" ? narrowed(at->operands[i + 1], op.sources[i])
                          : source(at->operands[i + 1], op.sources[i]);
  }
  if (op.isFloat)
    describeResult(made, at->opcode);
  emit(op.run);
}

/// `setp.lt.and.s32 p, a, b, c`: the comparison, then with `c`.
void Decoder::compareAnd(const Op &op, const std::string &logic) {
  expectOperands(4, 4);
  Slot other = predicate(at->operands[3]);
  Slot compared = addSlot(1);
  Slot result = destination(at->operands[0], 1);
  if (!at->operands[0].list.empty())
    fail(fmt::format("`{}` with two results is not supported", at->opcode));
  made.d = compared;
  made.a = source(at->operands[1], op.sources[0]);
  made.b = source(at->operands[2], op.sources[1]);
  emit(op.run);
  made.d = result;
  made.a = compared;
  made.b = other;
  emit(opTable().at(logic + ".pred").run);
}

void Decoder::statement(const Statement &next) {
  at = &next;
  made = Instr();
  parts.clear();
  std::string_view rest = next.opcode;
  while (!rest.empty()) {
    // `shared::cta` is one part.
    size_t dot = rest.find('.');
    parts.push_back(rest.substr(0, dot));
    rest = dot == rest.npos ? std::string_view() : rest.substr(dot + 1);
  }
  if (parts.empty())
    fail("expected an instruction");
  if (!next.guard.empty()) {
    Register guard = reg(next.guard);
    if (guard.bits != 1)
      fail(fmt::format("`{}` is no predicate", next.guard));
    made.guard = guard.slot;
    made.guardNegated = next.guardNegated;
  }
  if (form())
    return;
  const OpTable &table = opTable();
  auto found = table.find(next.opcode);
  if (found != table.end())
    return tableOp(found->second);
  if (parts[0] == "setp" && parts.size() >= 4) {
    for (const char *logic : {"and", "or", "xor"})
      if (parts[2] == logic) {
        std::string plain = next.opcode;
        plain.erase(plain.find(fmt::format(".{}", logic)),
                    std::strlen(logic) + 1);
        auto compare = table.find(plain);
        if (compare != table.end())
          return compareAnd(compare->second, logic);
      }
  }
  unsupported();
}

std::unique_ptr<Program> Decoder::run() {
  program->name = function.name;
  program->params = function.params;
  program->paramBytes = function.paramBytes;
  std::copy_n(function.requiredThreads, 3, program->requiredThreads);
  std::copy_n(function.maximumThreads, 3, program->maximumThreads);
  program->files = module.files;
  layOut();
  for (const Label &label : function.labels)
    labels[{label.scope, label.name}] = label.statement;

  std::vector<uint32_t> starts; // of statements, in instructions
  for (const Statement &next : function.statements) {
    starts.push_back(static_cast<uint32_t>(program->code.size()));
    statement(next);
  }
  starts.push_back(static_cast<uint32_t>(program->code.size()));
  for (auto [instr, target] : branches)
    program->code[instr].imm = starts[target];
  // Falling out of a kernel ends it.
  made = Instr();
  made.flow = Flow::exit;
  made.run = nothing;
  made.line = function.line;
  program->code.push_back(made);
  program->texts.push_back("ret");

  // Every lane of a constant's register holds it.
  program->constants.reserve(constants.size());
  for (const auto &[key, slot] : constants)
    program->constants.push_back({slot, key.first, key.second});
  return std::move(program);
}

} // namespace attn_grid::sim
