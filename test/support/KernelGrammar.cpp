#include "test/support/KernelGrammar.h"

#include "compiler/Frontend/Lexer.h"

#include <random>
#include <vector>

namespace attn_grid::compiler::test {

namespace {
/// One source. Each method makes one construct.
class Maker {
public:
  explicit Maker(std::span<const uint8_t> choices) : choices(choices) {}
  std::string source();

private:
  using Words = std::initializer_list<const char *>;
  std::span<const uint8_t> choices;
  size_t at = 0;
  int depth = 0;
  int fresh = 0;                 // for new names
  std::vector<std::string> vars; // what may be assigned
  std::vector<std::string> vals; // what may be read
  std::vector<std::string> rows; // tiles [BM]
  std::vector<std::string> fns;

  size_t below(size_t n) {
    return at < choices.size() && n ? choices[at++] % n : 0;
  }
  bool maybe(size_t oneIn) { return below(oneIn) == 1; }
  std::string pick(Words words) {
    return *(words.begin() + below(words.size()));
  }
  std::string pick(const std::vector<std::string> &names) {
    return names.empty() ? "0.5" : names[below(names.size())];
  }
  std::string newName(const char *prefix) {
    return prefix + std::to_string(fresh++);
  }

  std::string integer();
  std::string constant();
  std::string number();
  std::string condition();
  std::string scalar();
  std::string tile();
  std::string call();
  std::string grid2();
  std::string indexers();
  std::string statement();
  std::string block(int statements);
  std::string function();
  std::string structure();
  std::string variant();
  std::string kernel();
};

/// Counts how deep a construct is, and ends it when it is deep.
struct Deeper {
  explicit Deeper(int &depth) : depth(++depth) {}
  ~Deeper() { --depth; }
  int &depth;
};
} // namespace

std::string Maker::integer() {
  return pick({"0", "1", "2", "16", "0x10", "0b101", "1_000", "BM", "N", "i0",
               "-1", "2147483647"});
}

std::string Maker::constant() {
  Deeper deeper(depth);
  if (depth > 4)
    return pick({"16", "BM", "W"});
  switch (below(8)) {
  case 0:
    return pick({"8", "BM", "32", "W"});
  case 1:
    return "next_pow2(" + constant() + ")";
  case 2:
    return constant() + pick({" * ", " / ", " % ", " << ", " - "}) + constant();
  case 3:
    return "(" + constant() + ")";
  case 4:
    return "min(" + constant() + ", " + constant() + ")";
  case 5:
    return "bits(T)";
  default:
    return "16";
  }
}

std::string Maker::number() {
  return pick({"0.0", "1.0", "1e-5", "LOG2E", "-inf", "inf", "nan", "0.125",
               "PI", "cast<acc<T>>(2)"});
}

std::string Maker::condition() {
  Deeper deeper(depth);
  if (depth > 6)
    return pick({"flag", "true", "false"});
  switch (below(8)) {
  case 0:
    return condition() + pick({" and ", " or "}) + condition();
  case 1:
    return "not " + condition();
  case 2:
    return "(" + condition() + ")";
  case 3:
    return "T == " + pick({"f32", "f16", "f64"});
  case 4:
    return "present(" + pick({"z", "x"}) + ")";
  case 5:
    return integer() + pick({" < ", " >= ", " == ", " != ", " <= ", " > "}) +
           integer();
  default:
    return "flag";
  }
}

std::string Maker::scalar() {
  Deeper deeper(depth);
  if (depth > 6)
    return number();
  switch (below(9)) {
  case 0:
    return scalar() + pick({" + ", " - ", " * ", " / "}) + scalar();
  case 1:
    return "-" + scalar();
  case 2:
    return "(" + scalar() + ") ** 2";
  case 3:
    return "where(" + condition() + ", " + scalar() + ", " + scalar() + ")";
  case 4:
    return pick({"sum(", "max(", "min("}) + tile() + ")";
  case 5:
    return pick({"exp(", "sqrt(", "abs("}) + scalar() + ")";
  case 6:
    return fns.empty() ? number() : pick(fns) + "(" + scalar() + ")";
  default:
    return pick({"eps", "1.0", "0.5"});
  }
}

std::string Maker::indexers() {
  switch (below(5)) {
  case 0:
    return "[first +: BM]";
  case 1:
    return "[" + integer() + " +: BM]";
  case 2:
    return "[iota(BM) + first]";
  case 3:
    return "[first +: BM step " + integer() + "]";
  default:
    return "[first +: BM]";
  }
}

/// A tile [BM, BM], so that dots and transposes fit.
std::string Maker::grid2() {
  Deeper deeper(depth);
  std::string row = tile();
  if (depth > 5)
    return row + "[:, None] * " + pick(rows) + "[None, :]";
  switch (below(6)) {
  case 0:
    return "dot(" + grid2() + ", " + grid2() + ")";
  case 1:
    return "(" + grid2() + ").T";
  case 2:
    return "broadcast(" + row + "[None, :], [BM, BM])";
  case 3:
    return "permute(" + grid2() + ", [1, 0])";
  case 4:
    return "where(iota(BM)[:, None] <= iota(BM)[None, :], " + grid2() +
           ", -inf)";
  default:
    return row + "[:, None] * " + pick(rows) + "[None, :]";
  }
}

std::string Maker::tile() {
  Deeper deeper(depth);
  if (depth > 6)
    return rows.empty() ? "zeros<acc<T>>[BM]" : pick(rows);
  switch (below(13)) {
  case 0:
    return tile() + pick({" + ", " - ", " * ", " / "}) + tile();
  case 1:
    return "cast<acc<T>>(x" + indexers() + ")";
  case 2:
    return "full<acc<T>>[BM](" + scalar() + ")";
  case 3:
    return "where(" + tile() + pick({" < ", " >= ", " == "}) + tile() + ", " +
           tile() + ", " + scalar() + ")";
  case 4:
    return pick({"sum(", "max(", "min("}) + grid2() +
           ", axis = " + pick({"0", "1"}) + ")";
  case 5:
    return pick({"exp2(", "sqrt(", "abs(", "floor(", "-("}) + tile() + ")";
  case 6:
    return "fma(" + tile() + ", " + tile() + ", " + tile() + ")";
  case 7:
    return "cast<acc<T>>(load(x" + indexers() +
           ", other = 1.0, keep = " + "iota(BM) < " + integer() + "))";
  case 8:
    return "(" + tile() + ") * " + scalar();
  case 9:
    return "cast<acc<T>>(iota(BM))";
  case 10:
    return "reshape(" + tile() + ", [BM])";
  case 11:
    return "Pair<acc<T>, BM> { a: " + tile() + ", b: " + scalar() + " }.a";
  default:
    return pick(rows);
  }
}

std::string Maker::block(int statements) {
  size_t valsBefore = vals.size(), rowsBefore = rows.size(),
         varsBefore = vars.size();
  std::string text = "{\n";
  for (int i = 0; i < statements; ++i)
    text += statement();
  vals.resize(valsBefore);
  rows.resize(rowsBefore);
  vars.resize(varsBefore);
  return text + "}";
}

std::string Maker::statement() {
  Deeper deeper(depth);
  size_t kinds = depth > 4 ? 7 : 13;
  switch (below(kinds)) {
  case 0: {
    std::string value = tile(), name = newName("t");
    rows.push_back(name);
    return "let " + name + " = " + value + ";\n";
  }
  case 1: {
    std::string value = tile(), name = newName("v");
    rows.push_back(name);
    vars.push_back(name);
    return "var " + name + " = " + value + ";\n";
  }
  case 2:
    if (!vars.empty())
      return pick(vars) + pick({" = ", " += ", " *= ", " -= "}) + tile() +
             ";\n";
    return "y" + indexers() + " = cast<T>(" + tile() + ");\n";
  case 3:
    return "store(y" + indexers() + ", cast<T>(" + tile() + "));\n";
  case 4:
    return "const " + newName("C") + " = " + constant() + ";\n";
  case 5:
    return "let " + newName("s") + " = " + scalar() + ";\n";
  case 6:
    return "static_assert(" + condition() + ", \"s\");\n";
  case 7:
    return "if " + condition() + " " + block(1) +
           (maybe(2) ? " else " + block(1) : "") + "\n";
  case 8:
    return "const if " + condition() + " " + block(1) + "\n";
  case 9: {
    std::string name = newName("i");
    return "for " + name + " in 0 .. " + integer() +
           (maybe(2) ? " step " + constant() : "") + " " +
           block(1 + static_cast<int>(below(3))) + "\n";
  }
  case 10:
    return "for " + newName("i") + " in 0 .. N step BM {\n" +
           "continue unless " + condition() + ";\n" + statement() + "}\n";
  case 11:
    return "while " + condition() + " {\n" + statement() + "break;\n}\n";
  default:
    return "const if present(z) { y" + indexers() + " = z" + indexers() +
           "; }\n";
  }
}

std::string Maker::function() {
  std::string name = newName("f");
  std::string body;
  if (maybe(2))
    body = "let a = " + pick({"p * p", "p + 1.0", "exp(p)"}) + ";\nreturn a;";
  else
    body = "return " + pick({"p", "p * 2.0", "-p", "where(p < 0.0, 0.0, p)"}) +
           ";";
  fns.push_back(name);
  return "/// Makes one of another.\nfn " + name + "<T: float>(p: T" +
         (maybe(2) ? ", q: T = 1.0" : "") + ") -> T { " + body + " }\n\n";
}

std::string Maker::structure() {
  return "struct Pair<T: float, const M: int> { a: tile<T>[M], b: T }\n\n";
}

std::string Maker::variant() {
  return "variant " + newName("w") +
         "(slopes: tensor<f32>[H]) {\nfn score(s: f32, b: int, h: int, i: "
         "int, j: int) -> f32 { return s - slopes[h]; }\n}\n\n";
}

std::string Maker::kernel() {
  vals = {"eps"};
  rows = {"row"};
  std::string text = "kernel k<T: float, const BM: int = 16, const W: int = " +
                     pick({"8", "BM", "4"}) +
                     ", const flag: bool = " + pick({"true", "false"}) + ">(";
  text += "x: tensor<T>[N], out y: tensor<T>[N], z: tensor<T>[N]?, eps: "
          "acc<T> = 1.0, i0: int = 0)";
  if (maybe(2))
    text += " where N >= 0 and BM > " + pick({"1", "8"});
  text += " grid (ceildiv(N, BM)" + std::string(maybe(3) ? ", 1" : "") + ")";
  if (maybe(2))
    text += " tune (BM in [16, 32], warps in [4, 8])";
  text += " {\n";
  text += "let first = 0;\n";
  text += "let row = cast<acc<T>>(x[first +: BM]);\n";
  size_t count = 1 + below(8);
  for (size_t i = 0; i < count; ++i)
    text += statement();
  text += "y[first +: BM] = cast<T>(" + tile() + ");\n}\n";
  return text;
}

std::string Maker::source() {
  std::string text = maybe(3) ? "import \"softmax.ag\";\n" : "";
  if (maybe(3))
    text += "const GLOBAL = " + pick({"4", "1.0", "true"}) + ";\n";
  text += structure();
  for (size_t i = below(3); i > 0; --i)
    text += function();
  if (maybe(4))
    text += variant();
  return text + kernel();
}

std::string makeKernel(std::span<const uint8_t> choices) {
  return Maker(choices).source();
}

std::string scatterLayout(const std::string &text, uint32_t seed) {
  std::mt19937 random(seed);
  SourceManager sources;
  Diagnostics diags(sources);
  FileId file = sources.add("k.ag", text);
  TokenList list = lex(sources, file, diags);
  // How wild this one is; most choices are a plain blank.
  uint32_t wildness = 4 + random() % 60;
  std::string out;
  uint32_t end = 0;
  for (const Token &token : list.tokens) {
    std::string gap = text.substr(end, token.begin - end);
    switch (random() % wildness) {
    case 0:
      gap += "\n";
      break;
    case 1:
      gap += "\n\n\n   ";
      break;
    case 2:
      gap += "  ";
      break;
    case 3:
      gap += random() % 2 ? " // behind\n" : "\n// above\n\n";
      break;
    case 4:
      gap += random() % 2 ? " /* within */ " : "\n/* on\n   lines */\n";
      break;
    case 5:
      gap += " /* last */\n";
      break;
    case 6:
      if (gap.find("//") == std::string::npos && !gap.empty())
        gap = " ";
      break;
    default:
      break;
    }
    out += gap + text.substr(token.begin, token.end - token.begin);
    end = token.end;
  }
  return out;
}

} // namespace attn_grid::compiler::test
