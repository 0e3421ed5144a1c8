#include "tools/agc/VariantOptions.h"

#include "tools/agc/Command.h"

#include "attn_grid/error.hpp"
#include "runtime/Evaluate.h"

#include <algorithm>
#include <fmt/core.h>

namespace attn_grid::agc {

bool VariantOptions::isEmpty() const {
  return kernel.kernel.empty() && kernel.variant.empty() &&
         kernel.sets.empty() && kernel.dtypes.empty() && absent.empty() &&
         lastStrides.empty();
}

void VariantOptions::addTo(CLI::App &command) {
  kernel.addTo(command);
  command.add_option("--absent", absent, "compile without an optional tensor")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command
      .add_option("--last-stride", lastStrides,
                  "what is assumed of a tensor's last stride, else 1")
      ->type_name("NAME=0|1|any")
      ->allow_extra_args(false);
}

/// What `--set` or `--dtype` says of a name, or null.
static const Binding *findBinding(const Bindings &bindings,
                                  std::string_view name) {
  auto it = std::find_if(
      bindings.begin(), bindings.end(),
      [&](const Binding &binding) { return binding.name == name; });
  return it == bindings.end() ? nullptr : &*it;
}

static ConstValue toConst(ConstParam::Kind kind, Scalar value) {
  ConstValue result{kind};
  if (kind == ConstParam::Kind::floating)
    result.f = value.number();
  else
    result.i = value.integer();
  return result;
}

/// Dtypes as bound, else by default, else f32 (i32 for `T: int`).
static std::vector<DType> bindTypes(const Signature &signature,
                                    const Bindings &bindings) {
  std::vector<DType> types;
  for (const TypeParam &param : signature.types) {
    if (const Binding *binding = findBinding(bindings, param.name)) {
      types.push_back(std::get<DType>(binding->value));
      continue;
    }
    const TypeRef &type = param.default_type;
    DType dtype = param.kind == TypeParam::Class::integer ? i32 : f32;
    if (param.has_default && type.kind == TypeRef::Kind::concrete)
      dtype = type.dtype;
    else if (param.has_default)
      dtype = type.kind == TypeRef::Kind::param ? types[type.param]
                                                : acc_of(types[type.param]);
    types.push_back(dtype);
  }
  return types;
}

/// Consts as bound, else by their defaults. Throws `InvalidArgument` that names
/// the const without a value.
static std::vector<ConstValue> bindConsts(const Signature &signature,
                                          const Bindings &bindings,
                                          const std::vector<DType> &types,
                                          const std::vector<bool> &present) {
  std::vector<std::optional<Scalar>> consts(signature.consts.size());
  std::vector<std::optional<Scalar>> scalars(signature.params.size());
  std::vector<std::optional<DType>> knownTypes(types.begin(), types.end());
  std::vector<uint8_t> presence(present.begin(), present.end());
  std::vector<int64_t> extents(signature.extents.size(), -1);
  detail::Environment environment{&signature, extents,  consts,
                                  scalars,    presence, knownTypes};
  std::vector<ConstValue> values;
  for (size_t i = 0; i < signature.consts.size(); ++i) {
    const ConstParam &param = signature.consts[i];
    if (const Binding *binding = findBinding(bindings, param.name)) {
      consts[i] = std::get<Scalar>(binding->value);
    } else if (param.default_value.empty()) {
      throw InvalidArgument(
          fmt::format("the const '{}' has no value: give --set {}=VALUE",
                      param.name, param.name));
    } else {
      detail::Evaluation value =
          detail::evaluate(param.default_value, environment);
      if (!value)
        throw InvalidArgument(fmt::format(
            "the default of '{}', {}, has no value here: give --set {}=VALUE",
            param.name, param.default_value.text, param.name));
      consts[i] = *value;
    }
    values.push_back(toConst(param.kind, *consts[i]));
  }
  return values;
}

int8_t parseStride(const std::string &name, const std::string &text) {
  if (text == "0" || text == "1")
    return static_cast<int8_t>(text[0] - '0');
  if (text == "any")
    return -1;
  throw UsageError(fmt::format(
      "--last-stride {}: expected 0, 1 or any, but got '{}'", name, text));
}

Specialization specialize(const Signature &signature, const Bindings &bindings,
                          const std::vector<bool> &present) {
  Specialization result;
  result.kernel = signature.name;
  result.present = present;
  for (size_t i = 0; i < signature.params.size(); ++i)
    result.last_stride.push_back(
        present[i] && !signature.params[i].dims.empty() ? 1 : -1);
  result.types = bindTypes(signature, bindings);
  result.consts = bindConsts(signature, bindings, result.types, present);
  return result;
}

Specialization VariantOptions::specialize(const Signature &signature,
                                          const Bindings &bindings) const {
  std::vector<bool> present(signature.params.size(), true);
  for (const std::string &name : absent) {
    size_t i = findParam(signature, name);
    if (!signature.params[i].optional)
      throw InvalidArgument(
          fmt::format("'{}' is not optional, it cannot be absent", name));
    present[i] = false;
  }
  Specialization result = agc::specialize(signature, bindings, present);
  for (const std::string &text : lastStrides) {
    auto [name, value] = splitAssignment(text, "--last-stride");
    size_t i = findParam(signature, name);
    if (signature.params[i].dims.empty())
      throw InvalidArgument(fmt::format(
          "--last-stride {}: it is no tensor of rank 1 or more", name));
    result.last_stride[i] = parseStride(name, value);
  }
  return result;
}

} // namespace attn_grid::agc
