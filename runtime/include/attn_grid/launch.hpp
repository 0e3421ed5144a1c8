#ifndef ATTN_GRID_LAUNCH_HPP
#define ATTN_GRID_LAUNCH_HPP
/// Kernels and their launches.
///
///   ag::Kernel kernel = module.kernel("flash_fwd", {{"causal", true}});
///   kernel(q, k, v, ag::out(o), ag::out(lse), 0.125f);    // by position
///   kernel(q, k, v, ag::out("o", o), ag::arg("scale", 0.125f));
///   ag::Tensor fresh = kernel(q, k, v)["o"];              // made by the call
///
/// Arguments go by position, then by name. `ag::none` (or `std::nullopt`, or
/// nothing) leaves an optional tensor away; scalars with a default may be left
/// away; an `out` that is left away becomes a fresh tensor. What a kernel
/// writes is marked with `ag::out`, so that no call writes what it does not
/// show. Every check runs before anything is written.

#include "attn_grid/signature.hpp"
#include "attn_grid/target.hpp"
#include "attn_grid/tensor.hpp"
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace attn_grid {

/// An optional tensor that is not there.
struct None {};
inline constexpr None none;

/// One argument of a launch.
class Arg {
public:
  enum class Kind : uint8_t { absent, tensor, scalar };

  Arg(None) {}
  Arg(std::nullopt_t) {}
  Arg(const TensorView &tensor) : kind_(Kind::tensor), tensor_(tensor) {}
  Arg(Scalar scalar) : kind_(Kind::scalar), scalar_(scalar) {}
  template <class T>
    requires(std::is_arithmetic_v<T> && std::constructible_from<Scalar, T>)
  Arg(T value) : Arg(Scalar(value)) {}
  template <class T>
    requires std::constructible_from<Arg, const T &>
  Arg(const std::optional<T> &value) : Arg(none) {
    if (value)
      *this = Arg(*value);
  }

  Kind kind() const { return kind_; }
  /// May the kernel write it?
  bool written() const { return written_; }
  /// The parameter's name, or empty for an argument by position.
  std::string_view name() const { return name_; }
  const TensorView &tensor() const { return tensor_; }
  Scalar scalar() const { return scalar_; }

private:
  friend Arg arg(std::string_view, Arg);
  friend Arg out(Arg);

  Kind kind_ = Kind::absent;
  bool written_ = false;
  std::string_view name_;
  Scalar scalar_ = false;
  TensorView tensor_;
};

/// An argument by name. The characters of `name` outlive the call.
inline Arg arg(std::string_view name, Arg value) {
  value.name_ = name;
  return value;
}
/// A tensor that the kernel may write: for `out` and `inout` parameters.
inline Arg out(Arg tensor) {
  tensor.written_ = true;
  return tensor;
}
/// The same, by name.
inline Arg out(std::string_view name, Arg tensor) {
  return arg(name, out(std::move(tensor)));
}

/// What a function parameter stands for, in the kernel language.
struct Function {
  std::string text;
};
/// The name of a `fn` that the kernel's file sees, `grad(name)`, or a function
/// written out: `ag::fn("fn(s: f32, i: int) -> f32 { return s * 0.5; }")`. It
/// sees what a file sees that imports the kernel's.
inline Function fn(std::string_view text) { return {std::string(text)}; }

/// A const, a dtype, a function, or an extent that no given tensor mentions, by
/// name; or a variant, which has none.
struct Binding {
  /// Several functions at once, and tensors: see `variant`.
  struct Variant {
    std::string text;
  };
  std::string name; // empty: a variant
  std::variant<Scalar, DType, Function, Variant> value;

  Binding(std::string_view name, DType dtype) : name(name), value(dtype) {}
  Binding(std::string_view name, Function function)
      : name(name), value(std::move(function)) {}
  explicit Binding(Variant variant) : value(std::move(variant)) {}
  template <class T>
    requires std::constructible_from<Scalar, T>
  Binding(std::string_view name, T number)
      : name(name), value(Scalar(number)) {}
};
using Bindings = std::vector<Binding>;

/// Binds the functions of a `variant` and appends its parameters to the
/// kernel's: a name that the kernel's file sees, or one written out.
///
///   module.kernel("flash", {{"causal", true}, ag::variant("alibi")});
inline Binding variant(std::string_view text) {
  return Binding(Binding::Variant{std::string(text)});
}

/// The tensors that a launch made for `out` parameters left away, in the
/// signature's order.
class AG_API Results {
public:
  int size() const { return static_cast<int>(tensors_.size()); }
  bool empty() const { return tensors_.empty(); }
  /// By position among the fresh ones. Throws `OutOfRange`.
  const Tensor &operator[](int position) const;
  /// By the parameter's name. Throws `KeyError`.
  const Tensor &operator[](std::string_view name) const;
  const Tensor &operator[](const char *name) const {
    return (*this)[std::string_view(name)];
  }
  const std::string &name(int position) const;
  /// Was there one of that name?
  bool contains(std::string_view name) const;
  /// The only one. Throws `InvalidArgument` if there is none, or several.
  operator Tensor() const;
  void add(std::string name, Tensor tensor) {
    tensors_.emplace_back(std::move(name), std::move(tensor));
  }

private:
  std::vector<std::pair<std::string, Tensor>> tensors_;
};

/// Which compiled variant a launch runs.
struct VariantInfo {
  std::string key;       ///< kernel and bindings, as text
  double compile_ms = 0; ///< what making it took, perhaps long ago
  bool cached = false;   ///< was it there already?
  /// Did this process find it on disk?
  bool from_disk = false;
};

/// What a launch is compiled for, and what it knows beside: for tools that call
/// the compiler themselves.
struct LaunchDescription {
  Specialization what;
  Target target;
  /// Extents and integer scalars, by name.
  std::vector<std::pair<std::string, int64_t>> values;
};

/// What a parameter looks like, as far as the given arguments tell.
struct ExpectedParam {
  bool known = false; ///< are `dtype` and `sizes` meaningful?
  DType dtype = f32;
  Dims sizes; ///< of a tensor
  /// Names of the extents, consts and dtypes that nothing binds yet.
  std::vector<std::string> missing;
};

namespace detail {
class KernelState;
class PreparedState;
} // namespace detail

/// A launch whose arguments are checked and bound; running it looks nothing
/// up. The caller keeps the tensors it named alive. Not to be run by two
/// threads at once: it would write the same tensors.
class AG_API Launch {
public:
  /// Fills and runs. Throws `BackendError` if the kernel fails.
  void operator()() const;
  /// The tensors made for outputs that were left away.
  const Results &results() const;
  VariantInfo variant() const;
  /// How many programs one run has.
  int64_t programs() const;

private:
  friend class Kernel;
  explicit Launch(std::shared_ptr<const detail::PreparedState> state)
      : state_(std::move(state)) {}
  std::shared_ptr<const detail::PreparedState> state_;
};

/// A kernel of a module, with what `Module::kernel` bound by name. A cheap
/// handle; thread-safe.
class AG_API Kernel {
public:
  const Signature &signature() const;
  const std::string &name() const { return signature().name; }

  /// Checks the arguments, compiles if these types and consts are new, runs,
  /// and returns what it made for outputs left away.
  template <class... Args> Results operator()(const Args &...args) const {
    const std::array<Arg, sizeof...(Args)> list{Arg(args)...};
    return launch(list);
  }
  /// The same for a list.
  Results launch(std::span<const Arg> args) const;

  /// Checks, compiles and binds, and runs nothing.
  template <class... Args> Launch prepare(const Args &...args) const {
    const std::array<Arg, sizeof...(Args)> list{Arg(args)...};
    return prepare_list(list);
  }
  /// The same for a list.
  Launch prepare_list(std::span<const Arg> args) const;

  /// Which variant a launch with these arguments runs; compiles it if needed.
  template <class... Args> VariantInfo variant(const Args &...args) const {
    return prepare(args...).variant();
  }
  /// What each parameter must look like beside these arguments, of which any
  /// may be missing. Throws as a launch does if those given disagree.
  std::vector<ExpectedParam> expect(std::span<const Arg> args) const;

  /// What a launch with these arguments is compiled for; compiles nothing.
  /// Throws as a launch does.
  LaunchDescription describe(std::span<const Arg> args) const;

  /// The line of a tuning file that gives launches with arguments like these
  /// the values of `consts`, by name, which took `milliseconds`. Throws as a
  /// launch does, and `KeyError` for what is no const.
  std::string tuning(std::span<const Arg> args,
                     const std::vector<std::pair<std::string, int64_t>> &consts,
                     double milliseconds) const;

private:
  friend class Module;
  explicit Kernel(std::shared_ptr<const detail::KernelState> state)
      : state_(std::move(state)) {}
  std::shared_ptr<const detail::KernelState> state_;
};

} // namespace attn_grid

namespace ag = attn_grid;

#endif
