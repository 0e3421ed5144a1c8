// agc profile FILE.ag: what a GPU does in one launch, counted on the software
// device: by unit, by opcode, by line of the source.

#include "tools/agc/LaunchOptions.h"

#include "attn_grid/error.hpp"
#include "attn_grid/sim.h"

#include <algorithm>
#include <dlfcn.h>
#include <filesystem>
#include <fmt/core.h>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

namespace attn_grid::agc {

namespace {
struct ProfileOptions {
  LaunchOptions launch;
  int top = 20;
  bool json = false;
};

/// What the software device counted of an instruction, or of several.
struct Counted {
  uint64_t count = 0, lanes = 0, wavefronts = 0, leastWavefronts = 0,
           sectors = 0, leastSectors = 0;
  void add(const AgSimRow &row) {
    count += row.count;
    lanes += row.lanes;
    wavefronts += row.wavefronts;
    leastWavefronts += row.leastWavefronts;
    sectors += row.sectors;
    leastSectors += row.leastSectors;
  }
};
/// A name, and what belongs to it.
using Row = std::pair<std::string, Counted>;

struct Profile {
  Counted all;
  std::vector<Row> units, opcodes, lines; ///< the largest first
};
} // namespace

/// The unit of a multiprocessor that an opcode keeps busy.
static const char *unitOf(std::string_view opcode) {
  auto begins = [&](std::initializer_list<std::string_view> names) {
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
      return opcode.substr(0, opcode.find('.')) == name;
    });
  };
  auto has = [&](std::string_view part) {
    return opcode.find(part) != opcode.npos;
  };
  if (begins({"mma", "wmma", "wgmma"}))
    return "matrix";
  if (begins({"ld", "ldu", "st", "atom", "red", "cp", "ldmatrix"}))
    return has(".param")                        ? "parameters"
           : has(".shared") && !has("cp.async") ? "shared memory"
                                                : "global memory";
  if (begins({"bar", "barrier", "mbarrier", "membar", "fence"}))
    return "barriers";
  if (begins({"shfl", "vote", "redux", "activemask", "match", "elect"}))
    return "between threads";
  if (begins({"bra", "ret", "exit", "trap"}))
    return "branches";
  if (has(".approx") || begins({"sqrt", "rcp", "div"}))
    return "special functions";
  if (begins({"cvt"}))
    return "conversions";
  if (has(".f64"))
    return "f64";
  if ((has(".f32") || has("f16")) && !begins({"mov", "selp", "setp"}))
    return "floats";
  return "integers and logic";
}

static void collect(Profile &profile, const AgSimRow &row,
                    std::map<std::string, Counted> (&by)[3]) {
  profile.all.add(row);
  by[0][unitOf(row.opcode)].add(row);
  by[1][row.opcode].add(row);
  // Files by their last names: paths are long.
  std::string line =
      row.source
          ? fmt::format("{}:{}",
                        std::filesystem::path(row.file).filename().string(),
                        row.source)
          : "(no line)";
  by[2][line].add(row);
}

static std::vector<Row> sorted(const std::map<std::string, Counted> &by) {
  std::vector<Row> rows;
  for (const auto &[name, counted] : by)
    if (counted.count)
      rows.emplace_back(name, counted);
  std::sort(rows.begin(), rows.end(), [](const Row &a, const Row &b) {
    return a.second.count != b.second.count ? a.second.count > b.second.count
                                            : a.first < b.first;
  });
  return rows;
}

/// A function of the software device, which a launch has opened.
template <typename F> static F *simFunction(const char *name) {
  void *library = dlopen(AG_SIM_LIBRARY, RTLD_NOW | RTLD_NOLOAD);
  void *symbol = library ? dlsym(library, name) : nullptr;
  if (!symbol)
    throw Unsupported(fmt::format("the software device of this installation "
                                  "has no `{}`: it is of another version",
                                  name));
  return reinterpret_cast<F *>(symbol);
}

static Profile profiled(const Launch &launch) {
  simFunction<decltype(agSimProfile)>("agSimProfile")(1);
  launch();
  auto *count = simFunction<decltype(agSimProfileCount)>("agSimProfileCount");
  auto *read = simFunction<decltype(agSimProfileRow)>("agSimProfileRow");
  Profile profile;
  std::map<std::string, Counted> by[3];
  AgSimRow row;
  for (int n = 0; n < count() && read(n, &row) == 0; ++n)
    collect(profile, row, by);
  profile.units = sorted(by[0]);
  profile.opcodes = sorted(by[1]);
  profile.lines = sorted(by[2]);
  return profile;
}

// --------------------------------------------------------------------- output

static std::string percent(uint64_t part, uint64_t whole) {
  return fmt::format("{:.1f}%", whole ? 100.0 * static_cast<double>(part) /
                                            static_cast<double>(whole)
                                      : 0.0);
}

/// What an access costs more than it must, as " +12"; nothing if it does not.
static std::string surplus(uint64_t found, uint64_t least) {
  return found > least ? fmt::format(" +{}", found - least) : std::string();
}

static void printRows(const char *title, const std::vector<Row> &rows,
                      const Profile &profile, size_t most) {
  fmt::print("\n{:>12} {:>7} {:>6} {:>16} {:>16}  {}\n", "instructions",
             "share", "lanes", "wavefronts", "sectors", title);
  for (size_t i = 0; i < std::min(rows.size(), most); ++i) {
    const auto &[name, c] = rows[i];
    auto cost = [&](uint64_t found, uint64_t least) {
      return found ? fmt::format("{}{}", found, surplus(found, least))
                   : std::string("-");
    };
    fmt::print("{:>12} {:>7} {:>6.1f} {:>16} {:>16}  {}\n", c.count,
               percent(c.count, profile.all.count),
               static_cast<double>(c.lanes) / static_cast<double>(c.count),
               cost(c.wavefronts, c.leastWavefronts),
               cost(c.sectors, c.leastSectors), name);
  }
  if (rows.size() > most)
    fmt::print("{:>12}  {} more; --top shows them\n", "...",
               rows.size() - most);
}

/// The text of the kernel's own lines beside their numbers.
static void addTexts(std::vector<Row> &lines, const std::string &file) {
  std::vector<std::string> texts;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);)
    texts.push_back(line);
  std::string prefix = std::filesystem::path(file).filename().string() + ":";
  for (auto &[name, counted] : lines) {
    if (!name.starts_with(prefix))
      continue;
    auto number = static_cast<size_t>(std::atoi(name.c_str() + prefix.size()));
    if (number == 0 || number > texts.size())
      continue;
    std::string text = texts[number - 1];
    text.erase(0, text.find_first_not_of(" \t"));
    name += "  " + text;
  }
}

static nlohmann::ordered_json jsonOf(const std::vector<Row> &rows) {
  auto list = nlohmann::ordered_json::array();
  for (const auto &[name, c] : rows)
    list.push_back({{"name", name},
                    {"instructions", c.count},
                    {"lanes", c.lanes},
                    {"wavefronts", c.wavefronts},
                    {"least_wavefronts", c.leastWavefronts},
                    {"sectors", c.sectors},
                    {"least_sectors", c.leastSectors}});
  return list;
}

static void run(const ProfileOptions &options) {
  auto [device, bound, launch] = options.launch.prepare();
  if (device.kind() != Device::Kind::sim)
    throw UsageError(fmt::format(
        "--device: a profile is made on sim, not on {}", device.name()));
  Profile profile = profiled(launch);
  if (options.json) {
    nlohmann::ordered_json json = {
        {"kernel", bound.kernel.name()},
        {"variant", launch.variant().key},
        {"device", device.description()},
        {"programs", launch.programs()},
        {"instructions", profile.all.count},
        {"lanes", profile.all.lanes},
        {"wavefronts", profile.all.wavefronts},
        {"least_wavefronts", profile.all.leastWavefronts},
        {"sectors", profile.all.sectors},
        {"least_sectors", profile.all.leastSectors},
        {"units", jsonOf(profile.units)},
        {"opcodes", jsonOf(profile.opcodes)},
        {"lines", jsonOf(profile.lines)}};
    fmt::print("{}\n", json.dump(2));
    return;
  }
  const Counted &all = profile.all;
  fmt::print("{} on {}: {} programs, {} warp instructions,\n{} wavefronts of "
             "shared memory{}, {} sectors of global memory{}\n",
             bound.kernel.name(), device.description(), launch.programs(),
             all.count, all.wavefronts,
             all.wavefronts > all.leastWavefronts
                 ? fmt::format(" ({} of them for bank conflicts)",
                               all.wavefronts - all.leastWavefronts)
                 : ", no bank conflict",
             all.sectors,
             all.sectors > all.leastSectors
                 ? fmt::format(" ({} more than the bytes need)",
                               all.sectors - all.leastSectors)
                 : "");
  auto most = static_cast<size_t>(options.top);
  printRows("unit", profile.units, profile, most);
  printRows("opcode", profile.opcodes, profile, most);
  addTexts(profile.lines, options.launch.source.file);
  printRows("line", profile.lines, profile, most);
}

void addProfileCommand(CLI::App &app) {
  auto options = std::make_shared<ProfileOptions>();
  options->launch.device = "sim";
  CLI::App *command = app.add_subcommand(
      "profile", "count what a GPU does in a launch, on the software device");
  options->launch.addTo(*command, "sim (AG_SIM_ARCH chooses the GPU)");
  command->add_option("--top", options->top, "how many rows of each table")
      ->type_name("N")
      ->check(CLI::Range(1, 100'000));
  command->add_flag("--json", options->json, "print one JSON object, all rows");
  command->footer(std::string(R"(Columns:
  instructions   of warps; `lanes` is how many threads take part, of 32
  wavefronts     passes over the banks of shared memory; +N is for conflicts
  sectors        of 32 bytes of global memory; +N is more than the bytes need

)") + specHelp + R"(
Examples:
  agc profile flash_fwd.ag --arg q=randn:1x1x256x64:f16 --arg k=randn:1x1x256x64 --set DV=64
  AG_SIM_ARCH=sm_120 agc profile matmul.ag --arg a=randn:256x256:f16 --arg b=randn:256x256 --json)");
  command->callback([options] { run(*options); });
}

} // namespace attn_grid::agc
