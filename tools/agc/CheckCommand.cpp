// agc check FILE.ag: all diagnostics of a source, nothing else.

#include "tools/agc/Command.h"
#include "tools/agc/CompilerFunctions.h"

#include "compiler/Frontend/ErrorCatalog.h"

#include <memory>

namespace attn_grid::agc {

void addCheckCommand(CLI::App &app) {
  auto source = std::make_shared<SourceOptions>();
  auto codes = std::make_shared<bool>(false);
  CLI::App *command =
      app.add_subcommand("check", "report every mistake in a source");
  source->addTo(*command);
  command->add_flag("--codes", *codes,
                    "show each message's code, for `agc explain-error`");
  command->footer("Example:\n  agc check kernels_dsl/flash/flash_fwd.ag");
  command->callback([source, codes] {
    std::string diagnostics = compilerFunctions().check(
        readFile(source->file), source->file, source->includeDirs);
    if (!diagnostics.empty())
      throw Diagnosed(*codes ? compiler::withCodes(diagnostics) : diagnostics);
  });
}

} // namespace attn_grid::agc
