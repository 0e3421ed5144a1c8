// The order of binding, and what is asked of a binder afterwards.

#include "runtime/Binder.h"
#include "attn_grid/error.hpp"
#include <algorithm>
#include <fmt/format.h>

namespace attn_grid::detail {

Binder::Binder(const KernelState &kernel, std::span<const Arg> args,
               bool partial)
    : kernel_(kernel), partial_(partial), args_(params().size(), nullptr),
      present_(params().size(), 0), fresh_(params().size(), 0),
      scalars_(params().size()), types_(signature().types.size()),
      type_binder_(signature().types.size(), -1),
      consts_(signature().consts.size()),
      extents_(signature().extents.size(), -1),
      extent_binder_(signature().extents.size(), -1) {
  std::copy(kernel.types.begin(), kernel.types.end(), types_.begin());
  std::copy(kernel.consts.begin(), kernel.consts.end(), consts_.begin());
  std::copy(kernel.extents.begin(), kernel.extents.end(), extents_.begin());
  assign_arguments(args);
}

void Binder::bind() {
  check_kinds();
  check_presence();
  bind_device();
  bind_types();
  bind_extents();
  bind_consts();
  bind_scalars();
  check_dims();
  check_where();
  bind_grid();
  check_memory();
}

void Binder::bind_partially() {
  check_kinds();
  check_presence();
  bind_types();
  bind_extents();
  bind_consts();
  bind_scalars();
  check_dims();
}

Environment Binder::environment() const {
  return {&signature(), extents_, consts_, scalars_, present_, types_};
}

std::optional<DType> Binder::resolve(const TypeRef &type) const {
  if (type.kind == TypeRef::Kind::concrete)
    return type.dtype;
  std::optional<DType> bound = types_[static_cast<size_t>(type.param)];
  return bound && type.kind == TypeRef::Kind::acc_of_param ? acc_of(*bound)
                                                           : bound;
}

void Binder::throw_unbound(const std::string &name,
                           std::string_view what) const {
  if (kernel_.module->ahead)
    throw InvalidArgument(
        fmt::format("{0}{1} needs {2}, which no argument binds: give it where "
                    "the function has a parameter {2}",
                    prefix(), what, name));
  throw InvalidArgument(fmt::format(
      "{0}{1} needs {2}, which no argument binds: name it where the kernel is "
      "looked up, kernel(\"{3}\", {{{{\"{2}\", ...}}}})",
      prefix(), what, name, signature().name));
}

Scalar Binder::value_of(const Expr &expr, std::string_view what,
                        std::string_view name) const {
  Evaluation value = evaluate(expr, environment());
  if (value)
    return *value;
  std::string whole(what);
  if (!name.empty())
    whole += fmt::format(" of `{}`", name);
  const EvaluationError &error = value.error();
  if (error.kind == EvaluationError::Kind::unbound)
    throw_unbound(error.what, whole);
  throw InvalidArgument(fmt::format("{}{} cannot be computed, `{}`: {}",
                                    prefix(), whole, expr.text, error.what));
}

Dims Binder::sizes_of(size_t param) const {
  Dims sizes;
  for (const Expr &expr : params()[param].dims) {
    Scalar size = value_of(expr, "the shape", params()[param].name);
    if (size.kind() != Scalar::Kind::integer || size.integer() < 0 ||
        size.integer() >= extent_limit)
      throw InvalidArgument(fmt::format(
          "{}`{}` would have {} = {}: sizes go from 0 to 2^30 - 1", prefix(),
          params()[param].name, expr.text, size.number()));
    sizes.push_back(size.integer());
  }
  return sizes;
}

std::vector<std::string> Binder::missing_for(size_t param) const {
  std::vector<std::string> names;
  auto add = [&](const std::string &name) {
    if (std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  };
  const TypeRef &type = params()[param].type;
  if (!resolve(type))
    add(signature().types[static_cast<size_t>(type.param)].name);
  // One leaf at a time: an expression stops at the first unbound name.
  for (const Expr &expr : params()[param].dims) {
    for (const Expr::Node &node : expr.nodes) {
      if (node.op > Expr::Op::type_is)
        continue;
      Evaluation value = evaluate(Expr{{node}, ""}, environment());
      if (!value && value.error().kind == EvaluationError::Kind::unbound)
        add(value.error().what);
    }
  }
  return names;
}

int Binder::last_stride(size_t param) const {
  if (is_fresh(param))
    return params()[param].dims.empty() ? -1 : 1;
  const TensorView *view = tensor(param);
  if (!view || view->rank() == 0)
    return -1;
  int last = view->rank() - 1;
  // One element has no next one, so its stride may be thought to be 1.
  if (view->sizes()[last] <= 1 || view->strides()[last] == 1)
    return 1;
  return view->strides()[last] == 0 ? 0 : -1;
}

/// Whether one tensor is `Specialization::regular`.
static bool is_regular(const TensorView &view) {
  if (reinterpret_cast<uintptr_t>(view.data()) % 16 != 0)
    return false;
  int64_t reach = 0;
  for (int d = 0; d < view.rank(); ++d) {
    int64_t size = view.sizes()[d], stride = view.strides()[d];
    if (size == 0)
      return true;
    int64_t bytes = 0, along = 0;
    if (stride < 0 ||
        __builtin_mul_overflow(
            stride, static_cast<int64_t>(size_of(view.dtype())), &bytes) ||
        (d + 1 < view.rank() && bytes % 16 != 0) ||
        __builtin_mul_overflow(size - 1, bytes, &along) ||
        __builtin_add_overflow(reach, along, &reach))
      return false;
  }
  return reach < int64_t(1) << 31;
}

bool Binder::is_regular(size_t param) const {
  if (const TensorView *view = tensor(param))
    return detail::is_regular(*view);
  if (!is_fresh(param))
    return false;
  // The same of what `Tensor::empty` will make.
  Dims sizes = sizes_of(param);
  auto bytes = static_cast<int64_t>(size_of(type_of(param)));
  for (size_t d = sizes.size(); d-- > 0;) {
    if (d + 1 < sizes.size() && bytes % 16 != 0)
      return false;
    bytes *= sizes[d];
  }
  return bytes < int64_t(1) << 31;
}

Specialization Binder::specialization() const {
  Specialization what;
  what.kernel = signature().name;
  for (const std::optional<DType> &type : types_)
    what.types.push_back(*type);
  for (size_t i = 0; i < consts_.size(); ++i) {
    ConstValue value;
    value.kind = signature().consts[i].kind;
    if (value.kind == ConstParam::Kind::floating)
      value.f = consts_[i]->number();
    else
      value.i = consts_[i]->integer();
    what.consts.push_back(value);
  }
  for (size_t i = 0; i < params().size(); ++i) {
    what.present.push_back(is_present(i));
    what.last_stride.push_back(static_cast<int8_t>(last_stride(i)));
  }
  if (device_ != Device::cpu())
    for (size_t i = 0; i < params().size(); ++i)
      what.regular.push_back(is_regular(i));
  return what;
}

} // namespace attn_grid::detail
