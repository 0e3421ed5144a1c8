#ifndef AG_RUNTIME_SIM_PTX_H
#define AG_RUNTIME_SIM_PTX_H
/// The text of a PTX module, taken apart: what the parser makes and the decoder
/// reads. Opcodes are still text.

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace attn_grid::sim {

/// A module that cannot be loaded. The text says where and why.
struct LoadError : std::runtime_error {
  LoadError(int line, const std::string &message)
      : runtime_error("PTX line " + std::to_string(line) + ": " + message) {}
};

enum class Space : uint8_t { none, param, global, shared, local, constant };

/// `%r1`, `12`, `0f3F800000`, `[%rd1+4]`, `{%r1, %r2}`, `%p|%q`, `name`.
struct Operand {
  enum class Kind : uint8_t { reg, integer, real, address, list, symbol };
  Kind kind = Kind::integer;
  std::string name;     ///< a register or symbol; an address' base, or empty
  int64_t integer = 0;  ///< the value, or an address' offset
  uint64_t bits = 0;    ///< of a real, as f64
  bool negated = false; ///< `!%p`
  std::vector<Operand> list; ///< of a list; of `a|b` the second
};

struct Statement {
  std::string opcode; ///< `ld.global.nc.b32`
  std::string guard;  ///< a predicate, or empty
  bool guardNegated = false;
  std::vector<Operand> operands;
  int line = 0;   ///< of the PTX
  int file = 0;   ///< of the module, the kernel's source (`.loc`)
  int source = 0; ///< a line of that, 0 if not said
  int scope = 0;  ///< of the `{ }` it stands in: names are looked up from there
};

struct Label {
  std::string name;
  int scope;
  size_t statement; ///< stands before this one
};

/// `.reg .b32 %r<12>`: the type and the bits of the registers of that name.
struct RegisterDecl {
  std::string name; ///< of one register, or the prefix of several
  int count = 1;    ///< 0: one register, no number
  int bits = 32;    ///< 1: a predicate
  int scope = 0;
};

/// A variable: `.shared .align 16 .b8 tile[4096]`, and parameters.
struct Variable {
  std::string name;
  Space space = Space::none;
  uint64_t bytes = 0;
  uint32_t align = 1;
  bool isExtern = false; ///< its size comes with the launch
  std::vector<uint8_t> init;
  int scope = 0;
  uint64_t offset = 0; ///< of a parameter
};

struct Function {
  std::string name;
  int line = 0;
  std::vector<Variable> params;
  uint64_t paramBytes = 0;
  std::vector<RegisterDecl> registers;
  std::vector<Variable> variables; ///< `.shared` and `.local` of the body
  std::vector<Statement> statements;
  std::vector<Label> labels;
  std::vector<int> scopes; ///< the scope around each one; -1 around the body
  uint32_t requiredThreads[3] = {0, 0, 0}, maximumThreads[3] = {0, 0, 0};
};

struct Module {
  std::string version, target;
  int targetLine = 1;
  std::vector<std::string> files; ///< by the number in `.file`
  std::vector<Variable> variables;
  std::vector<Function> functions;
};

/// Throws `LoadError`.
Module parsePtx(std::string_view text);

} // namespace attn_grid::sim

#endif
