// agc lsp: the language server, for editors.

#include "tools/agc/Command.h"
#include "tools/agc/CompilerFunctions.h"

#include <iostream>

namespace attn_grid::agc {

void addLspCommand(CLI::App &app) {
  CLI::App *command =
      app.add_subcommand("lsp", "serve an editor on standard input and output");
  command->footer("Editors start this: see tools/editors/README.md.");
  command->callback([] {
    std::ios::sync_with_stdio(false);
    // The protocol asks for a status, and there is nobody to read a message.
    if (compilerFunctions().serveLanguage(std::cin, std::cout) != 0)
      throw Diagnosed("");
  });
}

} // namespace attn_grid::agc
