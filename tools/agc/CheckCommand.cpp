// agc check FILE.ag: all diagnostics of a source, nothing else.

#include "tools/agc/Command.h"
#include "tools/agc/CompilerFunctions.h"

#include <memory>

namespace attn_grid::agc {

void addCheckCommand(CLI::App &app) {
  auto source = std::make_shared<SourceOptions>();
  CLI::App *command =
      app.add_subcommand("check", "report every mistake in a source");
  source->addTo(*command);
  command->footer("Example:\n  agc check kernels_dsl/flash/flash_fwd.ag");
  command->callback([source] {
    std::string diagnostics = compilerFunctions().check(
        readFile(source->file), source->file, source->includeDirs);
    if (!diagnostics.empty())
      throw Diagnosed(diagnostics);
  });
}

} // namespace attn_grid::agc
