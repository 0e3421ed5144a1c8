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

/// A device, as a small value: `cpu`, NVIDIA GPUs as `cuda`, and `sim`, a GPU
/// in software that runs the same code with every access checked. Making the
/// value opens nothing; `check` tells whether the device is there.
class AG_API Device {
public:
  enum class Kind : uint8_t { cpu, cuda, sim };

  /// The host's processor.
  constexpr Device() = default;
  static constexpr Device cpu() { return Device(); }
  /// An NVIDIA GPU, by the driver's number.
  static constexpr Device cuda(int index = 0) {
    return Device(Kind::cuda, index);
  }
  /// The software GPU. `AG_SIM_ARCH` chooses which one it simulates.
  static constexpr Device sim(int index = 0) {
    return Device(Kind::sim, index);
  }
  /// The fastest device of this machine: `cuda:0` if there is one, else `cpu`.
  static Device best();
  /// The device of that name: "cpu", "cuda", "cuda:1", "sim". Throws `KeyError`
  /// for other names, and what `check` throws.
  static Device named(std::string_view name);
  /// The device that `AG_DEVICE` names, else `best()`.
  static Device from_environment();
  /// How many devices of a kind there are: 0 without a driver.
  static int count(Kind kind);

  constexpr Kind kind() const { return kind_; }
  /// Of devices of its kind, from 0.
  constexpr int index() const { return index_; }
  /// "cpu", "cuda:0", "sim".
  std::string name() const;
  /// What the device is called by its maker: "NVIDIA A100-SXM4-80GB", of `cpu`
  /// "cpu". Throws what `check` throws.
  std::string description() const;
  /// Throws `Unsupported`, with the reason, if the device cannot be used.
  void check() const;
  /// Waits until all launches on it have run, on any stream. Throws
  /// `BackendError` for what went wrong in them.
  void synchronize() const;

  friend constexpr bool operator==(Device, Device) = default;

private:
  constexpr Device(Kind kind, int index)
      : kind_(kind), index_(static_cast<int16_t>(index)) {}

  Kind kind_ = Kind::cpu;
  int16_t index_ = 0;
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
