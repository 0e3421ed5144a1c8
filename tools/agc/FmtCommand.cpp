// agc fmt FILE.ag ...: the one format of sources, in place.

#include "tools/agc/Command.h"

#include "compiler/Frontend/Format.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/core.h>
#include <iostream>
#include <iterator>
#include <memory>

namespace attn_grid::agc {

namespace {
struct FmtOptions {
  std::vector<std::string> files;
  bool check = false, standardInput = false;
};
} // namespace

/// Throws `Diagnosed` if the text has mistakes in its syntax.
static std::string format(const std::string &name, std::string text) {
  if (text.size() > compiler::SourceManager::maxFileSize)
    throw UsageError(fmt::format("'{}' is longer than {} bytes", name,
                                 compiler::SourceManager::maxFileSize));
  compiler::SourceManager sources;
  compiler::Diagnostics diags(sources);
  compiler::FileId file = sources.add(name, std::move(text));
  std::optional<std::string> formatted = formatFile(sources, file, diags);
  if (!formatted)
    throw Diagnosed(diags.render());
  return *formatted;
}

/// Writes a file as a whole or not at all: the new text is complete beside the
/// old one before it takes its name.
static void replaceFile(const std::string &path, const std::string &text) {
  std::string fresh = path + ".agc-fmt";
  auto fail = [&] {
    std::string reason = std::strerror(errno);
    std::remove(fresh.c_str());
    throw UsageError(fmt::format("cannot write '{}': {}", path, reason));
  };
  std::FILE *file = std::fopen(fresh.c_str(), "wbx");
  if (!file)
    throw UsageError(
        fmt::format("cannot write '{}': {}", fresh, std::strerror(errno)));
  bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !written ||
      std::rename(fresh.c_str(), path.c_str()) != 0)
    fail();
}

/// One file after the other: a mistake in one does not keep the others from
/// being formatted.
static void formatFiles(const FmtOptions &options) {
  std::string mistakes;
  for (const std::string &path : options.files) {
    std::string text = readFile(path);
    try {
      std::string formatted = format(path, text);
      if (formatted == text)
        continue;
      if (options.check)
        mistakes +=
            fmt::format("{}: not formatted: run `agc fmt {}`\n", path, path);
      else
        replaceFile(path, formatted);
    } catch (const Diagnosed &diagnosed) {
      mistakes += diagnosed.what();
    }
  }
  if (!mistakes.empty())
    throw Diagnosed(mistakes);
}

static void formatStandardInput(const FmtOptions &options) {
  std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  std::string formatted = format("<stdin>", text);
  if (!options.check)
    fmt::print("{}", formatted);
  else if (formatted != text)
    throw Diagnosed("<stdin>: not formatted\n");
}

void addFmtCommand(CLI::App &app) {
  auto options = std::make_shared<FmtOptions>();
  CLI::App *command = app.add_subcommand("fmt", "format sources in place");
  command->add_option("FILE", options->files, "sources, .ag files");
  command->add_flag("--check", options->check,
                    "change nothing; status 1 if something would change");
  command->add_flag("--stdin", options->standardInput,
                    "format standard input to standard output");
  command->footer("Example:\n  agc fmt --check kernels_dsl/flash/*.ag");
  command->callback([options] {
    if (options->standardInput != options->files.empty())
      throw UsageError("expected files, or else --stdin");
    if (options->standardInput)
      formatStandardInput(*options);
    else
      formatFiles(*options);
  });
}

} // namespace attn_grid::agc
