// Extents, consts, scalars, and what is computed from them.

#include "attn_grid/error.hpp"
#include "runtime/Binder.h"
#include "runtime/Elements.h"
#include "runtime/Text.h"
#include "runtime/cuda/Gpu.h"
#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace attn_grid::detail {

static std::string show(Scalar value) {
  if (value.kind() == Scalar::Kind::boolean)
    return value.integer() ? "true" : "false";
  return value.kind() == Scalar::Kind::integer
             ? fmt::format("{}", value.integer())
             : fmt::format("{}", value.number());
}

/// Who bound an extent: "`k`", or the lookup.
std::string Binder::binder_of(int extent) const {
  int binder = extent_binder_[static_cast<size_t>(extent)];
  return binder < 0 ? kernel_.module->binder()
                    : "`" + params()[static_cast<size_t>(binder)].name + "`";
}

void Binder::bind_dim(size_t i, int dim, int64_t size) {
  const DimPlan &plan = kernel_.dims[i][static_cast<size_t>(dim)];
  if (plan.extent < 0)
    return; // checked when everything is bound
  const Param &param = params()[i];
  const std::string &text = param.dims[static_cast<size_t>(dim)].text;
  auto index = static_cast<size_t>(plan.extent);
  int64_t &bound = extents_[index];
  int64_t value = size - plan.offset;
  if (bound < 0) {
    if (value < 0)
      throw InvalidArgument(
          fmt::format("{}`{}` has {} = {}, so {} would be negative", prefix(),
                      param.name, text, size, signature().extents[index].name));
    bound = value;
    extent_binder_[index] = static_cast<int>(i);
  } else if (bound != value) {
    throw InvalidArgument(fmt::format(
        "{}`{}` has {} = {}, but {} bound {} = {}", prefix(), param.name, text,
        size, binder_of(plan.extent), signature().extents[index].name, bound));
  }
}

void Binder::bind_extents() {
  for (size_t i = 0; i < params().size(); ++i) {
    const TensorView *view = tensor(i);
    if (!view)
      continue;
    const Param &param = params()[i];
    if (view->rank() != static_cast<int>(param.dims.size())) {
      std::string wanted;
      for (const Expr &dim : param.dims)
        wanted += (wanted.empty() ? "" : ", ") + dim.text;
      throw InvalidArgument(
          fmt::format("{}expected `{}` of rank {}, [{}], found rank {}, {}",
                      prefix(), param.name, param.dims.size(), wanted,
                      view->rank(), to_string(view->sizes())));
    }
    for (int dim = 0; dim < view->rank(); ++dim) {
      int64_t size = view->sizes()[dim];
      if (size >= extent_limit)
        throw InvalidArgument(fmt::format(
            "{}`{}` has {} = {}: sizes go from 0 to 2^30 - 1", prefix(),
            param.name, param.dims[static_cast<size_t>(dim)].text, size));
      bind_dim(i, dim, size);
    }
  }
}

void Binder::bind_const(size_t i) {
  const ConstParam &param = signature().consts[i];
  std::optional<Scalar> &value = consts_[i];
  int64_t bound =
      param.extent >= 0 ? extents_[static_cast<size_t>(param.extent)] : -1;
  if (!value && bound >= 0)
    value = Scalar(bound);
  if (!value)
    value = kernel_.const_defaults[i];
  if (!value && !param.default_value.empty()) {
    if (partial_) {
      Evaluation result = evaluate(param.default_value, environment());
      if (!result)
        return;
    }
    value =
        convert_const(signature(), param,
                      value_of(param.default_value, "the default", param.name));
  }
  if (!value) {
    if (partial_)
      return;
    throw_unbound(param.name, "the launch");
  }
  if (param.extent < 0 || bound >= 0)
    return;
  // Bound by its default: no given tensor mentions it.
  if (value->integer() < 0 || value->integer() >= extent_limit)
    throw InvalidArgument(
        fmt::format("{}{} = {} is the size of a tensor: sizes go from 0 to "
                    "2^30 - 1",
                    prefix(), param.name, value->integer()));
  extents_[static_cast<size_t>(param.extent)] = value->integer();
}

/// The machine of the launch, as tuning names it.
static const std::string &target_of(Device device) {
  static const std::string none;
  return tuning_target(device == Device::cpu() ? none
                                               : Gpu::of(device).target().arch);
}

/// Was it tuned for a launch like this one?
bool Binder::is_for_this(const TunedConsts &tuned) const {
  for (size_t i = 0; i < tuned.types.size(); ++i)
    if (tuned.types[i] && tuned.types[i] != types_[i])
      return false;
  for (size_t i = 0; i < tuned.extents.size(); ++i)
    if (tuned.extents[i] >= 0 &&
        (extents_[i] < 0 || size_class(extents_[i]) != tuned.extents[i]))
      return false;
  auto value_of_const = [&](size_t i) -> std::optional<Scalar> {
    int extent = signature().consts[i].extent;
    if (consts_[i])
      return consts_[i];
    if (extent >= 0 && extents_[static_cast<size_t>(extent)] >= 0)
      return Scalar(extents_[static_cast<size_t>(extent)]);
    return kernel_.const_defaults[i];
  };
  auto same = [](const std::optional<Scalar> &a, Scalar b) {
    return a && a->kind() == b.kind() &&
           (b.kind() == Scalar::Kind::floating ? a->number() == b.number()
                                               : a->integer() == b.integer());
  };
  for (size_t i = 0; i < tuned.consts.size(); ++i)
    if (tuned.consts[i] && !same(value_of_const(i), *tuned.consts[i]))
      return false;
  // What the lookup has bound holds.
  for (const auto &[i, value] : tuned.choice)
    if (consts_[i] && !same(consts_[i], value))
      return false;
  return target_of(device_) == tuned.target;
}

void Binder::take_tuned() {
  for (const TunedConsts &tuned : kernel_.tuned) {
    if (!is_for_this(tuned))
      continue;
    for (const auto &[i, value] : tuned.choice)
      consts_[i] = value;
    return;
  }
}

TunedConsts
Binder::describe_tuning(std::vector<std::pair<size_t, Scalar>> choice) const {
  TunedConsts tuned;
  tuned.target = target_of(device_);
  tuned.types.assign(types_.begin(), types_.end());
  for (int64_t size : extents_)
    tuned.extents.push_back(size < 0 ? -1 : size_class(size));
  tuned.consts.assign(consts_.begin(), consts_.end());
  for (const auto &[i, value] : choice)
    tuned.consts[i].reset();
  tuned.choice = std::move(choice);
  return tuned;
}

void Binder::bind_consts() {
  if (!kernel_.tuned.empty())
    take_tuned();
  for (size_t i = 0; i < consts_.size(); ++i)
    bind_const(i);
}

static std::pair<int64_t, int64_t> integer_range(DType dtype) {
  int bits = static_cast<int>(size_of(dtype)) * 8;
  if (is_unsigned(dtype))
    return {0, (int64_t(1) << bits) - 1};
  return {std::numeric_limits<int64_t>::min() >> (64 - bits),
          std::numeric_limits<int64_t>::max() >> (64 - bits)};
}

/// A scalar as its parameter has it: rounded to its float type, or refused.
Scalar Binder::convert_scalar(size_t i, Scalar value) const {
  const Param &param = params()[i];
  DType dtype = type_of(i);
  auto refuse = [&](const char *found) {
    throw DTypeError(fmt::format("{}expected `{}` of {}, found {} {}", prefix(),
                                 param.name, name_of(dtype), found,
                                 show(value)));
  };
  bool is_bool = value.kind() == Scalar::Kind::boolean;
  if (is_bool != (dtype == boolean))
    refuse(is_bool ? "the bool" : "the number");
  if (is_bool || dtype == f64)
    return is_bool ? value : Scalar(value.number());
  if (is_int(dtype)) {
    if (value.kind() == Scalar::Kind::floating)
      refuse("the float");
    auto [low, high] = integer_range(dtype);
    if (value.integer() < low || value.integer() > high)
      throw InvalidArgument(fmt::format("{}`{}` = {} does not fit {}", prefix(),
                                        param.name, value.integer(),
                                        name_of(dtype)));
    return value;
  }
  std::byte element[8];
  store_element(dtype, element, value);
  return load_element(dtype, element);
}

void Binder::bind_scalars() {
  for (size_t i = 0; i < params().size(); ++i) {
    const Param &param = params()[i];
    if (param.is_tensor)
      continue;
    if (partial_ &&
        (!resolve(param.type) ||
         (!args_[i] && (param.default_value.empty() ||
                        !evaluate(param.default_value, environment())))))
      continue;
    scalars_[i] = convert_scalar(
        i, args_[i] ? args_[i]->scalar()
                    : value_of(param.default_value, "the default", param.name));
  }
}

/// Dimensions that bind nothing must have the size that they compute.
void Binder::check_dims() {
  for (size_t i = 0; i < params().size(); ++i) {
    const TensorView *view = tensor(i);
    if (!view)
      continue;
    for (int dim = 0; dim < view->rank(); ++dim) {
      const DimPlan &plan = kernel_.dims[i][static_cast<size_t>(dim)];
      if (plan.extent >= 0)
        continue;
      if (partial_ && !evaluate(*plan.expr, environment()))
        continue;
      Scalar wanted = value_of(
          *plan.expr, fmt::format("the shape of `{}`", params()[i].name));
      if (wanted.kind() != Scalar::Kind::integer ||
          wanted.integer() != view->sizes()[dim])
        throw InvalidArgument(fmt::format(
            "{}`{}` has size {} in dimension {}, expected {} = {}{}", prefix(),
            params()[i].name, view->sizes()[dim], dim, plan.expr->text,
            show(wanted), values_in(*plan.expr)));
    }
  }
}

/// ", where H = 6 and G = 4": the values of what an expression names.
std::string Binder::values_in(const Expr &expr) const {
  std::vector<std::string> values;
  for (const Expr::Node &node : expr.nodes) {
    auto index = static_cast<size_t>(node.index);
    std::string name;
    switch (node.op) {
    case Expr::Op::extent:
      name = signature().extents[index].name;
      break;
    case Expr::Op::constant:
      name = signature().consts[index].name;
      break;
    case Expr::Op::scalar:
      name = params()[index].name;
      break;
    default:
      continue;
    }
    Evaluation value = evaluate(Expr{{node}, ""}, environment());
    std::string text = name + " = " + (value ? show(*value) : "?");
    if (std::find(values.begin(), values.end(), text) == values.end())
      values.push_back(text);
  }
  std::string list;
  for (size_t i = 0; i < values.size(); ++i)
    list += (i == 0                   ? ", where "
             : i + 1 == values.size() ? " and "
                                      : ", ") +
            values[i];
  return list;
}

void Binder::check_where() {
  for (const Expr &clause : signature().where) {
    Scalar holds = value_of(clause, "a `where` clause");
    if (holds.kind() != Scalar::Kind::boolean || !holds.integer())
      throw InvalidArgument(fmt::format("{}the kernel needs {}{}", prefix(),
                                        clause.text, values_in(clause)));
  }
}

void Binder::bind_grid() {
  int64_t programs = 1;
  bool empty = false;
  for (const Expr &expr : signature().grid) {
    Scalar size = value_of(expr, "the grid");
    if (size.kind() != Scalar::Kind::integer || size.integer() < 0)
      throw InvalidArgument(
          fmt::format("{}the grid has {} = {}, expected an integer from 0{}",
                      prefix(), expr.text, show(size), values_in(expr)));
    empty |= size.integer() == 0;
    // Programs and sizes stay below 2^31 and 2^63: no product overflows twice.
    if (!empty &&
        (__builtin_mul_overflow(programs, size.integer(), &programs) ||
         programs >= int64_t(1) << 31))
      programs = int64_t(1) << 31;
  }
  if (!empty && programs >= int64_t(1) << 31)
    throw InvalidArgument(prefix() +
                          "the grid has 2^31 programs or more, expected less");
  programs_ = empty ? 0 : static_cast<uint32_t>(programs);
}

} // namespace attn_grid::detail
