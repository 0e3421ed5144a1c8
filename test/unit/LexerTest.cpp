// Tokens, their places, and what is no token.

#include "compiler/Frontend/Lexer.h"

#include <gtest/gtest.h>

namespace attn_grid::compiler {
namespace {

using Kind = Token::Kind;

struct Lexed {
  SourceManager sources;
  Diagnostics diags{sources};
  TokenList list;
  explicit Lexed(std::string text) {
    FileId file = sources.add("k.ag", std::move(text));
    list = lex(sources, file, diags);
  }
  std::vector<Kind> kinds() const {
    std::vector<Kind> kinds;
    for (const Token &token : list.tokens)
      kinds.push_back(token.kind);
    return kinds;
  }
  std::string text(size_t i) const {
    const Token &token = list.tokens[i];
    return std::string(sources.text(SourceRange{0, token.begin, token.end}));
  }
  std::string firstLine() const {
    std::string all = diags.render();
    return all.substr(0, all.find('\n'));
  }
};

TEST(Lexer, EndsWithEnd) {
  EXPECT_EQ(Lexed("").kinds(), std::vector{Kind::End});
  EXPECT_EQ(Lexed(" \t\r\n// x").kinds(), std::vector{Kind::End});
  EXPECT_EQ(Lexed("\xef\xbb\xbf").kinds(), std::vector{Kind::End});
}

// A range needs no blanks: the point of a number is followed by a digit.
TEST(Lexer, RangeOfNumbers) {
  EXPECT_EQ(Lexed("0..N").kinds(),
            (std::vector{Kind::Integer, Kind::DotDot, Kind::Name, Kind::End}));
  EXPECT_EQ(Lexed("0+:4").kinds(), (std::vector{Kind::Integer, Kind::PlusColon,
                                                Kind::Integer, Kind::End}));
  EXPECT_EQ(Lexed("x.T").kinds(),
            (std::vector{Kind::Name, Kind::Dot, Kind::Name, Kind::End}));
}

TEST(Lexer, LongestOperator) {
  EXPECT_EQ(
      Lexed("a<<=b**c*d").kinds(),
      (std::vector{Kind::Name, Kind::LessLessAssign, Kind::Name, Kind::StarStar,
                   Kind::Name, Kind::Star, Kind::Name, Kind::End}));
  EXPECT_EQ(Lexed("!=").kinds(), (std::vector{Kind::BangEqual, Kind::End}));
}

TEST(Lexer, Words) {
  EXPECT_EQ(Lexed("kernel kernels None none in inner").kinds(),
            (std::vector{Kind::KwKernel, Kind::Name, Kind::KwNone, Kind::Name,
                         Kind::KwIn, Kind::Name, Kind::End}));
  // Words of one place only are names.
  EXPECT_EQ(
      Lexed("out step where grid tune tile tensor acc unless").kinds(),
      (std::vector{Kind::Name, Kind::Name, Kind::Name, Kind::Name, Kind::Name,
                   Kind::Name, Kind::Name, Kind::Name, Kind::Name, Kind::End}));
}

TEST(Lexer, Numbers) {
  for (const char *good : {"0", "64", "1_000", "0xff", "0XAB_cd", "0b1010"})
    EXPECT_EQ(Lexed(good).kinds(), (std::vector{Kind::Integer, Kind::End}))
        << good;
  for (const char *good : {"1.0", "1e5", "1e-5", "1.5E+10", "0.5", "1_0.0_1"})
    EXPECT_EQ(Lexed(good).kinds(), (std::vector{Kind::Float, Kind::End}))
        << good;
  for (const char *bad : {"1.", ".5", "1f", "1.0f", "0x", "0xg", "0b2", "1__0",
                          "1_", "1e", "1.2.3", "007", "0x1.5", "1e5.0"}) {
    Lexed lexed(bad);
    EXPECT_EQ(lexed.firstLine(), "k.ag:1:1: error: this is not a number")
        << bad;
    EXPECT_EQ(lexed.diags.size(), 1u) << bad;
  }
}

TEST(Lexer, Strings) {
  EXPECT_EQ(Lexed(R"("a\n\t\\\"b")").kinds(),
            (std::vector{Kind::String, Kind::End}));
  EXPECT_EQ(Lexed("\"a\nb").firstLine(),
            "k.ag:1:1: error: this string is not closed");
  EXPECT_EQ(Lexed("\"a\\").firstLine(),
            "k.ag:1:1: error: this string is not closed");
  EXPECT_EQ(Lexed(R"("a\q")").firstLine(),
            "k.ag:1:3: error: this is not an escape of a string");
}

TEST(Lexer, Comments) {
  EXPECT_EQ(Lexed("a /* b\n c */ d // e\n f").kinds(),
            (std::vector{Kind::Name, Kind::Name, Kind::Name, Kind::End}));
  EXPECT_EQ(Lexed("a /* b").firstLine(),
            "k.ag:1:3: error: this comment is not closed");
  EXPECT_EQ(Lexed("/*/").firstLine(),
            "k.ag:1:1: error: this comment is not closed");
}

TEST(Lexer, DocComments) {
  Lexed lexed("/// one\n///two\r\n//// not\n// not\nfn\nx");
  ASSERT_EQ(lexed.list.docs.size(), 1u);
  EXPECT_EQ(lexed.list.docs[0], "one\ntwo");
  EXPECT_EQ(lexed.list.tokens[0].doc, 0);
  EXPECT_EQ(lexed.list.tokens[1].doc, -1);
}

TEST(Lexer, LineStarts) {
  Lexed lexed("a b\nc /*\n*/ d");
  EXPECT_TRUE(lexed.list.tokens[0].lineStart);
  EXPECT_FALSE(lexed.list.tokens[1].lineStart);
  EXPECT_TRUE(lexed.list.tokens[2].lineStart);
  EXPECT_TRUE(lexed.list.tokens[3].lineStart);
}

TEST(Lexer, OperatorsOfOtherLanguages) {
  Lexed lexed("a && b || !c");
  EXPECT_EQ(lexed.kinds(),
            (std::vector{Kind::Name, Kind::KwAnd, Kind::Name, Kind::KwOr,
                         Kind::KwNot, Kind::Name, Kind::End}));
  EXPECT_EQ(lexed.diags.size(), 3u);
  EXPECT_EQ(lexed.firstLine(),
            "k.ag:1:3: error: `&&` is not an operator: write `and`");
}

TEST(Lexer, StrangeCharacters) {
  EXPECT_EQ(Lexed("a @@ b").firstLine(),
            "k.ag:1:3: error: `@` has no meaning here");
  EXPECT_EQ(Lexed("\xff\xfe").firstLine(),
            "k.ag:1:1: error: this is not UTF-8 text");
  EXPECT_EQ(Lexed("\xff\xfe").diags.size(), 1u);
  EXPECT_EQ(Lexed(std::string(1, '\0')).firstLine(),
            "k.ag:1:1: error: `\\x00` has no meaning here");
  // A character that would turn the line round is shown by its number.
  EXPECT_EQ(Lexed("\xe2\x80\xae").firstLine(),
            "k.ag:1:1: error: `\\u{202e}` has no meaning here");
}

// After very many mistakes reading stops.
TEST(Lexer, Binary) {
  std::string bytes;
  for (int i = 0; i < 1 << 20; ++i)
    bytes += static_cast<char>(i * 2654435761u >> 13);
  Lexed lexed(bytes);
  EXPECT_LE(lexed.diags.size(), Diagnostics::maxKept);
  EXPECT_EQ(lexed.list.tokens.back().kind, Kind::End);
}

} // namespace
} // namespace attn_grid::compiler
