// Which argument goes to which parameter, and what their dtypes say.

#include "attn_grid/error.hpp"
#include "runtime/Binder.h"
#include "runtime/Text.h"
#include <fmt/format.h>

namespace attn_grid::detail {

size_t Binder::param_named(std::string_view name) const {
  for (size_t i = 0; i < params().size(); ++i)
    if (params()[i].name == name)
      return i;
  return params().size();
}

/// An extent by name among the arguments: what only an absent tensor would
/// bind may change from launch to launch.
bool Binder::assign_extent(const Arg &arg) {
  for (size_t i = 0; i < extents_.size(); ++i) {
    const Extent &extent = signature().extents[i];
    if (extent.name != arg.name() || extent.constant >= 0)
      continue;
    if (arg.kind() != Arg::Kind::scalar ||
        arg.scalar().kind() != Scalar::Kind::integer)
      throw DTypeError(fmt::format("{}the extent {} must be an integer",
                                   prefix(), extent.name));
    int64_t value = arg.scalar().integer();
    if (value < 0 || value >= extent_limit)
      throw InvalidArgument(
          fmt::format("{}the extent {} must be from 0 to 2^30 - 1, found {}",
                      prefix(), extent.name, value));
    if (extents_[i] >= 0)
      throw InvalidArgument(
          fmt::format("{}the extent {} is given twice", prefix(), extent.name));
    extents_[i] = value;
    return true;
  }
  return false;
}

void Binder::assign_arguments(std::span<const Arg> args) {
  size_t position = 0;
  bool named = false;
  for (const Arg &arg : args) {
    size_t param = position;
    if (arg.name().empty()) {
      if (named)
        throw InvalidArgument(prefix() +
                              "an argument by position follows one by name");
      if (position >= params().size())
        throw InvalidArgument(
            fmt::format("{}expected at most {} arguments, found {}", prefix(),
                        params().size(), args.size()));
      ++position;
    } else {
      named = true;
      param = param_named(arg.name());
      if (param == params().size()) {
        if (assign_extent(arg))
          continue;
        std::vector<std::string> names;
        for (const Param &candidate : params())
          names.push_back(candidate.name);
        throw KeyError(fmt::format("{}no parameter is called `{}`{}", prefix(),
                                   arg.name(), suggest(arg.name(), names)));
      }
    }
    if (args_[param])
      throw InvalidArgument(
          fmt::format("{}`{}` is given twice", prefix(), params()[param].name));
    args_[param] = &arg;
  }
}

/// Tensors for tensors, scalars for scalars, `out` for what is written.
void Binder::check_kinds() {
  for (size_t i = 0; i < params().size(); ++i) {
    const Param &param = params()[i];
    const Arg *arg = args_[i];
    if (!arg || arg->kind() == Arg::Kind::absent)
      continue;
    bool is_tensor = arg->kind() == Arg::Kind::tensor;
    if (is_tensor != param.is_tensor)
      throw InvalidArgument(
          fmt::format("{}expected a {} for `{}`, found a {}", prefix(),
                      param.is_tensor ? "tensor" : "scalar", param.name,
                      is_tensor ? "tensor" : "scalar"));
    bool written = param.mode != Param::Mode::in;
    if (written && !arg->written())
      throw InvalidArgument(
          fmt::format("{0}`{1}` is written: pass it as ag::out(...), or as "
                      "ag::out(\"{1}\", ...)",
                      prefix(), param.name));
    if (!written && arg->written())
      throw InvalidArgument(fmt::format(
          "{}`{}` is only read, found ag::out(...)", prefix(), param.name));
  }
}

/// Marks what is there, what the launch makes, and throws for what is missing.
void Binder::check_presence() {
  for (size_t i = 0; i < params().size(); ++i) {
    const Param &param = params()[i];
    if (args_[i] && args_[i]->kind() == Arg::Kind::absent)
      args_[i] = nullptr;
    if (args_[i] || !param.is_tensor) {
      present_[i] = true;
      bool needed = !param.is_tensor && param.default_value.empty();
      if (!args_[i] && needed && !partial_)
        throw InvalidArgument(
            fmt::format("{}`{}` is missing: it is a scalar without a default",
                        prefix(), param.name));
    } else if (!param.optional) {
      present_[i] = true;
      fresh_[i] = param.mode == Param::Mode::out;
      if (!fresh_[i] && !partial_)
        throw InvalidArgument(fmt::format(
            "{}`{}` is missing: it is not optional", prefix(), param.name));
    }
  }
}

static bool belongs(DType dtype, TypeParam::Class kind) {
  switch (kind) {
  case TypeParam::Class::any:
    return true;
  case TypeParam::Class::floating:
    return is_float(dtype);
  case TypeParam::Class::integer:
    return is_int(dtype);
  }
  return false;
}

void Binder::bind_type(size_t i, const TensorView &tensor) {
  const TypeRef &type = params()[i].type;
  const std::string &name = params()[i].name;
  DType found = tensor.dtype();
  if (type.kind == TypeRef::Kind::concrete) {
    if (found != type.dtype)
      throw DTypeError(fmt::format("{}expected `{}` of {}, found {}", prefix(),
                                   name, name_of(type.dtype), name_of(found)));
    return;
  }
  if (type.kind == TypeRef::Kind::acc_of_param)
    return; // checked when all are bound: f32 may be acc<T> of several T
  auto index = static_cast<size_t>(type.param);
  const TypeParam &param = signature().types[index];
  std::optional<DType> &bound = types_[index];
  if (!bound) {
    if (!belongs(found, param.kind))
      throw DTypeError(fmt::format(
          "{}`{}` is of {}, but {} must be {}", prefix(), name, name_of(found),
          param.name,
          param.kind == TypeParam::Class::floating ? "a float" : "an integer"));
    bound = found;
    type_binder_[index] = static_cast<int>(i);
  } else if (*bound != found) {
    int binder = type_binder_[index];
    throw DTypeError(fmt::format(
        "{}expected `{}` of {}, found {}: {} bound {} = {}", prefix(), name,
        name_of(*bound), name_of(found),
        binder < 0 ? kernel_.module->binder()
                   : "`" + params()[static_cast<size_t>(binder)].name + "`",
        param.name, name_of(*bound)));
  }
}

void Binder::check_acc_types() {
  for (size_t i = 0; i < params().size(); ++i) {
    const TypeRef &type = params()[i].type;
    const TensorView *view = tensor(i);
    if (!view || type.kind != TypeRef::Kind::acc_of_param)
      continue;
    std::optional<DType> wanted = resolve(type);
    if (!wanted || *wanted == view->dtype())
      continue;
    auto index = static_cast<size_t>(type.param);
    const std::string &param = signature().types[index].name;
    throw DTypeError(fmt::format(
        "{}expected `{}` of {}, found {}: it is acc<{}>, and {} = {}", prefix(),
        params()[i].name, name_of(*wanted), name_of(view->dtype()), param,
        param, name_of(*types_[index])));
  }
}

void Binder::default_types() {
  for (size_t i = 0; i < types_.size(); ++i) {
    const TypeParam &param = signature().types[i];
    if (!types_[i] && param.has_default)
      types_[i] = resolve(param.default_type);
    if (types_[i] || partial_)
      continue;
    throw_unbound(param.name, "the launch");
  }
}

void Binder::bind_types() {
  for (size_t i = 0; i < params().size(); ++i)
    if (const TensorView *view = tensor(i))
      bind_type(i, *view);
  default_types();
  check_acc_types();
}

} // namespace attn_grid::detail
