#include "attn_grid/device.hpp"
#include "attn_grid/error.hpp"
#include "runtime/OutOfMemory.h"
#include "runtime/Text.h"
#include "runtime/cuda/Gpu.h"
#include "runtime/host/HostStream.h"
#include <charconv>
#include <cstdlib>
#include <fmt/format.h>

namespace attn_grid {

Device Device::best() { return count(Kind::cuda) > 0 ? cuda() : cpu(); }

int Device::count(Kind kind) try {
  return kind == Kind::cpu ? 1 : detail::DriverLibrary::count(kind);
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

/// The number behind a name's colon; -1 if it is none.
static int index_of(std::string_view text) {
  int index = -1;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), index);
  bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && index >= 0 && index < 1024 ? index : -1;
}

Device Device::named(std::string_view name) try {
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
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

Device Device::from_environment() {
  const char *name = std::getenv("AG_DEVICE");
  return name && *name ? named(name) : best();
}

std::string Device::name() const try {
  if (kind_ == Kind::cpu)
    return "cpu";
  if (kind_ == Kind::sim && index_ == 0)
    return "sim";
  return fmt::format("{}:{}", kind_ == Kind::cuda ? "cuda" : "sim", index_);
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

std::string Device::description() const try {
  return kind_ == Kind::cpu ? name() : detail::Gpu::of(*this).description();
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

void Device::check() const try {
  if (kind_ != Kind::cpu)
    detail::Gpu::of(*this);
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

void Device::synchronize() const try {
  if (kind_ == Kind::cpu)
    detail::synchronize_host_streams();
  else
    detail::Gpu::of(*this).synchronize();
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

} // namespace attn_grid
