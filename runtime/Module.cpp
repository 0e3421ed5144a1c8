// Modules, and the lookup of kernels in them.

#include "attn_grid/module.hpp"
#include "attn_grid/error.hpp"
#include "runtime/Binder.h"
#include "runtime/File.h"
#include "runtime/KernelState.h"
#include "runtime/OutOfMemory.h"
#include "runtime/Text.h"
#include "runtime/cache/MemoryStore.h"
#include "runtime/cuda/Gpu.h"
#include <fmt/format.h>

namespace attn_grid {
namespace detail {

ModuleState::ModuleState(Sources from, DiskStore *disk)
    : ModuleState(from, open_program(from, disk), disk) {}

ModuleState::ModuleState(Sources from, OpenedProgram program_of,
                         DiskStore *disk)
    : sources(std::move(from)), disk(disk), program(program_of.program),
      variants(program, Target(), std::make_unique<MemoryStore>(),
               program_of.identity, disk),
      identity_(std::move(program_of.identity)) {}

VariantCache &ModuleState::gpu_variants(Device device) {
  const Target &target = Gpu::of(device).target();
  std::lock_guard lock(mutex_);
  std::unique_ptr<VariantCache> &cache = gpu_[target.arch];
  if (!cache) {
    Identity identity = identity_;
    identity.target = target.arch;
    cache = std::make_unique<VariantCache>(program, target,
                                           std::make_unique<MemoryStore>(),
                                           std::move(identity), disk);
  }
  return *cache;
}

std::shared_ptr<ModuleState> ModuleState::bind(FunctionBindings functions) {
  Sources with = bind_functions(sources, std::move(functions));
  std::lock_guard lock(mutex_);
  std::shared_ptr<ModuleState> &state = bound_[with.hash];
  if (!state) {
    try {
      state = std::make_shared<ModuleState>(std::move(with), disk);
    } catch (...) {
      bound_.erase(with.hash);
      throw;
    }
  }
  return state;
}

/// Recognises `E`, `E + c`, `c + E` and `E - c`.
static DimPlan plan_dim(const Expr &expr) {
  using Op = Expr::Op;
  const std::vector<Expr::Node> &nodes = expr.nodes;
  if (expr.as_extent() >= 0)
    return {expr.as_extent(), 0, &expr};
  bool adds =
      nodes.size() == 3 && (nodes[2].op == Op::add || nodes[2].op == Op::sub);
  if (adds && nodes[0].op == Op::extent && nodes[1].op == Op::int_literal &&
      nodes[1].i > -extent_limit && nodes[1].i < extent_limit)
    return {nodes[0].index, nodes[2].op == Op::add ? nodes[1].i : -nodes[1].i,
            &expr};
  if (adds && nodes[2].op == Op::add && nodes[0].op == Op::int_literal &&
      nodes[1].op == Op::extent && nodes[0].i > -extent_limit &&
      nodes[0].i < extent_limit)
    return {nodes[1].index, nodes[0].i, &expr};
  return {-1, 0, &expr};
}

KernelState::KernelState(std::shared_ptr<ModuleState> owner, int index)
    : module(std::move(owner)), index(index),
      signature(module->program->signatures()[static_cast<size_t>(index)]),
      types(signature.types.size()), consts(signature.consts.size()),
      extents(signature.extents.size(), -1) {
  for (const Param &param : signature.params) {
    std::vector<DimPlan> plans;
    for (const Expr &dim : param.dims)
      plans.push_back(plan_dim(dim));
    dims.push_back(std::move(plans));
  }
  if (!module->ahead)
    tuned = tuned_consts(module->sources.hash, signature);
  Environment nothing{&signature, extents, consts, {}, {}, types};
  for (const ConstParam &param : signature.consts) {
    Evaluation value = evaluate(param.default_value, nothing);
    const_defaults.push_back(std::nullopt);
    if (value && (*value).kind() == Scalar::Kind(param.kind))
      const_defaults.back() = *value;
  }
}

Scalar convert_const(const Signature &signature, const ConstParam &param,
                     Scalar value) {
  constexpr std::string_view names[] = {"an int", "a float", "a bool"};
  auto found = static_cast<int>(value.kind());
  auto wanted = static_cast<int>(param.kind);
  static_assert(int(ConstParam::Kind::integer) == int(Scalar::Kind::integer) &&
                int(ConstParam::Kind::floating) ==
                    int(Scalar::Kind::floating) &&
                int(ConstParam::Kind::boolean) == int(Scalar::Kind::boolean));
  if (wanted == found)
    return value;
  if (param.kind == ConstParam::Kind::floating &&
      value.kind() == Scalar::Kind::integer)
    return value.number();
  throw DTypeError(fmt::format("{}: expected {} for {}, found {}",
                               signature.name, names[wanted], param.name,
                               names[found]));
}

namespace {

/// Puts what a lookup binds by name into the state.
class Lookup {
public:
  explicit Lookup(KernelState &state)
      : state_(state), signature_(state.signature) {}

  void bind(const Binding &binding) {
    if (!bind_type(binding) && !bind_const(binding) && !bind_extent(binding))
      unknown(binding.name);
  }

private:
  template <class List>
  static int position(const List &list, const std::string &name) {
    for (size_t i = 0; i < list.size(); ++i)
      if (list[i].name == name)
        return static_cast<int>(i);
    return -1;
  }

  Scalar number(const Binding &binding) const {
    if (const Scalar *value = std::get_if<Scalar>(&binding.value))
      return *value;
    throw DTypeError(fmt::format("{}expected a value for {}, found a dtype",
                                 state_.prefix(), binding.name));
  }
  void once(bool bound, const Binding &binding) const {
    if (bound)
      throw InvalidArgument(
          fmt::format("{}{} is bound twice", state_.prefix(), binding.name));
  }

  bool bind_type(const Binding &binding) {
    int i = position(signature_.types, binding.name);
    if (i < 0)
      return false;
    const DType *dtype = std::get_if<DType>(&binding.value);
    if (!dtype)
      throw DTypeError(fmt::format("{}expected a dtype for {}, found a value",
                                   state_.prefix(), binding.name));
    TypeParam::Class kind = signature_.types[static_cast<size_t>(i)].kind;
    if ((kind == TypeParam::Class::floating && !is_float(*dtype)) ||
        (kind == TypeParam::Class::integer && !is_int(*dtype)))
      throw DTypeError(fmt::format(
          "{}{} must be {}, found {}", state_.prefix(), binding.name,
          kind == TypeParam::Class::floating ? "a float" : "an integer",
          name_of(*dtype)));
    once(state_.types[static_cast<size_t>(i)].has_value(), binding);
    state_.types[static_cast<size_t>(i)] = *dtype;
    return true;
  }

  bool bind_const(const Binding &binding) {
    int i = position(signature_.consts, binding.name);
    if (i < 0)
      return false;
    const ConstParam &param = signature_.consts[static_cast<size_t>(i)];
    std::optional<Scalar> &value = state_.consts[static_cast<size_t>(i)];
    once(value.has_value(), binding);
    value = convert_const(signature_, param, number(binding));
    if (param.extent >= 0)
      set_extent(param.extent, value->integer(), binding);
    return true;
  }

  bool bind_extent(const Binding &binding) {
    int i = position(signature_.extents, binding.name);
    if (i < 0)
      return false;
    Scalar value = number(binding);
    if (value.kind() != Scalar::Kind::integer)
      throw DTypeError(fmt::format("{}the extent {} must be an integer",
                                   state_.prefix(), binding.name));
    once(state_.extents[static_cast<size_t>(i)] >= 0, binding);
    set_extent(i, value.integer(), binding);
    return true;
  }

  void set_extent(int index, int64_t value, const Binding &binding) {
    if (value < 0 || value >= extent_limit)
      throw InvalidArgument(
          fmt::format("{}the extent {} must be from 0 to 2^30 - 1, found {}",
                      state_.prefix(), binding.name, value));
    state_.extents[static_cast<size_t>(index)] = value;
  }

  [[noreturn]] void unknown(const std::string &name) const {
    std::vector<std::string> names;
    for (const TypeParam &type : signature_.types)
      names.push_back(type.name);
    for (const ConstParam &param : signature_.consts)
      names.push_back(param.name);
    for (const Extent &extent : signature_.extents)
      names.push_back(extent.name);
    for (const Param &param : signature_.params)
      if (param.name == name)
        throw KeyError(fmt::format(
            "{}`{}` is an argument of the launch, not of the lookup",
            state_.prefix(), name));
    throw KeyError(fmt::format("{}no const, dtype or extent is called `{}`{}",
                               state_.prefix(), name, suggest(name, names)));
  }

  KernelState &state_;
  const Signature &signature_;
};

} // namespace
} // namespace detail

Module Module::from_source(std::string_view source, std::string_view name,
                           const std::vector<std::string> &include_dirs) try {
  return Module(std::make_shared<detail::ModuleState>(
      detail::collect_sources(source, name, include_dirs),
      detail::DiskStore::process()));
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

Module Module::from_file(const std::string &path,
                         const std::vector<std::string> &include_dirs) try {
  return from_source(detail::read_file(path), path, include_dirs);
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

const std::vector<Signature> &Module::signatures() const {
  return state_->program->signatures();
}

std::vector<std::string> Module::kernels() const try {
  std::vector<std::string> names;
  for (const Signature &signature : signatures())
    names.push_back(signature.name);
  return names;
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

namespace detail {
namespace {

size_t find_kernel(const ModuleState &module, std::string_view name) {
  const std::vector<Signature> &all = module.program->signatures();
  std::vector<std::string> names;
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].name == name)
      return i;
    names.push_back(all[i].name);
  }
  throw KeyError(fmt::format("{} has no kernel called `{}`{}",
                             module.sources.name, name, suggest(name, names)));
}

/// Takes the functions and the variant out of `bindings`. Throws for a name
/// that is no function parameter, and for a parameter that is left without.
FunctionBindings take_functions(const Signature &signature,
                                Bindings &bindings) {
  FunctionBindings result;
  result.kernel = signature.name;
  Bindings rest;
  for (Binding &binding : bindings) {
    if (auto *variant = std::get_if<Binding::Variant>(&binding.value)) {
      if (!result.variant.empty())
        throw InvalidArgument(fmt::format(
            "{}: one variant per lookup, found two", signature.name));
      if (variant->text.empty())
        throw InvalidArgument(
            fmt::format("{}: the variant is empty", signature.name));
      result.variant = std::move(variant->text);
      continue;
    }
    auto *function = std::get_if<Function>(&binding.value);
    bool known = false;
    std::vector<std::string> names;
    for (const FunctionParam &param : signature.functions) {
      known |= param.name == binding.name;
      names.push_back(param.name);
    }
    if (!function && known)
      throw DTypeError(fmt::format("{}: expected a function for {}, found a "
                                   "value: give `ag::fn(\"...\")`",
                                   signature.name, binding.name));
    if (!function) {
      rest.push_back(std::move(binding));
      continue;
    }
    if (!known)
      throw KeyError(fmt::format("{}: no function parameter is called `{}`{}",
                                 signature.name, binding.name,
                                 suggest(binding.name, names)));
    for (const FunctionBindings::Entry &entry : result.functions)
      if (entry.name == binding.name)
        throw InvalidArgument(
            fmt::format("{}: {} is bound twice", signature.name, binding.name));
    result.functions.push_back({binding.name, std::move(function->text)});
  }
  bindings = std::move(rest);
  return result;
}

/// A function parameter without a function is found at the lookup, not at the
/// launch.
void check_functions(const Signature &signature) {
  for (const FunctionParam &param : signature.functions)
    if (!param.has_default && param.bound.empty() && signature.variant.empty())
      throw InvalidArgument(fmt::format(
          "{}: the function parameter {} has no default: bind it, {{\"{}\", "
          "ag::fn(\"...\")}}, to a function of type {}",
          signature.name, param.name, param.name, param.type));
}

} // namespace
} // namespace detail

Module Module::bind(std::string_view name, const Bindings &functions) const
    try {
  size_t index = detail::find_kernel(*state_, name);
  Bindings rest = functions;
  FunctionBindings bound = detail::take_functions(signatures()[index], rest);
  if (!rest.empty())
    throw InvalidArgument(fmt::format(
        "{}: {} is no function; give it to `kernel`", name, rest.front().name));
  if (bound.empty())
    return *this;
  if (!state_->sources.functions.empty())
    throw InvalidArgument(fmt::format(
        "{}: functions are bound already; bind all of them at once", name));
  return Module(state_->bind(std::move(bound)));
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

Kernel Module::kernel(std::string_view name, const Bindings &bindings) const
    try {
  size_t index = detail::find_kernel(*state_, name);
  Bindings rest = bindings;
  FunctionBindings functions =
      detail::take_functions(signatures()[index], rest);
  if (!functions.empty()) {
    Bindings given;
    for (const Binding &binding : bindings)
      if (std::holds_alternative<Function>(binding.value) ||
          std::holds_alternative<Binding::Variant>(binding.value))
        given.push_back(binding);
    return bind(name, given).kernel(name, rest);
  }
  detail::check_functions(signatures()[index]);
  auto state =
      std::make_shared<detail::KernelState>(state_, static_cast<int>(index));
  detail::Lookup lookup(*state);
  for (const Binding &binding : rest)
    lookup.bind(binding);
  return Kernel(std::move(state));
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

} // namespace attn_grid
