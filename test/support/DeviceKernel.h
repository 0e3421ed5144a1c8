#ifndef AG_TEST_SUPPORT_DEVICEKERNEL_H
#define AG_TEST_SUPPORT_DEVICEKERNEL_H
/// A kernel that tests call with tensors of the host, and that runs on the
/// device that AG_TEST_DEVICE names: so each test of a kernel is one of every
/// device. `tiles` is the CPU with code for AMX, emulated if need be.

#include "attn_grid/attn_grid.hpp"

#include <cstdint>
#include <vector>

namespace attn_grid::test {

/// The device that tests run kernels on; `cpu` without AG_TEST_DEVICE.
Device test_device();

/// A kernel on that device. Tensors keep sizes, strides and alignment there;
/// what is written comes back.
class DeviceKernel : public Kernel {
public:
  DeviceKernel(const Kernel &kernel) : Kernel(kernel) {}

  template <class... Args>
    requires(std::constructible_from<Arg, const Args &> && ...)
  Results operator()(const Args &...args) const {
    const std::array<Arg, sizeof...(Args)> list{Arg(args)...};
    return run(list);
  }

private:
  Results run(std::span<const Arg> args) const;
};

} // namespace attn_grid::test

#endif
