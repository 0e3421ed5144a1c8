#ifndef AG_TOOLS_AGC_COMMAND_H
#define AG_TOOLS_AGC_COMMAND_H
/// What the subcommands of `agc` share: how they join the command line, how
/// they fail, and the options that they have in common.

#include <CLI/CLI.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace attn_grid::agc {

/// The exit status of every command.
enum ExitStatus {
  exitSuccess = 0,
  exitMistake = 1, ///< in the kernel or its arguments: diagnostics on stderr
  exitUsage = 2,   ///< in the command line
};

/// A command line that means nothing, found after it was split into options.
struct UsageError : std::runtime_error {
  using runtime_error::runtime_error;
};

/// A mistake in a kernel whose diagnostics are `what()`, printed as they are.
struct Diagnosed : std::runtime_error {
  using runtime_error::runtime_error;
};

/// What every command says about its source.
struct SourceOptions {
  std::string file;
  std::vector<std::string> includeDirs;

  /// Adds FILE and -I.
  void addTo(CLI::App &command);
};

/// Adds one subcommand. It runs when it was named, throws `UsageError`,
/// `Diagnosed` or an `ag::Error`, or returns.
void addRunCommand(CLI::App &app);
void addCompileCommand(CLI::App &app);
void addBuildCommand(CLI::App &app);
void addCheckCommand(CLI::App &app);
void addExplainCommand(CLI::App &app);
void addExplainErrorCommand(CLI::App &app);
void addFmtCommand(CLI::App &app);
void addLspCommand(CLI::App &app);
void addCacheCommand(CLI::App &app);
void addProfileCommand(CLI::App &app);
void addTuneCommand(CLI::App &app);

/// The text of a file. Throws `UsageError` if it cannot be read.
std::string readFile(const std::string &path);

/// Writes a file whole, or not at all. Throws `BackendError`.
void writeFile(const std::string &bytes, const std::string &path);

} // namespace attn_grid::agc

#endif
