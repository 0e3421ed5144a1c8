#include "tools/agc/Measurements.h"

#include "runtime/OpenProgram.h"

#include <charconv>
#include <fmt/core.h>

namespace attn_grid::agc {

Measurements::Measurements(const LaunchOptions &options,
                           const PreparedLaunch &reference)
    : store(detail::DiskStore::process()) {
  const Kernel &kernel = reference.bound.kernel;
  detail::Sources sources =
      detail::collect_sources(readFile(options.source.file),
                              options.source.file, options.source.includeDirs);
  FunctionBindings functions = options.kernel.functions(kernel.name());
  if (!functions.empty())
    sources = detail::bind_functions(std::move(sources), functions);
  identity = detail::identity_of(sources);
  if (reference.device != Device::cpu())
    identity.target = reference.device.description();
  if (!identity.complete())
    store = nullptr;
  launch = fmt::format("launch {} threads", num_threads());
  std::vector<Arg> args = reference.bound.list();
  for (const auto &[name, value] : kernel.describe(args).values)
    launch += fmt::format(", {} = {}", name, value);
}

std::string Measurements::keyOf(const Candidate &candidate) const {
  std::string key = detail::variant_key(identity, candidate.variant);
  return "measured" + key.substr(key.find(' ')) + launch + "\n";
}

size_t Measurements::recall(std::vector<Candidate> &candidates) const {
  size_t known = 0;
  for (Candidate &candidate : candidates) {
    if (!store || candidate.variant.empty())
      continue;
    std::optional<detail::Entry> entry = store->find(keyOf(candidate));
    if (!entry)
      continue;
    const std::string &text = entry->payload;
    const char *end = text.data() + text.size();
    double ms = 0;
    auto [stop, error] = std::from_chars(text.data(), end, ms);
    if (error != std::errc() || stop != end || !(ms > 0))
      continue;
    candidate.milliseconds = ms;
    candidate.tried = true;
    ++known;
  }
  return known;
}

void Measurements::keep(const Candidate &candidate) const {
  // What was refused may have failed for want of memory: it is tried again.
  if (!store || candidate.variant.empty() || !candidate.refused.empty())
    return;
  store->publish(
      {keyOf(candidate), {}, fmt::format("{}", candidate.milliseconds)});
}

} // namespace attn_grid::agc
