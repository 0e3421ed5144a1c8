#ifndef AG_RUNTIME_CACHE_DISKSTORE_H
#define AG_RUNTIME_CACHE_DISKSTORE_H
/// Entries in a folder, shared by any number of processes without a lock.
///
/// An entry is written once, under a temporary name, synced and renamed: a name
/// that exists is complete, also after a crash. Two processes that publish one
/// key write the same twice. An entry that was not found may be made anew, so
/// every failure is a miss, and eviction may take any file at any time.
///
/// The first trouble is told on the standard error, once; nothing here throws
/// but `std::bad_alloc`.

#include "attn_grid/export.hpp"
#include "runtime/cache/Entry.h"
#include "runtime/cache/FileSystem.h"
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attn_grid::detail {

/// A file of the folder.
struct StoredFile {
  std::string name;
  uint64_t size = 0;
  int64_t used = 0; // seconds since 1970
  bool temporary = false;
};

/// Thread-safe. Exported, as all that `agc cache` uses, for tools of this build
/// alone.
class AG_API DiskStore {
public:
  static constexpr uint64_t default_limit = uint64_t(2) << 30;

  /// `warn` gets the first trouble as one line of text.
  DiskStore(FileSystem &files, std::string folder, uint64_t limit,
            std::function<void(const std::string &)> warn);

  /// The store that the environment asks for ($AG_CACHE_DIR, AG_CACHE_LIMIT),
  /// opened when first needed; null if it says `off`, or names none.
  static DiskStore *process();
  /// The folder that the environment asks for; empty: none.
  static std::string folder_of_environment();

  /// The entry of that key, or nothing.
  std::optional<Entry> find(std::string_view key);
  /// Writes an entry, then evicts what is beyond the limit.
  void publish(const Entry &entry);

  /// All files of the store, those used last first; nothing if it cannot be
  /// read.
  std::vector<StoredFile> list();
  /// Reads a file of `list`: an entry, or nothing and the reason.
  std::optional<Entry> read(const std::string &name, std::string &reason);
  /// False if it could not be removed; one that is gone counts as removed.
  bool remove(const std::string &name);
  /// Removes what crashes left behind, and what was not used for longest until
  /// the rest is within the limit. Returns the number of files removed.
  size_t evict(uint64_t limit);

  const std::string &folder() const { return folder_; }
  uint64_t limit() const { return limit_; }

private:
  /// The open folder, or -1.
  int open();
  /// Opens the folder anew, since it was removed.
  void forget_folder();
  bool write(int folder, const std::string &name, std::string_view bytes);
  void warn(const std::string &trouble);

  FileSystem &files_;
  std::string folder_;
  uint64_t limit_;
  std::function<void(const std::string &)> warn_;
  std::atomic<bool> warned_ = false;
  std::mutex mutex_; // guards what follows
  bool opened_ = false;
  Descriptor descriptor_;
  std::vector<Descriptor> retired_; // other threads may still use them
};

} // namespace attn_grid::detail

#endif
