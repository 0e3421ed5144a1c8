#ifndef AG_RUNTIME_INLINE_H
#define AG_RUNTIME_INLINE_H
/// An array whose size is known when it is made, on the stack if it is small:
/// a launch of an ordinary kernel allocates nothing.

#include <cstddef>
#include <memory>
#include <span>

namespace attn_grid::detail {

/// `size` elements, equal to `value` at first; on the heap beyond `Capacity`.
template <class T, size_t Capacity> class Inline {
public:
  explicit Inline(size_t size, const T &value = T()) : size_(size) {
    if (size > Capacity) {
      heap_ = std::make_unique<T[]>(size);
      data_ = heap_.get();
    }
    for (size_t i = 0; i < size; ++i)
      data_[i] = value;
  }
  Inline(const Inline &) = delete;
  Inline &operator=(const Inline &) = delete;

  size_t size() const { return size_; }
  T *data() { return data_; }
  T &operator[](size_t i) { return data_[i]; }
  const T &operator[](size_t i) const { return data_[i]; }
  T *begin() { return data_; }
  T *end() { return data_ + size_; }
  const T *begin() const { return data_; }
  const T *end() const { return data_ + size_; }
  operator std::span<const T>() const { return {data_, size_}; }

private:
  size_t size_;
  T near_[Capacity];
  T *data_ = near_;
  std::unique_ptr<T[]> heap_;
};

} // namespace attn_grid::detail

#endif
