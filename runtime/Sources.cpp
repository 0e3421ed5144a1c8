// Finds imports by their words alone: `import` and a string, outside of
// comments and strings. That may find more than the compiler would, in texts
// with mistakes, but never less: an import that was missed would let a stale
// entry be found. (The compiler says, too, if it had to read another file.)

#include "runtime/Sources.h"
#include "runtime/cache/Hash.h"
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>

namespace attn_grid::detail {
namespace {

namespace fs = std::filesystem;

/// What the compiler refuses, too.
constexpr size_t max_files = 256, max_size = size_t(4) << 20;

class ImportScanner {
public:
  explicit ImportScanner(std::string_view text) : text_(text) {}

  std::vector<std::string> run() {
    std::vector<std::string> found;
    bool after_import = false;
    while (at_ < text_.size()) {
      char c = text_[at_];
      if (c == '"') {
        std::string string = read_string();
        if (after_import)
          found.push_back(std::move(string));
        after_import = false;
      } else if (text_.substr(at_, 2) == "//") {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (text_.substr(at_, 2) == "/*") {
        size_t end = text_.find("*/", at_ + 2);
        at_ = end == std::string_view::npos ? text_.size() : end + 2;
      } else if (is_word(c)) {
        size_t begin = at_;
        while (at_ < text_.size() && is_word(text_[at_]))
          ++at_;
        after_import = text_.substr(begin, at_ - begin) == "import";
      } else {
        after_import = after_import && std::isspace(static_cast<uint8_t>(c));
        ++at_;
      }
    }
    return found;
  }

private:
  static bool is_word(char c) {
    return std::isalnum(static_cast<uint8_t>(c)) || c == '_';
  }
  std::string read_string() {
    std::string string;
    for (++at_; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (c == '"' || c == '\n') {
        ++at_;
        break;
      }
      if (c == '\\' && at_ + 1 < text_.size()) {
        c = text_[++at_];
        c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
      }
      string += c;
    }
    return string;
  }
  std::string_view text_;
  size_t at_ = 0;
};

/// One search through all files.
class Collector {
public:
  explicit Collector(Sources &sources) : sources_(sources) {}

  void run() {
    known_.push_back(key_of(sources_.name));
    add_text(sources_.text);
    follow(sources_.name, sources_.text);
    // A file is added behind those before it, so this visits all.
    for (size_t i = 0; i < sources_.imports.size(); ++i) {
      SourceFile file = sources_.imports[i];
      follow(file.path, file.text);
    }
    sources_.hash = to_hex(hash_bytes({hashed_}));
  }

private:
  static std::string key_of(const fs::path &path) {
    std::error_code error;
    fs::path canonical = fs::weakly_canonical(fs::absolute(path, error), error);
    return error ? path.lexically_normal().string() : canonical.string();
  }
  void add_number(uint64_t number) {
    hashed_.append(reinterpret_cast<const char *>(&number), sizeof number);
  }
  void add_text(std::string_view text) {
    add_number(text.size());
    hashed_ += text;
  }

  void follow(const std::string &importer, std::string_view text) {
    std::vector<fs::path> folders = {fs::path(importer).parent_path()};
    folders.insert(folders.end(), sources_.include_dirs.begin(),
                   sources_.include_dirs.end());
    for (const std::string &path : imports_of(text)) {
      add_text(path);
      add_number(find(folders, path));
    }
  }

  /// The number of the file, read now if it is new; ~0: none.
  uint64_t find(const std::vector<fs::path> &folders, const std::string &path) {
    constexpr uint64_t none = ~uint64_t(0);
    if (path.empty() || path.find('\0') != std::string::npos)
      return none;
    for (const fs::path &folder : folders) {
      fs::path candidate = (folder / path).lexically_normal();
      std::string key = key_of(candidate);
      auto known = std::find(known_.begin(), known_.end(), key);
      if (known != known_.end())
        return static_cast<uint64_t>(known - known_.begin());
      std::error_code error;
      if (!fs::is_regular_file(candidate, error) || known_.size() >= max_files)
        continue;
      std::string text(max_size + 1, '\0');
      std::ifstream stream(candidate, std::ios::binary);
      stream.read(text.data(), static_cast<std::streamsize>(text.size()));
      text.resize(
          static_cast<size_t>(std::max<std::streamsize>(stream.gcount(), 0)));
      // The compiler reads it again, and says what is wrong with it.
      if (stream.bad() || text.size() > max_size)
        continue;
      text.shrink_to_fit();
      known_.push_back(std::move(key));
      add_text(text);
      sources_.imports.push_back({candidate.string(), std::move(text)});
      return known_.size() - 1;
    }
    return none;
  }

  Sources &sources_;
  std::vector<std::string> known_; // the root first, then the imports
  std::string hashed_;
};

} // namespace

Sources bind_functions(Sources sources, FunctionBindings functions) {
  // The order in which a host names them makes no other source.
  std::sort(functions.functions.begin(), functions.functions.end(),
            [](const auto &a, const auto &b) { return a.name < b.name; });
  std::string hashed = sources.hash;
  auto add = [&](std::string_view text) {
    hashed += '\n' + std::to_string(text.size()) + ' ';
    hashed += text;
  };
  add(functions.kernel);
  add(functions.variant);
  for (const FunctionBindings::Entry &entry : functions.functions) {
    add(entry.name);
    add(entry.text);
  }
  sources.functions = std::move(functions);
  sources.hash = to_hex(hash_bytes({hashed}));
  return sources;
}

std::vector<std::string> imports_of(std::string_view text) {
  return ImportScanner(text).run();
}

Sources collect_sources(std::string_view text, std::string_view name,
                        std::vector<std::string> include_dirs) {
  Sources sources{std::string(text),
                  std::string(name),
                  std::move(include_dirs),
                  {},
                  {},
                  {}};
  Collector(sources).run();
  return sources;
}

} // namespace attn_grid::detail
