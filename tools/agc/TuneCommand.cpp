// agc tune FILE.ag: which candidates of a kernel's `tune` clause are fastest
// for these arguments, on this machine.

#include "tools/agc/Candidates.h"
#include "tools/agc/Measurements.h"

#include "attn_grid/error.hpp"
#include "attn_grid/tuning.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fmt/core.h>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <tuple>
#include <unistd.h>

namespace attn_grid::agc {

namespace {
using Clock = std::chrono::steady_clock;

struct TuneOptions {
  LaunchOptions launch;
  double budget = 60; ///< seconds, of all candidates
  int threads = 0;
  double behind = 2;  ///< predictions, beyond which nothing is measured
  bool all = false;   ///< measure everything
  bool again = false; ///< also what is known
  std::string save;
  bool json = false;
};

/// The outputs of a launch, by name.
using Outputs = std::vector<std::pair<std::string, std::vector<double>>>;
} // namespace

/// What the launch has written.
static Outputs outputsOf(const PreparedLaunch &prepared) {
  Outputs outputs;
  const Results &results = prepared.launch.results();
  for (const Value &value : prepared.bound.values) {
    if (value.param->mode == Param::Mode::in)
      continue;
    const std::string &name = value.param->name;
    if (value.tensor)
      outputs.emplace_back(name, value.tensor->to_vector());
    else if (results.contains(name))
      outputs.emplace_back(name, results[name].to_vector());
  }
  return outputs;
}

/// How much results of different tiles may differ: sums are taken in another
/// order. Integers are equal.
static double toleranceOf(const PreparedLaunch &prepared) {
  double tolerance = 0;
  for (const Value &value : prepared.bound.values) {
    if (!value.tensor)
      continue;
    switch (value.tensor->dtype()) {
    case f64:
      tolerance = std::max(tolerance, 1e-9);
      break;
    case f32:
      tolerance = std::max(tolerance, 1e-4);
      break;
    case f16:
      tolerance = std::max(tolerance, 1e-2);
      break;
    case bf16:
    case f8e4m3:
    case f8e5m2:
      tolerance = std::max(tolerance, 8e-2);
      break;
    default:
      break;
    }
  }
  return tolerance;
}

/// Where two results differ too much; empty if they do not.
static std::string difference(const Outputs &found, const Outputs &wanted,
                              double tolerance) {
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto &[name, values] = wanted[i];
    for (size_t k = 0; k < values.size(); ++k) {
      double a = found[i].second[k], b = values[k];
      bool same = a == b || (std::isnan(a) && std::isnan(b)) ||
                  std::fabs(a - b) <= tolerance * (1 + std::fabs(b));
      if (!same)
        return fmt::format("element {} of {} is {}, with the defaults {}", k,
                           name, a, b);
    }
  }
  return {};
}

static double timeOf(const Launch &launch, Device device) {
  Clock::time_point begin = Clock::now();
  launch();
  device.synchronize();
  return std::chrono::duration<double, std::milli>(Clock::now() - begin)
      .count();
}

/// The best of several runs, in milliseconds.
static double bestTime(const Launch &launch, Device device) {
  constexpr int least = 3, most = 50;
  constexpr double enough = 200; // milliseconds in all
  double best = std::numeric_limits<double>::infinity(), all = 0;
  for (int run = 0; run < most && (run < least || all < enough); ++run) {
    double time = timeOf(launch, device);
    best = std::min(best, time);
    all += time;
  }
  return best;
}

/// The kernel with a candidate's consts.
static PreparedLaunch prepare(const Candidate &candidate,
                              const LaunchOptions &options) {
  LaunchOptions own = options;
  own.kernel = with(candidate, options.kernel);
  return own.prepare();
}

/// Compiles, compares, measures. For the comparison inputs are drawn anew from
/// the same seed, since a kernel may write them; times are of the same memory
/// for all, since where it lies matters too.
static void tryOut(Candidate &candidate, const LaunchOptions &options,
                   const PreparedLaunch &reference, const Outputs &wanted) {
  candidate.tried = true;
  try {
    PreparedLaunch prepared = prepare(candidate, options);
    prepared.launch();
    candidate.refused =
        difference(outputsOf(prepared), wanted, toleranceOf(prepared));
    if (!candidate.refused.empty())
      return;
    Launch same = prepared.bound.kernel.prepare_list(reference.bound.list());
    candidate.milliseconds = bestTime(same, prepared.device);
  } catch (const Error &error) {
    std::string why = error.what();
    candidate.refused = why.substr(0, why.find('\n'));
  }
}

/// Measures the first few and the defaults once more, in turns: what a machine
/// does beside then hits all of them. Gives the time of the defaults.
static double runOff(std::vector<Candidate> &ranked,
                     const LaunchOptions &options,
                     const PreparedLaunch &reference) {
  constexpr size_t finalists = 3;
  constexpr int rounds = 20;
  std::vector<Launch> launches{reference.launch};
  std::vector<double> best(1, std::numeric_limits<double>::infinity());
  for (size_t i = 0; i < ranked.size() && i < finalists; ++i) {
    if (!ranked[i].refused.empty())
      break;
    launches.push_back(prepare(ranked[i], options)
                           .bound.kernel.prepare_list(reference.bound.list()));
    best.push_back(best[0]);
  }
  for (int round = 0; round < rounds; ++round)
    for (size_t i = 0; i < launches.size(); ++i)
      best[i] = std::min(best[i], timeOf(launches[i], reference.device));
  for (size_t i = 1; i < launches.size(); ++i)
    ranked[i - 1].milliseconds = best[i];
  return best[0];
}

// --------------------------------------------------------------------- output

/// Adds what was found to a file of `ag::load_tuning`.
static void save(const std::string &file, const PreparedLaunch &reference,
                 const Candidate &best) {
  std::vector<Arg> args = reference.bound.list();
  std::string line =
      reference.bound.kernel.tuning(args, best.choice, best.milliseconds);
  std::string before = access(file.c_str(), F_OK) == 0 ? readFile(file) : "";
  writeFile(merge_tuning(before, line), file);
}

/// One line that is written over, on a terminal.
static void showProgress(size_t done, size_t all, const Candidate *best) {
  if (!isatty(STDERR_FILENO))
    return;
  constexpr size_t width = 30;
  size_t full = all ? done * width / all : width;
  fmt::print(stderr, "\r\033[K[{:#<{}}{:.<{}}] {}/{}{}", "", full, "",
             width - full, done, all,
             best ? fmt::format("  best {:.3f} ms: {}", best->milliseconds,
                                setsOf(best->choice))
                  : std::string());
  if (done == all)
    fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
}

/// Why some candidates were not measured.
static void printUntried(const std::vector<Candidate> &candidates,
                         const TuneOptions &options) {
  size_t pruned = 0, late = 0;
  for (const Candidate &candidate : candidates)
    if (!candidate.tried)
      ++(candidate.isPruned ? pruned : late);
  if (pruned)
    fmt::print("{} candidates were not tried: they are predicted to take more "
               "than {} times what the best takes (--behind, --all)\n",
               pruned, options.behind);
  if (late)
    fmt::print("{} candidates were not tried: --budget was too short; the next "
               "run goes on with them\n",
               late);
}

static void printTable(const std::vector<Candidate> &ranked, double defaults) {
  fmt::print("{:>10} {:>9}  {}\n", "ms", "speed", "consts");
  fmt::print("{:>10.3f} {:>9}  the defaults\n", defaults, "1.00");
  for (const Candidate &candidate : ranked)
    if (candidate.refused.empty())
      fmt::print("{:>10.3f} {:>9.2f}  {}\n", candidate.milliseconds,
                 defaults / candidate.milliseconds, setsOf(candidate.choice));
    else
      fmt::print("{:>10} {:>9}  {}: {}\n", "-", "-", setsOf(candidate.choice),
                 candidate.refused);
}

static void run(const TuneOptions &options) {
  if (options.threads)
    set_num_threads(options.threads);
  PreparedLaunch reference = options.launch.prepare();
  if (reference.device.kind() == Device::Kind::sim)
    throw UsageError("--device: times on sim say nothing about a GPU's; "
                     "`agc profile` counts");
  const Signature &signature = reference.bound.kernel.signature();
  auto axes = axesOf(signature, options.launch.kernel.sets,
                     reference.device.kind() != Device::Kind::cpu);
  if (axes.empty())
    throw InvalidArgument(fmt::format(
        "{} has no `tune` clause with consts that --set leaves open",
        signature.name));
  std::vector<Candidate> candidates = candidatesOf(axes);
  auto after = [begin = Clock::now()](double seconds) {
    return begin + std::chrono::duration_cast<Clock::duration>(
                       std::chrono::duration<double>(seconds));
  };
  // Predictions are to save time, so they get a part of it.
  predict(candidates, options.launch, reference,
          options.all ? std::numeric_limits<double>::infinity()
                      : options.behind,
          after(options.budget / 4));
  Measurements measurements(options.launch, reference);
  size_t known = options.again ? 0 : measurements.recall(candidates);
  if (known && !options.json)
    fmt::print("{} candidates were measured before\n", known);

  reference.launch();
  Outputs wanted = outputsOf(reference);
  Clock::time_point end = after(options.budget);
  const Candidate *best = nullptr;
  size_t done = 0;
  for (Candidate &candidate : candidates) {
    showProgress(done++, candidates.size(), best);
    if (!candidate.refused.empty())
      candidate.tried = true; // by the prediction
    if (!candidate.tried && !candidate.isPruned) {
      if (Clock::now() >= end)
        break;
      tryOut(candidate, options.launch, reference, wanted);
      measurements.keep(candidate);
    }
    if (candidate.tried && candidate.refused.empty() &&
        (!best || candidate.milliseconds < best->milliseconds))
      best = &candidate;
  }
  showProgress(candidates.size(), candidates.size(), best);

  std::vector<Candidate> ranked;
  std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(ranked),
               [](const Candidate &candidate) { return candidate.tried; });
  auto sort = [&] {
    std::sort(
        ranked.begin(), ranked.end(),
        [](const Candidate &a, const Candidate &b) {
          return std::make_tuple(!a.refused.empty(), a.milliseconds, a.choice) <
                 std::make_tuple(!b.refused.empty(), b.milliseconds, b.choice);
        });
  };
  sort();
  double defaults = runOff(ranked, options.launch, reference);
  sort();
  bool isFaster = !ranked.empty() && ranked[0].refused.empty() &&
                  ranked[0].milliseconds < defaults;
  if (!options.save.empty()) {
    // That the defaults are the best is worth keeping, too.
    Candidate best;
    if (isFaster)
      best = ranked[0];
    else if (auto choice = defaultsOf(signature, axes))
      best = {*choice, {}, 0, defaults, {}, true, false};
    if (best.tried)
      save(options.save, reference, best);
  }
  if (options.json) {
    nlohmann::ordered_json json = {{"kernel", signature.name},
                                   {"device", reference.device.description()},
                                   {"threads", num_threads()},
                                   {"default_ms", defaults}};
    auto list = nlohmann::ordered_json::array();
    for (const Candidate &candidate : ranked) {
      nlohmann::ordered_json row;
      for (const auto &[name, value] : candidate.choice)
        row["consts"][name] = value;
      if (candidate.refused.empty())
        row["ms"] = candidate.milliseconds;
      else
        row["refused"] = candidate.refused;
      if (candidate.predicted > 0 && std::isfinite(candidate.predicted))
        row["predicted_cycles"] = candidate.predicted;
      list.push_back(std::move(row));
    }
    json["candidates"] = std::move(list);
    json["not_tried"] = candidates.size() - ranked.size();
    fmt::print("{}\n", json.dump(2));
    return;
  }
  fmt::print("{} on {}: {} candidates\n", signature.name,
             reference.device.name(), candidates.size());
  printTable(ranked, defaults);
  printUntried(candidates, options);
  fmt::print("the best: {}\n",
             isFaster ? setsOf(ranked[0].choice) : "the defaults");
  if (!options.save.empty())
    fmt::print("saved to {}: AG_TUNING or ag::load_tuning names it\n",
               options.save);
}

void addTuneCommand(CLI::App &app) {
  auto options = std::make_shared<TuneOptions>();
  CLI::App *command = app.add_subcommand(
      "tune", "measure the candidates of a kernel's `tune` clause");
  options->launch.addTo(
      *command, "cpu, cuda or cuda:N; AG_DEVICE, else cpu, if not given");
  command
      ->add_option("--budget", options->budget,
                   "seconds for all candidates; 60 if not given")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 1e6));
  command
      ->add_option("--behind", options->behind,
                   "how many times the best prediction a candidate may be "
                   "predicted to take; 2 if not given")
      ->type_name("TIMES")
      ->check(CLI::Range(1.0, 1e6));
  command->add_flag("--all", options->all,
                    "measure what is predicted to be far behind, too");
  command->add_flag("--again", options->again,
                    "measure what an earlier run has measured, too");
  command
      ->add_option("--threads", options->threads,
                   "how many threads; all of the machine's if not given")
      ->type_name("N")
      ->check(CLI::Range(1, 4096));
  command
      ->add_option("--save", options->save,
                   "add the best to a tuning file, which AG_TUNING names later")
      ->type_name("FILE");
  command->add_flag("--json", options->json, "print one JSON object");
  command->footer(
      std::string(
          R"(Each candidate must compute what the defaults do, up to rounding; then the best
of several runs counts. Consts that --set fixes are not varied. The cost model of
`agc explain` says which candidates come first, and which are not tried at all.
What was measured is kept in the cache (`agc cache list`): a run that ended early,
by its budget or by ^C, is gone on with. --save exports the best to a file that can
be shipped, and merges it with what is there.

)") + specHelp +
      R"(
Examples:
  agc tune flash_fwd.ag --arg q=randn:1x8x1024x64:f32 --arg k=randn:1x8x1024x64 --set DV=64
  agc tune flash_fwd.ag --arg q=q.npy --arg k=k.npy --arg v=v.npy --save my.tuning
  AG_TUNING=my.tuning agc run flash_fwd.ag --arg q=q.npy --arg k=k.npy --arg v=v.npy
  agc tune matmul.ag --arg a=randn:512x512:f32 --arg b=randn:512x512 --set GROUP=2 --json)");
  command->callback([options] { run(*options); });
}

} // namespace attn_grid::agc
