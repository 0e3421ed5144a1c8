// agc cache list|why|verify|gc|clear: the variants on disk.

#include "tools/agc/Command.h"
#include "tools/agc/VariantOptions.h"

#include "attn_grid/error.hpp"
#include "runtime/OpenProgram.h"

#include <cstdio>
#include <ctime>
#include <fmt/core.h>
#include <memory>

namespace attn_grid::agc {

using detail::DiskStore;
using detail::Entry;
using detail::StoredFile;

namespace {
/// The cache of the environment; what goes wrong with it is an error here.
class Cache {
public:
  Cache()
      : store(detail::real_file_system(), folderOrThrow(),
              DiskStore::default_limit,
              [this](const std::string &text) { trouble = text; }) {}

  std::vector<StoredFile> list() {
    std::vector<StoredFile> files = store.list();
    check();
    return files;
  }
  /// Throws what the store could not do.
  void check() const {
    if (!trouble.empty())
      throw BackendError("the cache: " + trouble);
  }

private:
  std::string trouble;

  static std::string folderOrThrow() {
    std::string folder = DiskStore::folder_of_environment();
    if (folder.empty())
      throw InvalidArgument("the cache is off: AG_CACHE_DIR is `off` or empty, "
                            "or there is no home folder");
    return folder;
  }

public:
  DiskStore store;
};
} // namespace

/// `3 minutes ago`
static std::string age(int64_t used) {
  int64_t seconds = std::max<int64_t>(0, std::time(nullptr) - used);
  auto text = [](int64_t count, const char *unit) {
    return fmt::format("{} {}{} ago", count, unit, count == 1 ? "" : "s");
  };
  return seconds < 120         ? text(seconds, "second")
         : seconds < 120 * 60  ? text(seconds / 60, "minute")
         : seconds < 48 * 3600 ? text(seconds / 3600, "hour")
                               : text(seconds / 86400, "day");
}

static std::string megabytes(uint64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

/// The lines of a key: what a part is called, and its value.
static std::vector<std::pair<std::string, std::string>>
partsOf(const std::string &key) {
  std::vector<std::pair<std::string, std::string>> parts;
  for (size_t begin = 0; begin < key.size();) {
    size_t end = std::min(key.find('\n', begin), key.size());
    size_t space = std::min(key.find(' ', begin), end);
    parts.emplace_back(key.substr(begin, space - begin),
                       key.substr(std::min(space + 1, end),
                                  end - space - (space < end ? 1 : 0)));
    begin = end + 1;
  }
  return parts;
}

/// The line of a key that tells most.
static std::string describeKey(const std::string &key) {
  auto parts = partsOf(key);
  if (parts.empty())
    return "(no key)";
  if (parts[0].first == "variant")
    return parts[0].second;
  if (parts[0].first == "measured")
    return "measured: " + parts[0].second;
  return parts[0].first +
         (parts.size() > 1 ? " of source " + parts[1].second : std::string());
}

static void list() {
  Cache cache;
  uint64_t bytes = 0;
  std::vector<StoredFile> files = cache.list();
  for (const StoredFile &file : files) {
    bytes += file.size;
    std::string reason, what = "(unfinished)";
    if (!file.temporary) {
      std::optional<Entry> entry = cache.store.read(file.name, reason);
      what = entry ? describeKey(entry->key)
                   : "(not an entry: `agc cache verify`)";
    }
    fmt::print("{:8}  {:>14}  {}\n", file.size, age(file.used), what);
  }
  fmt::print("{} file{}, {} in {}\n", files.size(),
             files.size() == 1 ? "" : "s", megabytes(bytes),
             cache.store.folder());
}

static void verify() {
  Cache cache;
  size_t bad = 0, good = 0;
  for (const StoredFile &file : cache.list()) {
    if (file.temporary)
      continue;
    std::string reason;
    if (cache.store.read(file.name, reason)) {
      ++good;
    } else if (!reason.empty()) { // else it was evicted meanwhile
      ++bad;
      fmt::print("{}\n", reason);
    }
  }
  fmt::print("{} whole, {} not\n", good, bad);
  if (bad)
    throw BackendError("some entries are not whole; they are made anew when "
                       "they are needed, and `agc cache gc` removes them");
}

static void printRemoved(size_t count) {
  fmt::print("removed {} file{}\n", count, count == 1 ? "" : "s");
}

static void collectGarbage(uint64_t limit) {
  Cache cache;
  size_t removed = 0;
  for (const StoredFile &file : cache.list()) {
    std::string reason;
    if (!file.temporary && !cache.store.read(file.name, reason) &&
        !reason.empty())
      removed += cache.store.remove(file.name);
  }
  removed += cache.store.evict(limit);
  cache.check();
  printRemoved(removed);
}

static void clear() {
  Cache cache;
  size_t removed = 0;
  for (const StoredFile &file : cache.list())
    removed += cache.store.remove(file.name);
  cache.check();
  printRemoved(removed);
}

/// What `D = 64, causal = true>(q last stride 1` differs in, item by item.
static std::vector<std::string> splitVariant(const std::string &text) {
  std::vector<std::string> items;
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    bool ends = i == text.size() || text[i] == ',' || text[i] == '<' ||
                text[i] == '>' || text[i] == '(' || text[i] == ')';
    if (!ends)
      continue;
    while (begin < i && text[begin] == ' ')
      ++begin;
    if (begin < i)
      items.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  return items;
}

/// One line per difference between an entry's key and the key asked for.
static std::vector<std::string> differences(const std::string &there,
                                            const std::string &here) {
  auto line = [](std::string_view part, const std::string &a,
                 const std::string &b) {
    return fmt::format("  {}: {} there, {} here", part, a, b);
  };
  std::vector<std::string> lines;
  auto old = partsOf(there), wanted = partsOf(here);
  for (size_t i = 0; i < std::min(old.size(), wanted.size()); ++i) {
    const auto &[part, a] = old[i];
    const auto &b = wanted[i].second;
    if (a == b)
      continue;
    std::vector<std::string> as = splitVariant(a), bs = splitVariant(b);
    if (part != "variant" || as.size() != bs.size()) {
      lines.push_back(line(part, a, b));
      continue;
    }
    for (size_t k = 0; k < as.size(); ++k)
      if (as[k] != bs[k])
        lines.push_back(line(part, as[k], bs[k]));
  }
  return lines;
}

namespace {
struct WhyOptions {
  SourceOptions source;
  VariantOptions variant;
};
} // namespace

static void why(const WhyOptions &options) {
  Cache cache;
  Bindings bindings = options.variant.kernel.bindings();
  std::string text = readFile(options.source.file);
  Module module = options.variant.kernel.bind(Module::from_source(
      text, options.source.file, options.source.includeDirs));
  const Signature &signature = module.signatures()[findKernel(
      module.signatures(), options.variant.kernel.kernel)];
  // Refuses names that the kernel lacks and values that do not fit.
  Kernel kernel = module.kernel(signature.name, bindings);
  detail::Sources sources = detail::collect_sources(text, options.source.file,
                                                    options.source.includeDirs);
  FunctionBindings functions = options.variant.kernel.functions(signature.name);
  if (!functions.empty())
    sources = detail::bind_functions(std::move(sources), functions);
  detail::Identity identity = detail::identity_of(sources);
  std::string variant = detail::describe(
      options.variant.specialize(kernel.signature(), bindings), signature);
  std::string key = detail::variant_key(identity, variant);
  if (!identity.complete())
    throw Unsupported("this machine's variants are not kept on disk");
  std::string name = detail::entry_name(key);

  std::optional<StoredFile> nearest;
  std::vector<std::string> fewest;
  for (const StoredFile &file : cache.list()) {
    std::string reason;
    std::optional<Entry> entry =
        file.temporary ? std::nullopt : cache.store.read(file.name, reason);
    if (file.name == name) {
      fmt::print("{} is {}in the cache{}{}\n  {}\n", name,
                 entry ? "" : "not whole ", entry ? "" : ": ", reason, variant);
      return;
    }
    // Entries of other kernels tell nothing.
    std::string kernelPart = "variant " + signature.name + "<";
    if (!entry || !entry->key.starts_with(kernelPart))
      continue;
    std::vector<std::string> lines = differences(entry->key, key);
    if (!nearest || lines.size() < fewest.size()) {
      nearest = file;
      fewest = std::move(lines);
    }
  }
  fmt::print("{} is not in the cache\n  {}\n", name, variant);
  if (!nearest) {
    fmt::print("no variant of {} is\n", signature.name);
    return;
  }
  fmt::print("the nearest entry, {}, used {}, differs in\n", nearest->name,
             age(nearest->used));
  for (const std::string &line : fewest)
    fmt::print("{}\n", line);
}

void addCacheCommand(CLI::App &app) {
  CLI::App *command =
      app.add_subcommand("cache", "show and tidy what is kept on disk");
  command->require_subcommand(1);
  command->add_subcommand("list", "all entries, those used last first")
      ->callback([] { list(); });
  command
      ->add_subcommand("verify",
                       "read all entries; status 1 if one is not whole")
      ->callback([] { verify(); });
  auto limit = std::make_shared<uint64_t>(DiskStore::default_limit);
  CLI::App *gc = command->add_subcommand(
      "gc", "remove what is damaged, left behind, or beyond a size");
  gc->add_option("--limit", *limit, "what may stay; 2 GiB if not given")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false));
  gc->callback([limit] { collectGarbage(*limit); });
  command->add_subcommand("clear", "remove all entries")->callback([] {
    clear();
  });
  auto options = std::make_shared<WhyOptions>();
  CLI::App *whyCommand = command->add_subcommand(
      "why", "is a variant there? if not, how does the nearest one differ?");
  options->source.addTo(*whyCommand);
  options->variant.addTo(*whyCommand);
  whyCommand->callback([options] { why(*options); });
  command->footer(
      "The folder is $AG_CACHE_DIR, else $XDG_CACHE_HOME/attentiongrid, else\n"
      "~/.cache/attentiongrid; AG_CACHE_DIR=off turns the cache off.\n\n"
      "Example:\n"
      "  agc cache why flash_fwd.ag --set D=64 --set DV=64 --dtype T=bf16 \\\n"
      "      --absent lse");
}

} // namespace attn_grid::agc
