#include "tools/agc/Candidates.h"

#include "attn_grid/error.hpp"
#include "runtime/Evaluate.h"
#include "runtime/cache/Records.h"
#include "tools/agc/CompilerFunctions.h"

#include <algorithm>
#include <cmath>
#include <fmt/core.h>
#include <limits>
#include <tuple>

namespace attn_grid::agc {

std::string setsOf(const Choice &choice) {
  std::string text;
  for (const auto &[name, value] : choice)
    text += fmt::format("{}--set {}={}", text.empty() ? "" : " ", name, value);
  return text;
}

std::vector<Axis> axesOf(const Signature &signature,
                         const std::vector<std::string> &sets, bool isGpu) {
  std::vector<Axis> axes;
  for (const ConstParam &param : signature.consts) {
    bool isSet = std::any_of(sets.begin(), sets.end(), [&](const auto &text) {
      return text.starts_with(param.name + "=");
    });
    if (param.candidates.empty() || isSet || (param.is_gpu_hint && !isGpu))
      continue;
    std::vector<int64_t> values;
    for (const Expr &candidate : param.candidates) {
      detail::Evaluation value =
          detail::evaluate(candidate, {&signature, {}, {}, {}, {}, {}});
      if (!value || (*value).kind() != Scalar::Kind::integer)
        throw Unsupported(fmt::format("the candidate {} of '{}' is no integer "
                                      "that is known before a launch",
                                      candidate.text, param.name));
      values.push_back((*value).integer());
    }
    axes.emplace_back(param.name, std::move(values));
  }
  return axes;
}

std::optional<Choice> defaultsOf(const Signature &signature,
                                 const std::vector<Axis> &axes) {
  Choice choice;
  for (const auto &[name, values] : axes)
    for (const ConstParam &param : signature.consts) {
      if (param.name != name)
        continue;
      detail::Evaluation value = detail::evaluate(
          param.default_value, {&signature, {}, {}, {}, {}, {}});
      if (!value || (*value).kind() != Scalar::Kind::integer)
        return std::nullopt;
      choice.emplace_back(name, (*value).integer());
    }
  return choice;
}

std::vector<Candidate> candidatesOf(const std::vector<Axis> &axes) {
  std::vector<Candidate> all(1);
  for (const auto &[name, values] : axes) {
    std::vector<Candidate> next;
    for (const Candidate &candidate : all)
      for (int64_t value : values) {
        next.push_back(candidate);
        next.back().choice.emplace_back(name, value);
      }
    all = std::move(next);
    constexpr size_t most = 10'000;
    if (all.size() > most)
      throw InvalidArgument(fmt::format(
          "these are more than {} candidates: fix some consts with --set",
          most));
  }
  return all;
}

KernelOptions with(const Candidate &candidate, const KernelOptions &options) {
  KernelOptions own = options;
  for (const auto &[name, value] : candidate.choice)
    own.sets.push_back(fmt::format("{}={}", name, value));
  return own;
}

void predict(std::vector<Candidate> &candidates, const LaunchOptions &options,
             const PreparedLaunch &reference, double behind,
             std::chrono::steady_clock::time_point until) {
  std::string text = readFile(options.source.file);
  const SourceOptions &source = options.source;
  Module module = options.kernel.bind(
      Module::from_source(text, source.file, source.includeDirs));
  std::string name = reference.bound.kernel.name();
  std::vector<Arg> args = reference.bound.list();
  // A GPU's multiprocessors are as many for all candidates.
  double parallel = reference.device == Device::cpu()
                        ? static_cast<double>(num_threads())
                        : 1;
  double best = 0;
  for (Candidate &candidate : candidates) {
    try {
      Kernel kernel =
          module.kernel(name, with(candidate, options.kernel).bindings());
      LaunchDescription launch = kernel.describe(args);
      candidate.variant = detail::describe(launch.what, kernel.signature());
      if (std::chrono::steady_clock::now() > until) {
        candidate.predicted = std::numeric_limits<double>::infinity();
        continue;
      }
      compiler::ExplainOptions explainOptions;
      explainOptions.values = launch.values;
      explainOptions.resources = false;
      compiler::Explanation explanation = compilerFunctions().explain(
          text, source.file, source.includeDirs, launch.what, launch.target,
          explainOptions, options.kernel.functions(name));
      if (!explanation.ok) {
        candidate.refused = explanation.diagnostics.substr(
            0, explanation.diagnostics.find('\n'));
        continue;
      }
      candidate.predicted =
          explanation.cycles * std::ceil(explanation.programs / parallel);
      if (candidate.predicted > 0 && (best == 0 || candidate.predicted < best))
        best = candidate.predicted;
    } catch (const Error &error) {
      std::string why = error.what();
      candidate.refused = why.substr(0, why.find('\n'));
    }
  }
  for (Candidate &candidate : candidates)
    candidate.isPruned = candidate.refused.empty() &&
                         std::isfinite(candidate.predicted) &&
                         candidate.predicted > behind * best;
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate &a, const Candidate &b) {
              return std::tie(a.predicted, a.choice) <
                     std::tie(b.predicted, b.choice);
            });
}

} // namespace attn_grid::agc
