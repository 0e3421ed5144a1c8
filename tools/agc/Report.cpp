#include "tools/agc/Report.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace attn_grid::agc {

static double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle]
                           : (values[middle - 1] + values[middle]) / 2;
}

static double best(const std::vector<double> &values) {
  return *std::min_element(values.begin(), values.end());
}

static std::string_view modeName(Param::Mode mode) {
  switch (mode) {
  case Param::Mode::in:
    return "in";
  case Param::Mode::out:
    return "out";
  case Param::Mode::inout:
    return "inout";
  }
  return "";
}

std::string firstElements(const TensorView &tensor) {
  constexpr int64_t most = 4;
  int64_t count = tensor.elements();
  if (count == 0)
    return "(empty)";
  std::string text;
  for (int64_t i = 0; i < std::min(count, most); ++i) {
    Dims index = Dims::filled(tensor.rank(), 0);
    int64_t rest = i;
    for (int dim = tensor.rank(); dim-- > 0; rest /= tensor.size(dim))
      index[dim] = rest % tensor.size(dim);
    fmt::format_to(std::back_inserter(text), "{}{:.6g}", i ? " " : "",
                   tensor.at(index));
  }
  return count > most ? text + " ..." : text;
}

static std::string formatScalar(Scalar scalar) {
  switch (scalar.kind()) {
  case Scalar::Kind::boolean:
    return scalar.integer() ? "true" : "false";
  case Scalar::Kind::integer:
    return fmt::to_string(scalar.integer());
  case Scalar::Kind::floating:
    return fmt::to_string(scalar.number());
  }
  return "";
}

std::string formatTable(const RunReport &report) {
  std::vector<std::array<std::string, 5>> rows;
  for (size_t i = 0; i < report.values.size(); ++i) {
    const Value &value = report.values[i];
    if (value.tensor)
      rows.push_back(
          {value.param->name, std::string(modeName(value.param->mode)),
           std::string(name_of(value.tensor->dtype())),
           to_string(value.tensor->sizes()),
           report.firstElements[i].empty() ? value.source
                                           : report.firstElements[i]});
    else if (value.scalar)
      rows.push_back(
          {value.param->name, "in", "", "", formatScalar(*value.scalar)});
  }
  std::array<size_t, 5> widths{};
  for (const auto &row : rows)
    for (size_t c = 0; c < row.size(); ++c)
      widths[c] = std::max(widths[c], row[c].size());
  std::string text;
  auto out = std::back_inserter(text);
  if (report.device == Device::cpu())
    fmt::format_to(out, "{} on cpu, {} thread{}\n", report.kernel,
                   report.threads, report.threads == 1 ? "" : "s");
  else
    fmt::format_to(out, "{} on {}, {}\n", report.kernel, report.device.name(),
                   report.device.description());
  for (const auto &row : rows)
    fmt::format_to(out, "  {:{}}  {:{}}  {:{}}  {:{}}  {}\n", row[0], widths[0],
                   row[1], widths[1], row[2], widths[2], row[3], widths[3],
                   row[4]);
  if (report.variant.from_disk)
    fmt::format_to(out, "compiled before");
  else
    fmt::format_to(out, "compile {:.1f} ms", report.variant.compile_ms);
  fmt::format_to(out, ", run {:.3f} ms", median(report.milliseconds));
  if (report.milliseconds.size() > 1)
    fmt::format_to(out, " (median of {}, best {:.3f} ms)",
                   report.milliseconds.size(), best(report.milliseconds));
  text += '\n';
  for (const auto &[name, file] : report.saved)
    fmt::format_to(out, "saved {} to {}\n", name, file);
  return text;
}

static nlohmann::ordered_json jsonOf(Scalar scalar) {
  switch (scalar.kind()) {
  case Scalar::Kind::boolean:
    return scalar.integer() != 0;
  case Scalar::Kind::integer:
    return scalar.integer();
  case Scalar::Kind::floating:
    return scalar.number();
  }
  return nullptr;
}

std::string formatJson(const RunReport &report) {
  using Json = nlohmann::ordered_json;
  Json arguments = Json::array();
  for (const Value &value : report.values) {
    Json argument{{"name", value.param->name},
                  {"mode", modeName(value.param->mode)}};
    if (value.tensor) {
      argument["dtype"] = name_of(value.tensor->dtype());
      argument["shape"] = Json::array();
      for (int64_t extent : value.tensor->sizes())
        argument["shape"].push_back(extent);
      argument["strides"] = Json::array();
      for (int64_t stride : value.tensor->strides())
        argument["strides"].push_back(stride);
      argument["source"] = value.source;
    } else if (value.scalar) {
      argument["value"] = jsonOf(*value.scalar);
    } else {
      continue;
    }
    arguments.push_back(std::move(argument));
  }
  Json saved = Json::object();
  for (const auto &[name, file] : report.saved)
    saved[name] = file;
  Json object{{"kernel", report.kernel},
              {"variant", report.variant.key},
              {"from_disk", report.variant.from_disk},
              {"device", report.device.name()},
              {"threads", report.threads},
              {"arguments", std::move(arguments)},
              {"milliseconds",
               {{"compile", report.variant.compile_ms},
                {"median", median(report.milliseconds)},
                {"best", best(report.milliseconds)}}},
              {"runs", report.milliseconds.size()},
              {"saved", std::move(saved)}};
  // A file's name may hold any bytes; what is not UTF-8 is replaced.
  return object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace attn_grid::agc
