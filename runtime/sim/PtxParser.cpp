// Text to statements. What an opcode means is the decoder's business.

#include "runtime/sim/PtxLexer.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

namespace attn_grid::sim {

namespace {
/// What a type such as `.b32` or `.pred` says of a register or element.
int bitsOfType(std::string_view type, int line) {
  if (type == "pred")
    return 1;
  int bits = 0;
  for (char c : type)
    if (c >= '0' && c <= '9')
      bits = bits * 10 + (c - '0');
  if (type == "f16x2")
    bits = 32;
  if (bits != 8 && bits != 16 && bits != 32 && bits != 64)
    throw LoadError(line, fmt::format("expected a type such as `.b32`, found "
                                      "`.{}`",
                                      type));
  return bits;
}

class Parser {
public:
  explicit Parser(std::string_view text) : lexer(text) {}

  Module run() {
    while (lexer.peek().kind != Token::Kind::end)
      parseTopLevel();
    return std::move(module);
  }

private:
  Lexer lexer;
  Module module;
  Function *function = nullptr;
  int scope = -1, file = 0, source = 0;

  const Token &peek() { return lexer.peek(); }
  Token take() { return lexer.take(); }
  bool at(std::string_view text) { return lexer.peek().text == text; }
  bool accept(std::string_view text) {
    if (!at(text))
      return false;
    take();
    return true;
  }
  [[noreturn]] void fail(const std::string &expected) {
    throw LoadError(peek().line,
                    fmt::format("expected {}, found `{}`", expected,
                                peek().text.empty() ? "the end" : peek().text));
  }
  void expect(std::string_view text) {
    if (!accept(text))
      fail(fmt::format("`{}`", text));
  }
  std::string name(const char *what) {
    if (peek().kind != Token::Kind::word)
      fail(what);
    return std::string(take().text);
  }
  int64_t integer() {
    bool negative = accept("-");
    if (peek().kind != Token::Kind::number)
      fail("an integer");
    int64_t value = static_cast<int64_t>(parseInteger(take()));
    return negative ? -value : value;
  }

  /// Text may nest without end; the stack does not.
  struct Deeper {
    explicit Deeper(Parser &parser) : parser(parser) {
      constexpr int most = 100;
      if (++parser.depth > most)
        throw LoadError(parser.peek().line,
                        "braces and brackets are nested too deeply");
    }
    ~Deeper() { --parser.depth; }
    Parser &parser;
  };
  int depth = 0;

  void skipToSemicolon() {
    while (!at(";") && peek().kind != Token::Kind::end)
      take();
    accept(";");
  }

  void parseTopLevel() {
    if (accept(".version")) {
      module.version = std::string(take().text);
    } else if (at(".target")) {
      module.targetLine = take().line;
      do
        module.target +=
            (module.target.empty() ? "" : ", ") + std::string(take().text);
      while (accept(","));
    } else if (accept(".address_size")) {
      if (integer() != 64)
        throw LoadError(peek().line, "expected `.address_size 64`");
    } else if (at(".file")) {
      parseFile();
    } else if (accept(".section")) {
      while (!at("}") && peek().kind != Token::Kind::end)
        take();
      expect("}");
    } else if (accept(".visible") || accept(".weak") || accept(".extern") ||
               accept(".common")) {
      isExtern = lexer.last() == ".extern";
      if (at(".entry") || at(".func"))
        parseFunction();
      else
        parseVariable(module.variables, 0);
      isExtern = false;
    } else if (at(".entry") || at(".func")) {
      parseFunction();
    } else if (at(".global") || at(".const") || at(".shared")) {
      parseVariable(module.variables, 0);
    } else if (accept(".pragma")) {
      skipToSemicolon();
    } else {
      fail("a function, a variable or a directive");
    }
  }
  bool isExtern = false;

  void parseFile() {
    take();
    size_t number = static_cast<size_t>(integer());
    if (peek().kind != Token::Kind::string)
      fail("a file's name");
    std::string file(take().text);
    if (number < 4096) {
      module.files.resize(std::max(module.files.size(), number + 1));
      module.files[number] = file;
    }
    while (accept(","))
      integer();
  }

  /// `.shared .align 16 .b8 tile[32][33]`, `.global .u32 n = 3`, also several.
  void parseVariable(std::vector<Variable> &into, int inScope) {
    Variable variable;
    variable.scope = inScope;
    variable.isExtern = isExtern;
    int bits = 0;
    while (peek().kind == Token::Kind::directive) {
      Token token = take();
      if (token.text == ".global")
        variable.space = Space::global;
      else if (token.text == ".const")
        variable.space = Space::constant;
      else if (token.text == ".shared")
        variable.space = Space::shared;
      else if (token.text == ".local")
        variable.space = Space::local;
      else if (token.text == ".align")
        variable.align = static_cast<uint32_t>(integer());
      else if (token.text == ".v2" || token.text == ".v4")
        lanes = token.text == ".v2" ? 2 : 4;
      else if (token.text != ".attribute")
        bits = bitsOfType(token.text.substr(1), token.line);
    }
    if (bits == 0)
      fail("the type of a variable");
    do {
      Variable one = variable;
      one.name = name("the name of a variable");
      uint64_t count = lanes;
      bool isArray = false;
      while (accept("[")) {
        isArray = true;
        if (!at("]"))
          count *= static_cast<uint64_t>(integer());
        else if (!isExtern)
          count = 0; // as many as the values that follow
        expect("]");
      }
      one.bytes = isExtern && isArray ? 0 : count * bits / 8;
      one.align = std::max<uint32_t>(one.align, bits / 8);
      if (accept("=")) {
        parseInit(one, bits);
        one.bytes = std::max<uint64_t>(one.bytes, one.init.size());
      }
      into.push_back(std::move(one));
    } while (accept(","));
    lanes = 1;
    expect(";");
  }
  int lanes = 1;

  void parseInit(Variable &variable, int bits) {
    bool list = accept("{");
    do {
      if (at("}"))
        break;
      Operand value = parseOperand();
      uint64_t raw = static_cast<uint64_t>(value.integer);
      if (value.kind == Operand::Kind::real) {
        raw = value.bits;
        if (bits == 32)
          raw = std::bit_cast<uint32_t>(
              static_cast<float>(std::bit_cast<double>(raw)));
      } else if (value.kind != Operand::Kind::integer) {
        throw LoadError(peek().line,
                        "addresses in initial values are not supported");
      }
      for (int byte = 0; byte < bits / 8; ++byte)
        variable.init.push_back(static_cast<uint8_t>(raw >> (8 * byte)));
    } while (list && accept(","));
    if (list)
      expect("}");
  }

  void parseFunction() {
    bool entry = take().text == ".entry";
    int line = peek().line;
    if (!entry)
      throw LoadError(line, "functions (`.func`) are not supported: only "
                            "kernels (`.entry`), with everything inlined");
    Function made;
    made.name = name("the name of a kernel");
    made.line = line;
    if (accept("(")) {
      while (!at(")")) {
        parseParam(made);
        if (!accept(","))
          break;
      }
      expect(")");
    }
    while (!at("{")) {
      Token token = take();
      uint32_t *numbers = token.text == ".reqntid"   ? made.requiredThreads
                          : token.text == ".maxntid" ? made.maximumThreads
                                                     : nullptr;
      if (numbers) {
        numbers[0] = numbers[1] = numbers[2] = 1;
        for (int i = 0; i < 3; ++i) {
          numbers[i] = static_cast<uint32_t>(integer());
          if (!accept(","))
            break;
        }
      } else if (token.text == ".maxnreg" || token.text == ".minnctapersm" ||
                 token.text == ".maxnctapersm") {
        integer();
      } else if (token.text == ".pragma") {
        skipToSemicolon();
      } else if (token.text != ".noreturn" &&
                 token.text != ".blocksareclusters") {
        throw LoadError(token.line, fmt::format("`{}` is not supported for a "
                                                "kernel",
                                                token.text));
      }
    }
    source = 0;
    function = &made;
    scope = -1;
    parseBlock();
    function = nullptr;
    module.functions.push_back(std::move(made));
  }

  /// `.param .u64 .ptr .global .align 16 name`, `.param .align 8 .b8 name[120]`
  void parseParam(Function &into) {
    expect(".param");
    Variable param;
    param.space = Space::param;
    int bits = 0;
    bool pointer = false;
    while (peek().kind == Token::Kind::directive) {
      Token token = take();
      if (token.text == ".align") {
        uint32_t align = static_cast<uint32_t>(integer());
        if (!pointer) // else it is that of what the pointer points to
          param.align = align;
      } else if (token.text == ".ptr") {
        pointer = true;
      } else if (!pointer ||
                 !(token.text == ".global" || token.text == ".shared" ||
                   token.text == ".const" || token.text == ".local")) {
        bits = bitsOfType(token.text.substr(1), token.line);
      }
    }
    param.name = name("the name of a parameter");
    uint64_t count = 1;
    while (accept("[")) {
      count *= static_cast<uint64_t>(integer());
      expect("]");
    }
    constexpr uint64_t most = 32764; // as on a GPU
    if (bits < 8 || count > most || param.align > most)
      throw LoadError(lexer.lastLine(),
                      fmt::format("expected a parameter of 8 to 64 bits, or an "
                                  "array of them of at most {} bytes",
                                  most));
    param.bytes = count * static_cast<uint64_t>(bits) / 8;
    param.align = std::max<uint32_t>(param.align, bits / 8);
    param.offset =
        (into.paramBytes + param.align - 1) / param.align * param.align;
    into.paramBytes = param.offset + param.bytes;
    if (into.paramBytes > most)
      throw LoadError(lexer.lastLine(),
                      fmt::format("the parameters have {} bytes, a kernel may "
                                  "have {}",
                                  into.paramBytes, most));
    into.params.push_back(std::move(param));
  }

  /// `{ ... }`, the body or one inside of it.
  void parseBlock() {
    Deeper deeper(*this);
    expect("{");
    int around = scope;
    scope = static_cast<int>(function->scopes.size());
    function->scopes.push_back(around);
    while (!at("}"))
      parseStatement();
    take();
    scope = around;
  }

  void parseStatement() {
    if (peek().kind == Token::Kind::end)
      fail("`}`");
    if (at("{"))
      return parseBlock();
    if (accept(";"))
      return;
    if (at(".reg"))
      return parseRegisters();
    if (at(".shared") || at(".local"))
      return parseVariable(function->variables, scope);
    if (accept(".loc")) {
      file = static_cast<int>(integer());
      source = static_cast<int>(integer());
      integer(); // the column
      // `, function_name label, inlined_at file line column`
      while (accept(",")) {
        while (!at(",") && peek().kind != Token::Kind::end &&
               peek().line == lexer.lastLine())
          take();
      }
      return;
    }
    if (accept(".pragma"))
      return skipToSemicolon();
    if (peek().kind == Token::Kind::directive)
      fail("an instruction");
    parseInstruction();
  }

  /// `.reg .b32 %r<12>, %tmp;`
  void parseRegisters() {
    take();
    Token type = take();
    if (type.kind != Token::Kind::directive)
      fail("the type of registers");
    if (type.text == ".v2" || type.text == ".v4")
      throw LoadError(type.line, "vector registers are not supported");
    int bits = bitsOfType(type.text.substr(1), type.line);
    do {
      RegisterDecl decl;
      decl.name = name("the name of a register");
      decl.bits = bits;
      decl.scope = scope;
      decl.count = 0;
      if (accept("<")) {
        decl.count = static_cast<int>(integer());
        expect(">");
        if (decl.count < 1 || decl.count > 1 << 20)
          throw LoadError(type.line, "expected 1 to 1048576 registers");
      }
      function->registers.push_back(std::move(decl));
    } while (accept(","));
    expect(";");
  }

  void parseInstruction() {
    Statement statement;
    statement.line = peek().line;
    statement.file = file;
    statement.source = source;
    statement.scope = scope;
    if (accept("@")) {
      statement.guardNegated = accept("!");
      statement.guard = name("a predicate");
    }
    if (peek().kind != Token::Kind::word)
      fail("an instruction");
    Token word = take();
    if (statement.guard.empty() && accept(":")) {
      function->labels.push_back(
          {std::string(word.text), scope, function->statements.size()});
      return;
    }
    statement.opcode = std::string(word.text);
    while (!at(";")) {
      statement.operands.push_back(parseOperand());
      if (accept("|"))
        statement.operands.back().list.push_back(parseOperand());
      if (!accept(","))
        break;
    }
    expect(";");
    function->statements.push_back(std::move(statement));
  }

  Operand parseOperand() {
    Deeper deeper(*this);
    Operand operand;
    if (accept("{")) {
      operand.kind = Operand::Kind::list;
      while (!at("}")) {
        operand.list.push_back(parseOperand());
        if (!accept(","))
          break;
      }
      expect("}");
      return operand;
    }
    if (accept("[")) {
      operand.kind = Operand::Kind::address;
      if (peek().kind == Token::Kind::word)
        operand.name = std::string(take().text);
      else
        operand.integer = integer();
      while (at("+") || at("-")) {
        bool minus = take().text == "-";
        int64_t offset = integer();
        operand.integer += minus ? -offset : offset;
      }
      if (accept(",")) // a tensor's coordinates
        operand.list.push_back(parseOperand());
      expect("]");
      return operand;
    }
    if (accept("!")) {
      operand.negated = true;
      operand.kind = Operand::Kind::reg;
      operand.name = name("a predicate");
      return operand;
    }
    bool minus = accept("-");
    Token token = take();
    if (token.kind == Token::Kind::number) {
      if (auto real = parseReal(token)) {
        operand.kind = Operand::Kind::real;
        operand.bits = std::bit_cast<uint64_t>(minus ? -*real : *real);
        return operand;
      }
      uint64_t value = parseInteger(token);
      operand.integer = static_cast<int64_t>(minus ? 0 - value : value);
      return operand;
    }
    if (token.kind != Token::Kind::word || minus)
      throw LoadError(token.line, fmt::format("expected an operand, found `{}`",
                                              token.text));
    operand.kind =
        token.text.front() == '%' ? Operand::Kind::reg : Operand::Kind::symbol;
    operand.name = std::string(token.text);
    if (accept("+"))
      operand.integer = integer();
    return operand;
  }
};
} // namespace

Module parsePtx(std::string_view text) { return Parser(text).run(); }

} // namespace attn_grid::sim
