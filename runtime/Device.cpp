#include "attn_grid/device.hpp"
#include "attn_grid/error.hpp"
#include "runtime/Text.h"
#include "runtime/cuda/Gpu.h"
#include <charconv>
#include <cstdlib>
#include <fmt/format.h>

namespace attn_grid {

Device Device::best() { return count(Kind::cuda) > 0 ? cuda() : cpu(); }

int Device::count(Kind kind) {
  return kind == Kind::cpu ? 1 : detail::DriverLibrary::count(kind);
}

/// The number behind a name's colon; -1 if it is none.
static int index_of(std::string_view text) {
  int index = -1;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), index);
  bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && index >= 0 && index < 1024 ? index : -1;
}

Device Device::named(std::string_view name) {
  if (name == "cpu")
    return cpu();
  for (Kind kind : {Kind::cuda, Kind::sim}) {
    std::string_view kind_name = kind == Kind::cuda ? "cuda" : "sim";
    if (!name.starts_with(kind_name))
      continue;
    std::string_view rest = name.substr(kind_name.size());
    int index = rest.empty()          ? 0
                : rest.front() == ':' ? index_of(rest.substr(1))
                                      : -1;
    if (index < 0)
      continue;
    Device device(kind, index);
    device.check();
    return device;
  }
  throw KeyError(fmt::format("no device is called `{}`{}", name.substr(0, 64),
                             detail::suggest(name, {"cpu", "cuda", "sim"})));
}

Device Device::from_environment() {
  const char *name = std::getenv("AG_DEVICE");
  return name && *name ? named(name) : best();
}

std::string Device::name() const {
  if (kind_ == Kind::cpu)
    return "cpu";
  if (kind_ == Kind::sim && index_ == 0)
    return "sim";
  return fmt::format("{}:{}", kind_ == Kind::cuda ? "cuda" : "sim", index_);
}

std::string Device::description() const {
  return kind_ == Kind::cpu ? name() : detail::Gpu::of(*this).description();
}

void Device::check() const {
  if (kind_ != Kind::cpu)
    detail::Gpu::of(*this);
}

void Device::synchronize() const {
  if (kind_ != Kind::cpu)
    detail::Gpu::of(*this).synchronize();
}

} // namespace attn_grid
