#ifndef ATTN_GRID_DEVICE_HPP
#define ATTN_GRID_DEVICE_HPP
/// Where tensors live and kernels run.
///
///   ag::Device device = ag::Device::best();
///   fmt::print("{}\n", device.name());        // "cpu"
///   ag::set_num_threads(4);                   // the cpu's, for later launches

#include "attn_grid/export.hpp"
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace attn_grid {

/// A device, as a small value. This version has one, `cpu`.
class AG_API Device {
public:
  enum class Kind : uint8_t { cpu };

  /// The host's processor.
  constexpr Device() = default;
  static constexpr Device cpu() { return Device(); }
  /// The fastest device of this machine that this version can use.
  static constexpr Device best() { return Device(); }
  /// The device of that name. Throws `Unsupported` for `cuda`, `cuda:i` and
  /// `sim`, which this version does not have, and `KeyError` for other names.
  static Device named(std::string_view name);
  /// The device that `AG_DEVICE` names, else `best()`.
  static Device from_environment();

  constexpr Kind kind() const { return kind_; }
  /// "cpu".
  std::string name() const;

  friend constexpr bool operator==(Device, Device) = default;

private:
  Kind kind_ = Kind::cpu;
};

/// How many threads a launch on `cpu` uses: what `set_num_threads` said, else
/// `AG_NUM_THREADS`, else all that this process may run on. Results do not
/// depend on it.
AG_API int num_threads();
/// Sets the number of threads of the launches that begin after this call, on
/// every thread; 0 returns to the default. Throws `InvalidArgument` below 0 and
/// above 4096.
AG_API void set_num_threads(int threads);

/// Where the `print` of kernels goes: each call of `sink` gets one piece of
/// text, one at a time. Without a sink, which is the default, standard output.
AG_API void set_print_sink(std::function<void(std::string_view)> sink);

} // namespace attn_grid

namespace ag = attn_grid;

#endif
