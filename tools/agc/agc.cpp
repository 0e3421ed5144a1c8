// agc: runs, compiles, checks and formats kernels from the shell. This file
// splits the command line and turns what the commands throw into the exit
// status.

#include "tools/agc/Command.h"
#include "tools/agc/Limits.h"

#include "attn_grid/error.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/core.h>
#include <memory>
#include <new>

namespace attn_grid::agc {

void SourceOptions::addTo(CLI::App &command) {
  command.add_option("FILE", file, "the kernel's source, a .ag file")
      ->required();
  command
      .add_option("-I", includeDirs,
                  "a folder that `import` searches (may be repeated)")
      ->type_name("DIR")
      ->allow_extra_args(false);
  addLimits(command);
}

std::string readFile(const std::string &path) {
  // No source is so long; a device that never ends must not be read forever.
  constexpr size_t limit = size_t(64) << 20;
  std::unique_ptr<std::FILE, int (*)(std::FILE *)> file(
      std::fopen(path.c_str(), "rb"), std::fclose);
  std::string text;
  std::vector<char> block(size_t(64) << 10);
  size_t count = 0;
  while (file && text.size() <= limit &&
         (count = std::fread(block.data(), 1, block.size(), file.get())) > 0)
    text.append(block.data(), count);
  if (!file || std::ferror(file.get()))
    throw UsageError(
        fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
  if (text.size() > limit)
    throw UsageError(fmt::format("'{}' is longer than 64 MiB", path));
  return text;
}

void writeFile(const std::string &bytes, const std::string &path) {
  // The new file takes the old one's place when it is whole.
  std::string temporary = path + ".new";
  std::unique_ptr<std::FILE, int (*)(std::FILE *)> file(
      std::fopen(temporary.c_str(), "wb"), std::fclose);
  bool ok = file && std::fwrite(bytes.data(), 1, bytes.size(), file.get()) ==
                        bytes.size();
  ok = file && std::fclose(file.release()) == 0 && ok;
  ok = ok && std::rename(temporary.c_str(), path.c_str()) == 0;
  if (ok)
    return;
  int error = errno;
  std::remove(temporary.c_str());
  throw BackendError(
      fmt::format("cannot write '{}': {}", path, std::strerror(error)));
}

/// Prints the diagnostics of a kernel, which name their places themselves.
static int printDiagnostics(const char *text) {
  std::fputs(text, stderr);
  size_t length = std::char_traits<char>::length(text);
  if (length && text[length - 1] != '\n')
    std::fputc('\n', stderr);
  return exitMistake;
}

static int printError(const char *message, int status) {
  fmt::print(stderr, "agc: error: {}\n", message);
  return status;
}

static int runMain(int argc, char **argv) {
  CLI::App app("Runs, compiles, builds, checks and formats AttentionGrid "
               "kernels (.ag files).",
               "agc");
  app.require_subcommand(1);
  app.set_version_flag("--version", "agc 0.1.0");
  app.footer("Exit status: 0; 1 for a mistake in the kernel or its arguments; "
             "2 for wrong usage.\n`agc COMMAND --help` shows examples.");
  addRunCommand(app);
  addProfileCommand(app);
  addTuneCommand(app);
  addCompileCommand(app);
  addExplainCommand(app);
  addBuildCommand(app);
  addCheckCommand(app);
  addExplainErrorCommand(app);
  addFmtCommand(app);
  addLspCommand(app);
  addCacheCommand(app);
  try {
    app.parse(argc, argv);
    return exitSuccess;
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? exitSuccess : exitUsage;
  } catch (const UsageError &error) {
    return printError(error.what(), exitUsage);
  } catch (const Diagnosed &error) {
    return printDiagnostics(error.what());
  } catch (const CompileError &error) {
    return printDiagnostics(error.what());
  } catch (const Error &error) {
    return printError(error.what(), exitMistake);
  } catch (const std::bad_alloc &) {
    return printError("out of memory", exitMistake);
  }
}

} // namespace attn_grid::agc

int main(int argc, char **argv) { return attn_grid::agc::runMain(argc, argv); }
