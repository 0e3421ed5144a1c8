// Views and their algebra, and access to single elements.

#include "attn_grid/tensor.hpp"
#include "attn_grid/error.hpp"
#include "runtime/HostCopy.h"
#include "runtime/OutOfMemory.h"
#include "runtime/Overlap.h"
#include "runtime/cuda/Gpu.h"
#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace attn_grid {

std::string to_string(const Dims &dims) try {
  return fmt::format("[{}]", fmt::join(dims.begin(), dims.end(), ", "));
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

void detail::throw_rank(size_t rank) try {
  throw InvalidArgument(fmt::format(
      "a tensor has at most {} dimensions, found {}", max_rank, rank));
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

/// Row-major strides. A size of 0 counts as 1, as NumPy does.
static Dims row_major(const Dims &sizes) try {
  Dims strides = Dims::filled(sizes.rank(), 1);
  for (int dim = sizes.rank() - 2; dim >= 0; --dim)
    if (__builtin_mul_overflow(strides[dim + 1],
                               std::max<int64_t>(sizes[dim + 1], 1),
                               &strides[dim]))
      throw InvalidArgument(fmt::format(
          "a tensor of sizes {} has too many elements", to_string(sizes)));
  return strides;
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

/// Throws unless every element is within 2^62 bytes of the first.
static void check_reach(DType dtype, const Dims &sizes,
                        const Dims &strides) try {
  if (sizes.rank() != strides.rank())
    throw InvalidArgument(fmt::format(
        "expected a stride for each of {} dimensions, found {} strides",
        sizes.rank(), strides.rank()));
  for (int64_t size : sizes)
    if (size < 0)
      throw InvalidArgument(
          fmt::format("a size is negative in {}", to_string(sizes)));
  if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end())
    return;
  constexpr __int128 limit = __int128(1) << 62;
  __int128 reach = 0, count = 1;
  for (int dim = 0; dim < sizes.rank(); ++dim) {
    __int128 stride = strides[dim];
    reach += (stride < 0 ? -stride : stride) * (sizes[dim] - 1);
    count *= sizes[dim];
    if (reach * size_of(dtype) >= limit || count >= limit)
      throw InvalidArgument(
          fmt::format("a tensor of sizes {} and strides {} is too large",
                      to_string(sizes), to_string(strides)));
  }
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

TensorView::TensorView() : sizes_{0}, strides_{1} {}

TensorView::TensorView(void *data, DType dtype, const Dims &sizes,
                       Device device)
    : TensorView(data, dtype, sizes, row_major(sizes), device) {}

TensorView::TensorView(void *data, DType dtype, const Dims &sizes,
                       const Dims &strides, Device device)
    : data_(data), dtype_(dtype), device_(device), sizes_(sizes),
      strides_(strides) {
  check_reach(dtype, sizes, strides);
}

int64_t TensorView::elements() const {
  // A 0 first: without it the product of the others may be anything.
  int64_t count = 1;
  for (int64_t size : sizes_)
    if (size == 0)
      return 0;
  for (int64_t size : sizes_)
    count *= size;
  return count;
}

bool TensorView::is_contiguous() const {
  int64_t expected = 1;
  for (int dim = rank() - 1; dim >= 0; --dim) {
    if (sizes_[dim] == 0)
      return true;
    if (sizes_[dim] == 1)
      continue;
    if (strides_[dim] != expected)
      return elements() == 0;
    expected *= sizes_[dim];
  }
  return true;
}

void TensorView::throw_dim(int dim) const try {
  throw OutOfRange(
      fmt::format("dimension {} of a tensor of rank {}", dim, rank()));
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

void TensorView::check_dtype(std::optional<DType> wanted) const try {
  if (!wanted)
    throw DTypeError("no element type has the format of this C++ type");
  if (*wanted != dtype_)
    throw DTypeError(fmt::format("expected elements of {}, found {}",
                                 name_of(*wanted), name_of(dtype_)));
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

std::byte *TensorView::address_of(const Dims &index) const try {
  if (index.rank() != rank())
    throw OutOfRange(fmt::format("expected an index of {} dimensions, found {}",
                                 rank(), to_string(index)));
  int64_t offset = 0;
  for (int dim = 0; dim < rank(); ++dim) {
    if (index[dim] < 0 || index[dim] >= sizes_[dim])
      throw OutOfRange(fmt::format("index {} is outside of sizes {}",
                                   to_string(index), to_string(sizes_)));
    offset += index[dim] * strides_[dim];
  }
  return static_cast<std::byte *>(data_) +
         offset * static_cast<int64_t>(size_of(dtype_));
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

Scalar TensorView::get(const Dims &index) const try {
  TensorView element(address_of(index), dtype_, {}, device_);
  return detail::load_element(dtype_,
                              detail::HostCopy(element).elements().data);
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

void TensorView::set(const Dims &index, Scalar value) const try {
  TensorView element(address_of(index), dtype_, {}, device_);
  detail::HostCopy host(element, detail::HostCopy::Contents::unspecified);
  detail::store_element(dtype_, host.elements().data, value);
  host.write_back();
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

double TensorView::item() const try {
  if (elements() != 1)
    throw InvalidArgument(
        fmt::format("item() needs a tensor of one element, found sizes {}",
                    to_string(sizes_)));
  return at(Dims::filled(rank(), 0));
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

std::vector<double> TensorView::to_vector() const try {
  std::vector<double> values(static_cast<size_t>(elements()));
  if (!values.empty())
    detail::copy_elements(
        sizes_,
        {reinterpret_cast<std::byte *>(values.data()), f64, row_major(sizes_)},
        detail::HostCopy(*this).elements());
  return values;
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

/// Replaces the one -1 of `sizes` by what makes `elements`.
static Dims resolve_sizes(const Dims &sizes, const TensorView &tensor) try {
  Dims result = sizes;
  int64_t known = 1;
  int unknown = -1;
  auto mismatch = [&] {
    throw InvalidArgument(
        fmt::format("cannot view sizes {} as {}: the counts differ",
                    to_string(tensor.sizes()), to_string(sizes)));
  };
  for (int dim = 0; dim < sizes.rank(); ++dim) {
    if (sizes[dim] == -1 && unknown < 0)
      unknown = dim;
    else if (sizes[dim] < 0 ||
             __builtin_mul_overflow(known, sizes[dim], &known))
      mismatch();
  }
  int64_t elements = tensor.elements();
  if (unknown >= 0) {
    if (known == 0 || elements % known != 0)
      mismatch();
    result[unknown] = elements / known;
  } else if (known != elements) {
    mismatch();
  }
  return result;
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

TensorView TensorView::view(const Dims &wanted) const try {
  Dims sizes = resolve_sizes(wanted, *this);
  if (elements() == 0)
    return TensorView(data_, dtype_, sizes, device_);
  // Runs of dimensions that step as one dimension would are cut anew; each run
  // must hold whole dimensions of the result.
  Dims strides = Dims::filled(sizes.rank(), 1);
  int next = sizes.rank() - 1;
  for (int dim = rank() - 1; dim >= 0;) {
    int64_t run = sizes_[dim], step = strides_[dim];
    int outer = dim - 1;
    for (; outer >= 0; --outer) {
      if (sizes_[outer] == 1)
        continue;
      if (run == 1) {
        run = sizes_[outer];
        step = strides_[outer];
      } else if (strides_[outer] == step * run) {
        run *= sizes_[outer];
      } else {
        break;
      }
    }
    dim = outer;
    int64_t taken = 1;
    while (next >= 0 && (taken < run || sizes[next] == 1)) {
      strides[next] = step * taken;
      taken *= sizes[next--];
    }
    if (taken != run)
      throw InvalidArgument(fmt::format(
          "sizes {} with strides {} cannot be viewed as {} without a copy: "
          "call contiguous() first",
          to_string(sizes_), to_string(strides_), to_string(sizes)));
  }
  return TensorView(data_, dtype_, sizes, strides, device_);
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

TensorView TensorView::transpose(int a, int b) const {
  TensorView result = *this;
  a = checked_dim(a);
  b = checked_dim(b);
  std::swap(result.sizes_[a], result.sizes_[b]);
  std::swap(result.strides_[a], result.strides_[b]);
  return result;
}

TensorView TensorView::permute(const Dims &order) const try {
  TensorView result = *this;
  bool used[max_rank] = {};
  bool valid = order.rank() == rank();
  for (int dim = 0; valid && dim < rank(); ++dim) {
    int64_t from = order[dim];
    valid = from >= 0 && from < rank() && !used[from];
    if (!valid)
      break;
    used[from] = true;
    result.sizes_[dim] = sizes_[static_cast<int>(from)];
    result.strides_[dim] = strides_[static_cast<int>(from)];
  }
  if (!valid)
    throw InvalidArgument(fmt::format("{} is no order of {} dimensions",
                                      to_string(order), rank()));
  return result;
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

TensorView TensorView::slice(int dim, int64_t begin, int64_t end,
                             int64_t step) const try {
  dim = checked_dim(dim);
  if (begin < 0 || begin > end || end > sizes_[dim] || step < 1)
    throw OutOfRange(
        fmt::format("slice {} .. {} step {} of dimension {} of sizes {}", begin,
                    end, step, dim, to_string(sizes_)));
  TensorView result = *this;
  int64_t count = begin == end ? 0 : (end - begin - 1) / step + 1;
  result.sizes_[dim] = count;
  // With fewer than two elements the stride says nothing, and may overflow.
  if (count > 1)
    result.strides_[dim] *= step;
  if (elements() > 0 && count > 0)
    result.data_ = static_cast<std::byte *>(data_) +
                   begin * strides_[dim] * int64_t(size_of(dtype_));
  return result;
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

TensorView TensorView::select(int dim, int64_t index) const try {
  dim = checked_dim(dim);
  if (index < 0 || index >= sizes_[dim])
    throw OutOfRange(fmt::format("index {} of dimension {} of sizes {}", index,
                                 dim, to_string(sizes_)));
  TensorView part = slice(dim, index, index + 1);
  TensorView result = part;
  result.sizes_ = result.strides_ = {};
  for (int i = 0; i < rank(); ++i) {
    if (i == dim)
      continue;
    result.sizes_.push_back(part.sizes_[i]);
    result.strides_.push_back(part.strides_[i]);
  }
  return result;
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

TensorView TensorView::unsqueeze(int dim) const {
  int wrapped = dim < 0 ? dim + rank() + 1 : dim;
  if (wrapped < 0 || wrapped > rank())
    throw_dim(dim);
  TensorView result = *this;
  result.sizes_ = result.strides_ = {};
  for (int i = 0; i <= rank(); ++i) {
    if (i == wrapped) {
      result.sizes_.push_back(1);
      result.strides_.push_back(0);
    }
    if (i < rank()) {
      result.sizes_.push_back(sizes_[i]);
      result.strides_.push_back(strides_[i]);
    }
  }
  return result;
}

TensorView TensorView::expand(const Dims &wanted) const try {
  Dims sizes = wanted, strides = Dims::filled(wanted.rank(), 0);
  int added = wanted.rank() - rank();
  bool valid = added >= 0;
  for (int dim = 0; valid && dim < wanted.rank(); ++dim) {
    if (dim < added) {
      valid = wanted[dim] >= 0;
      continue;
    }
    int64_t own = sizes_[dim - added];
    if (wanted[dim] == -1 || wanted[dim] == own) {
      sizes[dim] = own;
      strides[dim] = strides_[dim - added];
    } else {
      valid = own == 1 && wanted[dim] >= 0;
    }
  }
  if (!valid)
    throw InvalidArgument(fmt::format("cannot expand sizes {} to {}",
                                      to_string(sizes_), to_string(wanted)));
  return TensorView(data_, dtype_, sizes, strides, device_);
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

void TensorView::copy_from(const TensorView &source) const try {
  if (source.sizes() != sizes_)
    throw InvalidArgument(fmt::format("cannot copy sizes {} to sizes {}",
                                      to_string(source.sizes()),
                                      to_string(sizes_)));
  if (elements() == 0)
    return;
  if (detail::overlaps_itself(*this) ||
      (device_ == source.device() && detail::overlap(*this, source)))
    throw InvalidArgument("cannot copy: the tensors share elements");
  detail::HostCopy target(*this, detail::HostCopy::Contents::unspecified);
  detail::copy_elements(sizes_, target.elements(),
                        detail::HostCopy(source).elements());
  target.write_back();
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

/// An element whose bits a device can write by itself.
struct Pattern {
  uint32_t bits;
  size_t bytes; // 1, 2 or 4
};

/// The value as an element of 4 bytes at most. One of 8 is two equal halves, or
/// nothing.
static std::optional<Pattern> pattern_of(DType dtype, Scalar value) {
  std::byte element[8];
  detail::store_element(dtype, element, value);
  size_t bytes = size_of(dtype);
  Pattern pattern{0, std::min<size_t>(bytes, 4)};
  std::memcpy(&pattern.bits, element, pattern.bytes);
  if (bytes == 8 && std::memcmp(element, element + 4, 4) != 0)
    return std::nullopt;
  return pattern;
}

void TensorView::fill(Scalar value) const try {
  if (elements() == 0)
    return;
  if (device_ != Device::cpu() && is_contiguous())
    if (std::optional<Pattern> pattern = pattern_of(dtype_, value))
      return detail::Gpu::of(device_).fill(
          data_, pattern->bits, pattern->bytes,
          static_cast<size_t>(elements()) * size_of(dtype_) / pattern->bytes);
  detail::HostCopy target(*this, detail::HostCopy::Contents::unspecified);
  detail::fill_elements(sizes_, target.elements(), value);
  target.write_back();
} catch (const std::bad_alloc &) {
  detail::throw_out_of_memory();
}

Tensor TensorView::convert(DType dtype) const {
  Tensor result = Tensor::empty(sizes_, dtype, device_);
  if (elements() > 0)
    result.copy_from(*this);
  return result;
}

Tensor TensorView::clone() const { return convert(dtype_); }

Tensor TensorView::contiguous() const { return clone(); }

Tensor Tensor::contiguous() const {
  return is_contiguous() ? *this : TensorView::contiguous();
}

Tensor Tensor::to(Device device) const {
  if (device == this->device())
    return *this;
  Tensor result = empty(sizes(), dtype(), device);
  if (elements() > 0)
    result.copy_from(*this);
  return result;
}

} // namespace attn_grid
