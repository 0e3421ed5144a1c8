// The disk cache gives back what it was given, or nothing.

#include "runtime/cache/DiskStore.h"
#include "test/runtime/CacheFolder.h"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

using namespace attn_grid;
using namespace attn_grid::test;
using attn_grid::detail::DiskStore;
using attn_grid::detail::Entry;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

/// Where an entry of the store in `folder` lies.
std::string path_of(const TemporaryFolder &folder, int number) {
  return folder / "cache/" + detail::entry_name(entry_of(number).key);
}

TEST(DiskStore, KeepsEntries) {
  TemporaryFolder folder;
  {
    TestStore store(folder / "cache");
    EXPECT_FALSE(store.has(1));
    store.store.publish(entry_of(1));
    store.store.publish(entry_of(2));
    EXPECT_TRUE(store.has(1));
    EXPECT_THAT(store.warnings, IsEmpty());
  }
  TestStore again(folder / "cache");
  EXPECT_TRUE(again.has(1));
  EXPECT_TRUE(again.has(2));
  EXPECT_FALSE(again.has(3));
  EXPECT_EQ(again.store.list().size(), 2u); // nothing temporary is left
  struct stat status;
  ASSERT_EQ(::stat((folder / "cache").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
}

TEST(DiskStore, EmptyPartsAndAnyBytes) {
  TemporaryFolder folder;
  TestStore store(folder / "cache");
  Entry entry{std::string("\0\xff key", 6), "", std::string("\0\n", 2)};
  store.store.publish(entry);
  std::optional<Entry> found = store.store.find(entry.key);
  ASSERT_TRUE(found);
  EXPECT_TRUE(*found == entry);
}

// Every flipped bit and every cut of the file is found, and mended by the next
// `publish`.
TEST(DiskStore, DamagedEntriesAreMissesAndReplaced) {
  TemporaryFolder folder;
  TestStore store(folder / "cache");
  store.store.publish(entry_of(1));
  std::string path = path_of(folder, 1), good = read_all(path);
  ASSERT_GT(good.size(), 1000u);
  for (size_t size = 0; size < good.size(); ++size) {
    write_all(path, good.substr(0, size));
    ASSERT_FALSE(store.has(1)) << size << " bytes";
  }
  write_all(path, good + '\0');
  EXPECT_FALSE(store.has(1));
  std::string reason;
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
    ASSERT_FALSE(detail::decode(bad, reason)) << "bit " << bit;
  }
  store.store.publish(entry_of(1));
  EXPECT_TRUE(store.has(1));
  EXPECT_THAT(store.warnings, ElementsAre(HasSubstr("is damaged")));
}

TEST(DiskStore, SwappedEntriesAreMisses) {
  TemporaryFolder folder;
  TestStore store(folder / "cache");
  store.store.publish(entry_of(1));
  store.store.publish(entry_of(2));
  std::filesystem::rename(path_of(folder, 1), folder / "one");
  std::filesystem::rename(path_of(folder, 2), path_of(folder, 1));
  std::filesystem::rename(folder / "one", path_of(folder, 2));
  EXPECT_FALSE(store.has(1));
  EXPECT_FALSE(store.has(2));
}

TEST(DiskStore, AnyBytesAreReadSafely) {
  std::string reason, good = detail::encode(entry_of(1));
  uint64_t state = 1;
  auto random = [&] {
    state = state * 6364136223846793005 + 1442695040888963407;
    return static_cast<size_t>(state >> 33);
  };
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = good.substr(0, random() % (good.size() + 1));
    for (size_t i = random() % 8; i > 0 && !bytes.empty(); --i)
      bytes[random() % std::min<size_t>(bytes.size(), 64)] =
          static_cast<char>(random());
    if (detail::decode(bytes, reason))
      ASSERT_EQ(bytes, good);
  }
}

TEST(DiskStore, EvictsWhatWasNotUsed) {
  TemporaryFolder folder;
  uint64_t size = detail::encode(entry_of(1)).size();
  TestStore store(folder / "cache", detail::real_file_system(), 3 * size);
  for (int i = 1; i <= 3; ++i) {
    store.store.publish(entry_of(i));
    timespec times[2] = {{1000 * i, 0}, {1000 * i, 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, path_of(folder, i).c_str(), times, 0), 0);
  }
  EXPECT_TRUE(store.has(1)); // now it was used last
  store.store.publish(entry_of(4));
  EXPECT_TRUE(store.has(1));
  EXPECT_FALSE(store.has(2));
  EXPECT_TRUE(store.has(3));
  EXPECT_TRUE(store.has(4));
  // One beyond the whole limit is not written.
  Entry large{"large", "", std::string(3 * size, 'x')};
  store.store.publish(large);
  EXPECT_FALSE(store.store.find("large"));
  EXPECT_TRUE(store.has(4));
  EXPECT_THAT(store.warnings, IsEmpty());
}

TEST(DiskStore, EvictRemovesWhatCrashesLeft) {
  TemporaryFolder folder;
  TestStore store(folder / "cache");
  store.store.publish(entry_of(1));
  write_all(folder / "cache/.tmp-old", "half");
  write_all(folder / "cache/.tmp-new", "half");
  write_all(folder / "cache/of-the-user", "theirs");
  timespec times[2] = {{1000, 0}, {1000, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, (folder / "cache/.tmp-old").c_str(), times, 0),
            0);
  EXPECT_EQ(store.store.evict(DiskStore::default_limit), 1u);
  EXPECT_FALSE(std::filesystem::exists(folder / "cache/.tmp-old"));
  EXPECT_TRUE(std::filesystem::exists(folder / "cache/.tmp-new"));
  EXPECT_EQ(store.store.evict(0), 1u);
  EXPECT_FALSE(store.has(1));
  EXPECT_TRUE(std::filesystem::exists(folder / "cache/of-the-user"));
}

TEST(DiskStore, FolderThatIsRemovedIsMadeAnew) {
  TemporaryFolder folder;
  TestStore store(folder / "cache");
  store.store.publish(entry_of(1));
  std::filesystem::remove_all(folder / "cache");
  EXPECT_FALSE(store.has(1));
  store.store.publish(entry_of(1));
  EXPECT_TRUE(store.has(1));
  EXPECT_THAT(store.warnings, IsEmpty());
}

// What others could change is refused, whatever it is.

/// Nothing is found or written, and one line says why.
void expect_refused(const std::string &path, const std::string &why) {
  TestStore store(path);
  store.store.publish(entry_of(1));
  EXPECT_FALSE(store.has(1));
  EXPECT_THAT(store.warnings, ElementsAre(HasSubstr(why)));
}

TEST(DiskStore, RefusesFoldersOfOthers) {
  TemporaryFolder folder;
  for (mode_t mode : {0770, 0707, 0777, 01777}) {
    std::filesystem::create_directory(folder / "open");
    ASSERT_EQ(::chmod((folder / "open").c_str(), mode), 0);
    expect_refused(folder / "open", "others may write it");
    if (mode != 01777)
      expect_refused(folder / "open/below", "others may write it");
    std::filesystem::remove_all(folder / "open");
  }
  if (::geteuid() != 0)
    GTEST_SKIP() << "only root can give a folder away";
  std::filesystem::create_directory(folder / "foreign");
  ASSERT_EQ(::chown((folder / "foreign").c_str(), 12345, 12345), 0);
  expect_refused(folder / "foreign", "belongs to another user");
  expect_refused(folder / "foreign/below", "belongs to another user");
}

TEST(DiskStore, RefusesSymbolicLinksAtAnyLevel) {
  TemporaryFolder folder;
  std::filesystem::create_directories(folder / "real/cache");
  std::filesystem::create_symlink(folder / "real", folder / "link");
  std::filesystem::create_symlink(folder / "real/cache", folder / "real/link");
  expect_refused(folder / "link", "symbolic link");
  expect_refused(folder / "link/cache", "symbolic link");
  expect_refused(folder / "real/link", "symbolic link");
  write_all(folder / "file", "");
  expect_refused(folder / "file", "no folder");
  expect_refused("relative", "no absolute path");
}

TEST(DiskStore, RefusesFilesThatAreNotTheUsersAlone) {
  TemporaryFolder folder;
  auto check = [&](auto make, const char *why) {
    TestStore store(folder / "cache");
    store.store.publish(entry_of(1));
    std::string path = path_of(folder, 1);
    make(path);
    EXPECT_FALSE(store.has(1));
    EXPECT_THAT(store.warnings, ElementsAre(HasSubstr(why)));
    // It is replaced, not written through.
    store.store.publish(entry_of(1));
    EXPECT_TRUE(store.has(1)) << why;
    std::filesystem::remove_all(folder / "cache");
  };
  check(
      [&](const std::string &path) {
        std::filesystem::rename(path, folder / "elsewhere");
        std::filesystem::create_symlink(folder / "elsewhere", path);
      },
      "symbolic links");
  check(
      [&](const std::string &path) {
        std::filesystem::create_hard_link(path, folder / "second");
      },
      "not a file of the user's alone");
  check(
      [&](const std::string &path) {
        std::filesystem::remove(path);
        ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
      },
      "not a file of the user's alone");
  check([&](const std::string &path) { ::chmod(path.c_str(), 0622); },
        "not a file of the user's alone");
}

} // namespace
