#ifndef AG_RUNTIME_C_HANDLE_H
#define AG_RUNTIME_C_HANDLE_H
/// What the functions of `attn_grid/c.h` share: handles, the guard that turns
/// exceptions into codes, and checks of what C hands in.
///
/// A handle points to a slot of a pool. Slots are never given back to the
/// system, so that asking a freed handle whether it lives reads memory that is
/// there. A freed slot waits behind others before it is used again: the longer,
/// the more misuse is told.

#include "attn_grid/c.h"
#include "attn_grid/error.hpp"
#include "attn_grid/launch.hpp"
#include "attn_grid/module.hpp"
#include "attn_grid/stream.hpp"
#include "attn_grid/tensor.hpp"
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace attn_grid::c {

/// A slot: `Value`, and a tag that says whether it is there. All kinds begin
/// with the tag.
template <class Value, uint32_t live> struct Slot {
  using value_type = Value;
  static constexpr uint32_t live_tag = live;
  std::atomic<uint32_t> tag = 0;
  Slot *next = nullptr; // of the freed ones
  std::optional<Value> value;
};

/// A prepared launch with what C must not have to keep for it.
struct PreparedLaunch {
  Launch launch;
  VariantInfo variant;
  std::vector<std::shared_ptr<void>> owners;
};

} // namespace attn_grid::c

// The tags are words that memory seldom holds by chance.
struct ag_tensor : attn_grid::c::Slot<attn_grid::Tensor, 0xa65e0001> {
  static constexpr const char *name = "tensor";
};
struct ag_module : attn_grid::c::Slot<attn_grid::Module, 0xa65e0002> {
  static constexpr const char *name = "module";
};
struct ag_kernel : attn_grid::c::Slot<attn_grid::Kernel, 0xa65e0003> {
  static constexpr const char *name = "kernel";
};
struct ag_launch
    : attn_grid::c::Slot<attn_grid::c::PreparedLaunch, 0xa65e0004> {
  static constexpr const char *name = "launch";
};
struct ag_results : attn_grid::c::Slot<attn_grid::Results, 0xa65e0005> {
  static constexpr const char *name = "results";
};
struct ag_stream : attn_grid::c::Slot<attn_grid::Stream, 0xa65e0006> {
  static constexpr const char *name = "stream";
};
struct ag_event : attn_grid::c::Slot<attn_grid::Event, 0xa65e0007> {
  static constexpr const char *name = "event";
};

namespace attn_grid::c {

/// The slots of one kind.
template <class Handle> class Pool {
public:
  using Value = typename Handle::value_type;

  /// A slot without a value yet. Throws `std::bad_alloc`.
  Handle *reserve() {
    std::lock_guard lock(mutex_);
    if (waiting_ < kept_waiting)
      return &slots_.emplace_back();
    Handle *handle = first_;
    first_ = static_cast<Handle *>(handle->next);
    --waiting_;
    return handle;
  }
  static void set(Handle *handle, Value &&value) noexcept {
    handle->value.emplace(std::move(value));
    handle->tag.store(Handle::live_tag, std::memory_order_release);
  }
  /// Takes a slot back, with or without a value.
  void put_back(Handle *handle) noexcept {
    std::lock_guard lock(mutex_);
    handle->next = nullptr;
    if (waiting_ == 0)
      first_ = handle;
    else
      last_->next = handle;
    last_ = handle;
    ++waiting_;
  }
  /// Frees a handle; one that does not live is left alone.
  void free(Handle *handle) noexcept {
    uint32_t live = Handle::live_tag;
    if (!handle || !handle->tag.compare_exchange_strong(live, 0))
      return;
    // May call the host back, which may make handles: no lock is held.
    handle->value.reset();
    put_back(handle);
  }

private:
  static constexpr size_t kept_waiting = 64;
  std::mutex mutex_;
  std::deque<Handle> slots_;
  Handle *first_ = nullptr, *last_ = nullptr;
  size_t waiting_ = 0;
};

/// The pool of a kind. Never destroyed: handles may outlive `main`.
template <class Handle> Pool<Handle> &pool() {
  static auto *pool = new Pool<Handle>;
  return *pool;
}

/// Throws `InvalidArgument`: a handle that is null, or does not live.
[[noreturn]] void throw_handle(const void *handle, const char *name);
/// Throws `InvalidArgument`: a pointer called `name` is null.
[[noreturn]] void throw_null(const char *name);

/// The value of a handle.
template <class Handle>
const typename Handle::value_type &value_of(const Handle *handle) {
  if (!handle ||
      handle->tag.load(std::memory_order_acquire) != Handle::live_tag)
    throw_handle(handle, Handle::name);
  return *handle->value;
}
template <class T> T &need(T *pointer, const char *name) {
  if (!pointer)
    throw_null(name);
  return *pointer;
}

/// Inside a `catch`: keeps the message and gives the code.
ag_status caught() noexcept;

/// Runs `body`; an exception becomes a code and a message.
template <class Body> ag_status guarded(Body body) noexcept {
  try {
    body();
    return AG_OK;
  } catch (...) {
    return caught();
  }
}

/// Hands over what `body` makes, as a new handle. The handle's place comes
/// first, so that nothing can fail after `body` took something over.
template <class Handle, class Body>
ag_status make(Handle **made, Body body) noexcept {
  return guarded([&] {
    need(made, "made") = nullptr;
    Handle *handle = pool<Handle>().reserve();
    try {
      Pool<Handle>::set(handle, body());
    } catch (...) {
      pool<Handle>().put_back(handle);
      throw;
    }
    *made = handle;
  });
}

/// A text that must be there.
const char *text(const char *chars, const char *name);
Dims dims(int rank, const int64_t *values, const char *name);
DType dtype_of(ag_dtype dtype);
Device device_named(const char *name);
/// A number; `what` is what the message calls it.
Scalar scalar_of(const ag_value &value, const char *what);
ag_value value_of_scalar(Scalar scalar);

} // namespace attn_grid::c

#endif
