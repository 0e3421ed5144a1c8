#include "runtime/cuda/DriverLibrary.h"
#include "attn_grid/error.hpp"
#include "runtime/Library.h"
#include <dlfcn.h>
#include <fmt/format.h>
#include <memory>
#include <mutex>

namespace attn_grid::detail {

DriverLibrary::DriverLibrary(Device::Kind kind)
    : name_(kind == Device::Kind::sim ? "sim" : "cuda") {
  bool simulated = kind == Device::Kind::sim;
  std::string path =
      simulated ? path_beside(AG_SIM_LIBRARY) : std::string("libcuda.so.1");
  if (path.empty())
    path = AG_SIM_LIBRARY;
  // It stays: drivers have threads and tables that outlive any use.
  void *handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!handle) {
    const char *why = ::dlerror();
    throw Unsupported(fmt::format(
        "there is no device `{}` here: {} cannot be opened ({}){}", name_, path,
        why ? why : "no reason given",
        simulated ? "" : "; `sim` runs the same kernels without a GPU"));
  }
  auto find = [&](const char *name, auto &into, bool needed) {
    into =
        reinterpret_cast<std::decay_t<decltype(into)>>(::dlsym(handle, name));
    if (!into && needed)
      throw Unsupported(
          fmt::format("the driver {} is too old: it has no `{}`", path, name));
  };
#define AG_DRIVER_FUNCTION(name, parameters) find(#name, this->name, true);
  AG_CUDA_FUNCTIONS(AG_DRIVER_FUNCTION)
#undef AG_DRIVER_FUNCTION
  find("cuTensorMapEncodeTiled", cuTensorMapEncodeTiled, false);
  find("agSimReportCount", report_count_, false);
  find("agSimReportText", report_text_, false);
  find("agSimClearReports", clear_reports_, false);
  void (*print_reports)(int) = nullptr;
  find("agSimPrintReports", print_reports, false);
  CUresult result = cuInit(0);
  if (result == CUDA_SUCCESS)
    result = cuDeviceGetCount(&devices);
  if (result != CUDA_SUCCESS || devices == 0)
    throw Unsupported(fmt::format(
        "there is no device `{}` here: the driver says {}{}", name_,
        result == CUDA_SUCCESS ? std::string("that there are none")
                               : error_text(result),
        simulated ? "" : "; `sim` runs the same kernels without a GPU"));
  if (print_reports)
    print_reports(0); // they become errors of launches
}

DriverLibrary &DriverLibrary::of(Device::Kind kind) {
  static std::mutex mutex;
  // Never destroyed: tensors and modules may be freed while a process ends.
  static DriverLibrary *cuda = nullptr, *sim = nullptr;
  std::lock_guard lock(mutex);
  DriverLibrary *&library = kind == Device::Kind::sim ? sim : cuda;
  if (!library)
    library = new DriverLibrary(kind);
  return *library;
}

int DriverLibrary::count(Device::Kind kind) noexcept {
  try {
    return of(kind).devices;
  } catch (...) {
    return 0;
  }
}

std::string DriverLibrary::error_text(CUresult result) const {
  const char *name = nullptr, *text = nullptr;
  if (cuGetErrorName(result, &name) != CUDA_SUCCESS || !name)
    return fmt::format("error {}", result);
  cuGetErrorString(result, &text);
  return fmt::format("{}: {}", name, text ? text : "");
}

void DriverLibrary::check(CUresult result, const char *what) const {
  if (result != CUDA_SUCCESS)
    throw BackendError(
        fmt::format("{}: {} failed: {}", name_, what, error_text(result)));
}

std::string DriverLibrary::take_reports() const {
  std::string all;
  if (!report_count_ || !report_text_ || !clear_reports_)
    return all;
  int count = report_count_();
  for (int n = 0; n < count; ++n) {
    int bytes = report_text_(n, nullptr, 0);
    if (bytes <= 0)
      continue;
    std::string text(static_cast<size_t>(bytes), '\0');
    report_text_(n, text.data(), text.size() + 1);
    all += text + "\n";
  }
  if (count > 0)
    clear_reports_();
  return all;
}

} // namespace attn_grid::detail
