#include "compiler/Frontend/Source.h"
#include "compiler/Frontend/Utf8.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace attn_grid::compiler {

namespace fs = std::filesystem;

/// A text, what messages call it, and what makes it this file and no other: its
/// path without links and dots, or its place in the prelude.
struct SourceManager::File {
  std::string name;
  std::string key;
  std::string text;
  std::vector<uint32_t> lineStarts;
  bool builtin = false;
};

SourceManager::SourceManager(std::vector<std::string> includeDirs)
    : includeDirs(std::move(includeDirs)) {}
SourceManager::~SourceManager() = default;
SourceManager::SourceManager(SourceManager &&) noexcept = default;
SourceManager &SourceManager::operator=(SourceManager &&) noexcept = default;

/// The path that two spellings of one file share.
static std::string keyOf(const fs::path &path) {
  std::error_code error;
  fs::path canonical = fs::weakly_canonical(fs::absolute(path, error), error);
  return error ? path.lexically_normal().string() : canonical.string();
}

FileId SourceManager::addFile(std::string name, std::string key,
                              std::string text, bool builtin) {
  auto file = std::make_unique<File>();
  file->name = std::move(name);
  file->key = std::move(key);
  file->text = std::move(text);
  file->builtin = builtin;
  if (file->text.size() > maxFileSize)
    file->text.resize(maxFileSize);
  file->lineStarts.push_back(0);
  for (size_t i = 0; i < file->text.size(); ++i)
    if (file->text[i] == '\n')
      file->lineStarts.push_back(static_cast<uint32_t>(i + 1));
  files.push_back(std::move(file));
  return static_cast<FileId>(files.size() - 1);
}

std::optional<FileId> SourceManager::findKey(std::string_view key) const {
  for (size_t i = 0; i < files.size(); ++i)
    if (files[i]->key == key)
      return static_cast<FileId>(i);
  return std::nullopt;
}

FileId SourceManager::add(std::string name, std::string text) {
  std::string key = keyOf(name);
  return addFile(std::move(name), std::move(key), std::move(text), false);
}

static std::string sizeError(const std::string &name) {
  return "\"" + name + "\" is larger than " +
         std::to_string(SourceManager::maxFileSize >> 20) +
         " MiB, the most that a source file may have";
}

LoadResult SourceManager::load(const std::string &path) {
  std::string key = keyOf(path);
  if (std::optional<FileId> known = findKey(key))
    return {known, "", ""};
  std::error_code error;
  fs::file_status status = fs::status(path, error);
  if (!fs::exists(status))
    return {std::nullopt, "cannot find \"" + path + "\"", ""};
  // A pipe or a device might never end.
  if (!fs::is_regular_file(status))
    return {std::nullopt, "\"" + path + "\" is not a file", ""};
  if (files.size() >= maxFiles)
    return {std::nullopt,
            "more than " + std::to_string(maxFiles) + " files are imported",
            ""};
  std::ifstream stream(path, std::ios::binary);
  std::string text(maxFileSize + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad() || (!stream && !stream.eof()) || !stream.is_open())
    return {std::nullopt, "cannot read \"" + path + "\"", ""};
  text.resize(static_cast<size_t>(stream.gcount()));
  if (text.size() > maxFileSize)
    return {std::nullopt, sizeError(path), ""};
  text.shrink_to_fit();
  didRead = true;
  return {addFile(path, std::move(key), std::move(text), false), "", ""};
}

LoadResult SourceManager::loadPrelude(std::string_view name) {
  std::string shown = "prelude/" + std::string(name);
  std::string key = "<" + shown + ">"; // no path on disk begins so
  if (std::optional<FileId> known = findKey(key))
    return {known, "", ""};
  for (const PreludeFile &file : preludeFiles())
    if (file.name == name)
      return {addFile(shown, key, std::string(file.text), true), "", ""};
  return {std::nullopt, "", ""};
}

LoadResult SourceManager::import(FileId importer, std::string_view path) {
  if (path.empty())
    return {std::nullopt, "an import needs the name of a file", ""};
  if (path.find('\0') != std::string_view::npos)
    return {std::nullopt, "no file has a zero byte in its name", ""};
  std::error_code error;
  if (!files[importer]->builtin) {
    std::vector<fs::path> folders = {
        fs::path(files[importer]->name).parent_path()};
    folders.insert(folders.end(), includeDirs.begin(), includeDirs.end());
    for (const fs::path &folder : folders) {
      fs::path candidate = (folder / fs::path(path)).lexically_normal();
      // A text that was given by the caller need not exist on disk.
      if (std::optional<FileId> known = findKey(keyOf(candidate)))
        return {known, "", ""};
      if (fs::exists(candidate, error))
        return load(candidate.string());
    }
  }
  LoadResult builtin = loadPrelude(path);
  if (builtin.file)
    return builtin;
  std::string note =
      "it was looked for beside this file, in the include folders (-I) and in "
      "the prelude, which has ";
  const std::vector<PreludeFile> &prelude = preludeFiles();
  for (size_t i = 0; i < prelude.size(); ++i)
    note += (i ? ", " : "") + std::string(prelude[i].name);
  return {std::nullopt, "cannot find \"" + std::string(path) + "\"", note};
}

std::string_view SourceManager::text(FileId file) const {
  return files[file]->text;
}

std::string_view SourceManager::name(FileId file) const {
  return files[file]->name;
}

std::string_view SourceManager::text(SourceRange range) const {
  if (!range.valid() || range.file >= files.size())
    return {};
  std::string_view all = text(range.file);
  size_t begin = std::min<size_t>(range.begin, all.size());
  size_t end = std::clamp<size_t>(range.end, begin, all.size());
  return all.substr(begin, end - begin);
}

LineColumn SourceManager::lineColumn(FileId file, uint32_t offset) const {
  const File &f = *files[file];
  offset = std::min<uint32_t>(offset, f.text.size());
  auto next =
      std::upper_bound(f.lineStarts.begin(), f.lineStarts.end(), offset);
  LineColumn place;
  place.line = static_cast<uint32_t>(next - f.lineStarts.begin());
  uint32_t at = *(next - 1);
  while (at < offset) {
    at += decodeUtf8(std::string_view(f.text).substr(at)).length;
    if (at <= offset)
      ++place.column;
  }
  return place;
}

SourceRange SourceManager::lineRange(FileId file, uint32_t line) const {
  const File &f = *files[file];
  line = std::clamp<uint32_t>(line, 1, f.lineStarts.size());
  uint32_t begin = f.lineStarts[line - 1];
  uint32_t end = line < f.lineStarts.size()
                     ? f.lineStarts[line] - 1
                     : static_cast<uint32_t>(f.text.size());
  if (end > begin && f.text[end - 1] == '\r')
    --end;
  return {file, begin, end};
}

SourceRange SourceManager::rangeAt(FileId file, LineColumn place) const {
  SourceRange line = lineRange(file, place.line);
  uint32_t at = line.begin;
  for (uint32_t column = 1; column < place.column && at < line.end; ++column)
    at += decodeUtf8(text(SourceRange{file, at, line.end})).length;
  return {file, at, at};
}

std::optional<FileId> SourceManager::find(std::string_view name) const {
  for (size_t i = 0; i < files.size(); ++i)
    if (files[i]->name == name)
      return static_cast<FileId>(i);
  return std::nullopt;
}

} // namespace attn_grid::compiler
