#include "test/support/DeviceKernel.h"

#include "test/support/TileCompiler.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <list>

namespace attn_grid::test {

Device test_device() {
  const char *name = std::getenv("AG_TEST_DEVICE");
  if (!name || !*name)
    return Device::cpu();
  if (std::string_view(name) != "tiles")
    return Device::named(name);
  return Device::cpu();
}

/// Before any kernel is read.
[[maybe_unused]] static const bool chosen = [] {
  const char *name = std::getenv("AG_TEST_DEVICE");
  if (name && std::string_view(name) == "tiles" && !compile_for_tiles()) {
    std::puts("skipped: the processor has no AVX512_BF16");
    std::exit(77);
  }
  return true;
}();

namespace {
/// A tensor's bytes from its first element to its last, on both sides.
struct Twin {
  Twin(const TensorView &tensor, Device device) : host(tensor) {
    constexpr int64_t line = 64; // keeps the alignment of what lies at `first`
    int64_t bytes = static_cast<int64_t>(size_of(tensor.dtype()));
    int64_t reach = bytes;
    for (int dim = 0; dim < tensor.rank(); ++dim)
      if (tensor.sizes()[dim] > 1)
        reach += (tensor.sizes()[dim] - 1) * tensor.strides()[dim] * bytes;
    int64_t shift = reinterpret_cast<intptr_t>(tensor.data()) % line;
    raw = Tensor::empty({reach + line}, u8, device);
    bytes_there = TensorView(static_cast<std::byte *>(raw.data()) + shift, u8,
                             {reach}, device);
    bytes_here = TensorView(tensor.data(), u8, {reach});
    there = TensorView(bytes_there.data(), tensor.dtype(), tensor.sizes(),
                       tensor.strides(), device);
    bytes_there.copy_from(bytes_here);
  }
  void bring_back() const { bytes_here.copy_from(bytes_there); }

  TensorView host, there;

private:
  Tensor raw;
  TensorView bytes_here, bytes_there;
};

/// The argument with another tensor.
Arg with(const Arg &given, const TensorView &tensor) {
  Arg made(tensor);
  if (given.written())
    made = out(made);
  return given.name().empty() ? made : arg(given.name(), made);
}

bool can_move(const TensorView &tensor) {
  return tensor.device() == Device::cpu() && tensor.data() &&
         tensor.elements() > 0 &&
         std::all_of(tensor.strides().begin(), tensor.strides().end(),
                     [](int64_t stride) { return stride >= 0; });
}
} // namespace

Results DeviceKernel::run(std::span<const Arg> args) const {
  Device device = test_device();
  if (device == Device::cpu())
    return launch(args);
  std::list<Twin> twins;
  std::vector<Arg> moved;
  std::vector<const Twin *> written;
  for (const Arg &given : args) {
    if (given.kind() != Arg::Kind::tensor) {
      moved.push_back(given);
      continue;
    }
    if (!can_move(given.tensor())) {
      // Without elements to move: any address is as good, if it is not read.
      TensorView empty(nullptr, given.tensor().dtype(), given.tensor().sizes(),
                       given.tensor().strides(), device);
      moved.push_back(with(given, empty));
      continue;
    }
    twins.emplace_back(given.tensor(), device);
    moved.push_back(with(given, twins.back().there));
    if (given.written())
      written.push_back(&twins.back());
  }
  Results made = launch(moved), results;
  for (const Twin *twin : written)
    twin->bring_back();
  for (int i = 0; i < made.size(); ++i)
    results.add(made.name(i), made[i].to(Device::cpu()));
  return results;
}

} // namespace attn_grid::test
