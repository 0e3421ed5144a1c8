// Whatever bytes are given as a kernel, the parser ends soon, in a tree or in
// messages; and what it accepts makes a signature or a message.

#include "compiler/Frontend/Signature.h"
#include "test/unit/AllKernels.h"
#include "test/unit/Syntax.h"

#include <gtest/gtest.h>
#include <random>

namespace attn_grid::compiler::test {
namespace {

/// Everything that is done with a text, without imports, which would read
/// files. The messages are made too: they look at any place.
size_t digest(const std::string &text) {
  SourceManager sources;
  Diagnostics diags(sources);
  FileId file = sources.add("k.ag", text);
  ast::Tree tree;
  tree.files.push_back(parseFile(sources, file, diags));
  makeSignatures(sources, tree, diags);
  return diags.render().size();
}

TEST(Robustness, KernelsAreRight) {
  std::filesystem::path kernels(std::string(AG_SOURCE_DIR) + "/kernels_dsl");
  for (const auto &entry :
       std::filesystem::recursive_directory_iterator(kernels)) {
    if (entry.path().extension() != ".ag")
      continue;
    SourceManager sources;
    Diagnostics diags(sources);
    LoadResult root = sources.load(entry.path().string());
    ASSERT_TRUE(root.file) << root.error;
    parse(sources, *root.file, diags);
    EXPECT_EQ(diags.render(), "");
  }
}

TEST(Robustness, EveryPrefix) {
  size_t total = 0;
  for (const std::string &text : allKernels())
    for (size_t length = 0; length <= text.size(); ++length)
      total += digest(text.substr(0, length));
  EXPECT_GT(total, 0u);
}

/// Pieces of the language, and of what is none.
const std::vector<std::string> &pieces() {
  static const std::vector<std::string> list = {"kernel",
                                                "fn",
                                                "struct",
                                                "variant",
                                                "import",
                                                "const",
                                                "let",
                                                "var",
                                                "if",
                                                "else",
                                                "for",
                                                "while",
                                                "in",
                                                "return",
                                                "not",
                                                "and",
                                                "or",
                                                "None",
                                                "true",
                                                "where",
                                                "grid",
                                                "tune",
                                                "tile",
                                                "tensor",
                                                "acc",
                                                "step",
                                                "unless",
                                                "out",
                                                "(",
                                                ")",
                                                "[",
                                                "]",
                                                "{",
                                                "}",
                                                "<",
                                                ">",
                                                ">>",
                                                ">=",
                                                ">>=",
                                                "=",
                                                "==",
                                                "+:",
                                                "..",
                                                ".",
                                                ",",
                                                ";",
                                                ":",
                                                "?",
                                                "->",
                                                "-",
                                                "**",
                                                "~",
                                                "x",
                                                "T",
                                                "1",
                                                "1.0",
                                                "0x",
                                                "\"",
                                                "\"s\"",
                                                "/*",
                                                "//",
                                                "///",
                                                "\n",
                                                "\xff",
                                                "\xe2\x80\xae",
                                                "&&",
                                                "!",
                                                "9999999999999999999",
                                                "1e999",
                                                "S { a:",
                                                "f<",
                                                "D",
                                                "present(",
                                                "ceildiv("};
  return list;
}

/// One random change of a text.
void mutate(std::string &text, std::mt19937 &random,
            const std::vector<std::string> &others) {
  auto below = [&](size_t n) { return n ? random() % n : 0; };
  size_t at = below(text.size() + 1);
  size_t length = below(std::min<size_t>(text.size() - at, 40) + 1);
  switch (below(7)) {
  case 0:
    text.insert(at, 1, static_cast<char>(random()));
    break;
  case 1:
    text.erase(at, length);
    break;
  case 2:
    text.insert(at, pieces()[below(pieces().size())]);
    break;
  case 3:
    text.replace(at, length, pieces()[below(pieces().size())]);
    break;
  case 4:
    text.insert(below(text.size() + 1), text.substr(at, length));
    break;
  case 5: {
    const std::string &other = others[below(others.size())];
    text.insert(at, other, below(other.size() + 1), 200);
    break;
  }
  default:
    if (at < text.size())
      text[at] ^= static_cast<char>(1 << below(8));
    break;
  }
}

TEST(Robustness, Mutations) {
  std::vector<std::string> kernels = allKernels();
  std::mt19937 random(1); // always the same texts
  size_t total = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = kernels[random() % kernels.size()];
    for (size_t changes = 1 + random() % 8; changes > 0; --changes)
      mutate(text, random, kernels);
    total += digest(text);
  }
  EXPECT_GT(total, 0u);
}

TEST(Robustness, RandomTokens) {
  std::mt19937 random(2);
  for (int round = 0; round < 5000; ++round) {
    std::string text = round % 2 ? "kernel k" : "fn f() { ";
    for (int i = 0; i < 100; ++i)
      text += pieces()[random() % pieces().size()] + " ";
    digest(text);
  }
}

TEST(Robustness, RandomBytes) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 300, '\0');
    for (char &c : text)
      c = static_cast<char>(random());
    digest(text);
  }
}

// Time grows with the size of the text, not with its square: this would take
// minutes.
TEST(Robustness, LargeTexts) {
  for (const char *piece :
       {"a<", "a<b,", "let x = 1;", "fn f() { ", "} ", "///\n", "x ", "\n",
        "if a ", "k[", "\"", "/*", "kernel k(", "import \"x\"; ", "@"}) {
    std::string text;
    while (text.size() < SourceManager::maxFileSize / 4)
      text += piece;
    digest(text);
    digest("fn f() { x = " + text);
  }
}

} // namespace
} // namespace attn_grid::compiler::test
