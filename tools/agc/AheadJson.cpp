#include "tools/agc/AheadHeader.h"

#include "attn_grid/ahead.h"
#include "runtime/cache/Records.h"

#include <nlohmann/json.hpp>

namespace attn_grid::agc {

using Json = nlohmann::ordered_json;

static Json toJson(const ConstValue &value) {
  switch (value.kind) {
  case ConstParam::Kind::integer:
    return value.i;
  case ConstParam::Kind::floating:
    return value.f;
  case ConstParam::Kind::boolean:
    break;
  }
  return value.i != 0;
}

static Json paramJson(const AheadFunction &function, const AheadParam &param,
                      const Signature &signature) {
  static constexpr const char *kinds[] = {"tensor", "scalar", "scalar", "const",
                                          "extent"};
  auto index = static_cast<size_t>(param.index);
  std::string type = typeInC(param);
  if (type.ends_with(' '))
    type.pop_back();
  Json json{{"name", nameInC(function, param, signature)},
            {"kind", kinds[static_cast<int>(param.kind)]},
            {"c_type", type}};
  if (param.kind == AheadParam::Kind::choice) {
    for (const ConstValue &value : function.choices[index].values)
      json["values"].push_back(toJson(value));
    return json;
  }
  if (param.kind == AheadParam::Kind::extent)
    return json;
  const Param &own = signature.params[index];
  json["dtype"] = typeText(own.type, signature);
  if (own.is_tensor) {
    static constexpr const char *modes[] = {"in", "out", "inout"};
    json["shape"] = Json::array();
    for (const Expr &dim : own.dims)
      json["shape"].push_back(dim.text);
    json["mode"] = modes[static_cast<int>(own.mode)];
    json["optional"] = own.optional;
  } else if (!own.default_value.empty()) {
    json["default"] = own.default_value.text;
  }
  return json;
}

static Json variantJson(const AheadVariant &variant,
                        const Signature &signature) {
  Json json{{"variant", detail::describe(variant.what, signature)}};
  json["dtypes"] = Json::object();
  for (size_t i = 0; i < signature.types.size(); ++i)
    json["dtypes"][signature.types[i].name] = name_of(variant.what.types[i]);
  json["consts"] = Json::object();
  for (size_t i = 0; i < signature.consts.size(); ++i)
    json["consts"][signature.consts[i].name] = toJson(variant.what.consts[i]);
  json["scratch_bytes_per_thread"] = variant.artifact.scratch_bytes;
  for (const AheadBody &body : variant.bodies)
    json["targets"].push_back(to_string(body.target));
  for (const AheadBody &body : variant.bodies)
    if (body.target.kind == Target::Kind::ptx)
      json["gpu"][body.target.arch] = {
          {"threads", body.artifact.block_threads},
          {"shared_bytes", body.artifact.shared_bytes},
          {"regular_tensors_only", body.regular}};
  return json;
}

std::string aheadJson(const AheadLibrary &library) {
  Json json{{"format", AG_AHEAD_VERSION},
            {"library", library.name},
            {"functions", Json::array()}};
  for (const AheadFunction &function : library.functions) {
    const Signature &signature =
        library.signatures[static_cast<size_t>(function.signature)];
    Json own{{"name", function.name},  {"kernel", signature.name},
             {"doc", signature.doc},   {"params", Json::array()},
             {"where", Json::array()}, {"variants", Json::array()}};
    for (const AheadParam &param : function.params)
      own["params"].push_back(paramJson(function, param, signature));
    for (const Expr &clause : signature.where)
      own["where"].push_back(clause.text);
    for (const AheadVariant &variant : library.variants)
      if (variant.what.kernel == signature.name)
        own["variants"].push_back(variantJson(variant, signature));
    json["functions"].push_back(std::move(own));
  }
  return json.dump(2) + "\n";
}

} // namespace attn_grid::agc
