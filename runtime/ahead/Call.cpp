// Calls of kernels built ahead of time: values of C become a launch.

#include "attn_grid/error.hpp"
#include "attn_grid/module.hpp"
#include "runtime/KernelState.h"
#include "runtime/OutOfMemory.h"
#include "runtime/ahead/AheadProgram.h"
#include "runtime/c/Handle.h"
#include <atomic>
#include <bit>
#include <fmt/format.h>
#include <mutex>

namespace attn_grid {
namespace detail {
namespace {

Scalar to_scalar(const ConstValue &value) {
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

/// What C passed by value.
Scalar number(uint64_t value, ConstParam::Kind type) {
  switch (type) {
  case ConstParam::Kind::integer:
    return static_cast<int64_t>(value);
  case ConstParam::Kind::floating:
    return std::bit_cast<double>(value);
  case ConstParam::Kind::boolean:
    break;
  }
  return value != 0;
}

/// What C passed by pointer.
Scalar number_at(const void *at, ConstParam::Kind type) {
  switch (type) {
  case ConstParam::Kind::integer:
    return *static_cast<const int64_t *>(at);
  case ConstParam::Kind::floating:
    return *static_cast<const double *>(at);
  case ConstParam::Kind::boolean:
    break;
  }
  return *static_cast<const bool *>(at);
}

std::string show(Scalar value) {
  if (value.kind() == Scalar::Kind::boolean)
    return value.integer() ? "true" : "false";
  return value.kind() == Scalar::Kind::integer
             ? fmt::format("{}", value.integer())
             : fmt::format("{}", value.number());
}

bool same(Scalar a, Scalar b) {
  return a.integer() == b.integer() && a.number() == b.number();
}

/// One function of a library: a kernel for each combination of its choices.
class Function {
public:
  Function(const Module &module, const Signature &signature,
           const AheadFunction &what)
      : signature_(signature), what_(what) {
    Bindings bindings;
    for (size_t i = 0; i < what.types.size(); ++i)
      if (what.types[i])
        bindings.emplace_back(signature.types[i].name, *what.types[i]);
    for (size_t i = 0; i < what.consts.size(); ++i)
      if (what.consts[i])
        bindings.emplace_back(signature.consts[i].name,
                              to_scalar(*what.consts[i]));
    add_kernels(module, bindings, 0);
  }

  void call(const uint64_t *values) const {
    const std::vector<AheadParam> &params = what_.params;
    std::vector<Arg> args;
    args.reserve(params.size());
    size_t kernel = 0;
    for (size_t i = 0; i < params.size(); ++i) {
      switch (const AheadParam &param = params[i]; param.kind) {
      case AheadParam::Kind::tensor:
        args.push_back(tensor(param.index, values[i]));
        break;
      case AheadParam::Kind::scalar:
        args.push_back(number(values[i], param.type));
        break;
      case AheadParam::Kind::default_scalar:
        if (auto *at = reinterpret_cast<const void *>(values[i]))
          args.push_back(number_at(at, param.type));
        else
          args.push_back(none);
        break;
      case AheadParam::Kind::choice:
        kernel = kernel * choice(param.index).values.size() +
                 chosen(param.index, number(values[i], param.type));
        break;
      case AheadParam::Kind::extent:
        if (auto value = static_cast<int64_t>(values[i]); value >= 0)
          args.push_back(arg(extent_name(param.index), value));
        break;
      }
    }
    kernels_[kernel].launch(args);
  }

private:
  /// Kernels in the order that `call` counts them in.
  void add_kernels(const Module &module, Bindings bindings, size_t choice) {
    if (choice == what_.choices.size()) {
      kernels_.push_back(module.kernel(signature_.name, bindings));
      return;
    }
    const AheadChoice &choices = what_.choices[choice];
    for (const ConstValue &value : choices.values) {
      Bindings with = bindings;
      with.emplace_back(
          signature_.consts[static_cast<size_t>(choices.constant)].name,
          to_scalar(value));
      add_kernels(module, std::move(with), choice + 1);
    }
  }

  const AheadChoice &choice(int index) const {
    return what_.choices[static_cast<size_t>(index)];
  }
  const std::string &extent_name(int index) const {
    return signature_.extents[static_cast<size_t>(index)].name;
  }

  Arg tensor(int index, uint64_t value) const {
    const Param &param = signature_.params[static_cast<size_t>(index)];
    const auto *view = reinterpret_cast<const ag_array *>(value);
    if (!view) {
      if (!param.optional)
        throw InvalidArgument(
            fmt::format("{}: `{}` is null, and it is not optional",
                        signature_.name, param.name));
      return none;
    }
    auto refuse = [&](const std::string &why) {
      throw InvalidArgument(
          fmt::format("{}: `{}` {}", signature_.name, param.name, why));
    };
    if (static_cast<unsigned>(view->dtype) >= numDTypes)
      refuse(fmt::format("has the dtype {}, which is no ag_dtype",
                         static_cast<unsigned>(view->dtype)));
    if (view->rank < 0 || view->rank > max_rank)
      refuse(
          fmt::format("has rank {}, expected 0 to {}", view->rank, max_rank));
    if (view->rank > 0 && !view->sizes)
      refuse(fmt::format("has rank {}, and no sizes", view->rank));
    if (static_cast<unsigned>(view->device) >
            static_cast<unsigned>(AG_DEVICE_SIM) ||
        view->device_index < 0 || view->device_index > 1023)
      refuse(fmt::format("is on the device {} number {}, which is none",
                         static_cast<unsigned>(view->device),
                         view->device_index));
    Device device =
        view->device == AG_DEVICE_CUDA  ? Device::cuda(view->device_index)
        : view->device == AG_DEVICE_SIM ? Device::sim(view->device_index)
                                        : Device::cpu();
    auto rank = static_cast<size_t>(view->rank);
    auto dtype = static_cast<DType>(view->dtype);
    Dims sizes{std::span(view->sizes, rank)};
    Arg result = view->strides
                     ? TensorView(view->data, dtype, sizes,
                                  Dims{std::span(view->strides, rank)}, device)
                     : TensorView(view->data, dtype, sizes, device);
    return param.mode == Param::Mode::in ? result : out(result);
  }

  /// The position of a value among those that were built.
  size_t chosen(int index, Scalar value) const {
    const AheadChoice &choices = choice(index);
    std::string built;
    for (size_t i = 0; i < choices.values.size(); ++i) {
      Scalar one = to_scalar(choices.values[i]);
      if (same(one, value))
        return i;
      built += (i == 0 ? "" : ", ") + show(one);
    }
    throw Unsupported(fmt::format(
        "{}: {} = {} was not built, expected one of {}", signature_.name,
        signature_.consts[static_cast<size_t>(choices.constant)].name,
        show(value), built));
  }

  const Signature &signature_;
  const AheadFunction &what_;
  std::vector<Kernel> kernels_;
};
} // namespace

/// Of a library there are no sources; messages call it by its name.
static Sources named_sources(const std::string &name) {
  Sources sources;
  sources.name = name;
  return sources;
}

/// A library that was called once.
class LoadedLibrary {
public:
  explicit LoadedLibrary(const ag_ahead_library &object)
      : program(std::make_shared<AheadProgram>(object)),
        module(std::make_shared<ModuleState>(
            named_sources(program->library().name), OpenedProgram{program, {}},
            /*disk=*/nullptr)) {
    module.state_->ahead = true;
    const AheadLibrary &library = program->library();
    functions.reserve(library.functions.size());
    for (const AheadFunction &function : library.functions)
      functions.emplace_back(
          module, library.signatures[static_cast<size_t>(function.signature)],
          function);
  }

  std::shared_ptr<const AheadProgram> program;
  Module module;
  std::vector<Function> functions;
};

/// Loads a library at its first use.
static LoadedLibrary &load(ag_ahead_library &object) {
  std::atomic_ref<void *> loaded(object.loaded);
  if (void *there = loaded.load(std::memory_order_acquire))
    return *static_cast<LoadedLibrary *>(there);
  // As long as the process: a kernel may run while others are done.
  static std::mutex mutex;
  static std::vector<std::unique_ptr<LoadedLibrary>> all;
  std::lock_guard lock(mutex);
  if (void *there = loaded.load(std::memory_order_relaxed))
    return *static_cast<LoadedLibrary *>(there);
  all.push_back(std::make_unique<LoadedLibrary>(object));
  loaded.store(all.back().get(), std::memory_order_release);
  return *all.back();
}

} // namespace detail

Module Module::from_ahead(ag_ahead_library &object) try {
  return detail::load(object).module;
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

} // namespace attn_grid

ag_status ag_ahead_call(ag_ahead_library *library, uint32_t function,
                        const uint64_t *values) {
  return attn_grid::c::guarded([&] {
    const auto &functions = attn_grid::detail::load(*library).functions;
    if (function >= functions.size())
      throw attn_grid::OutOfRange("this object has no function of that number");
    functions[function].call(values);
  });
}
