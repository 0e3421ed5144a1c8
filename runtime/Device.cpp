#include "attn_grid/device.hpp"
#include "attn_grid/error.hpp"
#include "runtime/Text.h"
#include <cstdlib>
#include <fmt/format.h>

namespace attn_grid {

Device Device::named(std::string_view name) {
  if (name == "cpu")
    return cpu();
  if (name == "cuda" || name.starts_with("cuda:") || name == "sim")
    throw Unsupported(fmt::format(
        "device `{}` is not part of this version, which runs on `cpu`", name));
  throw KeyError(fmt::format("no device is called `{}`{}", name,
                             detail::suggest(name, {"cpu", "cuda", "sim"})));
}

Device Device::from_environment() {
  const char *name = std::getenv("AG_DEVICE");
  return name && *name ? named(name) : best();
}

std::string Device::name() const { return "cpu"; }

} // namespace attn_grid
