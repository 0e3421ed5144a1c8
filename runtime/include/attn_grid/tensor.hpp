#ifndef ATTN_GRID_TENSOR_HPP
#define ATTN_GRID_TENSOR_HPP
/// Tensors: strided arrays in the memory of a device.
///
///   ag::Tensor q = ag::Tensor::randn({2, 8, 1024, 64}, ag::bf16);
///   ag::Tensor t = q.transpose(1, 2);           // shares q's memory
///   ag::Tensor c = t.contiguous().convert(ag::f32);
///   double x = c.at({0, 3, 1, 5});
///   c.to_npy("c.npy");
///
/// A `TensorView` is pointer, dtype, sizes, strides (in elements, 0 repeats)
/// and device; it owns nothing. A `Tensor` is a view together with a share of
/// the memory it looks at: copying a `Tensor` copies no element, and so do all
/// functions below but `contiguous`, `clone` and `convert`. Reading and writing
/// of elements from several threads is ordered by the caller, all else is
/// thread-safe.

#include "attn_grid/device.hpp"
#include "attn_grid/dims.hpp"
#include "attn_grid/dtype.hpp"
#include "attn_grid/scalar.hpp"
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace attn_grid {

class Tensor;

namespace detail {
/// The element type that has the memory format of the C++ type.
template <class T> constexpr std::optional<DType> dtype_of() {
  if constexpr (std::same_as<T, bool>)
    return DType::boolean;
  else if constexpr (std::same_as<T, float>)
    return DType::f32;
  else if constexpr (std::same_as<T, double>)
    return DType::f64;
  else if constexpr (std::signed_integral<T>)
    return sizeof(T) == 1   ? DType::i8
           : sizeof(T) == 2 ? DType::i16
           : sizeof(T) == 4 ? DType::i32
                            : DType::i64;
  else if constexpr (std::unsigned_integral<T> && sizeof(T) < 8)
    return sizeof(T) == 1   ? DType::u8
           : sizeof(T) == 2 ? DType::u16
                            : DType::u32;
  else
    return std::nullopt;
}
} // namespace detail

/// A strided array that someone else owns.
class AG_API TensorView {
public:
  /// An f32 of no elements, of sizes [0].
  TensorView();
  /// Elements in row-major order.
  TensorView(void *data, DType dtype, const Dims &sizes, Device device = {});
  /// Throws `InvalidArgument` for a negative size, if sizes and strides differ
  /// in rank, or if the last element lies beyond what 64 bits address. A
  /// negative stride can be stated, and no kernel takes it.
  TensorView(void *data, DType dtype, const Dims &sizes, const Dims &strides,
             Device device = {});

  void *data() const { return data_; }
  DType dtype() const { return dtype_; }
  Device device() const { return device_; }
  int rank() const { return sizes_.rank(); }
  const Dims &sizes() const { return sizes_; }
  const Dims &strides() const { return strides_; }
  /// The size of one dimension; -1 is the last. Throws `OutOfRange`.
  int64_t size(int dim) const { return sizes_[checked_dim(dim)]; }
  /// The stride of one dimension, in elements. Throws `OutOfRange`.
  int64_t stride(int dim) const { return strides_[checked_dim(dim)]; }
  /// How many elements there are: the product of the sizes.
  int64_t elements() const;
  /// Are the elements in row-major order, without gaps?
  bool is_contiguous() const;

  /// The data as the C++ type of the dtype. Throws `DTypeError` for another.
  template <class T> T *data_as() const {
    check_dtype(detail::dtype_of<T>());
    return static_cast<T *>(data_);
  }
  /// One element, as a double. Throws `OutOfRange`.
  double at(const Dims &index) const { return get(index).number(); }
  /// One element, exactly. Throws `OutOfRange`.
  Scalar get(const Dims &index) const;
  /// Writes one element, converted as `cast` does. Throws `OutOfRange`.
  void set(const Dims &index, Scalar value) const;
  /// The element of a tensor that has one. Throws `InvalidArgument`.
  double item() const;
  /// All elements in row-major order.
  std::vector<double> to_vector() const;

  /// The same elements with other sizes, one of which may be -1. Throws
  /// `InvalidArgument` if the count differs or the strides do not allow it
  /// (then `contiguous()` comes first).
  TensorView view(const Dims &sizes) const;
  /// Swaps two dimensions; negative ones count from the end.
  TensorView transpose(int a = -1, int b = -2) const;
  /// Dimension i of the result is dimension `order[i]` of this.
  TensorView permute(const Dims &order) const;
  /// The elements `begin`, `begin + step`, ... below `end` of one dimension.
  /// Throws `OutOfRange` unless 0 <= begin <= end <= size and step >= 1.
  TensorView slice(int dim, int64_t begin, int64_t end, int64_t step = 1) const;
  /// One index of a dimension, which is dropped. Throws `OutOfRange`.
  TensorView select(int dim, int64_t index) const;
  /// A new dimension of size 1 in front of dimension `dim`.
  TensorView unsqueeze(int dim) const;
  /// Repeats dimensions of size 1, and adds dimensions in front, with stride 0.
  /// -1 keeps a size.
  TensorView expand(const Dims &sizes) const;

  /// A copy in row-major order.
  Tensor contiguous() const;
  /// A copy in row-major order.
  Tensor clone() const;
  /// A copy of another dtype: to a narrower float rounds to nearest even, to an
  /// integer truncates and saturates (NaN: 0), between integers wraps.
  Tensor convert(DType dtype) const;
  /// Copies the elements of `source`, converted as `convert` does. Throws
  /// `InvalidArgument` if the sizes differ or elements are shared.
  void copy_from(const TensorView &source) const;
  /// Sets every element.
  void fill(Scalar value) const;
  /// Writes a `.npy` file. A bf16 or 8-bit float is saved as f32. Throws
  /// `BackendError` if the file cannot be written.
  void to_npy(const std::string &path) const;
  /// The bytes that `to_npy` would write.
  std::string to_npy_bytes() const;

private:
  int checked_dim(int dim) const {
    int wrapped = dim < 0 ? dim + rank() : dim;
    if (wrapped < 0 || wrapped >= rank())
      throw_dim(dim);
    return wrapped;
  }
  [[noreturn]] void throw_dim(int dim) const;
  void check_dtype(std::optional<DType> wanted) const;
  std::byte *address_of(const Dims &index) const;

  void *data_ = nullptr;
  DType dtype_ = DType::f32;
  Device device_;
  Dims sizes_;
  Dims strides_;
};

/// A view with a share of the memory it looks at.
class AG_API Tensor : public TensorView {
public:
  /// An f32 of no elements, of sizes [0].
  Tensor() = default;
  /// `view`, whose memory `owner` keeps.
  Tensor(const TensorView &view, std::shared_ptr<void> owner)
      : TensorView(view), owner_(std::move(owner)) {}

  /// New memory, aligned to 64 bytes, with unspecified elements. Throws
  /// `InvalidArgument` for a negative size or a size beyond 2^62 bytes,
  /// `BackendError` if there is not so much memory.
  static Tensor empty(const Dims &sizes, DType dtype = f32, Device device = {});
  static Tensor zeros(const Dims &sizes, DType dtype = f32, Device device = {});
  static Tensor ones(const Dims &sizes, DType dtype = f32, Device device = {});
  static Tensor full(const Dims &sizes, Scalar value, DType dtype = f32,
                     Device device = {});
  /// Normal deviates: element i in row-major order depends on `seed` and i
  /// alone, and is the same in all dtypes up to rounding. Throws `DTypeError`
  /// unless `dtype` is a float.
  static Tensor randn(const Dims &sizes, DType dtype = f32, Device device = {},
                      uint64_t seed = 0);
  /// Uniform deviates of [low, high), the same in all float dtypes up to
  /// rounding; integers from `low` to `high`, both included; bools, half true.
  static Tensor uniform(const Dims &sizes, DType dtype = f32,
                        Device device = {}, uint64_t seed = 0, double low = 0,
                        double high = 1);
  /// 0, 1, 2, ... in row-major order, converted as `convert` does.
  static Tensor iota(const Dims &sizes, DType dtype = f32, Device device = {});
  /// Row-major elements from a list, converted as `convert` does. Throws
  /// `InvalidArgument` if there are more or fewer than the sizes say.
  static Tensor from_values(const Dims &sizes, std::span<const double> values,
                            DType dtype = f32, Device device = {});
  /// Reads a `.npy` file of bool, i8 to i64, u8 to u32, f16, f32 or f64, little
  /// endian. An array in Fortran order keeps its order, by its strides. Throws
  /// `BackendError` if the file cannot be read, `InvalidArgument` if it is
  /// damaged, `Unsupported` for other contents.
  static Tensor from_npy(const std::string &path, Device device = {});
  /// The same from memory; `name` is what messages call it.
  static Tensor from_npy_bytes(std::span<const std::byte> bytes,
                               const std::string &name = ".npy data",
                               Device device = {});

  /// What keeps the memory.
  const std::shared_ptr<void> &owner() const { return owner_; }
  /// The same elements on another device; itself if it is there already.
  Tensor to(Device device) const;
  /// Itself if it is in row-major order, else a copy that is.
  Tensor contiguous() const;

  Tensor view(const Dims &sizes) const {
    return {TensorView::view(sizes), owner_};
  }
  Tensor transpose(int a = -1, int b = -2) const {
    return {TensorView::transpose(a, b), owner_};
  }
  Tensor permute(const Dims &order) const {
    return {TensorView::permute(order), owner_};
  }
  Tensor slice(int dim, int64_t begin, int64_t end, int64_t step = 1) const {
    return {TensorView::slice(dim, begin, end, step), owner_};
  }
  Tensor select(int dim, int64_t index) const {
    return {TensorView::select(dim, index), owner_};
  }
  Tensor unsqueeze(int dim) const {
    return {TensorView::unsqueeze(dim), owner_};
  }
  Tensor expand(const Dims &sizes) const {
    return {TensorView::expand(sizes), owner_};
  }

private:
  std::shared_ptr<void> owner_;
};

} // namespace attn_grid

namespace ag = attn_grid;

#endif
