#ifndef AG_RUNTIME_BINDER_H
#define AG_RUNTIME_BINDER_H
/// Binds a launch's arguments to a kernel's signature, and checks everything
/// that the signature says, before anything is written.
///
///   Binder binder(kernel, args);
///   binder.bind();         // throws what spec/INDEX.md 0.4 names
///   binder.key_words();    // then: which variant, which slots, which grid
///
/// The order matters: dtypes, then extents from plain dimensions, then consts
/// (which extents may bind), then scalars, then all that is computed from
/// these.

#include "runtime/Evaluate.h"
#include "runtime/Inline.h"
#include "runtime/KernelState.h"
#include "runtime/Overlap.h"
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace attn_grid::detail {

/// No extent reaches this.
inline constexpr int64_t extent_limit = int64_t(1) << 30;

class Binder {
public:
  /// With `partial`, arguments that are required may be missing, and what they
  /// would bind stays unbound.
  Binder(const KernelState &kernel, std::span<const Arg> args,
         bool partial = false);

  /// Binds and checks all of it.
  void bind();
  /// Binds what the given arguments bind, and checks only that.
  void bind_partially();

  /// Outputs left away, not optional: the caller makes them.
  bool is_fresh(size_t param) const { return fresh_[param]; }
  bool is_present(size_t param) const { return present_[param]; }
  DType type_of(size_t param) const { return *resolve(params()[param].type); }
  /// The dtype that a reference names, or nothing while it is unbound.
  std::optional<DType> resolve(const TypeRef &type) const;
  /// The given tensor of a parameter, or null.
  const TensorView *tensor(size_t param) const {
    return args_[param] && args_[param]->kind() == Arg::Kind::tensor
               ? &args_[param]->tensor()
               : nullptr;
  }
  /// Where all tensors are; `cpu` if there is none.
  Device device() const { return device_; }
  Scalar scalar(size_t param) const { return *scalars_[param]; }
  /// What a tuning file says of launches like this one, with values for the
  /// consts of `choice`.
  TunedConsts
  describe_tuning(std::vector<std::pair<size_t, Scalar>> choice) const;
  /// An extent, or -1 while it is unbound.
  int64_t extent(size_t index) const { return extents_[index]; }
  uint32_t programs() const { return programs_; }
  /// The value of an expression of the signature; messages call it `what`, and
  /// `what` of `name` if that is not empty.
  Scalar value_of(const Expr &expr, std::string_view what,
                  std::string_view name = {}) const;
  /// The sizes of a tensor that the host must make or may ask for.
  Dims sizes_of(size_t param) const;
  /// Names that the expressions of a parameter need and nothing binds.
  std::vector<std::string> missing_for(size_t param) const;

  /// -1, 0 or 1, as `Specialization::last_stride`.
  int last_stride(size_t param) const;
  /// As `Specialization::regular`, of tensors on any device.
  bool is_regular(size_t param) const;
  Specialization specialization() const;
  const Signature &signature() const { return kernel_.signature; }
  const std::optional<Scalar> &constant(size_t index) const {
    return consts_[index];
  }
  /// Throws: an extent that the launch needs is not bound.
  [[noreturn]] void throw_unbound(const std::string &name,
                                  std::string_view what) const;

private:
  const std::vector<Param> &params() const { return signature().params; }
  std::string prefix() const { return kernel_.prefix(); }
  Environment environment() const;

  // BindArguments.cpp
  void assign_arguments(std::span<const Arg> args);
  bool assign_extent(const Arg &arg);
  size_t param_named(std::string_view name) const;
  void check_kinds();
  void check_presence();
  void bind_types();
  void bind_type(size_t param, const TensorView &tensor);
  void check_acc_types();
  void default_types();

  // BindShapes.cpp
  void bind_extents();
  void bind_dim(size_t param, int dim, int64_t size);
  void bind_consts();
  void bind_const(size_t index);
  void take_tuned();
  bool is_for_this(const TunedConsts &tuned) const;
  void bind_scalars();
  Scalar convert_scalar(size_t param, Scalar value) const;
  void check_dims();
  void check_where();
  void bind_grid();
  std::string values_in(const Expr &expr) const;
  std::string binder_of(int extent) const;

  // CheckMemory.cpp
  void check_memory() const;
  void bind_device();
  void check_tensor(size_t param, const TensorView &tensor) const;
  void check_overlap(size_t written, std::span<const ByteRange> ranges) const;

  const KernelState &kernel_;
  bool partial_;
  // Per parameter.
  Inline<const Arg *, 16> args_; // null: left away
  Inline<uint8_t, 16> present_;
  Inline<uint8_t, 16> fresh_;
  Inline<std::optional<Scalar>, 16> scalars_;
  // Per type, const and extent.
  Inline<std::optional<DType>, 8> types_;
  Inline<int, 8> type_binder_; // the parameter, or -1: bound by name
  Inline<std::optional<Scalar>, 16> consts_;
  Inline<int64_t, 24> extents_; // -1: unbound
  Inline<int, 24> extent_binder_;
  uint32_t programs_ = 0;
  Device device_;
};

} // namespace attn_grid::detail

#endif
