// agc explain-error AG0207: what a message is about, and how it is mended.

#include "tools/agc/Command.h"

#include "compiler/Frontend/ErrorCatalog.h"

#include <fmt/core.h>
#include <memory>

namespace attn_grid::agc {

namespace {
struct ExplainOptions {
  std::string code;
  bool all = false;
};
} // namespace

/// A source with a few words above it; nothing for no source.
static std::string example(const char *words, std::string_view source) {
  return source.empty() ? ""
                        : fmt::format("\n{}\n\n```\n{}```\n", words, source);
}

static std::string explain(const compiler::Mistake &mistake) {
  std::string text = fmt::format("## {}: {}\n\n{}\n", mistake.code(),
                                 mistake.title, mistake.explanation);
  text += example("Wrong:", mistake.wrong) + example("Right:", mistake.mended);
  text += "\nMessages, where `*` stands for anything:\n\n";
  std::string_view rest = mistake.messages;
  while (!rest.empty()) {
    size_t end = std::min(rest.find('\n'), rest.size());
    // Two backquotes, since messages quote with one.
    text += fmt::format("- `` {} ``\n", rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return text;
}

static std::string explainAll() {
  std::string text =
      "# Mistakes in kernels\n\n"
      "What `agc` reports, by its code. `agc check --codes` shows the codes,\n"
      "`agc explain-error CODE` prints one section of this page, which is made "
      "by\n`agc explain-error --all`.\n";
  for (const compiler::Mistake &mistake : compiler::allMistakes())
    text += "\n" + explain(mistake);
  return text;
}

void addExplainErrorCommand(CLI::App &app) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App *command =
      app.add_subcommand("explain-error", "explain a message by its code");
  command->add_option("CODE", options->code,
                      "as `agc check --codes` shows it: AG0207");
  command->add_flag("--all", options->all,
                    "explain all, as a page of Markdown");
  command->footer("Example:\n  agc explain-error AG0207");
  command->callback([options] {
    if (options->all != options->code.empty())
      throw UsageError("expected a code, or else --all");
    if (options->all) {
      fmt::print("{}", explainAll());
      return;
    }
    const compiler::Mistake *mistake = compiler::mistakeOfCode(options->code);
    if (!mistake)
      throw UsageError(fmt::format(
          "no message has the code '{}'; `agc check --codes` shows codes",
          options->code));
    fmt::print("{}", explain(*mistake));
  });
}

} // namespace attn_grid::agc
