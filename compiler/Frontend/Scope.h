#ifndef AG_COMPILER_FRONTEND_SCOPE_H
#define AG_COMPILER_FRONTEND_SCOPE_H
/// Names and what they stand for while one function body is walked. A name is
/// declared once and hides nothing, so one flat table per function is enough;
/// a block's names leave with it.

#include "compiler/Frontend/Datum.h"

#include "llvm/ADT/StringMap.h"

namespace attn_grid::compiler {

/// A name of a function body.
struct Symbol {
  enum class Kind : uint8_t {
    generic,  // a type or const parameter
    extent,   // bound by a tensor parameter
    param,    // a scalar, tile, struct or tensor parameter
    let,      // `let x`
    var,      // `var x`: may be assigned again
    constant, // `const x`
    loop,     // the variable of a `for`
    result,   // what the function returns; has no name
    flag,     // was the loop left by `break`, or the function? has no name
  };
  Kind kind = Kind::let;
  std::string name;
  SourceRange declared;
  Datum value;
  DataType type; // of a var: what is assigned must have it
};

/// The names of one function body, in the order of their declarations.
class Scope {
public:
  /// Declares a name and gives its number.
  unsigned declare(Symbol symbol) {
    unsigned number = static_cast<unsigned>(symbols.size());
    if (!symbol.name.empty())
      numbers[symbol.name] = number;
    symbols.push_back(std::move(symbol));
    return number;
  }
  /// The number of a name in scope, or nothing.
  std::optional<unsigned> find(llvm::StringRef name) const {
    auto it = numbers.find(name);
    if (it == numbers.end())
      return std::nullopt;
    return it->second;
  }
  /// Makes a name unknown; its number stays.
  void hide(llvm::StringRef name) { numbers.erase(name); }
  Symbol &operator[](unsigned number) { return symbols[number]; }
  /// How many names there are; `leave` forgets those declared since.
  unsigned size() const { return static_cast<unsigned>(symbols.size()); }
  void leave(unsigned size) {
    while (symbols.size() > size) {
      if (!symbols.back().name.empty())
        numbers.erase(symbols.back().name);
      symbols.pop_back();
    }
  }

private:
  std::vector<Symbol> symbols;
  llvm::StringMap<unsigned> numbers;
};

} // namespace attn_grid::compiler

#endif
