#ifndef AG_RUNTIME_SIM_DECODER_H
#define AG_RUNTIME_SIM_DECODER_H
/// Turns statements into instructions: names become places. The forms of
/// opcodes are in DecodeForms.cpp.

#include "runtime/sim/Ops.h"

#include <map>
#include <string_view>
#include <tuple>

namespace attn_grid::sim {

/// The space that a part of an opcode names, `shared::cta`; none: no space.
Space spaceOf(std::string_view part);
/// Hints and orders that change nothing here: accesses are in order.
bool isHint(std::string_view part);

class Decoder {
public:
  Decoder(const Module &module, const Function &function,
          const Symbols &symbols);
  std::unique_ptr<Program> run();

private:
  struct Register {
    Slot slot = noSlot;
    int bits = 0;
  };

  const Module &module;
  const Function &function;
  const Symbols &symbols;
  std::unique_ptr<Program> program = std::make_unique<Program>();
  const Statement *at = nullptr; // what is decoded
  Instr made;
  std::map<std::pair<int, std::string>, Register> registers;
  std::map<std::pair<int, uint64_t>, Slot> constants; // by bits and value
  std::map<std::pair<Special, int>, Slot> specials;
  std::map<std::pair<int, std::string>, uint64_t> variables; // addresses
  std::map<std::pair<int, std::string>, size_t> labels;
  std::vector<std::pair<size_t, size_t>> branches; // instruction, statement

  [[noreturn]] void fail(const std::string &message) const;
  [[noreturn]] void unsupported() const;

  // Names, looked up from the statement's scope outwards.
  template <typename Map>
  typename Map::const_iterator find(const Map &map,
                                    const std::string &name) const;
  void layOut();
  Slot addSlot(int bits);
  Register reg(const std::string &name);
  Slot special(const std::string &name, int bits);
  Slot constant(uint64_t value, int bits);
  uint64_t addressOf(const std::string &symbol) const;
  uint64_t literal(const Operand &operand, int bits) const;

  // Operands.
  const Operand &operand(size_t n) const;
  void expectOperands(size_t least, size_t most) const;
  Slot source(const Operand &operand, int bits);
  Slot destination(const Operand &operand, int bits);
  Slot narrowed(const Operand &operand, int bits);
  bool isPredicate(const Operand &operand);
  Slot predicate(const Operand &operand);
  void address(const Operand &operand, Space space);
  uint32_t list(const std::vector<Slot> &slots);
  std::vector<Slot> listOf(const Operand &operand, int bits, size_t count,
                           bool isDestination);

  // Statements.
  void statement(const Statement &statement);
  void emit(Handler run);
  void flow(Flow flow);
  void tableOp(const Op &op);
  void compareAnd(const Op &op, const std::string &logic);
  void move();
  void branch();
  void elect();
  void barrier();
  void memory(bool isStore);
  void loadParam(int bytes, bool isSigned, size_t count);
  void atomic(bool hasResult);
  void asyncCopy();
  void matrix();
  void loadMatrices();
  void wmma();
  void warpgroup();
  void memoryBarrier();
  void tensorCopy();
  Slot plainAddress(const Operand &operand, int bits);
  bool form();

  /// The parts of the opcode: `ld`, `global`, `nc`, `b32`.
  std::vector<std::string_view> parts;
  bool has(std::string_view part) const;
  std::string_view part(size_t n) const;
};

template <typename Map>
typename Map::const_iterator Decoder::find(const Map &map,
                                           const std::string &name) const {
  for (int scope = at->scope; scope >= 0; scope = function.scopes[scope]) {
    auto found = map.find({scope, name});
    if (found != map.end())
      return found;
  }
  return map.end();
}

} // namespace attn_grid::sim

#endif
