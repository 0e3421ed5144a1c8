#include "runtime/sim/Checks.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace attn_grid::sim {

const char *nameOf(Problem problem) {
  switch (problem) {
  case Problem::outOfBounds:
    return "out of bounds";
  case Problem::misaligned:
    return "misaligned";
  case Problem::uninitialised:
    return "uninitialised memory";
  case Problem::race:
    return "race";
  case Problem::inFlight:
    return "asynchronous work in flight";
  case Problem::notFinite:
    return "not finite";
  case Problem::unfenced:
    return "missing fence";
  case Problem::inactiveLane:
    return "inactive lane";
  case Problem::divergentBarrier:
    return "divergent barrier";
  case Problem::barrierMismatch:
    return "barrier that is not reached by all";
  case Problem::badInstruction:
    return "bad instruction";
  case Problem::trap:
    return "trap";
  case Problem::tooLong:
    return "too many instructions";
  }
  return "";
}

bool isFatal(Problem problem) {
  return problem == Problem::outOfBounds || problem == Problem::misaligned ||
         problem == Problem::divergentBarrier ||
         problem == Problem::barrierMismatch ||
         problem == Problem::badInstruction || problem == Problem::trap ||
         problem == Problem::tooLong;
}

CheckOptions CheckOptions::fromEnvironment() {
  CheckOptions options;
  const char *approximate = std::getenv("AG_SIM_APPROX");
  options.perturbs = approximate && std::string_view(approximate) == "perturb";
  const char *text = std::getenv("AG_SIM_CHECKS");
  if (!text || std::string_view(text) == "all")
    return options;
  std::string_view list = text;
  options.nan = list.find("nan") != list.npos;
  if (list.find("all") != list.npos)
    return options;
  options.init = list.find("init") != list.npos;
  options.race = list.find("race") != list.npos;
  options.sync = list.find("sync") != list.npos;
  return options;
}

void Reports::add(Problem problem, const std::string &place,
                  const std::string &text) {
  constexpr size_t most = 100;
  std::lock_guard lock(mutex);
  if (texts.size() < most && seen.insert({problem, place}).second)
    texts.push_back(text);
}

size_t Reports::count() const {
  std::lock_guard lock(mutex);
  return texts.size();
}

std::vector<std::string> Reports::from(size_t first) const {
  std::lock_guard lock(mutex);
  first = std::min(first, texts.size());
  return {texts.begin() + static_cast<ptrdiff_t>(first), texts.end()};
}

void Reports::clear() {
  std::lock_guard lock(mutex);
  texts.clear();
  seen.clear();
}

} // namespace attn_grid::sim
