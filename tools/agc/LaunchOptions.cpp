#include "tools/agc/LaunchOptions.h"

#include "attn_grid/error.hpp"

#include <cstdlib>
#include <fmt/core.h>

namespace attn_grid::agc {

const char *const specHelp = R"(SPEC is one of
  FILE.npy                  bool, i8-i64, u8-u32, f16, f32, f64
  randn:SHAPE:DTYPE         also uniform, zeros, ones, iota; SHAPE as 2x8x64;
                            uniform takes :LOW:HIGH. Without DTYPE it is the
                            parameter's, without SHAPE too the one that the
                            other arguments fix
  0.125, true, -inf         a scalar
  none                      an optional tensor that is not there
A tensor may be followed by views, applied left to right without copying:
  @transpose=DIM,DIM  @expand=SHAPE  @select=DIM,INDEX
  @slice=DIM,BEGIN,END[,STEP]
)";

static Device deviceNamed(const std::string &given) {
  const char *environment = std::getenv("AG_DEVICE");
  std::string name = !given.empty()                ? given
                     : environment && *environment ? environment
                                                   : "cpu";
  try {
    return Device::named(name);
  } catch (const KeyError &error) {
    throw UsageError(fmt::format("--device: {}", error.what()));
  }
}

void LaunchOptions::addTo(CLI::App &command, const std::string &devices) {
  source.addTo(command);
  kernel.addTo(command);
  command
      .add_option("--arg", args,
                  "an argument; what is left out is drawn at random")
      ->type_name("NAME=SPEC")
      ->allow_extra_args(false);
  command.add_option("--seed", seed, "of all that is drawn")->type_name("N");
  command.add_option("--device", device, "where to run: " + devices)
      ->type_name("DEVICE");
}

PreparedLaunch LaunchOptions::prepare(std::vector<std::string> wanted) const {
  ArgumentOptions arguments;
  arguments.args = args;
  arguments.seed = seed;
  arguments.device = deviceNamed(device);
  arguments.wanted = std::move(wanted);
  Bindings bindings = kernel.bindings();
  // Reading here makes a missing file wrong usage, as everywhere in agc.
  std::string text = readFile(source.file);
  Module module =
      kernel.bind(Module::from_source(text, source.file, source.includeDirs));
  BoundArguments bound =
      bindArguments(module, kernel.kernel, std::move(bindings), arguments);
  std::vector<Arg> list = bound.list();
  Launch launch = bound.kernel.prepare_list(list);
  return {arguments.device, std::move(bound), std::move(launch)};
}

} // namespace attn_grid::agc
