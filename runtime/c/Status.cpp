// Errors as codes and texts, and conversions of what C hands in.

#include "runtime/c/Handle.h"
#include <fmt/format.h>
#include <new>

namespace attn_grid::c {
namespace {

/// The message of a thread's last failure. `fixed` is used where there was not
/// enough memory to keep a text.
struct LastError {
  std::string text;
  const char *fixed = nullptr;
};
thread_local LastError last_error;

ag_status keep(ag_status status, const char *message) noexcept {
  try {
    last_error.text = message;
    last_error.fixed = nullptr;
  } catch (...) {
    last_error.fixed = "not enough memory for the message of an error";
  }
  return status;
}

} // namespace

ag_status caught() noexcept {
  try {
    throw;
  } catch (const CompileError &error) { // before its base
    return keep(AG_COMPILE_ERROR, error.what());
  } catch (const InvalidArgument &error) {
    return keep(AG_INVALID_ARGUMENT, error.what());
  } catch (const DTypeError &error) {
    return keep(AG_DTYPE_ERROR, error.what());
  } catch (const KeyError &error) {
    return keep(AG_KEY_ERROR, error.what());
  } catch (const OutOfRange &error) {
    return keep(AG_OUT_OF_RANGE, error.what());
  } catch (const Unsupported &error) {
    return keep(AG_UNSUPPORTED, error.what());
  } catch (const OutOfMemory &error) { // before its base
    return keep(AG_OUT_OF_MEMORY, error.what());
  } catch (const BackendError &error) {
    return keep(AG_BACKEND_ERROR, error.what());
  } catch (const std::bad_alloc &) {
    last_error.fixed = "not enough memory";
    return AG_OUT_OF_MEMORY;
  } catch (const std::exception &error) {
    return keep(AG_INTERNAL_ERROR, error.what());
  } catch (...) {
    return keep(AG_INTERNAL_ERROR, "an exception of unknown type");
  }
}

void throw_handle(const void *handle, const char *name) {
  if (!handle)
    throw InvalidArgument(
        fmt::format("expected a handle of kind {}, found NULL", name));
  throw InvalidArgument(fmt::format("expected a handle of kind {}, found one "
                                    "that was freed or is of another kind",
                                    name));
}

void throw_null(const char *name) {
  throw InvalidArgument(fmt::format("`{}` is NULL", name));
}

const char *text(const char *chars, const char *name) {
  if (!chars)
    throw_null(name);
  return chars;
}

Dims dims(int rank, const int64_t *values, const char *name) {
  if (rank < 0 || rank > max_rank)
    throw InvalidArgument(
        fmt::format("expected a rank from 0 to {}, found {}", max_rank, rank));
  if (rank > 0 && !values)
    throw_null(name);
  return Dims(std::span<const int64_t>(values, static_cast<size_t>(rank)));
}

DType dtype_of(ag_dtype dtype) {
  if (static_cast<unsigned>(dtype) >= static_cast<unsigned>(numDTypes))
    throw DTypeError(fmt::format("{} is no ag_dtype: they end at {}",
                                 static_cast<unsigned>(dtype), numDTypes - 1));
  return static_cast<DType>(dtype);
}

Device device_named(const char *name) {
  return name ? Device::named(name) : Device();
}

Scalar scalar_of(const ag_value &value, const char *what) {
  switch (value.kind) {
  case AG_KIND_INT:
    return value.as.integer;
  case AG_KIND_FLOAT:
    return value.as.number;
  case AG_KIND_BOOL:
    return value.as.integer != 0;
  default:
    throw InvalidArgument(fmt::format("{} must be an integer, a float or a "
                                      "bool, found ag_kind {}",
                                      what, static_cast<unsigned>(value.kind)));
  }
}

ag_value value_of_scalar(Scalar scalar) {
  ag_value value{};
  switch (scalar.kind()) {
  case Scalar::Kind::integer:
    value.kind = AG_KIND_INT;
    value.as.integer = scalar.integer();
    break;
  case Scalar::Kind::boolean:
    value.kind = AG_KIND_BOOL;
    value.as.integer = scalar.integer();
    break;
  case Scalar::Kind::floating:
    value.kind = AG_KIND_FLOAT;
    value.as.number = scalar.number();
    break;
  }
  return value;
}

} // namespace attn_grid::c

using namespace attn_grid;
using namespace attn_grid::c;

const char *ag_last_error(void) {
  return last_error.fixed ? last_error.fixed : last_error.text.c_str();
}

const char *ag_status_name(ag_status status) {
  switch (status) {
  case AG_OK:
    return "ok";
  case AG_INVALID_ARGUMENT:
    return "invalid argument";
  case AG_COMPILE_ERROR:
    return "compile error";
  case AG_DTYPE_ERROR:
    return "dtype error";
  case AG_KEY_ERROR:
    return "key error";
  case AG_OUT_OF_RANGE:
    return "out of range";
  case AG_UNSUPPORTED:
    return "unsupported";
  case AG_BACKEND_ERROR:
    return "backend error";
  case AG_OUT_OF_MEMORY:
    return "out of memory";
  case AG_INTERNAL_ERROR:
    return "internal error";
  }
  return "unknown status";
}

const char *ag_version(void) { return AG_VERSION; }

// The two lists of dtypes are one.
static_assert(int(AG_BOOL) == int(DType::boolean) &&
              int(AG_U8) == int(DType::u8) && int(AG_F16) == int(DType::f16) &&
              int(AG_F8E5M2) == int(DType::f8e5m2) && AG_MAX_RANK == max_rank);

static bool is_dtype(ag_dtype dtype) {
  return static_cast<unsigned>(dtype) < static_cast<unsigned>(numDTypes);
}

const char *ag_dtype_name(ag_dtype dtype) {
  return is_dtype(dtype) ? name_of(static_cast<DType>(dtype)).data() : "?";
}

ag_status ag_dtype_named(const char *name, ag_dtype *dtype) {
  return guarded([&] {
    std::optional<DType> found = dtype_named(text(name, "name"));
    if (!found)
      throw KeyError(fmt::format("no dtype is called `{}`", name));
    need(dtype, "dtype") = static_cast<ag_dtype>(*found);
  });
}

size_t ag_dtype_size(ag_dtype dtype) {
  return is_dtype(dtype) ? size_of(static_cast<DType>(dtype)) : 0;
}

ag_status ag_device_check(const char *device) {
  return guarded([&] { device_named(device); });
}

ag_status ag_device_synchronize(const char *device) {
  return guarded([&] { device_named(device).synchronize(); });
}

int ag_num_threads(void) { return num_threads(); }

ag_status ag_set_num_threads(int threads) {
  return guarded([&] { set_num_threads(threads); });
}

ag_status ag_set_print_sink(void (*sink)(const char *, size_t, void *),
                            void *context) {
  return guarded([&] {
    if (sink)
      set_print_sink([=](std::string_view text) {
        sink(text.data(), text.size(), context);
      });
    else
      set_print_sink({});
  });
}
