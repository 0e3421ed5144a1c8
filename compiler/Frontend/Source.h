#ifndef AG_COMPILER_FRONTEND_SOURCE_H
#define AG_COMPILER_FRONTEND_SOURCE_H
/// The text of `.ag` files: who owns it, what a place in it is called, and
/// where `import` finds it.
///
///     SourceManager sources({"include"});
///     FileId root = sources.add("flash.ag", text);
///     LineColumn at = sources.lineColumn(root, 17); // {1, 18}

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attn_grid::compiler {

/// The position of a file in its `SourceManager`.
using FileId = uint32_t;

/// The bytes [begin, end) of a file. A default-made range is no place at all.
struct SourceRange {
  static constexpr FileId noFile = ~FileId{0};
  FileId file = noFile;
  uint32_t begin = 0;
  uint32_t end = 0;

  bool valid() const { return file != noFile; }
  /// From the start of this range to the end of `last`, in one file.
  SourceRange to(SourceRange last) const {
    return {file, begin, last.end < begin ? begin : last.end};
  }
  /// The empty range where this one starts or ends.
  SourceRange atBegin() const { return {file, begin, begin}; }
  SourceRange atEnd() const { return {file, end, end}; }
  friend bool operator==(const SourceRange &, const SourceRange &) = default;
};

/// A place as people name it. Both count from 1; a column is a character (a
/// code point, or one byte of what is not UTF-8).
struct LineColumn {
  uint32_t line = 1;
  uint32_t column = 1;
};

/// What `SourceManager::load` and `import` give: a file, or why there is none.
struct LoadResult {
  std::optional<FileId> file;
  std::string error;
  std::string note; // where it was looked for; may be empty
};

/// Owns the text of all files of one compilation. Texts and names never move
/// once added, so views of them live as long as the manager.
class SourceManager {
public:
  /// Larger files are refused: positions are 32 bits wide, and nobody writes
  /// such a kernel.
  static constexpr size_t maxFileSize = size_t{4} << 20;
  /// No compilation has more files than this.
  static constexpr size_t maxFiles = 256;

  explicit SourceManager(std::vector<std::string> includeDirs = {});
  ~SourceManager();
  SourceManager(SourceManager &&) noexcept;
  SourceManager &operator=(SourceManager &&) noexcept;

  /// Adds a text under the name that messages will call it. `import` in it
  /// looks first in the folder of `name`. The text must not be longer than
  /// `maxFileSize`; what is beyond is cut, so check first.
  FileId add(std::string name, std::string text);
  /// Reads a file from disk, once.
  LoadResult load(const std::string &path);
  /// The file that `import "path"` in `importer` means: beside the importer,
  /// then in the include folders, then in the built-in prelude. Gives the same
  /// id whenever it is the same file.
  LoadResult import(FileId importer, std::string_view path);

  size_t size() const { return files.size(); }
  /// Was any file read from disk, by `load` or `import`?
  bool readFromDisk() const { return didRead; }
  std::string_view text(FileId file) const;
  std::string_view name(FileId file) const;
  /// The source text of a range; empty for no place.
  std::string_view text(SourceRange range) const;
  /// Line and column of a byte; of the end of the text if beyond it.
  LineColumn lineColumn(FileId file, uint32_t offset) const;
  LineColumn lineColumn(SourceRange range) const {
    return lineColumn(range.file, range.begin);
  }
  /// The bytes of a line (from 1) without its line break.
  SourceRange lineRange(FileId file, uint32_t line) const;
  /// The empty range at a line and column, both cut to what exists.
  SourceRange rangeAt(FileId file, LineColumn place) const;
  /// The file that messages call `name`.
  std::optional<FileId> find(std::string_view name) const;

private:
  struct File;
  std::vector<std::unique_ptr<File>> files; // so that addresses are stable
  std::vector<std::string> includeDirs;
  bool didRead = false;

  FileId addFile(std::string name, std::string key, std::string text,
                 bool builtin);
  std::optional<FileId> findKey(std::string_view key) const;
  LoadResult loadPrelude(std::string_view name);
};

/// One file of the prelude, compiled into the binary.
struct PreludeFile {
  std::string_view name;
  std::string_view text;
};
/// The built-in prelude, `kernels_dsl/prelude/*.ag`, sorted by name.
const std::vector<PreludeFile> &preludeFiles();

} // namespace attn_grid::compiler

#endif
