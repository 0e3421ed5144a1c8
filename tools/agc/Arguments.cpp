#include "tools/agc/Arguments.h"

#include "tools/agc/Command.h"

#include "attn_grid/error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>

namespace attn_grid::agc {

void KernelOptions::addTo(CLI::App &command) {
  command
      .add_option("--kernel", kernel,
                  "the kernel; not needed if the file has one")
      ->type_name("NAME");
  command
      .add_option("--set", sets,
                  "a const parameter, or an extent that no tensor gives; or a "
                  "function parameter: a function's name, or `fn (...) ...`")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command
      .add_option("--variant", variant,
                  "binds functions and appends tensors: a variant's name, or "
                  "`variant (...) {...}`")
      ->type_name("NAME");
  command
      .add_option("--dtype", dtypes,
                  "a type parameter; a file of another type is converted")
      ->type_name("T=DTYPE")
      ->allow_extra_args(false);
}

std::pair<std::string, std::string> splitAssignment(const std::string &text,
                                                    std::string_view option) {
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    throw UsageError(
        fmt::format("{}: expected NAME=VALUE, but got '{}'", option, text));
  return {text.substr(0, equals), text.substr(equals + 1)};
}

static std::vector<std::string>
namesOf(const std::vector<FunctionParam> &params) {
  std::vector<std::string> names;
  for (const FunctionParam &param : params)
    names.push_back(param.name);
  return names;
}

Bindings KernelOptions::bindings() const {
  Bindings bindings;
  for (const std::string &text : sets) {
    auto [name, value] = splitAssignment(text, "--set");
    if (std::optional<Scalar> scalar = parseScalar(value))
      bindings.emplace_back(name, *scalar);
  }
  for (const std::string &text : dtypes) {
    auto [name, value] = splitAssignment(text, "--dtype");
    std::optional<DType> dtype = dtype_named(value);
    if (!dtype)
      throw UsageError(fmt::format(
          "--dtype {}: expected a dtype such as f32 or bf16, but got '{}'",
          name, value));
    bindings.emplace_back(name, *dtype);
  }
  return bindings;
}

FunctionBindings KernelOptions::functions(const std::string &name) const {
  FunctionBindings functions{name, {}, variant};
  for (const std::string &text : sets) {
    auto [param, value] = splitAssignment(text, "--set");
    if (!parseScalar(value))
      functions.functions.push_back({param, value});
  }
  return functions;
}

Module KernelOptions::bind(const Module &module) const {
  const Signature &signature =
      module.signatures()[findKernel(module.signatures(), kernel)];
  FunctionBindings functions = this->functions(signature.name);
  Bindings bindings;
  for (const auto &[name, text] : functions.functions) {
    bool known = false;
    for (const FunctionParam &param : signature.functions)
      known |= param.name == name;
    if (!known)
      throw UsageError(fmt::format(
          "--set {}: expected a number, true or false, but got '{}'{}", name,
          text,
          signature.functions.empty()
              ? ""
              : fmt::format("; the function parameters of {} are {}",
                            signature.name,
                            fmt::join(namesOf(signature.functions), ", "))));
    bindings.emplace_back(name, fn(text));
  }
  if (!variant.empty())
    bindings.push_back(attn_grid::variant(variant));
  return module.bind(signature.name, bindings);
}

size_t findKernel(const std::vector<Signature> &signatures,
                  const std::string &name) {
  std::vector<std::string> names;
  for (const Signature &signature : signatures)
    names.push_back(signature.name);
  if (name.empty()) {
    if (names.empty())
      throw InvalidArgument("the file has no kernel");
    if (names.size() > 1)
      throw UsageError(fmt::format("choose one of the file's kernels with "
                                   "--kernel: {}",
                                   fmt::join(names, ", ")));
    return 0;
  }
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == name)
      return i;
  throw KeyError(fmt::format(
      "the file has no kernel '{}'; it has {}", name,
      names.empty() ? "none" : fmt::to_string(fmt::join(names, ", "))));
}

size_t findParam(const Signature &signature, std::string_view name) {
  std::vector<std::string> names;
  for (size_t i = 0; i < signature.params.size(); ++i) {
    if (signature.params[i].name == name)
      return i;
    names.push_back(signature.params[i].name);
  }
  throw KeyError(fmt::format("{} has no parameter '{}'; it has {}",
                             signature.name, name, fmt::join(names, ", ")));
}

std::vector<Arg> BoundArguments::list() const {
  std::vector<Arg> list;
  for (const Value &value : values) {
    std::string_view name = value.param->name;
    if (value.scalar)
      list.push_back(arg(name, *value.scalar));
    else if (value.tensor && value.param->mode == Param::Mode::in)
      list.push_back(arg(name, *value.tensor));
    else if (value.tensor)
      list.push_back(out(name, *value.tensor));
  }
  return list;
}

namespace {
/// Binds the parameters of one launch, in the order in which one thing fixes
/// the next: dtypes, then shapes, then what was left out.
class Binder {
public:
  Binder(const Module &module, const std::string &kernelName, Bindings bindings,
         const ArgumentOptions &options)
      : module(module), kernelName(kernelName), bindings(std::move(bindings)),
        options(options),
        signature(
            module.signatures()[findKernel(module.signatures(), kernelName)]),
        specs(signature.params.size()), values(signature.params.size()) {}

  BoundArguments run() {
    readSpecs();
    bindTypes();
    for (size_t i = 0; i < specs.size(); ++i)
      if (specs[i] && specs[i]->isTensor() && !values[i].tensor &&
          specs[i]->shape)
        make(i, dtypeOf(signature.params[i].type));
    Kernel kernel = module.kernel(signature.name, bindings);
    BoundArguments bound{kernel, values};
    drawTheRest(kernel.expect(bound.list()));
    return {kernel, std::move(values)};
  }

private:
  void readSpecs() {
    for (size_t i = 0; i < values.size(); ++i)
      values[i].param = &signature.params[i];
    for (const std::string &text : options.args) {
      auto [name, specText] = splitAssignment(text, "--arg");
      size_t i = findParam(signature, name);
      if (specs[i])
        throw UsageError(fmt::format("--arg {} is given twice", name));
      specs[i] = parseSpec(specText);
      values[i].source = specText;
      const Param &param = signature.params[i];
      if (specs[i]->kind == Spec::Kind::absent && !param.optional)
        throw InvalidArgument(
            fmt::format("'{}' is not optional, it cannot be none", name));
      if (specs[i]->kind == Spec::Kind::scalar) {
        if (param.is_tensor)
          throw InvalidArgument(fmt::format(
              "'{}' is a tensor, but got the scalar {}", name, specText));
        values[i].scalar = specs[i]->scalar;
      }
      if (specs[i]->isTensor() && !param.is_tensor)
        throw InvalidArgument(fmt::format(
            "'{}' is a scalar, but got the tensor {}", name, specText));
    }
    for (const std::string &name : options.wanted) {
      const Param &param = signature.params[findParam(signature, name)];
      if (!param.is_tensor)
        throw InvalidArgument(
            fmt::format("'{}' is a scalar: only tensors are saved", name));
    }
  }

  /// A type parameter is what --dtype says, else what a tensor of known dtype
  /// has, else its default, else f32 (i32 for `T: int`).
  void bindTypes() {
    types.resize(signature.types.size());
    std::vector<bool> stated(types.size());
    for (size_t t = 0; t < types.size(); ++t)
      for (const Binding &binding : bindings)
        if (binding.name == signature.types[t].name &&
            std::holds_alternative<DType>(binding.value)) {
          types[t] = std::get<DType>(binding.value);
          stated[t] = true;
        }
    for (size_t i = 0; i < specs.size(); ++i) {
      if (!specs[i] || !specs[i]->isTensor())
        continue;
      const TypeRef &type = signature.params[i].type;
      bool isFile = specs[i]->kind == Spec::Kind::file;
      if (!isFile && !(specs[i]->shape && specs[i]->dtype))
        continue;
      bool converts =
          isFile && type.kind != TypeRef::Kind::concrete && stated[type.param];
      make(i, converts ? dtypeOf(type) : specs[i]->dtype.value_or(f32),
           /*convertFile=*/converts);
      if (type.kind == TypeRef::Kind::param && !types[type.param])
        types[type.param] = values[i].tensor->dtype();
    }
    for (size_t t = 0; t < types.size(); ++t) {
      if (types[t])
        continue;
      const TypeParam &param = signature.types[t];
      types[t] = param.has_default ? dtypeOf(param.default_type)
                 : param.kind == TypeParam::Class::integer ? i32
                                                           : f32;
      bindings.emplace_back(param.name, *types[t]);
    }
  }

  /// The dtype of a declaration; f32 for what is not bound yet.
  DType dtypeOf(const TypeRef &type) const {
    if (type.kind == TypeRef::Kind::concrete)
      return type.dtype;
    DType dtype = types[type.param].value_or(f32);
    return type.kind == TypeRef::Kind::acc_of_param ? acc_of(dtype) : dtype;
  }

  void make(size_t i, DType dtype, bool convertFile = false) {
    // Parameters of one launch differ, and so do launches of two seeds.
    uint64_t seed = options.seed * 256 + i;
    values[i].tensor =
        makeTensor(*specs[i], dtype, seed, options.device, convertFile);
  }

  void drawTheRest(const std::vector<ExpectedParam> &expected) {
    for (size_t i = 0; i < values.size(); ++i) {
      const Param &param = signature.params[i];
      Value &value = values[i];
      if (value.tensor || value.scalar)
        continue;
      if (!param.is_tensor) {
        if (param.default_value.empty())
          throw InvalidArgument(
              fmt::format("the scalar '{}' has no default: give --arg {}=VALUE",
                          param.name, param.name));
        continue;
      }
      bool shapeless = specs[i] && specs[i]->isTensor();
      bool wanted = std::find(options.wanted.begin(), options.wanted.end(),
                              param.name) != options.wanted.end();
      bool isInput = param.mode != Param::Mode::out && !param.optional;
      if (!shapeless && !isInput && !(wanted && param.optional))
        continue;
      if (!expected[i].known)
        throwMissing(param, expected[i].missing);
      if (!specs[i] || !shapeless) {
        specs[i].emplace();
        specs[i]->kind = param.mode == Param::Mode::out ? Spec::Kind::zeros
                         : is_float(expected[i].dtype)  ? Spec::Kind::randn
                                                        : Spec::Kind::uniform;
        value.source = param.mode == Param::Mode::out
                           ? ""
                           : fmt::format("drawn, seed {}", options.seed);
      }
      specs[i]->shape = expected[i].sizes;
      make(i, specs[i]->dtype.value_or(expected[i].dtype));
    }
  }

  [[noreturn]] void throwMissing(const Param &param,
                                 const std::vector<std::string> &missing) {
    std::vector<std::string> dims, sets;
    for (const Expr &dim : param.dims)
      dims.push_back(dim.text);
    for (const std::string &name : missing)
      sets.push_back("--set " + name + "=...");
    throw InvalidArgument(fmt::format(
        "'{}' [{}] is left out, and nothing fixes {}: give --arg {}=SPEC, or "
        "{}",
        param.name, fmt::join(dims, ", "), fmt::join(missing, ", "), param.name,
        fmt::join(sets, " ")));
  }

  const Module &module;
  std::string kernelName;
  Bindings bindings;
  const ArgumentOptions &options;
  const Signature &signature;
  std::vector<std::optional<Spec>> specs;  // one per parameter
  std::vector<Value> values;               // one per parameter
  std::vector<std::optional<DType>> types; // one per type parameter
};
} // namespace

BoundArguments bindArguments(const Module &module, const std::string &kernel,
                             Bindings bindings,
                             const ArgumentOptions &options) {
  return Binder(module, kernel, std::move(bindings), options).run();
}

} // namespace attn_grid::agc
