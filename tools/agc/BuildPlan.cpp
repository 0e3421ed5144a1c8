#include "tools/agc/BuildPlan.h"

#include "tools/agc/Command.h"
#include "tools/agc/VariantOptions.h"

#include "attn_grid/error.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace attn_grid::agc {

/// More would take hours to compile: the options are not what was meant.
static constexpr size_t variantLimit = 1024;

static std::vector<std::string> splitList(const std::string &text) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    size_t end = std::min(text.find(',', at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

namespace {
/// What one option says of one name.
struct Choice {
  std::string name;
  std::vector<Binding> bindings;
};

/// The part of the options that concerns one kernel.
class KernelPlan {
public:
  KernelPlan(const BuildSource &source, const Signature &signature,
             const BuildOptions &options, std::set<std::string> &used)
      : source(source), signature(signature), used(used) {
    addChoices(options.sets, "--set");
    addChoices(options.dtypes, "--dtype");
    addPresence(options.present, /*there=*/true);
    addPresence(options.absent, /*there=*/false);
    addStrides(options.lastStrides);
  }

  compiler::BuildKernel build(const std::string &prefix) {
    checkCount();
    addBindings({}, 0);
    compiler::BuildKernel kernel;
    kernel.source = source.text;
    kernel.file = source.file;
    kernel.kernel = signature.name;
    kernel.function = describe(prefix + signature.name);
    kernel.variants = std::move(variants);
    return kernel;
  }

private:
  /// The name in an option's text, if that concerns this kernel.
  std::optional<std::string> own(const std::string &text) const {
    size_t dot = text.find('.');
    if (dot == std::string::npos || dot > text.find('='))
      return text;
    if (text.substr(0, dot) != signature.name)
      return std::nullopt;
    return text.substr(dot + 1);
  }

  template <class List>
  static bool contains(const List &list, const std::string &name) {
    return std::any_of(list.begin(), list.end(),
                       [&](const auto &one) { return one.name == name; });
  }

  void addChoices(const std::vector<std::string> &texts, const char *option) {
    for (const std::string &whole : texts) {
      auto text = own(whole);
      if (!text)
        continue;
      auto [name, list] = splitAssignment(*text, option);
      if (!contains(signature.consts, name) &&
          !contains(signature.types, name) &&
          !contains(signature.extents, name))
        continue;
      used.insert(whole);
      if (contains(choices, name))
        throw UsageError(
            fmt::format("{} {}: given twice; values are a list, {}=A,B", option,
                        name, name));
      KernelOptions values;
      for (const std::string &value : splitList(list))
        (std::string_view(option) == "--set" ? values.sets : values.dtypes)
            .push_back(name + "=" + value);
      choices.push_back({name, values.bindings()});
      // Refuses values that do not fit.
      for (const Binding &binding : choices.back().bindings)
        source.module.kernel(signature.name, {binding});
    }
  }

  void addPresence(const std::vector<std::string> &names, bool there) {
    for (const std::string &whole : names) {
      auto name = own(whole);
      if (!name || !contains(signature.params, *name))
        continue;
      used.insert(whole);
      size_t i = findParam(signature, *name);
      if (!signature.params[i].optional)
        throw InvalidArgument(
            fmt::format("'{}' of {} is not optional: it is always present",
                        *name, signature.name));
      presence.resize(signature.params.size());
      if (presence[i] && *presence[i] != there)
        throw UsageError(
            fmt::format("'{}' is to be both present and absent: leave both "
                        "options away to build both",
                        *name));
      presence[i] = there;
    }
    presence.resize(signature.params.size());
  }

  void addStrides(const std::vector<std::string> &texts) {
    for (const std::string &whole : texts) {
      auto text = own(whole);
      if (!text)
        continue;
      auto [name, value] = splitAssignment(*text, "--last-stride");
      if (!contains(signature.params, name))
        continue;
      used.insert(whole);
      size_t i = findParam(signature, name);
      if (signature.params[i].dims.empty())
        throw InvalidArgument(fmt::format(
            "--last-stride {}: it is no tensor of rank 1 or more", name));
      strides.emplace_back(i, parseStride(name, value));
    }
  }

  bool isOpen(size_t param) const {
    return signature.params[param].optional && !presence[param];
  }

  void checkCount() const {
    size_t count = 2;
    for (const Choice &choice : choices)
      count *= std::min(choice.bindings.size(), variantLimit);
    for (size_t i = 0; i < signature.params.size() && count <= variantLimit;
         ++i)
      count *= isOpen(i) ? 2 : 1;
    if (count > variantLimit)
      throw UsageError(fmt::format(
          "{} would have more than {} variants: shorten the lists of --set and "
          "--dtype, or settle optional tensors with --present and --absent",
          signature.name, variantLimit));
  }

  void addBindings(Bindings bindings, size_t choice) {
    if (choice == choices.size()) {
      addPresent(bindings, std::vector<bool>(signature.params.size(), true), 0);
      return;
    }
    for (const Binding &binding : choices[choice].bindings) {
      Bindings with = bindings;
      with.push_back(binding);
      addBindings(std::move(with), choice + 1);
    }
  }

  void addPresent(const Bindings &bindings, std::vector<bool> present,
                  size_t param) {
    if (param == present.size()) {
      Specialization fast = specialize(signature, bindings, present);
      for (auto [i, stride] : strides)
        if (present[i])
          fast.last_stride[i] = stride;
      add(fast);
      // The form that assumes nothing.
      std::fill(fast.last_stride.begin(), fast.last_stride.end(), int8_t(-1));
      add(fast);
      return;
    }
    for (bool there : {true, false}) {
      if (!isOpen(param) && there != presence[param].value_or(true))
        continue;
      present[param] = there;
      addPresent(bindings, present, param + 1);
    }
  }

  void add(const Specialization &what) {
    if (std::find(variants.begin(), variants.end(), what) == variants.end())
      variants.push_back(what);
  }

  /// Does some tensor that is always there have this extent as a dimension?
  bool isBound(int extent) const {
    using Op = Expr::Op;
    for (const Param &param : signature.params) {
      if (!param.is_tensor || param.optional)
        continue;
      for (const Expr &dim : param.dims) {
        // `E`, `E + c`, `c + E` or `E - c`: what binds in a launch.
        bool names = std::any_of(
            dim.nodes.begin(), dim.nodes.end(), [&](const Expr::Node &node) {
              return node.op == Op::extent && node.index == extent;
            });
        bool simple = std::all_of(
            dim.nodes.begin(), dim.nodes.end(), [](const Expr::Node &node) {
              return node.op == Op::extent || node.op == Op::int_literal ||
                     node.op == Op::add || node.op == Op::sub;
            });
        if (names && simple && dim.nodes.size() <= 3)
          return true;
      }
    }
    return false;
  }

  ConstParam::Kind scalarType(const Param &param) const {
    std::optional<ConstParam::Kind> type;
    for (const Specialization &what : variants) {
      DType dtype = param.type.kind == TypeRef::Kind::concrete
                        ? param.type.dtype
                        : what.types[static_cast<size_t>(param.type.param)];
      ConstParam::Kind one = dtype == boolean  ? ConstParam::Kind::boolean
                             : is_float(dtype) ? ConstParam::Kind::floating
                                               : ConstParam::Kind::integer;
      if (type && *type != one)
        throw Unsupported(fmt::format(
            "{}: the scalar `{}` would be an integer in some variants and a "
            "float in others, which is no C function: build them apart",
            signature.name, param.name));
      type = one;
    }
    return *type;
  }

  AheadFunction describe(const std::string &name) const {
    AheadFunction function;
    function.name = name;
    for (size_t i = 0; i < signature.params.size(); ++i) {
      const Param &param = signature.params[i];
      AheadParam own;
      own.index = static_cast<int>(i);
      if (!param.is_tensor) {
        own.kind = param.default_value.empty()
                       ? AheadParam::Kind::scalar
                       : AheadParam::Kind::default_scalar;
        own.type = scalarType(param);
      }
      function.params.push_back(own);
    }
    for (size_t i = 0; i < signature.types.size(); ++i) {
      bool alike = std::all_of(variants.begin(), variants.end(),
                               [&](const Specialization &what) {
                                 return what.types[i] == variants[0].types[i];
                               });
      function.types.push_back(alike ? std::optional(variants[0].types[i])
                                     : std::nullopt);
    }
    for (size_t i = 0; i < signature.consts.size(); ++i)
      describeConst(i, function);
    for (size_t i = 0; i < signature.extents.size(); ++i)
      if (signature.extents[i].constant < 0 && !isBound(static_cast<int>(i)))
        function.params.push_back({AheadParam::Kind::extent,
                                   static_cast<int>(i),
                                   ConstParam::Kind::integer});
    return function;
  }

  /// A const is bound by the build, by tensors, by its default, or by a
  /// parameter of the function.
  void describeConst(size_t i, AheadFunction &function) const {
    const ConstParam &param = signature.consts[i];
    std::vector<ConstValue> values;
    for (const Specialization &what : variants)
      if (std::find(values.begin(), values.end(), what.consts[i]) ==
          values.end())
        values.push_back(what.consts[i]);
    bool set = contains(choices, param.name);
    function.consts.push_back(
        set && values.size() == 1 ? std::optional(values[0]) : std::nullopt);
    if (!set || values.size() == 1 ||
        (param.extent >= 0 && isBound(param.extent)))
      return;
    function.params.push_back({AheadParam::Kind::choice,
                               static_cast<int>(function.choices.size()),
                               param.kind});
    function.choices.push_back({static_cast<int>(i), std::move(values)});
  }

  const BuildSource &source;
  const Signature &signature;
  std::set<std::string> &used; // the options that concerned some kernel
  std::vector<Choice> choices;
  std::vector<std::optional<bool>> presence; // per parameter, if settled
  std::vector<std::pair<size_t, int8_t>> strides;
  std::vector<Specialization> variants;
};
} // namespace

static void checkUsed(const std::vector<std::string> &texts, const char *option,
                      const char *what, const std::set<std::string> &used) {
  for (const std::string &text : texts)
    if (!used.contains(text))
      throw KeyError(fmt::format("{} {}: no kernel that is built has such {}",
                                 option, text, what));
}

std::vector<compiler::BuildKernel>
planBuild(const std::vector<BuildSource> &sources, const BuildOptions &options,
          const std::string &prefix) {
  std::set<std::string> wanted(options.kernels.begin(), options.kernels.end());
  std::set<std::string> used, names;
  std::vector<std::string> there;
  std::vector<compiler::BuildKernel> kernels;
  for (const BuildSource &source : sources) {
    for (const Signature &signature : source.module.signatures()) {
      there.push_back(signature.name);
      if (!wanted.empty() && !wanted.contains(signature.name))
        continue;
      if (!names.insert(signature.name).second)
        throw UsageError(
            fmt::format("two of the files have a kernel '{}': build them apart",
                        signature.name));
      kernels.push_back(
          KernelPlan(source, signature, options, used).build(prefix));
    }
  }
  for (const std::string &name : wanted)
    if (!names.contains(name))
      throw KeyError(fmt::format("no file has a kernel '{}'; there are {}",
                                 name, fmt::join(there, ", ")));
  if (kernels.empty())
    throw InvalidArgument("the files have no kernel");
  checkUsed(options.sets, "--set", "a const or extent", used);
  checkUsed(options.dtypes, "--dtype", "a type parameter", used);
  checkUsed(options.present, "--present", "a parameter", used);
  checkUsed(options.absent, "--absent", "a parameter", used);
  checkUsed(options.lastStrides, "--last-stride", "a parameter", used);
  return kernels;
}

static bool isArm(const Target &target) {
  return target.arch.starts_with("aarch64");
}

std::vector<Target> planTargets(const std::vector<std::string> &lists) {
#if defined(__aarch64__)
  constexpr bool armHere = true;
#else
  constexpr bool armHere = false;
#endif
  std::set<std::string> wanted;
  for (const std::string &list : lists) {
    for (const std::string &name : splitList(list)) {
      if (name == "cpu:native")
        throw UsageError("--target cpu:native: what is built here may run "
                         "elsewhere; give cpu, or an instruction set such as "
                         "cpu:x86-64-v3");
      Target target = parse_target(name);
      wanted.insert(to_string(target));
      if (name == "cpu")
        for (const std::string &arch : cpu_archs())
          if (isArm({Target::Kind::cpu, arch}) == armHere)
            wanted.insert("cpu:" + arch);
    }
  }
  wanted.erase("cpu");
  std::vector<Target> targets;
  for (const std::string &arch : cpu_archs())
    if (Target target{Target::Kind::cpu, arch};
        wanted.contains(to_string(target)))
      targets.push_back(target);
  if (std::any_of(targets.begin(), targets.end(), isArm) &&
      !std::all_of(targets.begin(), targets.end(), isArm))
    throw UsageError("one object is for one processor family: build for "
                     "x86-64 and for aarch64 apart");
  for (const std::string &arch : ptx_archs())
    if (wanted.contains(arch))
      targets.push_back({Target::Kind::ptx, arch});
  return targets;
}

} // namespace attn_grid::agc
