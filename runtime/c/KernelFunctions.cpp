// The functions of `attn_grid/c.h` on modules, kernels and launches.

#include "runtime/c/Handle.h"
#include <algorithm>
#include <climits>
#include <fmt/format.h>

using namespace attn_grid;
using namespace attn_grid::c;

/// The element at a position that C gave.
template <class List>
static const auto &at(const List &list, size_t position, const char *what) {
  if (position >= list.size())
    throw OutOfRange(fmt::format("{} {} of {}", what, position, list.size()));
  return list[position];
}

static std::vector<std::string> folders(const char *const *dirs, size_t count) {
  std::vector<std::string> result;
  for (size_t i = 0; i < count; ++i)
    result.emplace_back(
        text((&need(dirs, "include_dirs"))[i], "include_dirs[i]"));
  return result;
}

static Arg to_arg(const ag_arg &given) {
  Arg arg = none;
  switch (given.value.kind) {
  case AG_KIND_NONE:
    break;
  case AG_KIND_TENSOR:
    arg = Arg(value_of(given.value.as.tensor));
    break;
  case AG_KIND_OUT_TENSOR:
    arg = out(value_of(given.value.as.tensor));
    break;
  default:
    arg = scalar_of(given.value, "an argument that is no tensor");
  }
  return given.name ? attn_grid::arg(given.name, arg) : arg;
}

static std::vector<Arg> to_args(const ag_arg *args, size_t count) {
  std::vector<Arg> list;
  list.reserve(count);
  for (size_t i = 0; i < count; ++i)
    list.push_back(to_arg((&need(args, "args"))[i]));
  return list;
}

ag_status ag_module_from_file(const char *path, const char *const *include_dirs,
                              size_t num_dirs, ag_module **made) {
  return make(made, [&] {
    return Module::from_file(text(path, "path"),
                             folders(include_dirs, num_dirs));
  });
}

ag_status ag_module_from_source(const char *source, const char *name,
                                const char *const *include_dirs,
                                size_t num_dirs, ag_module **made) {
  return make(made, [&] {
    return Module::from_source(text(source, "source"),
                               name ? name : "source.ag",
                               folders(include_dirs, num_dirs));
  });
}

void ag_module_free(ag_module *module) { pool<ag_module>().free(module); }

ag_status ag_module_size(const ag_module *module, size_t *kernels) {
  return guarded([&] {
    need(kernels, "kernels") = 0;
    *kernels = value_of(module).signatures().size();
  });
}

ag_status ag_module_kernel_name(const ag_module *module, size_t position,
                                const char **name) {
  return guarded([&] {
    need(name, "name") = nullptr;
    *name = at(value_of(module).signatures(), position, "kernel").name.c_str();
  });
}

ag_status ag_module_kernel(const ag_module *module, const char *name,
                           const ag_arg *bindings, size_t num_bindings,
                           ag_kernel **made) {
  return make(made, [&] {
    Bindings list;
    for (size_t i = 0; i < num_bindings; ++i) {
      const ag_arg &given = (&need(bindings, "bindings"))[i];
      const char *bound = text(given.name, "bindings[i].name");
      if (given.value.kind == AG_KIND_DTYPE)
        list.emplace_back(bound, dtype_of(given.value.as.dtype));
      else
        list.emplace_back(bound, scalar_of(given.value, bound));
    }
    return value_of(module).kernel(text(name, "name"), list);
  });
}

void ag_kernel_free(ag_kernel *kernel) { pool<ag_kernel>().free(kernel); }

ag_status ag_kernel_name(const ag_kernel *kernel, const char **name) {
  return guarded([&] {
    need(name, "name") = nullptr;
    *name = value_of(kernel).name().c_str();
  });
}

ag_status ag_kernel_doc(const ag_kernel *kernel, const char **doc) {
  return guarded([&] {
    need(doc, "doc") = nullptr;
    *doc = value_of(kernel).signature().doc.c_str();
  });
}

ag_status ag_kernel_size(const ag_kernel *kernel, size_t *params) {
  return guarded([&] {
    need(params, "params") = 0;
    *params = value_of(kernel).signature().params.size();
  });
}

ag_status ag_kernel_param(const ag_kernel *kernel, size_t position,
                          ag_param *param) {
  return guarded([&] {
    need(param, "param") = {};
    const Param &own =
        at(value_of(kernel).signature().params, position, "parameter");
    param->name = own.name.c_str();
    param->is_tensor = own.is_tensor;
    param->rank = static_cast<int32_t>(own.dims.size());
    param->mode = own.mode == Param::Mode::in    ? AG_MODE_IN
                  : own.mode == Param::Mode::out ? AG_MODE_OUT
                                                 : AG_MODE_INOUT;
    param->may_be_left_away = own.optional || !own.default_value.empty() ||
                              own.mode == Param::Mode::out;
  });
}

ag_status ag_kernel_expect(const ag_kernel *kernel, const ag_arg *args,
                           size_t num_args, ag_expected *expected,
                           size_t capacity) {
  return guarded([&] {
    need(expected, "expected");
    std::vector<ExpectedParam> params =
        value_of(kernel).expect(to_args(args, num_args));
    if (capacity < params.size())
      throw InvalidArgument(
          fmt::format("`expected` has room for {} parameters, and {} has {}",
                      capacity, value_of(kernel).name(), params.size()));
    thread_local std::vector<std::string> missing;
    missing.clear();
    for (const ExpectedParam &param : params)
      missing.push_back(fmt::format("{}", fmt::join(param.missing, ", ")));
    for (size_t i = 0; i < params.size(); ++i) {
      const ExpectedParam &param = params[i];
      expected[i] = {};
      expected[i].known = param.known;
      expected[i].dtype = static_cast<ag_dtype>(param.dtype);
      expected[i].rank = param.sizes.rank();
      std::copy(param.sizes.begin(), param.sizes.end(), expected[i].sizes);
      expected[i].missing = missing[i].c_str();
    }
  });
}

ag_status ag_kernel_launch(const ag_kernel *kernel, const ag_arg *args,
                           size_t num_args, ag_results **made) {
  auto launch = [&] {
    return value_of(kernel).launch(to_args(args, num_args));
  };
  return made ? make(made, launch) : guarded([&] { launch(); });
}

ag_status ag_kernel_prepare(const ag_kernel *kernel, const ag_arg *args,
                            size_t num_args, ag_launch **made) {
  return make(made, [&] {
    Launch launch = value_of(kernel).prepare_list(to_args(args, num_args));
    PreparedLaunch prepared{launch, launch.variant(), {}};
    for (size_t i = 0; i < num_args; ++i)
      if (args[i].value.kind == AG_KIND_TENSOR ||
          args[i].value.kind == AG_KIND_OUT_TENSOR)
        prepared.owners.push_back(value_of(args[i].value.as.tensor).owner());
    return prepared;
  });
}

void ag_launch_free(ag_launch *launch) { pool<ag_launch>().free(launch); }

ag_status ag_launch_run(const ag_launch *launch) {
  return guarded([&] { value_of(launch).launch(); });
}

ag_status ag_launch_results(const ag_launch *launch, ag_results **made) {
  return make(made, [&] { return Results(value_of(launch).launch.results()); });
}

ag_status ag_launch_variant(const ag_launch *launch, ag_variant *variant) {
  return guarded([&] {
    need(variant, "variant") = {};
    const VariantInfo &info = value_of(launch).variant;
    *variant = {info.key.c_str(), info.compile_ms, info.cached, info.from_disk};
  });
}

ag_status ag_launch_programs(const ag_launch *launch, int64_t *programs) {
  return guarded([&] {
    need(programs, "programs") = 0;
    *programs = value_of(launch).launch.programs();
  });
}

void ag_results_free(ag_results *results) { pool<ag_results>().free(results); }

ag_status ag_results_size(const ag_results *results, size_t *size) {
  return guarded([&] {
    need(size, "size") = 0;
    *size = static_cast<size_t>(value_of(results).size());
  });
}

/// A position as `Results` takes it, which refuses what is too large.
static int to_position(size_t position) {
  return static_cast<int>(std::min<size_t>(position, INT_MAX));
}

ag_status ag_results_name(const ag_results *results, size_t position,
                          const char **name) {
  return guarded([&] {
    need(name, "name") = nullptr;
    *name = value_of(results).name(to_position(position)).c_str();
  });
}

ag_status ag_results_tensor(const ag_results *results, size_t position,
                            ag_tensor **made) {
  return make(made,
              [&] { return Tensor(value_of(results)[to_position(position)]); });
}

ag_status ag_results_named(const ag_results *results, const char *name,
                           ag_tensor **made) {
  return make(made, [&] {
    return Tensor(value_of(results)[std::string_view(text(name, "name"))]);
  });
}
