#ifndef AG_RUNTIME_CUDA_DRIVERLIBRARY_H
#define AG_RUNTIME_CUDA_DRIVERLIBRARY_H
/// The CUDA driver, or the software device that stands in for it: a library
/// that is opened when a device of it is asked for.

#include "attn_grid/device.hpp"
#include "runtime/cuda/Driver.h"
#include <string>

namespace attn_grid::detail {

class DriverLibrary {
public:
  /// Opens and initialises it, once. Throws `Unsupported` that says why there
  /// is none.
  static DriverLibrary &of(Device::Kind kind);
  /// How many devices it has; 0 if it cannot be opened.
  static int count(Device::Kind kind) noexcept;

#define AG_DRIVER_FUNCTION(name, parameters) CUresult(*name) parameters;
  AG_CUDA_FUNCTIONS(AG_DRIVER_FUNCTION)
#undef AG_DRIVER_FUNCTION

  CUtensorMapEncodeTiled cuTensorMapEncodeTiled = nullptr; // perhaps

  int devices = 0;

  /// Throws `BackendError` unless `result` is a success. `what` failed.
  void check(CUresult result, const char *what) const;
  /// "CUDA_ERROR_OUT_OF_MEMORY: out of memory".
  std::string error_text(CUresult result) const;

  /// What the software device's checks found since the last call; empty for a
  /// GPU.
  std::string take_reports() const;

private:
  explicit DriverLibrary(Device::Kind kind);
  const char *name_;
  int (*report_count_)() = nullptr;
  int (*report_text_)(int, char *, size_t) = nullptr;
  void (*clear_reports_)() = nullptr;
};

} // namespace attn_grid::detail

#endif
