#ifndef AG_RUNTIME_SIM_PTXLEXER_H
#define AG_RUNTIME_SIM_PTXLEXER_H
/// PTX's tokens.

#include "runtime/sim/Ptx.h"

namespace attn_grid::sim {

struct Token {
  enum class Kind : uint8_t {
    end,
    word,      ///< `mov.b32`, `%tid.x`, `$L__BB0_1`: names and opcodes alike
    directive, ///< `.reg`
    number,
    string, ///< without its quotes
    mark
  };
  Kind kind = Kind::end;
  std::string_view text;
  int line = 1;
};

class Lexer {
public:
  explicit Lexer(std::string_view text);
  /// The next token. Throws `LoadError` for what is none.
  const Token &peek() const { return next; }
  Token take();
  /// What was taken last, and its line.
  std::string_view last() const { return taken.text; }
  int lastLine() const { return taken.line; }

private:
  void skipBlanks();
  Token scan();

  std::string_view text;
  size_t at = 0;
  int line = 1;
  Token next, taken;
};

/// The value of `12`, `0x1fU`, `017`, `0b11`. Throws `LoadError`.
uint64_t parseInteger(const Token &token);
/// The value of `0f3F800000`, `0d...`, `1.5`; nothing for integers.
std::optional<double> parseReal(const Token &token);

} // namespace attn_grid::sim

#endif
