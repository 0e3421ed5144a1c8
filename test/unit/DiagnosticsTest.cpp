// What messages look like.

#include "compiler/Frontend/Diagnostics.h"
#include "compiler/Frontend/Snippet.h"
#include "compiler/Frontend/Suggest.h"

#include <gtest/gtest.h>

namespace attn_grid::compiler {
namespace {

struct Texts {
  SourceManager sources;
  Diagnostics diags{sources};
  FileId file;
  explicit Texts(std::string text) : file(sources.add("k.ag", text)) {}
  SourceRange range(uint32_t begin, uint32_t end) const {
    return {file, begin, end};
  }
  SourceRange of(std::string_view word) const {
    auto at = static_cast<uint32_t>(sources.text(file).find(word));
    return range(at, at + static_cast<uint32_t>(word.size()));
  }
};

// The example of the language's page.
TEST(Diagnostics, TwoRangesAndANote) {
  std::string text(29, '\n');
  text += "    let s = dot(query, k[b, g, n +: BN, 0 +: W]) * (scale * LOG2E);";
  Texts t(text);
  t.diags
      .error(t.of("dot"),
             "dot needs matching inner extents: [64, 64] x [32, 64]")
      .label(t.of("k[b, g, n +: BN, 0 +: W]"), "tile<f16>[32, 64]")
      .note("did you mean the transpose, `k[...].T`?");
  EXPECT_EQ(
      t.diags.render(),
      "k.ag:30:13: error: dot needs matching inner extents: [64, 64] x [32, "
      "64]\n"
      "   30 |     let s = dot(query, k[b, g, n +: BN, 0 +: W]) * (scale * "
      "LOG2E);\n"
      "      |             ^~~        ~~~~~~~~~~~~~~~~~~~~~~~~ tile<f16>[32, "
      "64]\n"
      "   note: did you mean the transpose, `k[...].T`?\n");
}

TEST(Diagnostics, TwoLabels) {
  Texts t("aaa + bbb;");
  t.diags.error(t.of("+"), "no")
      .label(t.of("aaa"), "left")
      .label(t.of("bbb"), "right");
  EXPECT_EQ(t.diags.render(), "k.ag:1:5: error: no\n"
                              "    1 | aaa + bbb;\n"
                              "      | ~~~ ^ ~~~ right\n"
                              "      | left\n");
}

// A label on another line is a note with its place, after the others.
TEST(Diagnostics, LabelElsewhere) {
  Texts t("one\ntwo\n");
  t.diags.error(t.of("two"), "no").label(t.of("one"), "because").note("why");
  EXPECT_EQ(t.diags.render(), "k.ag:2:1: error: no\n"
                              "    2 | two\n"
                              "      | ^~~\n"
                              "   note: why\n"
                              "k.ag:1:1: note: because\n"
                              "    1 | one\n"
                              "      | ^~~\n");
}

TEST(Diagnostics, SortedAndOnce) {
  Texts t("a b c");
  t.diags.error(t.of("c"), "third");
  t.diags.error(t.of("a"), "first");
  t.diags.error(t.of("a"), "again").note("dropped with it");
  t.diags.error(t.of("b"), "second");
  std::vector<std::string> found;
  for (const Diagnostic *d : t.diags.sorted())
    found.push_back(d->message);
  EXPECT_EQ(found, (std::vector<std::string>{"first", "second", "third"}));
}

TEST(Diagnostics, ShowsTwenty) {
  Texts t(std::string(500, 'x'));
  for (uint32_t i = 0; i < 25; ++i)
    t.diags.error(t.range(i, i + 1), "no");
  std::string text = t.diags.render();
  EXPECT_TRUE(text.ends_with("error: 5 further mistakes are not shown\n"));
  for (uint32_t i = 0; i < 500; ++i)
    t.diags.error(t.range(i, i + 1), "no");
  EXPECT_TRUE(t.diags.full());
  EXPECT_TRUE(t.diags.render().ends_with(
      "error: 180 or more further mistakes are not shown\n"));
}

TEST(Diagnostics, WithoutPlace) {
  Texts t("");
  t.diags.error({}, "the file is too large");
  EXPECT_EQ(t.diags.render(), "error: the file is too large\n");
}

// An empty range is a caret, also behind the last character.
TEST(Diagnostics, AtTheEnd) {
  Texts t("let x = 1");
  t.diags.error(t.range(9, 9), "expected `;`");
  EXPECT_EQ(t.diags.render(), "k.ag:1:10: error: expected `;`\n"
                              "    1 | let x = 1\n"
                              "      |          ^\n");
  Texts empty("");
  empty.diags.error(empty.range(0, 0), "nothing");
  EXPECT_EQ(empty.diags.render(), "k.ag:1:1: error: nothing\n"
                                  "    1 |\n"
                                  "      | ^\n");
}

// Of a range of several lines the first is underlined.
TEST(Diagnostics, SeveralLines) {
  Texts t("f(a,\n  b)");
  t.diags.error(t.range(0, 9), "no");
  EXPECT_EQ(t.diags.render(), "k.ag:1:1: error: no\n"
                              "    1 | f(a,\n"
                              "      | ^~~~\n");
}

// Columns count characters; carets stand under them.
TEST(Diagnostics, WideCharactersAndTabs) {
  Texts t("\tx = \xc3\xa9\xc3\xa9 + \x1b;");
  t.diags.error(t.of("+"), "no");
  EXPECT_EQ(t.diags.render(), "k.ag:1:9: error: no\n"
                              "    1 |     x = \xc3\xa9\xc3\xa9 + \\x1b;\n"
                              "      |            ^\n");
  Texts bad("\xff\xffx");
  bad.diags.error(bad.of("x"), "no");
  EXPECT_EQ(bad.diags.render(), "k.ag:1:3: error: no\n"
                                "    1 | \\xff\\xffx\n"
                                "      |         ^\n");
}

TEST(Diagnostics, LineBreaksOfWindows) {
  Texts t("one\r\ntwo\r\n");
  t.diags.error(t.of("two"), "no");
  EXPECT_EQ(t.diags.render(), "k.ag:2:1: error: no\n"
                              "    2 | two\n"
                              "      | ^~~\n");
}

TEST(Diagnostics, LongLine) {
  std::string text(1000, 'a');
  text[700] = '+';
  Texts t(text);
  t.diags.error(t.of("+"), "no");
  EXPECT_EQ(t.diags.render(), "k.ag:1:701: error: no\n"
                              "    1 | ..." +
                                  std::string(40, 'a') + "+" +
                                  std::string(79, 'a') +
                                  "...\n"
                                  "      | " +
                                  std::string(43, ' ') + "^\n");
}

TEST(Diagnostics, NamesAreEscaped) {
  Texts t("x");
  t.diags.error(t.of("x"), "about `a\nk.ag:1:1: error: b`");
  EXPECT_EQ(t.diags.render().substr(0, 54),
            "k.ag:1:1: error: about `a\\nk.ag:1:1: error: b`\n    1 |");
}

TEST(Source, LinesAndColumns) {
  Texts t("ab\n\xc3\xa9z\n");
  EXPECT_EQ(t.sources.lineColumn(t.file, 5).line, 2u);
  EXPECT_EQ(t.sources.lineColumn(t.file, 5).column, 2u);
  EXPECT_EQ(t.sources.lineColumn(t.file, 99).line, 3u);
  EXPECT_EQ(t.sources.rangeAt(t.file, {2, 2}).begin, 5u);
  EXPECT_EQ(t.sources.rangeAt(t.file, {9, 9}).begin, 7u);
  EXPECT_EQ(t.sources.text(SourceRange{}), "");
}

TEST(Source, PreludeIsThere) {
  SourceManager sources;
  FileId root = sources.add("k.ag", "");
  LoadResult first = sources.import(root, "softmax.ag");
  ASSERT_TRUE(first.file) << first.error;
  EXPECT_EQ(sources.name(*first.file), "prelude/softmax.ag");
  EXPECT_EQ(sources.import(root, "softmax.ag").file, first.file);
  EXPECT_FALSE(sources.import(root, "../prelude/softmax.ag").file);
}

// A pipe would never end, a folder has no text.
TEST(Source, OnlyFilesAreRead) {
  SourceManager sources;
  EXPECT_EQ(sources.load("/dev/zero").error, "\"/dev/zero\" is not a file");
  EXPECT_EQ(sources.load("/").error, "\"/\" is not a file");
  EXPECT_EQ(sources.load("/no/file.ag").error, "cannot find \"/no/file.ag\"");
  FileId root = sources.add("k.ag", "");
  EXPECT_FALSE(sources.import(root, "").file);
  EXPECT_FALSE(sources.import(root, std::string_view("a\0b", 3)).file);
  EXPECT_FALSE(sources.import(root, std::string(5000, 'a')).file);
}

TEST(Suggest, Closest) {
  std::vector<std::string> names = {"BLOCK", "causal", "D", "let"};
  EXPECT_EQ(closest("BLOK", names), "BLOCK");
  EXPECT_EQ(closest("casual", names), "causal");
  EXPECT_EQ(closest("lte", names), "let");
  EXPECT_EQ(closest("d", names), "D");
  EXPECT_EQ(closest("E", names), std::nullopt);
  EXPECT_EQ(closest("window", names), std::nullopt);
  EXPECT_EQ(closest(std::string(1 << 20, 'x'), names), std::nullopt);
}

} // namespace
} // namespace attn_grid::compiler
