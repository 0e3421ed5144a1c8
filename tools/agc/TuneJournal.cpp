#include "tools/agc/TuneJournal.h"

#include <cstdio>
#include <fmt/core.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace attn_grid::agc {

using Json = nlohmann::ordered_json;

static Json jsonOf(const Choice &choice) {
  Json json = Json::object();
  for (const auto &[name, value] : choice)
    json[name] = value;
  return json;
}

size_t TuneJournal::recall(std::vector<Candidate> &candidates) const {
  if (path.empty() || access(path.c_str(), F_OK) != 0)
    return 0;
  size_t known = 0;
  try {
    Json json = Json::parse(readFile(path));
    if (json.at("identity").get<std::string>() != identity)
      return 0;
    for (const Json &row : json.at("candidates"))
      for (Candidate &candidate : candidates) {
        if (candidate.tried || row.at("consts") != jsonOf(candidate.choice))
          continue;
        candidate.refused = row.value("refused", "");
        candidate.milliseconds = row.value("ms", 0.0);
        candidate.tried =
            !candidate.refused.empty() || candidate.milliseconds > 0;
        known += candidate.tried;
      }
  } catch (const Json::exception &) {
    fmt::print(stderr, "agc: {} is damaged: all is measured anew\n", path);
    for (Candidate &candidate : candidates)
      candidate.tried = false;
    return 0;
  }
  return known;
}

void TuneJournal::keep(const std::vector<Candidate> &candidates) const {
  if (path.empty())
    return;
  Json json{{"identity", identity}, {"candidates", Json::array()}};
  for (const Candidate &candidate : candidates) {
    if (!candidate.tried)
      continue;
    Json row{{"consts", jsonOf(candidate.choice)}};
    if (candidate.refused.empty())
      row["ms"] = candidate.milliseconds;
    else
      row["refused"] = candidate.refused;
    json["candidates"].push_back(std::move(row));
  }
  writeFile(json.dump(), path);
}

void TuneJournal::close() const {
  if (!path.empty())
    std::remove(path.c_str());
}

} // namespace attn_grid::agc
