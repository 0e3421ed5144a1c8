// What a source imports, and when its hash changes.

#include "runtime/Sources.h"
#include "test/runtime/CacheFolder.h"
#include <gmock/gmock.h>

using namespace attn_grid;
using namespace attn_grid::test;
using attn_grid::detail::collect_sources;
using attn_grid::detail::imports_of;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

TEST(Sources, ImportsAreWordsOutsideOfCommentsAndStrings) {
  EXPECT_THAT(imports_of("import \"a.ag\";\nimport\n // why\n /* so */ \"b\";"),
              ElementsAre("a.ag", "b"));
  EXPECT_THAT(imports_of("// import \"a\";\n/* import \"b\"; */"), IsEmpty());
  EXPECT_THAT(imports_of("print(\"import \"); \"x\" reimport \"y\""),
              IsEmpty());
  EXPECT_THAT(imports_of("import x \"a\"; import = \"b\""), IsEmpty());
  EXPECT_THAT(imports_of("import \"a\\\"b\\\\\";"), ElementsAre("a\"b\\"));
  EXPECT_THAT(imports_of("import \"open"), ElementsAre("open"));
  EXPECT_THAT(imports_of("import"), IsEmpty());
  EXPECT_THAT(imports_of("/* import \"a\""), IsEmpty());
}

TEST(Sources, HashCoversWhatIsImported) {
  TemporaryFolder folder;
  std::filesystem::create_directory(folder / "include");
  auto hash = [&](const std::string &text) {
    return collect_sources(text, folder / "k.ag", {folder / "include"}).hash;
  };
  std::string text = "import \"a.ag\";";
  std::string none = hash(text);
  EXPECT_EQ(hash(text), none);
  EXPECT_NE(hash(text + " "), none);
  write_all(folder / "include/a.ag", "fn a() {}");
  std::string included = hash(text);
  EXPECT_NE(included, none);
  write_all(folder / "include/a.ag", "fn b() {}");
  EXPECT_NE(hash(text), included);
  // A file beside the importer comes first.
  write_all(folder / "a.ag", "import \"b.ag\";");
  std::string beside = hash(text);
  EXPECT_NE(beside, included);
  write_all(folder / "b.ag", "const B = 1;");
  EXPECT_NE(hash(text), beside);
}

TEST(Sources, EachFileIsReadOnce) {
  TemporaryFolder folder;
  write_all(folder / "a.ag", "import \"b.ag\"; import \"a.ag\";");
  write_all(folder / "b.ag", "import \"a.ag\"; import \"../nowhere.ag\";");
  detail::Sources sources =
      collect_sources("import \"a.ag\"; import \"b.ag\"; import \"k.ag\";",
                      folder / "k.ag", {});
  ASSERT_THAT(sources.imports, SizeIs(2));
  EXPECT_EQ(sources.imports[0].path, folder / "a.ag");
  EXPECT_EQ(sources.imports[1].path, folder / "b.ag");
}

// The same texts elsewhere are the same source.
TEST(Sources, HashDoesNotNameThePlace) {
  TemporaryFolder one, two;
  for (const TemporaryFolder *folder : {&one, &two})
    write_all(*folder / "a.ag", "fn a() {}");
  EXPECT_EQ(collect_sources("import \"a.ag\";", one / "k.ag", {}).hash,
            collect_sources("import \"a.ag\";", two / "other.ag", {}).hash);
}

} // namespace
